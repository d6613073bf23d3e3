"""Revocation lists (RFC 5280 section 5) and OCSP responses (RFC 6960) of an authority."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography import x509

from ledger.core.bundles import ValidationData
from ledger.crypto.conformance.findings import Entry, Fit, Severity, broken, met
from ledger.crypto.crls import covers, read_crl, require_signed
from ledger.crypto.ocsp import read_response
from ledger.crypto.revocation import infos_about
from ledger.crypto.revocation_info import Subject
from ledger.errors import InputError


def check_list(entry: Entry, subjects: Sequence[Subject], moment: int) -> Iterator[Fit]:
    about = entry.about
    try:
        crl = read_crl(entry.der)
    except InputError as cause:
        yield broken(about, "CA_CRL_READ", cause)
        return
    issuers = [subject for subject in subjects if subject.x509.subject == crl.issuer]
    yield met(about, "CA_CRL_ISSUER", bool(issuers), Severity.MISSING)
    if issuers:
        yield _signed(about, entry.der, issuers)
    until = crl.next_update_utc
    yield met(about, "CA_CRL_NEXT", until is not None and until > crl.last_update_utc)
    if until is not None:
        current = crl.last_update_utc.timestamp() <= moment < until.timestamp()
        values = {"since": int(crl.last_update_utc.timestamp()), "expires": int(until.timestamp())}
        yield met(about, "CA_CRL_CURRENT", current, Severity.REMARK, **values)
    kinds = {type(extension.value) for extension in crl.extensions}
    yield met(about, "CA_CRL_NUMBER", x509.CRLNumber in kinds, Severity.REMARK)
    yield met(about, "CA_CRL_AKI", x509.AuthorityKeyIdentifier in kinds, Severity.REMARK)
    issued = [s for s in subjects if s.x509.issuer == crl.issuer]
    yield met(about, "CA_CRL_WHOLE", not issued or any(covers(crl, s.x509) for s in issued))


def _signed(about: str, data: bytes, issuers: Sequence[Subject]) -> Fit:
    """By one of several of its name: renewed and cross-certified authorities have one name."""
    faults = []
    for issuer in issuers:
        try:
            require_signed(data, issuer)
        except InputError as cause:
            faults.append(cause)
        else:
            return met(about, "CA_CRL_SIGNED", True)
    return broken(about, "CA_CRL_SIGNED", faults[0])


def check_response(entry: Entry, subjects: Sequence[Subject], moment: int) -> Iterator[Fit]:
    about = entry.about
    try:
        response = read_response(entry.der)
    except InputError as cause:
        yield broken(about, "CA_OCSP_READ", cause)
        return
    yield met(about, "CA_OCSP_READ", response is not None)
    if response is None:
        return
    pairs = [
        (subject, issuer)
        for subject in subjects
        for issuer in subjects
        if any(single.certificate.names(subject, issuer) for single in response.singles)
    ]
    yield met(about, "CA_OCSP_ABOUT", bool(pairs), Severity.MISSING)
    for subject, issuer in pairs[:1]:
        data = ValidationData((), (), (entry.der,))
        try:
            (info, *_) = infos_about(subject.data, issuer.data, data)
        except InputError as cause:
            yield broken(about, "CA_OCSP_SIGNED", cause)
            return
        yield met(about, "CA_OCSP_SIGNED", True)
        yield met(about, "CA_OCSP_SPEAKS", info.gap is None, found=info.gap or "–")
    ends = [single.next_update for single in response.singles]
    yield met(about, "CA_OCSP_NEXT", all(ends), Severity.REMARK)
    taken = [single.this_update for single in response.singles]
    values = {"since": min(taken, default=0), "expires": min(ends, default=0)}
    current = all(s.this_update <= moment < s.next_update for s in response.singles)
    yield met(about, "CA_OCSP_CURRENT", current, Severity.REMARK, **values)
