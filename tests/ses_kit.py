"""Seals, seal signatures and certificates of the SM2 profile of every shape, for the tests of ``ledger.crypto.ses``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.core.verdicts import Outcome
from ledger.crypto import der, sm2
from ledger.crypto.digests import sm3
from ledger.crypto.ses.judging import Expected, Judges
from ledger.crypto.ses.making import NewSeal, make_seal, make_signature
from ledger.crypto.ses.reports import SealReport
from ledger.crypto.ses.values import SM2_WITH_SM3, Picture, Version
from ledger.errors import ConfigError, InputError, NotFoundError, UnavailableError

NOW = 1_790_000_000
DAY = 86_400
PATH = "/Doc_0/Signs/Sign_0/Signature.xml"
DOCUMENT = sm3(b"document")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x90\0\0\x01\x90" + bytes(16)
SHARED = Path(__file__).resolve().parents[2] / "shared"
OID = der.write_oid(SM2_WITH_SM3)
PASSING = Judges(maker=lambda *_: (), signer=lambda *_: ())


def has_sm2() -> bool:
    try:
        sm2.available()
    except ConfigError:
        return False
    return True


def require_sm2() -> None:
    if not has_sm2():
        fail_or_skip = pytest.fail if os.environ.get("ZHENGYIN_NO_SKIP") == "1" else pytest.skip
        fail_or_skip("no library with SM2 on this machine")


@dataclass(frozen=True)
class Party:
    """A key with its certificate."""

    key: Any
    certificate: bytes

    def sign(self, data: bytes) -> bytes:
        return bytes(self.key.sign(data))


@cache
def key(_: str) -> Any:
    return sm2.generate()


@cache
def party(
    name: str, since: int = NOW - 400 * DAY, until: int = NOW + 400 * DAY, usage: bytes | None = b"\xc0"
) -> Party:
    """``usage``: the bits of KeyUsage, None for no such extension. One key a name."""
    extensions = [] if usage is None else [_extension("2.5.29.15", der.write(der.BIT_STRING, b"\0" + usage))]
    return Party(key(name), _certificate(name, since, until, extensions))


@cache
def authority(until: int = NOW + 900 * DAY) -> bytes:
    """The root that signed every party, DER; others of the same name and key."""
    is_authority = _extension("2.5.29.19", der.write(der.SEQUENCE, der.write(0x01, b"\xff")))
    usage = _extension("2.5.29.15", der.write(der.BIT_STRING, b"\0\x06"))
    return _certificate("authority", NOW - 900 * DAY, until, [is_authority, usage])


@cache
def successor() -> bytes:
    """The authority's next key, which it certified by the one that it has: of its own name, and not by itself."""
    usage = _extension("2.5.29.15", der.write(der.BIT_STRING, b"\0\xc0"))
    return _certificate("authority", NOW - 900 * DAY, NOW + 900 * DAY, [usage], "successor")


def revocations(since: int | None = None, until: int = NOW + 99 * DAY) -> bytes:
    """The authority's list, from before every moment of the tests to ``until``; ``since``: every party was revoked
    then."""
    entry = der.write(der.SEQUENCE, der.write(der.INTEGER, b"\1"), der.write_time(since or 0))
    parts = [der.write(der.INTEGER, b"\1"), _ALGORITHM, _name("authority")]
    parts += [der.write_time(NOW - 300 * DAY), der.write_time(until)]
    parts += [der.write(der.SEQUENCE, entry)] if since else []
    return _signed(der.write(der.SEQUENCE, *parts))


_ALGORITHM = der.write(der.SEQUENCE, OID)


def _name(text: str) -> bytes:
    common_name = der.write(der.SEQUENCE, der.write_oid("2.5.4.3"), der.write(0x0C, text.encode()))
    return der.write(der.SEQUENCE, der.write(der.SET, common_name))


def _extension(oid: str, value: bytes) -> bytes:
    return der.write(der.SEQUENCE, der.write_oid(oid), der.write(0x01, b"\xff"), der.write(der.OCTET_STRING, value))


