"""One certificate against the profile: RFC 5280 section 4 and GM/T 0015, which follows it; RFC 9336, 3161 and 6960."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from ledger.crypto import der
from ledger.crypto.certificate_facts import extensions_of, facts_of, scheme_name
from ledger.crypto.certificates import read_signed
from ledger.crypto.conformance.findings import Entry, Fit, Severity, broken, met
from ledger.crypto.issuer_signatures import require_key, scheme_of
from ledger.crypto.path_rules import KNOWN_CRITICAL, SIGNING, TIME_STAMPING
from ledger.crypto.paths import MAX_NAME
from ledger.crypto.revocation_info import Subject, read_subject
from ledger.crypto.subject_identity import identities_of
from ledger.errors import InputError

Role = Literal["root", "authority", "timestamp", "responder", "signing", "encryption"]
_ANY = "2.5.29.37.0"
_MOST_SERIAL = 20  # octets, RFC 5280 section 4.1.2.2
_ENCRYPTING = ("key_encipherment", "data_encipherment", "key_agreement")


def read(entry: Entry) -> Subject:
    """Raises InputError ``REVOCATION_CERTIFICATE``, ``CERTIFICATE_SYNTAX``, ``CERTIFICATE_EXTENSION_TWICE``."""
    subject = read_subject(entry.der)
    if max(len(subject.parts.subject), len(subject.parts.issuer)) > MAX_NAME:
        raise InputError("CERTIFICATE_SYNTAX")
    extensions_of(entry.der)
    facts_of(entry.der)
    return subject


def role_of(subject: Subject) -> Role:
    basic = _extension(subject, x509.BasicConstraints)
    if basic is not None and basic.ca:
        return "root" if subject.parts.subject == subject.parts.issuer else "authority"
    purposes = _purposes(subject)
    if TIME_STAMPING.extended & purposes:
        return "timestamp"
    if ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in purposes:
        return "responder"
    usage = _usages(subject)
    return "encryption" if usage and not usage & {"digital_signature", "content_commitment"} else "signing"


def check(about: str, subject: Subject, issuer: Subject | None, moment: int) -> Iterator[Fit]:
    """``issuer``: the certificate of its issuer, where it is at hand; ``moment``: seconds UTC."""
    role = role_of(subject)
    yield from _frame(about, subject, role, moment)
    yield from _links(about, subject, issuer, role)
    if role in ("root", "authority"):
        yield from _authority(about, subject)
    elif role == "signing":
        yield from _signing(about, subject)
    elif role == "timestamp":
        critical = extensions_of(subject.data)["2.5.29.37"].critical
        yield met(about, "CA_CERT_STAMPS", critical and _purposes(subject) == TIME_STAMPING.extended)
    elif role == "responder":
        no_check = _extension(subject, x509.OCSPNoCheck) is not None
        yield met(about, "CA_CERT_NO_CHECK", no_check, Severity.REMARK)


def identifies(issuer: Subject, subject: Subject) -> bool:
    """Does the certificate name this issuer's key, by its identifier?"""
    own, named = _extension(issuer, x509.SubjectKeyIdentifier), _extension(subject, x509.AuthorityKeyIdentifier)
    return own is not None and named is not None and own.digest == named.key_identifier


def _frame(about: str, subject: Subject, role: Role, moment: int) -> Iterator[Fit]:
    yield met(about, "CA_CERT_SERIAL", len(der.read(subject.parts.serial, der.INTEGER).content) <= _MOST_SERIAL)
    signed, algorithm = read_signed(subject.data)
    yield met(about, "CA_CERT_TIMES", _canonical_times(signed.children()[4]), Severity.REMARK)
    facts = facts_of(subject.data)
    current = facts.not_before <= moment <= facts.not_after
    yield met(about, "CA_CERT_PERIOD", current, Severity.REMARK, since=facts.not_before, expires=facts.not_after)
    yield _rule(about, "CA_CERT_KEY", lambda: require_key(subject.parts.spki), key=facts.key)
    weak = Severity.REMARK if role == "root" else Severity.MISFIT  # nobody needs to believe a root's own signature
    scheme = scheme_name(algorithm)
    yield _rule(about, "CA_CERT_SCHEME", lambda: scheme_of(algorithm.outer), weak, scheme=scheme)
    unknown = [o for o, e in extensions_of(subject.data).items() if e.critical and o not in KNOWN_CRITICAL]
    yield met(about, "CA_CERT_CRITICAL", not unknown, oids=", ".join(unknown) or "–")


