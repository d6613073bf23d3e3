"""Certificate revocation lists (RFC 5280 section 5): reading, whose they are, and what they cover.

Only complete lists signed by the certificate's own issuer count; delta, indirect and partial ones say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from ledger.crypto.certificates import read_signed
from ledger.crypto.revocation_info import UNREADABLE, RevocationInfo, Subject, require_signed_by
from ledger.errors import InputError

_KNOWN_ENTRY = {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}
_KNOWN_LIST = {
    ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CRL_NUMBER,
}


# A list of a large authority has a hundred thousand entries, and the same one is asked about again and again.
@lru_cache(32)
def read_crl(data: bytes) -> x509.CertificateRevocationList:
    """Raises InputError ``REVOCATION_CRL_SYNTAX``."""
    try:
        read_signed(data)
        found = x509.load_der_x509_crl(data)
        for part in (found, *found):
            list(part.extensions)
        _ = (found.issuer, found.last_update_utc, found.next_update_utc)
    except (InputError, *UNREADABLE) as error:
        raise InputError("REVOCATION_CRL_SYNTAX") from error
    return found


def lists_about(
    certificate: Subject, issuer: Subject, crls: Mapping[bytes, x509.CertificateRevocationList]
) -> Iterator[RevocationInfo]:
    """What the lists in the issuer's name say of the certificate.

    Raises:
        InputError: ``REVOCATION_CRL_SIGNATURE`` for one that the issuer did not sign, or may not.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    for data, crl in crls.items():
        if crl.issuer != issuer.x509.subject:
            continue
        require_signed(data, issuer)
        # RFC 5280 section 5.1.2.5 demands nextUpdate; a list without an end must not stay current for ever
        until = _seconds(crl.next_update_utc) if crl.next_update_utc else 0
        taken = _seconds(crl.last_update_utc)
        entry = crl.get_revoked_certificate_by_serial_number(certificate.x509.serial_number)
        revoked = _revoked_since(entry) if entry is not None else None
        gap = None if covers(crl, certificate.x509) else "REVOCATION_SCOPE"
        # An authority may drop an entry once the certificate has expired (RFC 5280 section 3.3): a list taken later
        # says nothing by its silence.
        yield RevocationInfo(data, taken, until, taken, revoked, gap)


def require_signed(data: bytes, issuer: Subject) -> None:
    """Raises InputError ``REVOCATION_CRL_SIGNATURE`` unless the issuer signed the list (DER) and may sign lists."""
    try:
        usage = issuer.x509.extensions.get_extension_for_class(x509.KeyUsage).value
        allowed = usage.crl_sign
    except x509.ExtensionNotFound:
        allowed = True  # RFC 5280 section 6.3.3 f: only "if a key usage extension is present"
    if not allowed:
        raise InputError("REVOCATION_CRL_SIGNATURE")
    try:
        require_signed_by(issuer.parts.spki, data)
    except InputError as error:
        raise InputError("REVOCATION_CRL_SIGNATURE") from error


def covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Is the list complete for this certificate, and is nothing in it that we must not pass over?"""
    for extension in crl.extensions:
        if extension.critical and extension.oid not in _KNOWN_LIST:
            return False  # among them the delta indicator, always critical
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return False
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint) and not _in_scope(value, certificate):
            return False
    return not _strange(crl.public_bytes(Encoding.DER))


@lru_cache(32)
def _strange(data: bytes) -> bool:
    """A critical extension of any entry that we do not know forbids the whole list (RFC 5280 section 5.3)."""
    return any(e.critical and e.oid not in _KNOWN_ENTRY for entry in read_crl(data) for e in entry.extensions)


def _in_scope(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs:
        return False
    if point.relative_name:
        return False  # a name relative to the CRL issuer's: nothing in use writes it
    try:
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    if (point.only_contains_user_certs and authority) or (point.only_contains_ca_certs and not authority):
        return False
    if point.full_name is None:
        return True
    try:
        named = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return False
    return any(name in point.full_name for entry in named for name in entry.full_name or ())


def _revoked_since(entry: x509.RevokedCertificate) -> tuple[int, str]:
    since, reason = _seconds(entry.revocation_date_utc), "unspecified"
    for extension in entry.extensions:
        if isinstance(extension.value, x509.InvalidityDate):
            # the key may have been stolen long before anybody told the authority
            since = min(since, _seconds(extension.value.invalidity_date_utc))
        elif isinstance(extension.value, x509.CRLReason):
            reason = extension.value.reason.value
    return since, reason


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
