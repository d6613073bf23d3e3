"""What the chain's trust list says against a path that the trust file lets pass. The file outranks the chain, which can
only shorten trust, and never makes more of it than undetermined: a newer trust file decides."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass

from ledger.core.registries import Kind
from ledger.core.trust import Trust
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


@dataclass(frozen=True, slots=True)
class Recognised:
    """A recognition that is wanted. ``authority``: SHA-256 of its certificate; ``purpose``: a word of
    ``core.trust_services``; ``jurisdiction``: ``None`` for any; ``level``: at least."""

    authority: bytes
    purpose: str
    jurisdiction: str | None
    level: int


PATH = Codes("PATH_NOT_GRANTED_ON_CHAIN", "PATH_COMPROMISED_ON_CHAIN")
TOKEN = Codes("TIME_TOKEN_NOT_GRANTED_ON_CHAIN", "TIME_TOKEN_COMPROMISED_ON_CHAIN")


def shortened(case: Case, kind: Kind, authorities: Sequence[bytes], anchor: bytes, times: Times) -> list[Finding]:
    """Against a path to a signer, or to a seal (``kind`` SEAL): statuses that are newer than the trust file,
    compromises, and recognitions that ended, each as of T1. ``authorities``: certificates (DER) of the path that are
    services or may be; ``anchor``: SHA-256 of the last."""
    listed = on_chain(case)
    if not isinstance(listed, ListOnChain):
        return [listed] if listed else []
    wanted = Recognised(anchor, kind.word, case.jurisdiction, case.policy.level if case.policy else 1)
    recognition = recognition_ended(listed, case.facts.trust, wanted, times.signature)
    return against_services(case, authorities, times) + recognition


def against_services(case: Case, authorities: Sequence[bytes], times: Times, codes: Codes = PATH) -> list[Finding]:
    """As `shortened`, of services and their keys alone; silent where the list is not proved at all, as step 10 says."""
    listed = on_chain(case)
    if not isinstance(listed, ListOnChain):
        return []
    return taken_back(listed, case.facts.trust, authorities, times, _expected(case), codes)


def _expected(case: Case) -> set[bytes]:
    """Certificates of which the proof must say whether they are listed."""
    brought = need(case.bundle, Step.CONTAINER).validation.certificates
    return {*brought, *(a.certificate for a in case.facts.trust.authorities)}


def taken_back(
    listed: ListOnChain,
    trust: Trust,
    authorities: Sequence[bytes],
    times: Times,
    expected: Container[bytes],
    codes: Codes = PATH,
) -> list[Finding]:
    """Statuses of ``authorities`` (certificates, DER) that are newer than the file, and compromises of their keys.
    ``expected``: certificates of which the proof must say whether they are listed."""
    found: list[Finding] = []
    for der in authorities:
        try:
            found += _service(listed, trust, der, times, codes)
        except InputError as error:
            # of certificates that only a file or a token brings along, nobody could ask beforehand
            if error.code != "TRIE_NODE_MISSING" or der in expected:
                found.append(unproved("PATH_LIST_UNPROVED", error, authority=fingerprint(der).hex()))
    return found


def _service(listed: ListOnChain, trust: Trust, der: bytes, times: Times, codes: Codes) -> list[Finding]:
    name = fingerprint(der)
    found: list[Finding] = []
    then = [s for s in listed.statuses(name) if s.since <= times.signature]
    if then and then[-1].status is not ServiceStatus.GRANTED and then[-1].since >= trust.issued:
        state = then[-1].status.word
        found.append(undetermined(codes.not_granted, authority=name.hex(), state=state, since=then[-1].since))
    since = listed.compromised_since(hashlib.sha256(read_certificate(der).spki).digest())
    if since is not None and fallen(codes.compromised, since, times):
        found.append(undetermined(codes.compromised, authority=name.hex(), since=since))
    return found


def recognition_ended(listed: ListOnChain, trust: Trust, wanted: Recognised, moment: int) -> list[Finding]:
    """Would the file's recognitions still be enough without those that ended on chain?"""
    try:
        left = [r.level for r in recognitions_left(listed, trust, wanted, moment)]
    except InputError as error:
        return [unproved("PATH_LIST_UNPROVED", error, authority=wanted.authority.hex())]
    levels = [r.level for r in _in_file(trust, wanted, moment)]
    if max(levels, default=0) < wanted.level or max(left, default=0) >= wanted.level:
        return []
    values = {"authority": wanted.authority.hex(), "kind": wanted.purpose, "jurisdiction": wanted.jurisdiction}
    return [undetermined("PATH_RECOGNITION_ENDED_ON_CHAIN", **values)]


def recognitions_left(listed: ListOnChain, trust: Trust, wanted: Recognised, moment: int) -> list[Recognition]:
    """The file's recognitions, of any level, that are current and have not ended on chain. Raises InputError TRIE_…,
    STORAGE_…."""
    return [r for r in _in_file(trust, wanted, moment) if not _ended(listed, r, moment)]


def _in_file(trust: Trust, wanted: Recognised, moment: int) -> tuple[Recognition, ...]:
    return recognitions_for(trust, wanted.authority, wanted.purpose, wanted.jurisdiction, moment)


def _ended(listed: ListOnChain, recognition: Recognition, moment: int) -> bool:
    terms = terms_of(recognition)
    window = None if terms is None else listed.recognised(terms)
    return window is not None and window[1] <= moment
