"""What the chain's trust list says against a path that the trust file lets pass. The file outranks the chain, which can
only shorten trust; and the list is the word of one node, unproved, so it never makes more of it than undetermined: a
newer trust file decides."""

from __future__ import annotations

import hashlib

from ledger.core.registries import Kind
from ledger.core.trust_documents import agreement_id
from ledger.core.trust_lists import Recognition
from ledger.core.trust_services import ListedService, RecognitionTerms, ServiceStatus, TrustSnapshot, purpose_number
from ledger.core.verdicts import Finding, undetermined
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.paths import CertificatePath
from ledger.verification.case import Case, Times
from ledger.verification.compromise import fallen
from ledger.verification.policies import recognitions_for


def shortened(case: Case, kind: Kind, path: CertificatePath, times: Times) -> list[Finding]:
    """Statuses that are newer than the trust file, compromises, and recognitions that ended, each as of T1."""
    listed = case.facts.listed
    if listed is None:
        return []
    above = path.certificates[1:]
    names = {fingerprint(der) for der in above}
    keys = {hashlib.sha256(read_certificate(der).spki).digest() for der in above}
    found: list[Finding] = []
    for service in listed.services:
        if service.certificate in names:
            found += _status(service, case.facts.trust.issued, times)
        if service.listing.key in keys:
            found += _compromise(service, times)
    return found + _recognition(case, kind, path.anchor_sha256, times, listed)


def _status(service: ListedService, issued: int, times: Times) -> list[Finding]:
    then = [s for s in service.statuses if s.since <= times.signature]
    if not then or then[-1].status is ServiceStatus.GRANTED or then[-1].since < issued:
        return []
    values = {"authority": service.certificate.hex(), "state": then[-1].status.word, "since": then[-1].since}
    return [undetermined("PATH_NOT_GRANTED_ON_CHAIN", **values)]


def _compromise(service: ListedService, times: Times) -> list[Finding]:
    since, code = service.compromised_since, "PATH_COMPROMISED_ON_CHAIN"
    if since is None or not fallen(code, since, times):
        return []
    return [undetermined(code, authority=service.certificate.hex(), since=since)]


def _recognition(case: Case, kind: Kind, authority: bytes, times: Times, listed: TrustSnapshot) -> list[Finding]:
    """Would the file's recognitions still be enough without those that ended on chain?"""
    ended = {r.terms for r in listed.recognitions if r.until <= times.signature}
    if not ended:
        return []
    current = recognitions_for(case.facts.trust, authority, kind, case.jurisdiction, times.signature)
    left = [r.level for r in current if _terms(r, kind) not in ended]
    wanted = case.policy.level if case.policy else 1
    if max((r.level for r in current), default=0) < wanted or max(left, default=0) >= wanted:
        return []
    values = {"authority": authority.hex(), "kind": kind.word, "jurisdiction": case.jurisdiction}
    return [undetermined("PATH_RECOGNITION_ENDED_ON_CHAIN", **values)]


def _terms(r: Recognition, kind: Kind) -> RecognitionTerms:
    agreement = agreement_id(r.jurisdiction, r.reference)
    return RecognitionTerms(r.jurisdiction, r.authority, purpose_number(kind.word), r.level, agreement)
