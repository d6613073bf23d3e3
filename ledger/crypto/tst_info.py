"""What a time-stamp authority signs: TSTInfo (RFC 3161 section 2.4.2; GM/T 0033 has the same)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, SM3, Hash, HashAlgorithm

from ledger.crypto import der
from ledger.crypto.digests import CHUNK
from ledger.crypto.signed_data import digest_name, digest_of
from ledger.errors import InputError

DigestOf = Callable[[str], bytes]
"""What a time-stamp is about: its digest under a name of ``signed_data.DIGESTS``."""

_HASHES: dict[str, type[HashAlgorithm]] = {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512, "sm3": SM3}
_BOOLEAN = 0x01
_TIME = re.compile(rb"(\d{14})(\.\d{1,9})?Z")
_ONE = der.write(der.INTEGER, b"\x01")
_MILLIS, _MICROS = 0x80, 0x81
_TSA, _EXTENSIONS = 0xA0, 0xA1


def over(data: bytes) -> DigestOf:
    """``data`` as what a time-stamp is about."""
    return lambda name: digest_of(name, data)


def over_file(path: Path) -> DigestOf:
    """As ``over`` for a file of any size, read when its digest is asked for.

    Raises (when asked):
        InputError: ``DIGEST_FILE`` if the file cannot be read.
    """

    def digest(name: str) -> bytes:
        found = Hash(_HASHES[name]())
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    found.update(chunk)
        except OSError as error:
            raise InputError("DIGEST_FILE", file=path.name, reason=error.strerror) from error
        return found.finalize()

    return digest


@dataclass(frozen=True, slots=True)
class TstInfo:
    """``time``: genTime in whole seconds UTC, a fraction cut off; ``accuracy``: seconds by which it may be wrong,
    rounded up, ``None`` where the authority does not say; ``policy``: dotted; ``nonce``: ``None`` for none."""

    time: int
    accuracy: int | None
    policy: str
    serial: int
    nonce: int | None
    digest: str
    imprint: bytes


def read_tst_info(content: bytes) -> TstInfo:
    """Read a TSTInfo. Its every byte is signed, so a spelling that DER forbids (an ordering of FALSE written out) is
    no slack.

    Raises:
        InputError: ``TIMESTAMP_SYNTAX``; ``TIMESTAMP_DIGEST`` an imprint by a digest that is not allowed;
            ``TIMESTAMP_EXTENSION`` a critical extension, since none is known.
    """
    try:
        fields = der.read(content, der.SEQUENCE).children()
        tags = [field.tag for field in fields[:5]]
        if tags != [der.INTEGER, der.OID, der.SEQUENCE, der.INTEGER, der.GENERALIZED_TIME] or fields[0].outer != _ONE:
            raise InputError("DER_SHAPE")
        digest, imprint = read_imprint(fields[2])
        accuracy, nonce = _optional(fields[5:])
        time, policy, serial = _time(fields[4].content), der.read_oid(fields[1]), read_integer(fields[3])
        return TstInfo(time, accuracy, policy, serial, nonce, digest, imprint)
    except InputError as error:
        if error.code.startswith("TIMESTAMP_"):
            raise
        raise InputError("TIMESTAMP_SYNTAX", cause=error.code) from error


def read_imprint(element: der.Element) -> tuple[str, bytes]:
    """Digest's name and value of a MessageImprint. Raises InputError TIMESTAMP_DIGEST, DER_…."""
    algorithm, value = der.members(element, der.SEQUENCE, der.OCTET_STRING)
    name = digest_name(algorithm.outer)
    if name is None or len(value.content) != len(digest_of(name, b"")):
        raise InputError("TIMESTAMP_DIGEST")
    return name, value.content


def require_imprint(info: TstInfo, digest_of: DigestOf) -> None:
    """The time-stamp is about this. Raises InputError TIMESTAMP_IMPRINT."""
    if info.imprint != digest_of(info.digest):
        raise InputError("TIMESTAMP_IMPRINT")


def read_integer(element: der.Element) -> int:
    """An INTEGER in its shortest form, negative ones too. Raises InputError DER_SHAPE."""
    content = element.content
    surplus = len(content) > 1 and content[0] in (0, 0xFF) and content[0] ^ content[1] < 0x80
    if surplus or not 1 <= len(content) <= 64:
        raise InputError("DER_SHAPE")
    return int.from_bytes(content, "big", signed=True)


def _optional(fields: list[der.Element]) -> tuple[int | None, int | None]:
    """Accuracy and nonce, out of accuracy, ordering, nonce, tsa and extensions in this order."""
    accuracy = _accuracy(fields.pop(0)) if _next_is(fields, der.SEQUENCE) else None
    if _next_is(fields, _BOOLEAN):
        fields.pop(0)
    nonce = read_integer(fields.pop(0)) if _next_is(fields, der.INTEGER) else None
    if _next_is(fields, _TSA):
        fields.pop(0)
    if _next_is(fields, _EXTENSIONS):
        _require_harmless(fields.pop(0))
    if fields:
        raise InputError("DER_SHAPE")
    return accuracy, nonce


def _next_is(fields: list[der.Element], tag: int) -> bool:
    return bool(fields) and fields[0].tag == tag


def _accuracy(element: der.Element) -> int:
    parts = element.children()
    tags = [part.tag for part in parts]
    if tags != sorted(set(tags)) or not set(tags) <= {der.INTEGER, _MILLIS, _MICROS}:
        raise InputError("DER_SHAPE")
    values = {part.tag: read_integer(part) for part in parts}
    if any(value < 0 for value in values.values()):
        raise InputError("DER_SHAPE")
    rest = values.get(_MILLIS, 0) * 1000 + values.get(_MICROS, 0)
    return values.get(der.INTEGER, 0) + -(-rest // 1_000_000)


def _require_harmless(element: der.Element) -> None:
    for extension in element.children():
        parts = extension.children()
        if [part.tag for part in parts] == [der.OID, _BOOLEAN, der.OCTET_STRING] and parts[1].content != b"\0":
            raise InputError("TIMESTAMP_EXTENSION")


def _time(content: bytes) -> int:
    found = _TIME.fullmatch(content)
    if found is None:
        raise InputError("DER_TIME")
    try:
        return int(datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise InputError("DER_TIME") from error
