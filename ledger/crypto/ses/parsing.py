"""Reading seals and seal signatures: GM/T 0031-2014 section 6, GB/T 38540-2020, GM/T 0031-2025.

The generation is told by the number of elements (two: 2014), then by the header's version: the version alone is
no sign, since makers write 1, 2 and 3 into seals of one and the same shape. Nothing is encoded again: what is
hashed later are the bytes received.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ledger.crypto import der
from ledger.crypto.ses import pictures
from ledger.crypto.ses.fields import (
    EXPLICIT_0,
    IA5_STRING,
    PRINTABLE_STRING,
    UTF8_STRING,
    Fields,
    bits,
    digest,
    extensions,
    instant,
    integer,
    text,
)
from ledger.crypto.ses.values import (
    MAX_SEAL,
    MAX_SIGNATURE,
    MAX_SIGNERS,
    MAX_TOKEN,
    Seal,
    SealInfo,
    SealSignature,
    Version,
)
from ledger.errors import InputError

_MARK = "ES"
_CERTIFICATES, _DIGESTS = 1, 2  # certListType
_EARLY_NUMBERS = (1, 2, 3)  # seen in headers of the 2014 shape
_Parsed = TypeVar("_Parsed")


def parse_seal(data: bytes) -> Seal:
    """A seal (``.esl``).

    Raises:
        InputError: ``SES_SIZE``; ``SES_SYNTAX`` not DER or not the shape of a seal; ``SES_MARK``; ``SES_VERSION``;
            ``SES_TEXT``; ``SES_TIME``; ``SES_DATES`` the period ends before it begins; ``SES_SIGNERS`` no signer,
            or an unknown kind of list; ``SES_DIGEST``; ``SES_PICTURE_TYPE``, ``SES_PICTURE_SIZE``.
    """
    return _bounded(data, MAX_SEAL, _seal)


def parse_signature(data: bytes) -> SealSignature:
    """A seal signature (``SignedValue.dat``).

    Raises:
        InputError: as ``parse_seal``, and ``SES_VERSION_DIFFERS`` where signature and seal are of two versions.
    """
    return _bounded(data, MAX_SIGNATURE, _signature)


def is_signature(data: bytes) -> bool:
    """Does ``data`` begin as a seal signature, by whose number a seal never begins? Nothing else is told by it."""
    try:
        first = der.read_all(der.read(data, der.SEQUENCE).content, 5)[0]
        return der.read_all(first.content, 7)[0].tag == der.INTEGER
    except (InputError, IndexError):
        return False


def _bounded(data: bytes, most: int, parse: Callable[[der.Element], _Parsed]) -> _Parsed:
    if len(data) > most:
        raise InputError("SES_SIZE", length=len(data), limit=most)
    try:
        whole = der.read_all(data, 1)
        if len(whole) != 1:
            raise InputError("DER_SHAPE")
        return parse(whole[0])
    except InputError as error:
        if error.code.startswith("DER_"):
            raise InputError("SES_SYNTAX", cause=error.code) from error
        raise


def _seal(element: der.Element) -> Seal:
    fields = Fields(element, 5)
    early, count = len(fields) == 2, len(fields)
    info = _info(fields.take(der.SEQUENCE), early)
    version = _version(info.number, early)
    if count == 5 and version is not Version.V5:
        raise InputError("SES_VERSION", number=info.number)  # only the seals of 2025 carry a time-stamp
    if early:
        maker, algorithm, signature = der.members(fields.take(der.SEQUENCE), der.OCTET_STRING, der.OID, der.BIT_STRING)
        signed = der.write(der.SEQUENCE, info.encoded, maker.outer, algorithm.outer)
    else:
        maker, algorithm = fields.take(der.OCTET_STRING), fields.take(der.OID)
        signature, signed = fields.take(der.BIT_STRING), info.encoded
    token = _token(fields.take_if(EXPLICIT_0))
    fields.end()
    return Seal(version, info, maker.content, algorithm.outer, signed, bits(signature), token, element.outer)


def _version(number: int, early: bool) -> Version:
    if early and number in _EARLY_NUMBERS:
        return Version.V1
    if early or not 1 <= number <= Version.V5:
        raise InputError("SES_VERSION", number=number)
    return Version.V5 if number == Version.V5 else Version.V4


def _info(element: der.Element, early: bool) -> SealInfo:
    fields = Fields(element, 5)
    mark, number, vendor = der.members(fields.take(der.SEQUENCE), IA5_STRING, der.INTEGER, IA5_STRING)
    if mark.content != _MARK.encode():
        raise InputError("SES_MARK")
    seal_id = text(fields.take(IA5_STRING))
    kind, name, certificates, digests, dates = _property(fields.take(der.SEQUENCE), early)
    picture = pictures.read(fields.take(der.SEQUENCE), integer(number) == Version.V5)
    # the standard of 2014 tags them, its implementations do not
    tagged = fields.take_if(EXPLICIT_0)
    extra = extensions(der.read(tagged.content, der.SEQUENCE) if tagged else fields.take_if(der.SEQUENCE))
    fields.end()
    return SealInfo(
        integer(number), text(vendor, 0), seal_id, kind, name, certificates, digests, *dates, picture, extra,
        element.outer,
    )  # fmt: skip


def _property(
    element: der.Element, early: bool
) -> tuple[int, str, tuple[bytes, ...], tuple[bytes, ...], tuple[int, int, int]]:
    fields = Fields(element, 7)
    kind, name = integer(fields.take(der.INTEGER)), text(fields.take(UTF8_STRING))
    list_type = _CERTIFICATES if early else integer(fields.take(der.INTEGER))
    if list_type not in (_CERTIFICATES, _DIGESTS):
        raise InputError("SES_SIGNERS")
    signers = Fields(fields.take(der.SEQUENCE), MAX_SIGNERS)
    if not len(signers):
        raise InputError("SES_SIGNERS")
    certificates, digests = [], []
    while len(signers):
        if list_type == _CERTIFICATES:
            certificates.append(signers.take(der.OCTET_STRING).content)
        else:  # the word before the digest is the maker's own; the algorithm is SM3
            _, value = der.members(signers.take(der.SEQUENCE), PRINTABLE_STRING, der.OCTET_STRING)
            digests.append(digest(value.content))
    times = (der.UTC_TIME, der.GENERALIZED_TIME) if early else (der.GENERALIZED_TIME,)
    created, since, until = (instant(fields.take(*times)) for _ in range(3))
    fields.end()
    if until < since:
        raise InputError("SES_DATES", since=since, until=until)
    return kind, name, tuple(certificates), tuple(digests), (created, since, until)


def _token(element: der.Element | None) -> bytes | None:
    if element is None:
        return None
    token = bits(der.read(element.content, der.BIT_STRING))
    if len(token) > MAX_TOKEN:
        raise InputError("SES_SIZE", length=len(token), limit=MAX_TOKEN)
    return token


def _signature(element: der.Element) -> SealSignature:
    outer = Fields(element, 5)
    early = len(outer) == 2
    signed = outer.take(der.SEQUENCE)
    fields = Fields(signed, 7)
    number = integer(fields.take(der.INTEGER))
    seal = _seal(fields.take(der.SEQUENCE))
    if early != (seal.version is Version.V1) or (not early and number != seal.info.number):
        raise InputError("SES_VERSION_DIFFERS", signature=number, seal=seal.info.number)
    signed_at, time_token = _time(fields, early)
    document = digest(bits(fields.take(der.BIT_STRING)))
    property_info = text(fields.take(IA5_STRING), 0)
    tagged = None if early else fields.take_if(EXPLICIT_0)
    extra = extensions(der.read(tagged.content, der.SEQUENCE) if tagged else None)
    naming = fields if early else outer
    signer, algorithm = naming.take(der.OCTET_STRING), naming.take(der.OID)
    signature = bits(outer.take(der.BIT_STRING))
    token = None if early else _token(outer.take_if(EXPLICIT_0))
    fields.end()
    outer.end()
    return SealSignature(
        seal.version, seal, signed_at, time_token, document, property_info, extra, signer.content, algorithm.outer,
        signed.outer, signature, token,
    )  # fmt: skip


def _time(fields: Fields, early: bool) -> tuple[int | None, bytes | None]:
    """The instant written down, or (2014) a time-stamp token in its place."""
    if not early:
        return instant(fields.take(der.GENERALIZED_TIME)), None
    data = bits(fields.take(der.BIT_STRING))
    (inner,) = der.read_all(data, 1) or (None,)
    if inner is None or len(data) > MAX_TOKEN:
        raise InputError("SES_TIME")
    if inner.tag == der.SEQUENCE:
        return None, data
    if inner.tag not in (der.UTC_TIME, der.GENERALIZED_TIME):
        raise InputError("SES_TIME")
    return instant(inner), None
