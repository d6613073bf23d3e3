"""Certificate revocation lists (RFC 5280 section 5): reading, whose they are, and what they cover.

The silence of a complete list says "good", and that of a delta list together with a complete one (section 5.2.4). What
covers less (some reasons, another distribution point, a delta alone) says nothing by its silence, but whom it names is
revoked. Indirect lists say nothing: their entries may be about another authority's certificates.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from ledger.crypto import der
from ledger.crypto.certificates import comparable, read_signed
from ledger.crypto.revocation_info import UNREADABLE, RevocationInfo, Subject, require_signed_by
from ledger.errors import InputError

E = TypeVar("E", bound=x509.ExtensionType)
_KNOWN_ENTRY = {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}
_KNOWN_LIST = {
    ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CRL_NUMBER,
    ExtensionOID.DELTA_CRL_INDICATOR,
}
_REMOVED = "removeFromCRL"


# A list of a large authority has a hundred thousand entries, and the same one is asked about again and again.
@lru_cache(32)
def read_crl(data: bytes) -> x509.CertificateRevocationList:
    """Raises InputError ``REVOCATION_CRL_SYNTAX``."""
    try:
        read_signed(data)
        found = x509.load_der_x509_crl(data)
        for part in (found, *found):
            list(part.extensions)
        _ = (list_issuer(data), found.last_update_utc, found.next_update_utc)
    except (InputError, *UNREADABLE) as error:
        raise InputError("REVOCATION_CRL_SYNTAX") from error
    return found


@lru_cache(32)
def list_issuer(data: bytes) -> Hashable:
    """The issuer of a list (DER), as ``comparable``. Raises InputError ``DER_…``, ``CERTIFICATE_SYNTAX``."""
    fields = read_signed(data)[0].children()
    return comparable(fields[2 if fields[0].tag == der.INTEGER else 1].outer)


def lists_about(
    certificate: Subject,
    issuer: Subject,
    crls: Mapping[bytes, x509.CertificateRevocationList],
    same: Sequence[Subject] = (),
) -> Iterator[RevocationInfo]:
    """What the lists in the issuer's name say of the certificate. ``same``: other certificates of the issuer, with
    other keys: an authority that has changed its key signs all its lists by the new one.

    Raises:
        InputError: ``REVOCATION_CRL_SIGNATURE`` for one that the issuer did not sign, or may not.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    own = list(_own(issuer, crls, same))
    yield from (_said(data, crl, certificate) for data, crl in own)
    for data, delta in own:
        for _, base in own:
            if _completes(delta, base) and covers(base, certificate.x509):
                yield _completed(data, delta, base, certificate)


def _own(
    issuer: Subject, crls: Mapping[bytes, x509.CertificateRevocationList], same: Sequence[Subject]
) -> Iterator[tuple[bytes, x509.CertificateRevocationList]]:
    """Lists by one of the issuer's keys. One that names another key (RFC 5280 section 5.2.1) is a namesake's, or by a
    key of which nothing here proves that it is the issuer's: nothing is wrong with it, and it says nothing."""
    for data, crl in crls.items():
        if list_issuer(data) != comparable(issuer.parts.subject):
            continue
        fault = None
        for signer in (each for each in (issuer, *same) if _may_be_by(crl, each)):
            try:
                require_signed(data, signer)
                yield data, crl
                break
            except InputError as error:
                fault = error
        else:
            if fault is not None:
                raise fault


def _may_be_by(crl: x509.CertificateRevocationList, signer: Subject) -> bool:
    try:
        named = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        own = signer.x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return True
    return named is None or named == own


def _said(data: bytes, crl: x509.CertificateRevocationList, certificate: Subject) -> RevocationInfo:
    taken, until = _period(crl)
    revoked = _revoked(crl, certificate)
    if covers(crl, certificate.x509):
        # An authority may drop an entry once the certificate has expired (RFC 5280 section 3.3): a list taken later
        # says nothing by its silence.
        return RevocationInfo(data, taken, until, taken, revoked)
    if revoked is not None and revoked[1] == _REMOVED:
        revoked = None
    if revoked is not None and _names_own(crl):
        return RevocationInfo(data, taken, until, taken, revoked, partial=True)
    return RevocationInfo(data, taken, until, taken, revoked, "REVOCATION_SCOPE")


