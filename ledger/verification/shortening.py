"""What the chain's trust list says against a path that the trust file lets pass. The file outranks the chain, which can
only shorten trust, and never makes more of it than undetermined: a newer trust file decides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.registries import Kind
from ledger.core.trust_lists import Recognition
from ledger.core.trust_services import ServiceStatus
from ledger.core.verdicts import Finding, Step, undetermined
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import InputError
from ledger.verification.case import Case, Times, need, unproved
from ledger.verification.compromise import fallen
from ledger.verification.listed import ListOnChain, on_chain, terms_of
from ledger.verification.policies import recognitions_for


@dataclass(frozen=True, slots=True)
class Codes:
    """How a finding is called, by whose path it is about."""

    not_granted: str
    compromised: str


PATH = Codes("PATH_NOT_GRANTED_ON_CHAIN", "PATH_COMPROMISED_ON_CHAIN")
TOKEN = Codes("TIME_TOKEN_NOT_GRANTED_ON_CHAIN", "TIME_TOKEN_COMPROMISED_ON_CHAIN")


def shortened(case: Case, kind: Kind, authorities: Sequence[bytes], anchor: bytes, times: Times) -> list[Finding]:
    """Against a path to a signer, or to a seal (``kind`` SEAL): statuses that are newer than the trust file,
    compromises, and recognitions that ended, each as of T1. ``authorities``: certificates (DER) of the path that are
    services or may be; ``anchor``: SHA-256 of the last."""
    listed = on_chain(case)
    if not isinstance(listed, ListOnChain):
        return [listed] if listed else []
    services = against_services(case, authorities, times)
    return services + _recognition(case, listed, kind, anchor, times.signature)


def against_services(case: Case, authorities: Sequence[bytes], times: Times, codes: Codes = PATH) -> list[Finding]:
    """As `shortened`, of services and their keys alone; silent where the list is not proved at all, as step 10 says."""
    listed = on_chain(case)
    if not isinstance(listed, ListOnChain):
        return []
    found: list[Finding] = []
    for der in authorities:
        try:
            found += _service(case, listed, der, times, codes)
        except InputError as error:
            # of certificates that only a file or a token brings along, nobody could ask beforehand
            if error.code != "TRIE_NODE_MISSING" or der in _expected(case):
                found.append(unproved("PATH_LIST_UNPROVED", error, authority=fingerprint(der).hex()))
    return found


def _expected(case: Case) -> set[bytes]:
    """Certificates of which the proof must say whether they are listed."""
    brought = need(case.bundle, Step.CONTAINER).validation.certificates
    return {*brought, *(a.certificate for a in case.facts.trust.authorities)}


def _service(case: Case, listed: ListOnChain, der: bytes, times: Times, codes: Codes) -> list[Finding]:
    name = fingerprint(der)
    found: list[Finding] = []
    then = [s for s in listed.statuses(name) if s.since <= times.signature]
    if then and then[-1].status is not ServiceStatus.GRANTED and then[-1].since >= case.facts.trust.issued:
        state = then[-1].status.word
        found.append(undetermined(codes.not_granted, authority=name.hex(), state=state, since=then[-1].since))
    since = listed.compromised_since(hashlib.sha256(read_certificate(der).spki).digest())
    if since is not None and fallen(codes.compromised, since, times):
        found.append(undetermined(codes.compromised, authority=name.hex(), since=since))
    return found


def _recognition(case: Case, listed: ListOnChain, kind: Kind, authority: bytes, moment: int) -> list[Finding]:
    """Would the file's recognitions still be enough without those that ended on chain?"""
    current = recognitions_for(case.facts.trust, authority, kind, case.jurisdiction, moment)
    try:
        left = [r.level for r in current if not _ended(listed, r, moment)]
    except InputError as error:
        return [unproved("PATH_LIST_UNPROVED", error, authority=authority.hex())]
    wanted = case.policy.level if case.policy else 1
    if max((r.level for r in current), default=0) < wanted or max(left, default=0) >= wanted:
        return []
    values = {"authority": authority.hex(), "kind": kind.word, "jurisdiction": case.jurisdiction}
    return [undetermined("PATH_RECOGNITION_ENDED_ON_CHAIN", **values)]


def _ended(listed: ListOnChain, recognition: Recognition, moment: int) -> bool:
    terms = terms_of(recognition)
    window = None if terms is None else listed.recognised(terms)
    return window is not None and window[1] <= moment