def _certificate(name: str, since: int, until: int, extensions: list[bytes], of: str | None = None) -> bytes:
    """``of``: whose key it is, if not of whom it names."""
    validity = der.write(der.SEQUENCE, der.write_time(since), der.write_time(until))
    spki = key(of or name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    parts = [der.write(0xA0, der.write(der.INTEGER, b"\2")), der.write(der.INTEGER, b"\1"), _ALGORITHM]
    parts += [_name("authority"), validity, _name(name), spki]
    if extensions:
        parts.append(der.write(0xA3, der.write(der.SEQUENCE, *extensions)))
    return _signed(der.write(der.SEQUENCE, *parts))


def _signed(tbs: bytes) -> bytes:
    signature = der.write(der.BIT_STRING, b"\0", key("authority").sign(tbs))
    return der.write(der.SEQUENCE, tbs, _ALGORITHM, signature)


def new_seal(version: Version = Version.V4, *signers: Party, **changes: Any) -> NewSeal:
    listed = tuple(s.certificate for s in signers) or (party("signer").certificate,)
    picture = Picture("PNG", PNG, 40, 40)
    made = NewSeal(
        version,
        "TEST",
        "44010000000001",
        1,
        "示范专用章",
        listed,
        NOW - 9 * DAY,
        NOW - 9 * DAY,
        NOW + 90 * DAY,
        picture,
    )
    return replace(made, **changes)


def seal(version: Version = Version.V4, **changes: Any) -> bytes:
    maker = party("maker")
    return make_seal(new_seal(version, **changes), maker.certificate, maker.sign)


def signature(version: Version = Version.V4, digest: bytes = DOCUMENT, **changes: Any) -> bytes:
    signer = party("signer")
    return make_signature(seal(version, **changes), digest, PATH, NOW - DAY, signer.certificate, signer.sign)


def expected(data: bytes) -> Expected:
    """As if ``data`` (a seal signature) lay in its place."""
    return Expected(DOCUMENT, PATH, tree(data)[0][1].outer)


V1, V4, V5 = Version.V1, Version.V4, Version.V5
FAILED, OPEN = Outcome.FAILED, Outcome.UNDETERMINED
NAME, LIST, CREATED, SINCE, UNTIL = (2, 1), (2, 3), (2, 4), (2, 5), (2, 6)  # in SES_SealInfo
TOKEN = b"token"


# ---- taking apart and putting together, without the signatures being right -----------------------------------------


def tree(data: bytes) -> Any:
    """``tree(data)[0][1]``: second member of the first member."""
    return Node(der.read_all(data)[0])


class Node:
    def __init__(self, element: der.Element) -> None:
        self.element, self.outer = element, element.outer

    def __getitem__(self, at: int) -> Node:
        return Node(self.element.children()[at])


def changed(data: bytes, path: tuple[int, ...], value: bytes | None) -> bytes:
    """``data`` with the element at ``path`` replaced (None: taken out; one past the last: added)."""
    (element,) = der.read_all(data)
    if not path:
        assert value is not None
        return value
    parts = [child.outer for child in element.children()]
    at = path[0]
    if len(path) == 1:
        parts[at : at + 1] = [] if value is None else [value]
    else:
        parts[at] = changed(parts[at], path[1:], value)
    return der.write(element.tag, *parts)


def signed_seal(info: bytes, maker: Party | None = None, oid: bytes = OID) -> bytes:
    """A seal of version 4 or 5 over any ``info``, signed properly."""
    maker = maker or party("maker")
    bits = der.write(der.BIT_STRING, b"\0", maker.sign(info))
    return der.write(der.SEQUENCE, info, der.write(der.OCTET_STRING, maker.certificate), oid, bits)


def signed_signature(tbs: bytes, signer: Party | None = None, oid: bytes = OID) -> bytes:
    return signed_seal(tbs, signer or party("signer"), oid)


def early_seal(kind: str = "UTC", number: int = 1, maker: Party | None = None, *, until: int = NOW + 90 * DAY) -> bytes:
    """A seal of GM/T 0031-2014."""
    maker = maker or party("maker")
    since = NOW - 9 * DAY
    header = der.write(
        der.SEQUENCE, der.write(0x16, b"ES"), der.write(der.INTEGER, bytes([number])), der.write(0x16, b"T")
    )
    signers = der.write(der.SEQUENCE, der.write(der.OCTET_STRING, party("signer").certificate))
    dates = [(der.write_time if kind == "UTC" else generalized)(moment) for moment in (since, since, until)]
    about = der.write(der.SEQUENCE, der.write(der.INTEGER, b"\1"), der.write(0x0C, "章".encode()), signers, *dates)
    sides = der.write(der.INTEGER, b"\x28") * 2
    picture = der.write(der.SEQUENCE, der.write(0x16, b"PNG"), der.write(der.OCTET_STRING, PNG), sides)
    info = der.write(der.SEQUENCE, header, der.write(0x16, b"4401"), about, picture)
    named = (der.write(der.OCTET_STRING, maker.certificate), OID)
    bits = der.write(der.BIT_STRING, b"\0", maker.sign(der.write(der.SEQUENCE, info, *named)))
    return der.write(der.SEQUENCE, info, der.write(der.SEQUENCE, *named, bits))


def early_signature(time: bytes | None = None, of: bytes | None = None, signer: Party | None = None) -> bytes:
    """A seal signature of GM/T 0031-2014; ``time``: DER within timeInfo."""
    signer = signer or party("signer")
    tbs = der.write(
        der.SEQUENCE,
        der.write(der.INTEGER, b"\1"),
        of or early_seal(),
        der.write(der.BIT_STRING, b"\0", der.write_time(NOW - DAY) if time is None else time),
        der.write(der.BIT_STRING, b"\0", DOCUMENT),
        der.write(0x16, PATH.encode()),
        der.write(der.OCTET_STRING, signer.certificate),
        OID,
    )
    return der.write(der.SEQUENCE, tbs, der.write(der.BIT_STRING, b"\0", signer.sign(tbs)))


def generalized(moment: int) -> bytes:
    return der.write(der.GENERALIZED_TIME, f"{datetime.fromtimestamp(moment, UTC):%Y%m%d%H%M%SZ}".encode())


def vector(name: str) -> bytes:
    """A seal made by another implementation."""
    path = SHARED / "vectors" / "ses" / name
    if not path.exists():
        pytest.skip("the vectors from elsewhere are not here")
    return path.read_bytes()


def examples() -> dict[str, Any]:
    """The worked numbers: seals of all three generations."""
    path = SHARED / "facts" / "standards_examples.json"
    if not path.exists():
        pytest.skip("the worked numbers are not here")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["ses_and_cms"]
    return found


# ---- attacks ----


@dataclass(frozen=True)
class Attack:
    """``step`` catches it and no other. ``beside``: of a seal signature, beside what it is found."""

    step: int
    code: str
    make: Callable[[], bytes]
    outcome: Outcome = FAILED
    judges: Judges = PASSING
    moment: int = NOW
    beside: Expected | None = None

    def require(self, report: SealReport) -> None:
        only(report, self.step, self.code, self.outcome)
        assert report.exit_code == (1 if self.outcome is FAILED else 3)


def refuse(code: str, error: type[InputError | NotFoundError | UnavailableError | ConfigError] = InputError) -> Any:
    def judge(*_: object) -> None:
        raise error(code)

    return judge


def with_token(judge: Any) -> Judges:
    return replace(PASSING, token=judge)


def resigned(version: Version, path: tuple[int, ...], value: bytes | None) -> bytes:
    """A seal with one element of what the maker signs changed, and signed again by the maker."""
    return signed_seal(changed(tree(seal(version))[0].outer, path, value))


def extension(critical: bytes) -> bytes:
    one = der.write(der.SEQUENCE, der.write_oid("1.2.3.4"), critical, der.write(der.OCTET_STRING, b"x"))
    return der.write(der.SEQUENCE, one)


CRITICAL, DEFAULT = extension(der.write(1, b"\xff")), extension(der.write(1, b"\0"))


def only(report: SealReport, step: int, code: str, outcome: Outcome) -> None:
    """``step`` is the only one that speaks against the whole."""
    assert {s.number: s.findings[0].code for s in report.steps if s.outcome is not Outcome.PASSED} == {step: code}
    assert report.outcome is outcome
    assert report.cause_code == code
    assert all(
        "{" not in f.text(lang)
        for s in report.steps
        for f in s.findings
        for lang in ("zh", "en")
        if f.code[:3] == "SES"
    )  # type: ignore[arg-type]


def made_by(maker: Any, version: Version = V4) -> bytes:
    return signed_seal(tree(seal(version))[0].outer, maker)
