"""What the project itself reads in an X.509 certificate (RFC 5280 section 4.1): names, number and key, as
bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

from ledger.core.canonical import FORBIDDEN
from ledger.crypto import der
from ledger.errors import InputError

MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What asn1crypto and certvalidator raise on certificates that are not what they seem."""
VERSION = 0xA0
MAX_BYTES = 16_384  # the longest in use are a fifth of it; a name of a megabyte would be work without end
SM2_WITH_SM3 = "1.2.156.10197.1.501"
"""Signature algorithm of certificates and lists (GM/T 0006), which the libraries do not know."""
_ORGANIZATION = der.write_oid("2.5.4.10")
_STRINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x1E: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class CertificateParts:
    """``issuer``, ``subject``: Name, DER. ``serial``: INTEGER, DER. ``spki``: SubjectPublicKeyInfo, DER."""

    issuer: bytes
    serial: bytes
    subject: bytes
    spki: bytes
    organization: str | None


def fingerprint(certificate: bytes) -> bytes:
    """SHA-256 of the DER: how certificates are named in this project."""
    return hashlib.sha256(certificate).digest()


def read_certificate(certificate: bytes) -> CertificateParts:
    """Strict reading of the frame; extensions are judged with the path.

    The algorithm outside the signed part must repeat the one inside (RFC 5280 section 4.1.1.2): otherwise
    those bytes could be changed unnoticed.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``, also for anything but version 3 and for more than ``MAX_BYTES``.
    """
    if len(certificate) > MAX_BYTES:
        raise InputError("CERTIFICATE_SYNTAX")
    return _read(bytes(certificate))


@lru_cache(512)  # of one signature the same few are read a dozen times
def _read(certificate: bytes) -> CertificateParts:
    try:
        tbs, algorithm = read_signed(certificate)
        fields = tbs.children()
        tags = [field.tag for field in fields[:7]]
        if tags != [VERSION, der.INTEGER, *[der.SEQUENCE] * 5] or fields[2].outer != algorithm.outer:
            raise InputError("DER_SHAPE")
        if fields[0].content != der.write(der.INTEGER, b"\x02"):
            raise InputError("DER_SHAPE")
        _, serial, _, issuer, _, subject, spki = fields[:7]
        return CertificateParts(issuer.outer, serial.outer, subject.outer, spki.outer, _organization(subject))
    except (InputError, ValueError) as error:
        raise InputError("CERTIFICATE_SYNTAX") from error


@lru_cache(1024)
def comparable(name: bytes) -> Hashable:
    """A Name, DER, so that two are equal if RFC 5280 section 7.1 says so: whatever the case, the spaces and the kinds
    of strings. Raises InputError ``CERTIFICATE_SYNTAX``."""
    from asn1crypto import x509

    if len(name) > MAX_BYTES:  # a list of 1 MiB could have one of 60,000 parts, which takes seconds
        raise InputError("CERTIFICATE_SYNTAX")
    try:
        return x509.Name.load(name, strict=True).hashable  # type: ignore[no-any-return]
    except MALFORMED as error:
        raise InputError("CERTIFICATE_SYNTAX") from error


def read_signed(data: bytes) -> tuple[der.Element, der.Element]:
    """Signed part and algorithm of a certificate or CRL; the signature is a BIT STRING of whole bytes (a
    number of spare bits could be written there, which libraries pass over).

    Raises:
        InputError: ``DER_SYNTAX``, ``DER_SHAPE``.
    """
    whole = der.read(data, der.SEQUENCE)
    signed, algorithm, signature = der.members(whole, der.SEQUENCE, der.SEQUENCE, der.BIT_STRING)
    if signature.content[:1] != b"\0":
        raise InputError("DER_SHAPE")
    return signed, algorithm


def _organization(subject: der.Element) -> str | None:
    """The organizationName, if there is exactly one and it can be shown as it stands."""
    found = []
    for relative in subject.children():
        for attribute in relative.children():
            type_, value = attribute.children()
            if type_.outer == _ORGANIZATION and value.tag in _STRINGS:
                found.append(value.content.decode(_STRINGS[value.tag]))
    # Printed on screens and in reports: a name with control or bidirectional characters could write its own verdict.
    return found[0] if len(found) == 1 and not FORBIDDEN.search(found[0]) else None
