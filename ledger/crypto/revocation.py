"""Was any certificate of a path revoked at a moment? Judged from CRLs (RFC 5280 section 6.3) that were
brought along.

An own rule, because the libraries pass over a certificate that names no CRL address: here every certificate
below the anchor needs data that says "good", and no data is never good. Only complete CRLs signed by the
certificate's own issuer count; delta, indirect and partial ones are set aside as unused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from ledger.core.bundles import ValidationData
from ledger.crypto.algorithms import verify_raw
from ledger.crypto.certificates import SM2_WITH_SM3, read_certificate, read_signed
from ledger.crypto.paths import CertificatePath
from ledger.errors import InputError

Outcome = Literal["good", "revoked", "unknown"]
_UNREADABLE = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)
_BROKEN_HASHES = (MD5, SHA1)
_KNOWN_ENTRY = {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}
_KNOWN_LIST = {
    ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CRL_NUMBER,
}


@dataclass(frozen=True, slots=True)
class RevocationVerdict:
    """``code``: REVOCATION_GOOD, REVOCATION_PROVISIONAL, REVOCATION_REVOKED (values: position in the path,
    revoked, reason), or for "unknown" REVOCATION_MISSING, REVOCATION_EXPIRED, REVOCATION_SCOPE,
    REVOCATION_OCSP_UNSUPPORTED (values: position).

    ``provisional``: some certificate has only data taken before the moment, so a revocation reported later is
    not seen. ``as_of``: thisUpdate of the oldest data relied on, seconds UTC. ``unused``: DER of data no rule
    relied on.
    """

    outcome: Outcome
    provisional: bool
    as_of: int | None
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    unused: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _List:
    """A CRL of the right issuer with a good signature; ``complete`` tells whether it covers the
    certificate."""

    data: bytes
    crl: x509.CertificateRevocationList
    this_update: int
    next_update: int
    complete: bool


def judge(path: CertificatePath, data: ValidationData, moment: int) -> RevocationVerdict:
    """The verdict at ``moment`` (the proved time of the signature, seconds UTC).

    A revocation counts from the earlier of revocationDate and invalidityDate; one after ``moment`` does not
    touch the signature. Revoked beats unknown beats good, over all certificates of the path.

    Raises:
        InputError: ``REVOCATION_CRL_SYNTAX``; ``REVOCATION_CRL_SIGNATURE`` a CRL in the name of an authority
        of the
            path that it did not sign; ``REVOCATION_PATH_EMPTY`` nothing to judge.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    if len(path.certificates) < 2:
        raise InputError("REVOCATION_PATH_EMPTY")
    certificates = [_certificate(der) for der in path.certificates]
    crls = {der: _parse(der) for der in data.crls}
    used: set[bytes] = set()
    verdicts = []
    for position in range(len(certificates) - 1):
        lists = list(_lists_of(certificates[position], certificates[position + 1], crls))
        used.update(found.data for found in lists)
        verdicts.append(_judge_one(position, certificates[position], lists, moment))
    return _compose(verdicts, used, data)


def _compose(verdicts: list[RevocationVerdict], used: set[bytes], data: ValidationData) -> RevocationVerdict:
    unused = tuple(der for der in data.crls if der not in used)
    for verdict in verdicts:
        if verdict.outcome == "revoked":
            return replace(verdict, unused=unused)
    if data.ocsps:
        # Bytes that nobody reads must not stand in a bundle that passes.
        return RevocationVerdict("unknown", False, None, "REVOCATION_OCSP_UNSUPPORTED", {}, unused)
    for verdict in verdicts:
        if verdict.outcome == "unknown":
            return replace(verdict, unused=unused)
    provisional = any(verdict.provisional for verdict in verdicts)
    code = "REVOCATION_PROVISIONAL" if provisional else "REVOCATION_GOOD"
    as_of = min(verdict.as_of for verdict in verdicts if verdict.as_of is not None)
    return RevocationVerdict("good", provisional, as_of, code, {"asOf": as_of}, unused)