def _links(about: str, subject: Subject, issuer: Subject | None, role: Role) -> Iterator[Fit]:
    """Key identifiers, and where revocation is told."""
    if role == "root":
        return
    named = _extension(subject, x509.AuthorityKeyIdentifier)
    yield met(about, "CA_CERT_AKI", named is not None and named.key_identifier is not None, Severity.REMARK)
    own = None if issuer is None else _extension(issuer, x509.SubjectKeyIdentifier)
    if named is not None and named.key_identifier is not None and own is not None:
        yield met(about, "CA_CERT_AKI_FITS", named.key_identifier == own.digest)
    if role == "responder" and _extension(subject, x509.OCSPNoCheck) is not None:
        return
    access = list(_extension(subject, x509.AuthorityInformationAccess) or ())
    responders = [a for a in access if a.access_method == AuthorityInformationAccessOID.OCSP]
    lists = _extension(subject, x509.CRLDistributionPoints)
    yield met(about, "CA_CERT_ADDRESS", bool(responders) or bool(lists))
    issuers = [a for a in access if a.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
    yield met(about, "CA_CERT_ISSUER_ADDRESS", bool(issuers), Severity.REMARK)


def _authority(about: str, subject: Subject) -> Iterator[Fit]:
    usage, extensions = _usages(subject), extensions_of(subject.data)
    yield met(about, "CA_CERT_BASIC", extensions["2.5.29.19"].critical, Severity.REMARK)
    yield met(about, "CA_CERT_CERTIFIES", "key_cert_sign" in usage)
    yield met(about, "CA_CERT_LISTS", "crl_sign" in usage, Severity.REMARK)
    yield met(about, "CA_CERT_SKI", _extension(subject, x509.SubjectKeyIdentifier) is not None, Severity.REMARK)
    purposes = _purposes(subject)
    if purposes:
        allowed = purposes & (SIGNING.extended | {_ANY})
        yield met(about, "CA_CERT_BELOW", bool(allowed), Severity.REMARK, found=", ".join(sorted(purposes)))


def _signing(about: str, subject: Subject) -> Iterator[Fit]:
    usage, purposes = _usages(subject), _purposes(subject)
    yield met(about, "CA_CERT_USAGE", bool(usage & {"digital_signature", "content_commitment"}))
    yield met(about, "CA_CERT_USAGE_APART", not usage & set(_ENCRYPTING), Severity.REMARK)
    allowed = not purposes or bool(purposes & (SIGNING.extended | {_ANY}))
    yield met(about, "CA_CERT_PURPOSE", allowed, found=", ".join(sorted(purposes)) or "–")
    found = identities_of(subject.data)
    shown = ", ".join(f"{i.scheme} ({i.source})" for i in found) or "–"  # never the number itself
    yield met(about, "CA_CERT_IDENTITY", bool(found), Severity.REMARK, found=shown)
    if not any(i.kind == "person" for i in found):
        yield met(about, "CA_CERT_ORGANISATION", subject.parts.organization is not None, Severity.REMARK)


def _rule(about: str, code: str, rule: Any, severity: Severity = Severity.MISFIT, **values: Any) -> Fit:
    try:
        rule()
    except InputError as cause:
        return broken(about, code, cause, severity, **values)
    return met(about, code, True, **values)


def _canonical_times(validity: der.Element) -> bool:
    try:
        for time in validity.children():
            der.read_time(time)
    except InputError:
        return False
    return True


def _extension(subject: Subject, kind: type[Any]) -> Any:
    try:
        return subject.x509.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _purposes(subject: Subject) -> set[str]:
    return {purpose.dotted_string for purpose in _extension(subject, x509.ExtendedKeyUsage) or ()}


def _usages(subject: Subject) -> set[str]:
    usage = _extension(subject, x509.KeyUsage)
    names = ("digital_signature", "content_commitment", "key_cert_sign", "crl_sign", *_ENCRYPTING)
    return set() if usage is None else {name for name in names if getattr(usage, name)}