def _completes(delta: x509.CertificateRevocationList, base: x509.CertificateRevocationList) -> bool:
    """Are both together a complete list of the delta's time (RFC 5280 section 5.2.4)? Of one scope and key, the base no
    older than what the delta starts from, and not younger than the delta."""
    start, number, known = _value(delta, x509.DeltaCRLIndicator), _number(delta), _number(base)
    if start is None or number is None or known is None or _value(base, x509.DeltaCRLIndicator) is not None:
        return False
    alike = (x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier)
    return start.crl_number <= known < number and all(_value(delta, e) == _value(base, e) for e in alike)


def _completed(
    data: bytes,
    delta: x509.CertificateRevocationList,
    base: x509.CertificateRevocationList,
    certificate: Subject,
) -> RevocationInfo:
    taken, until = _period(delta)
    entry = _revoked(delta, certificate)
    revoked = _revoked(base, certificate) if entry is None else entry
    if revoked is not None and revoked[1] == _REMOVED:
        revoked = None  # lifted since
    gap = None if _in_scope(delta, certificate.x509) else "REVOCATION_SCOPE"
    return RevocationInfo(data, taken, until, taken, revoked, gap)


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
    return _value(crl, x509.DeltaCRLIndicator) is None and _in_scope(crl, certificate)


def _in_scope(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    point = _value(crl, x509.IssuingDistributionPoint)
    return _names_own(crl) and (point is None or _point_covers(point, certificate))


def _names_own(crl: x509.CertificateRevocationList) -> bool:
    """Are the entries about certificates of who issued the list, and is nothing critical in it that we do not know?"""
    point = _value(crl, x509.IssuingDistributionPoint)
    if (point is not None and point.indirect_crl) or any(
        e.critical and e.oid not in _KNOWN_LIST for e in crl.extensions
    ):
        return False
    return not _strange(crl.public_bytes(Encoding.DER))


def _value(crl: x509.CertificateRevocationList, extension: type[E]) -> E | None:
    try:
        return crl.extensions.get_extension_for_class(extension).value
    except x509.ExtensionNotFound:
        return None


def _number(crl: x509.CertificateRevocationList) -> int | None:
    found = _value(crl, x509.CRLNumber)
    return None if found is None else found.crl_number


@lru_cache(32)
def _strange(data: bytes) -> bool:
    """A critical extension of any entry that we do not know forbids the whole list (RFC 5280 section 5.3)."""
    return any(e.critical and e.oid not in _KNOWN_ENTRY for entry in read_crl(data) for e in entry.extensions)


def _point_covers(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    if point.only_some_reasons or point.only_contains_attribute_certs:
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


def _revoked(crl: x509.CertificateRevocationList, certificate: Subject) -> tuple[int, str] | None:
    """Since when and why the list's entry says, if there is one."""
    entry = crl.get_revoked_certificate_by_serial_number(certificate.x509.serial_number)
    if entry is None:
        return None
    since, reason = _seconds(entry.revocation_date_utc), "unspecified"
    for extension in entry.extensions:
        if isinstance(extension.value, x509.InvalidityDate):
            # the key may have been stolen long before anybody told the authority
            since = min(since, _seconds(extension.value.invalidity_date_utc))
        elif isinstance(extension.value, x509.CRLReason):
            reason = extension.value.reason.value
    return since, reason


def _period(crl: x509.CertificateRevocationList) -> tuple[int, int]:
    # RFC 5280 section 5.1.2.5 demands nextUpdate; a list without an end must not stay current for ever
    return _seconds(crl.last_update_utc), _seconds(crl.next_update_utc) if crl.next_update_utc else 0


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
