"""Certificates, revocation lists and OCSP responses as people hand them over: PEM or DER, several in a file, or a
PKCS #7 bundle (.p7b; RFC 5652 section 5.1 without signers, and the Chinese GM/T 0010)."""

from __future__ import annotations

from ledger.crypto import der, pem
from ledger.crypto.certificates import read_certificate
from ledger.crypto.crls import read_crl
from ledger.crypto.ocsp import read_response
from ledger.errors import InputError

MAX_BYTES = 4 << 20
MAX_ENTRIES = 256
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
_BUNDLES = ("PKCS7", "CMS")
_LISTS = ("X509 CRL",)
_RESPONSES = ("OCSP RESPONSE",)
_SIGNED_DATA = (der.write_oid("1.2.840.113549.1.7.2"), der.write_oid("1.2.156.10197.6.1.4.2.2"))
_IMPLICIT_0 = 0xA0
_FIELDS = 6  # of a SignedData


def read_certificates(data: bytes) -> tuple[bytes, ...]:
    """The certificates of a file, DER, in its order, each of them readable; at least one.

    Raises:
        InputError: ``CERTIFICATES_SYNTAX``; ``CERTIFICATES_MANY``; ``PEM_BASE64``.
    """
    found: list[bytes] = []
    for label, content in _blocks(data, *_CERTIFICATES, *_BUNDLES):
        found += _of_bundle(content) if label in _BUNDLES or _is_bundle(content) else (content,)
    if len(found) > MAX_ENTRIES:
        raise InputError("CERTIFICATES_MANY", limit=MAX_ENTRIES)
    try:
        for certificate in found:
            read_certificate(certificate)
    except InputError as error:
        raise InputError("CERTIFICATES_SYNTAX") from error
    if not found:
        raise InputError("CERTIFICATES_SYNTAX")
    return tuple(found)


def leaf_first(certificates: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """A chain in whatever order, its leaf first: the one that issued none of the others, if there is one such."""
    parts = {data: read_certificate(data) for data in certificates}
    issuers = {p.issuer for p in parts.values() if p.issuer != p.subject}
    last = [data for data, p in parts.items() if p.subject not in issuers]
    return tuple(sorted(certificates, key=lambda data: data != last[0])) if len(last) == 1 else certificates


def read_lists(data: bytes) -> tuple[bytes, ...]:
    """The revocation lists of a file, DER, each of them readable.

    Raises:
        InputError: ``CRLS_SYNTAX``; ``REVOCATION_CRL_SYNTAX``; ``PEM_BASE64``.
    """
    found = tuple(content for _, content in _blocks(data, *_LISTS))
    if not found:
        raise InputError("CRLS_SYNTAX")
    for content in found:
        read_crl(content)
    return found


def read_responses(data: bytes) -> tuple[bytes, ...]:
    """The OCSP responses of a file, DER, each of them readable and successful.

    Raises:
        InputError: ``OCSPS_SYNTAX``; ``REVOCATION_OCSP_SYNTAX``; ``PEM_BASE64``.
    """
    found = tuple(content for _, content in _blocks(data, *_RESPONSES))
    if not found or None in [read_response(content) for content in found]:
        raise InputError("OCSPS_SYNTAX")
    return found


def _blocks(data: bytes, *labels: str) -> list[tuple[str, bytes]]:
    if len(data) > MAX_BYTES:
        raise InputError("CERTIFICATES_MANY", limit=MAX_ENTRIES)
    if not pem.is_pem(data):
        return [("", data)] if data else []
    return [(label, content) for label, content in pem.read(data) if label in labels]


def _is_bundle(data: bytes) -> bool:
    try:
        return der.read(data, der.SEQUENCE).content.startswith(_SIGNED_DATA)
    except InputError:
        return False


def _of_bundle(data: bytes) -> tuple[bytes, ...]:
    try:
        type_, explicit = der.members(der.read(data, der.SEQUENCE), der.OID, _IMPLICIT_0)
        if type_.outer not in _SIGNED_DATA:
            raise InputError("DER_SHAPE")
        for field in der.read_all(der.read(explicit.content, der.SEQUENCE).content, _FIELDS):
            if field.tag == _IMPLICIT_0:
                return tuple(entry.outer for entry in der.read_all(field.content, MAX_ENTRIES))
    except InputError as error:
        raise InputError("CERTIFICATES_SYNTAX") from error
    return ()