def _judge_one(position: int, certificate: x509.Certificate, lists: list[_List], moment: int) -> RevocationVerdict:
    complete = [found for found in lists if found.complete]
    expires = _seconds(certificate.not_valid_after_utc)
    # An authority may drop an entry once the certificate has expired (RFC 5280 section 3.3): a list taken
    # later says nothing by its silence.
    later = [found for found in complete if moment < found.this_update <= expires]
    current = [found for found in complete if found.this_update <= moment < found.next_update]
    for found in complete:
        entry = found.crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is None:
            continue
        since, reason = _revoked_since(entry)
        # A hold can be lifted again, so an old list does not prove that it still stood.
        if since <= moment and (found in later or found in current or reason != "certificateHold"):
            values = {"position": position, "revoked": since, "reason": reason}
            return RevocationVerdict("revoked", False, found.this_update, "REVOCATION_REVOKED", values)
    if not later and not current:
        code = "REVOCATION_EXPIRED" if complete else "REVOCATION_SCOPE" if lists else "REVOCATION_MISSING"
        return RevocationVerdict("unknown", False, None, code, {"position": position})
    as_of = max(found.this_update for found in later + current)
    return RevocationVerdict("good", not later, as_of, "REVOCATION_GOOD")


def _lists_of(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    crls: dict[bytes, x509.CertificateRevocationList],
) -> Iterator[_List]:
    """CRLs in the issuer's name that the issuer signed."""
    for data, crl in crls.items():
        if crl.issuer != issuer.subject:
            continue
        _require_signature(crl, issuer)
        # RFC 5280 section 5.1.2.5 demands nextUpdate; a list without an end must not stay current for ever
        until = _seconds(crl.next_update_utc) if crl.next_update_utc else 0
        yield _List(data, crl, _seconds(crl.last_update_utc), until, _covers(crl, certificate))


def _require_signature(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        allowed = usage.crl_sign
    except x509.ExtensionNotFound:
        allowed = True  # RFC 5280 section 6.3.3 f: only "if a key usage extension is present"
    try:
        if crl.signature_algorithm_oid.dotted_string == SM2_WITH_SM3:
            valid = _signed_by_sm2(crl, issuer)
        else:
            valid = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
            allowed = allowed and not isinstance(crl.signature_hash_algorithm, _BROKEN_HASHES)
    except (TypeError, ValueError, InvalidSignature, UnsupportedAlgorithm):
        valid = False
    if not (allowed and valid):
        raise InputError("REVOCATION_CRL_SIGNATURE")


def _signed_by_sm2(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        spki = read_certificate(issuer.public_bytes(Encoding.DER)).spki
        verify_raw(spki, "sm2-sm3", crl.signature, crl.tbs_certlist_bytes)
    except InputError:
        return False
    return True


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Is the list complete for this certificate, and is nothing in it that we must not pass over?"""
    for extension in crl.extensions:
        if extension.critical and extension.oid not in _KNOWN_LIST:
            return False  # among them the delta indicator, always critical
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return False
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint) and not _in_scope(value, certificate):
            return False
    # A critical extension of any entry that we do not know forbids the whole list (RFC 5280 section 5.3).
    return not any(e.critical and e.oid not in _KNOWN_ENTRY for entry in crl for e in entry.extensions)


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


@lru_cache(maxsize=256)
def _certificate(data: bytes) -> x509.Certificate:
    try:
        found = x509.load_der_x509_certificate(data)
        list(found.extensions)  # lazily parsed: a fault in them must show here
        return found
    except _UNREADABLE as error:
        raise InputError("REVOCATION_CERTIFICATE") from error


def _parse(data: bytes) -> x509.CertificateRevocationList:
    try:
        read_signed(data)
        found = x509.load_der_x509_crl(data)
        for part in (found, *found):
            list(part.extensions)
        _ = (found.issuer, found.last_update_utc, found.next_update_utc)
    except (InputError, *_UNREADABLE) as error:
        raise InputError("REVOCATION_CRL_SYNTAX") from error
    return found


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
