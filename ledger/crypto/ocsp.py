"""OCSP (RFC 6960): requests, and responses read strictly.

A response is read by this project's own DER, since the libraries know neither SM3 in a CertID nor SM2 signatures, and
because some of its bytes are not signed: each of those must be needed. Who may sign a response is judged in
``ocsp_responders``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.crypto import der
from ledger.crypto.digests import sm3
from ledger.crypto.revocation_info import Subject
from ledger.errors import InputError

MAX_BYTES = 65_536  # a response, its responder's certificate among it, has two thousand
MAX_SINGLES, MAX_CERTIFICATES, MAX_EXTENSIONS = 64, 8, 32
_ENUMERATED, _BOOLEAN = 0x0A, 0x01
_BASIC = der.write_oid("1.3.6.1.5.5.7.48.1.1")
_ARCHIVE_CUTOFF = der.write_oid("1.3.6.1.5.5.7.48.1.6")
_INVALIDITY_DATE = der.write_oid("2.5.29.24")
_GOOD, _REVOKED, _UNKNOWN = 0x80, 0xA1, 0x82
_BY_NAME, _BY_KEY = 0xA1, 0xA2
_REASONS = (
    *("unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation"),
    *("certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise"),
)
"""CRLReason by number (RFC 5280 section 5.3.1)."""


def _sha1(data: bytes) -> bytes:
    # a name here, no proof: RFC 6960 section 4.1.1 uses it to find a key, and the signature binds what is found
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


_HASHES: dict[bytes, Callable[[bytes], bytes]] = {
    der.write_oid("1.3.14.3.2.26"): _sha1,
    der.write_oid("2.16.840.1.101.3.4.2.1"): _sha256,
    der.write_oid("1.2.156.10197.1.401"): sm3,
}


@dataclass(frozen=True, slots=True)
class CertId:
    """``hash_``: OBJECT IDENTIFIER, DER."""

    hash_: bytes
    issuer_name: bytes
    issuer_key: bytes
    serial: int

    def names(self, certificate: Subject, issuer: Subject) -> bool:
        digest = _HASHES.get(self.hash_)
        return (
            digest is not None
            and self.serial == certificate.x509.serial_number
            and self.issuer_name == digest(certificate.parts.issuer)
            and self.issuer_key == digest(issuer.public_key)
        )


@dataclass(frozen=True, slots=True)
class SingleResponse:
    """``status``: good, revoked or unknown; ``since`` and ``reason``: of a revocation. ``next_update``, ``archive``:
    0 where there is none. ``understood``: no critical extension that we do not know."""

    certificate: CertId
    status: str
    since: int
    reason: str
    this_update: int
    next_update: int
    archive: int
    understood: bool


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """A successful BasicOCSPResponse. ``signed``, ``identifier``, ``signature``: to be verified; ``by_name``: Name,
    DER, or ``by_key``: digest of a key, of the responder; ``produced``: seconds UTC; ``certificates``: DER."""

    data: bytes
    signed: bytes
    identifier: bytes
    signature: bytes
    by_name: bytes
    by_key: bytes
    produced: int
    singles: tuple[SingleResponse, ...]
    understood: bool
    certificates: tuple[bytes, ...]

    def is_by(self, subject: Subject) -> bool:
        """Is this the responder that the response names?"""
        if self.by_name:
            return self.by_name == subject.parts.subject
        # SHA-1 by RFC 6960 section 4.2.1; in Chinese profiles SM3
        return self.by_key in [digest(subject.public_key) for digest in _HASHES.values()]


def make_request(certificate: Subject, issuer: Subject) -> bytes:
    """OCSPRequest (DER) for one certificate, in the form of RFC 5019: SHA-1, which every responder knows, no nonce."""
    algorithm = der.write(der.SEQUENCE, der.write_oid("1.3.14.3.2.26"), der.write(der.NULL))
    named = [der.write(der.OCTET_STRING, _sha1(part)) for part in (certificate.parts.issuer, issuer.public_key)]
    content = der.write(der.SEQUENCE, algorithm, *named, certificate.parts.serial)
    for _ in range(4):  # Request, requestList, TBSRequest, OCSPRequest
        content = der.write(der.SEQUENCE, content)
    return content


def read_response(data: bytes) -> OcspResponse | None:
    """``None`` for a response that is not successful (tryLater, unauthorized, …): it says nothing.

    Raises:
        InputError: ``REVOCATION_OCSP_SYNTAX``.
    """
    if len(data) > MAX_BYTES:
        raise InputError("REVOCATION_OCSP_SYNTAX")
    try:
        fields = der.read(data, der.SEQUENCE).children()
        if not fields or fields[0].tag != _ENUMERATED or len(fields[0].content) != 1:
            raise InputError("DER_SHAPE")
        if fields[0].content != b"\0":
            return None
        (explicit,) = _exactly(fields[1:], 0xA0)
        type_, octets = der.members(der.read(explicit.content, der.SEQUENCE), der.OID, der.OCTET_STRING)
        if type_.outer != _BASIC:
            raise InputError("DER_SHAPE")
        return _basic(data, der.read(octets.content, der.SEQUENCE))
    except (InputError, ValueError, IndexError, OverflowError) as error:
        raise InputError("REVOCATION_OCSP_SYNTAX") from error


def with_certificates(response: OcspResponse, certificates: tuple[bytes, ...]) -> bytes:
    """The response (DER) with these certificates instead of its own, which its signature does not cover."""
    parts = [response.signed, response.identifier, der.write(der.BIT_STRING, b"\0", response.signature)]
    if certificates:
        parts.append(der.write(0xA0, der.write(der.SEQUENCE, *certificates)))
    octets = der.write(der.OCTET_STRING, der.write(der.SEQUENCE, *parts))
    explicit = der.write(0xA0, der.write(der.SEQUENCE, _BASIC, octets))
    return der.write(der.SEQUENCE, der.write(_ENUMERATED, b"\0"), explicit)


def _basic(data: bytes, basic: der.Element) -> OcspResponse:
    signed, algorithm, signature, *rest = der.read_all(basic.content, 4)
    _exactly([signed, algorithm, signature], der.SEQUENCE, der.SEQUENCE, der.BIT_STRING)
    if signature.content[:1] != b"\0":
        raise InputError("DER_SHAPE")
    certificates: list[der.Element] = []
    if rest:
        (explicit,) = _exactly(rest, 0xA0)
        certificates = der.read_all(der.read(explicit.content, der.SEQUENCE).content, MAX_CERTIFICATES)
        if not certificates:
            raise InputError("DER_SHAPE")  # outside the signature: one way only to write "none"
    fields = signed.children()
    if fields[0].outer == der.write(0xA0, der.write(der.INTEGER, b"\0")):
        fields.pop(0)  # version 1, the default, which DER leaves out
    responder, produced, responses, *more = fields
    if responder.tag == _BY_NAME:
        named = der.read(responder.content, der.SEQUENCE).outer, b""
    elif responder.tag == _BY_KEY:
        named = b"", der.read(responder.content, der.OCTET_STRING).content
    else:
        raise InputError("DER_SHAPE")
    _exactly([responses], der.SEQUENCE)
    singles = tuple(_single(each) for each in der.read_all(responses.content, MAX_SINGLES))
    _, understood = _extensions(more, frozenset())
    return OcspResponse(
        *(data, signed.outer, algorithm.outer, signature.content[1:], *named, _time(produced)),
        *(singles, understood, tuple(each.outer for each in certificates)),
    )


def _single(element: der.Element) -> SingleResponse:
    identifier, status, this_update, *rest = element.children()
    since, reason = 0, ""
    if status.tag == _REVOKED:
        since, reason = _revoked(status)
    elif status.outer not in (bytes((_GOOD, 0)), bytes((_UNKNOWN, 0))):
        raise InputError("DER_SHAPE")
    next_update = 0
    if rest and rest[0].tag == 0xA0:
        next_update = _time(der.read(rest.pop(0).content, der.GENERALIZED_TIME))
    found, understood = _extensions(rest, frozenset({_ARCHIVE_CUTOFF, _INVALIDITY_DATE}))
    archive, invalid = found.get(_ARCHIVE_CUTOFF, 0), found.get(_INVALIDITY_DATE)
    if invalid is not None and status.tag == _REVOKED:
        since = min(since, invalid)  # the key may have been stolen long before anybody told the authority
    word = {_GOOD: "good", _REVOKED: "revoked", _UNKNOWN: "unknown"}[status.tag]
    identified = _cert_id(_exactly([identifier], der.SEQUENCE)[0])
    return SingleResponse(identified, word, since, reason, _time(this_update), next_update, archive, understood)


def _cert_id(element: der.Element) -> CertId:
    algorithm, name, key, serial = der.members(element, der.SEQUENCE, der.OCTET_STRING, der.OCTET_STRING, der.INTEGER)
    number = int.from_bytes(serial.content, "big", signed=True)
    return CertId(algorithm.children()[0].outer, name.content, key.content, number)


def _revoked(status: der.Element) -> tuple[int, str]:
    time, *rest = der.read_all(status.content, 2)
    number = 0
    if rest:
        (explicit,) = _exactly(rest, 0xA0)
        number = int.from_bytes(der.read(explicit.content, _ENUMERATED).content, "big", signed=True)
    if number < 0 or not _REASONS[number]:
        raise InputError("DER_SHAPE")
    return _time(time), _REASONS[number]


def _extensions(fields: list[der.Element], times: frozenset[bytes]) -> tuple[dict[bytes, int], bool]:
    """Values of those extensions of ``[1]`` that are GeneralizedTimes, and whether no other is critical."""
    found: dict[bytes, int] = {}
    understood = True
    if not fields:
        return found, True
    (explicit,) = _exactly(fields, 0xA1)
    for extension in der.read_all(der.read(explicit.content, der.SEQUENCE).content, MAX_EXTENSIONS):
        type_, *rest = der.read_all(extension.content, 3)
        critical = len(rest) == 2 and _exactly(rest[:1], _BOOLEAN)[0].content != b"\0"
        (value,) = _exactly(rest[-1:], der.OCTET_STRING)
        if type_.outer in times:
            if type_.outer in found:
                raise InputError("DER_SHAPE")
            found[type_.outer] = _time(der.read(value.content, der.GENERALIZED_TIME))
        elif critical:
            understood = False
    return found, understood


def _exactly(elements: list[der.Element], *tags: int) -> list[der.Element]:
    if [element.tag for element in elements] != list(tags):
        raise InputError("DER_SHAPE")
    return elements


def _time(element: der.Element) -> int:
    """GeneralizedTime as RFC 6960 section 4.2.2.1 takes it from RFC 5280: seconds, in Zulu."""
    text = element.content.decode("ascii")
    if element.tag != der.GENERALIZED_TIME or len(text) != 15:
        raise InputError("DER_TIME")
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())
