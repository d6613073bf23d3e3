"""The trust list on chain as of one sealed block: what its slots prove of a service, a key or a recognition.

Stops: a node that leaves a withdrawal out, tells of another list, or shows an old block. Which slots are asked for
follows from the trust file and the bundle, never from the node, so that it cannot hide a service that either names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ledger.core.identifiers import actor_from_bytes32
from ledger.core.trust import Trust
from ledger.core.trust_documents import agreement_id
from ledger.core.trust_lists import Recognition
from ledger.core.trust_services import DatedStatus, RecognitionTerms, TrustListProof, TrustSnapshot, purpose_number
from ledger.core.trusted_chains import TrustedChain
from ledger.core.verdicts import Finding, undetermined
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import InputError
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import ProofNodes
from ledger.proofs.trust_list_layout import (
    key_slot,
    qualification_slots,
    recognition_slot,
    service_history_slot,
    service_listing_slots,
    service_slot,
    status_step,
    unpack_key,
    unpack_qualification,
    unpack_service,
    unpack_window,
)
from ledger.verification.blocks import judge_block
from ledger.verification.case import Case, unproved


@dataclass(frozen=True, slots=True)
class ListOnChain:
    """Look-ups under a proved storage root. Each raises InputError TRIE_NODE_MISSING where the proof says nothing of
    what is asked, TRIE_…, RLP_…, STORAGE_…."""

    root: bytes
    nodes: ProofNodes
    told: Mapping[bytes, tuple[DatedStatus, ...]]

    def statuses(self, certificate: bytes) -> tuple[DatedStatus, ...]:
        """Every status that a service (SHA-256 of its certificate) ever had, oldest first; none: it is not listed.

        Raises InputError TRUST_LIST_HISTORY_DIFFERS where what the node told is not what the contract digested.
        """
        word = unpack_service(prove_slot(self.root, service_slot(certificate), self.nodes))
        if word.count == 0:
            return ()
        told = self.told.get(certificate, ())[: word.count]  # the node may have told of later blocks as well
        history = bytes(32)
        for entry in told:
            history = status_step(history, int(entry.status), entry.since)
        if history != self._word(service_history_slot(certificate)):
            raise InputError("TRUST_LIST_HISTORY_DIFFERS", certificate=certificate.hex())
        return told

    def listing(self, certificate: bytes) -> tuple[bytes, int, bytes, bytes, bytes]:
        """What a service is listed as, in the form of `Listing.words`; all zero where it is not listed."""
        word = unpack_service(prove_slot(self.root, service_slot(certificate), self.nodes))
        provider, key, name, document = map(self._word, service_listing_slots(certificate))
        return provider, word.service_type, key, name, document

    def compromised_since(self, key: bytes) -> int | None:
        """``key``: SHA-256 of the SubjectPublicKeyInfo."""
        return unpack_key(prove_slot(self.root, key_slot(key), self.nodes))

    def recognised(self, terms: RecognitionTerms) -> tuple[int, int] | None:
        """From and until (seconds UTC); ``None`` where the list has no recognition on these terms."""
        window = unpack_window(prove_slot(self.root, recognition_slot(*terms.words()), self.nodes))
        return window if window[0] else None

    def qualification(self, id_: bytes) -> tuple[int, int, int, bytes, bytes]:
        """(type, from, until, provider, number) as the contract keeps them, by the SHA-256 of the document."""
        word, provider, number = qualification_slots(id_)
        type_, since, until = unpack_qualification(prove_slot(self.root, word, self.nodes))
        return type_, since, until, self._word(provider), self._word(number)

    def _word(self, slot: bytes) -> bytes:
        return prove_slot(self.root, slot, self.nodes).to_bytes(32, "big")


def prove_list(chain: TrustedChain, offered: TrustListProof) -> tuple[ListOnChain, int]:
    """The list under a block that the chain's validators sealed, and that block's time, seconds UTC. Which list it is
    the trust file says; where it names none, the keeper of the data folder.

    Raises:
        InputError: HEADER_…, RLP_…, TRIE_…, STORAGE_…; FINALITY_NOT_SEALED, FINALITY_CHECKPOINT_DIFFERS;
            STATUS_CODE_DIFFERS for another contract at the address.
    """
    pin = chain.trust_list or offered.pin
    block = judge_block(chain, offered.header, "state")
    if block.finality is None:
        (finding,) = block.findings
        raise InputError(finding.code, **finding.values)
    nodes = ProofNodes(offered.nodes)
    account = prove_account(block.header.state_root, pin.address, nodes)
    if account.code_hash != pin.code:  # the layout of the words belongs to this one contract
        raise InputError("STATUS_CODE_DIFFERS", found=account.code_hash.hex(), expected=pin.code.hex())
    told = {service.certificate: service.statuses for service in offered.told.services}
    return ListOnChain(account.storage_root, nodes, told), block.finality.timestamp


def on_chain(case: Case) -> ListOnChain | Finding | None:
    """The list as proved; a finding that says why not, where a node was asked; ``None`` where none was, or where the
    ledger has no list. Proved once for a case."""
    if case.listed is None:
        case.listed = _prove(case)
    return case.listed


def _prove(case: Case) -> ListOnChain | Finding | None:
    chain, offered = case.chain, case.facts.listed
    if chain is None:
        return None
    if offered is None or offered.chain != chain.identity:
        return _silent(case) if case.facts.fresh_state is not None and chain.trust_list is not None else None
    return prove_now(chain, offered, case.facts.now, None if case.facts.as_of_bundle else case.tolerances.freshness)


def prove_now(chain: TrustedChain, offered: TrustListProof, now: int, limit: int | None) -> ListOnChain | Finding:
    """`prove_list`, or the finding that says why it proves nothing about ``now`` (seconds UTC). ``limit``: greatest age
    of the block in seconds; ``None``: any will do."""
    try:
        listed, as_of = prove_list(chain, offered)
    except InputError as error:
        return unproved("PATH_LIST_UNPROVED", error)
    return _stale(as_of, now, limit) or listed


def _silent(case: Case) -> Finding:
    """A node that tells of the record's state, and of the list that the file names nothing."""
    why = next(iter(case.facts.problems), None)
    values = {"causeValues": why.values if why else {}}
    return undetermined("PATH_LIST_UNPROVED", cause=why.code if why else "TRUST_LIST_NONE", **values)


def _stale(as_of: int, now: int, limit: int | None) -> Finding | None:
    """An old block shows the list from before a withdrawal; about "now" it says nothing."""
    age = now - as_of
    if limit is None or age <= limit:
        return None
    values = {"asOf": as_of, "age": age, "limit": limit}
    return undetermined("PATH_LIST_UNPROVED", cause="STATUS_STALE", causeValues=values)


def require_told(listed: ListOnChain, told: TrustSnapshot, trust: Trust) -> None:
    """All that the node tells is in the list, and it leaves nothing out of what the trust file names: what is to be
    signed must not rest on a node's word. ``listed``: proved for `every_slot` of the same.

    Raises:
        InputError: TRUST_LIST_HISTORY_DIFFERS with the certificate, TRUST_LIST_QUALIFICATION_UNKNOWN with the id; as
            `ListOnChain`.
    """
    for service in told.services:
        # its key first: asked for another one, the list knows of no compromise
        if listed.listing(service.certificate) != service.listing.words():
            raise InputError("TRUST_LIST_HISTORY_DIFFERS", certificate=service.certificate.hex())
        since = listed.compromised_since(service.listing.key)
        if (listed.statuses(service.certificate), since) != (service.statuses, service.compromised_since):
            raise InputError("TRUST_LIST_HISTORY_DIFFERS", certificate=service.certificate.hex())
    for authority in trust.authorities:
        listed.statuses(fingerprint(authority.certificate))  # which raises where the node told of none or of others
    windows = {r.terms: (r.since, r.until) for r in told.recognitions}
    for terms in {*windows, *filter(None, map(terms_of, trust.recognitions))}:
        if listed.recognised(terms) != windows.get(terms):
            raise InputError("TRUST_LIST_HISTORY_DIFFERS", certificate=terms.certificate.hex())
    for id_, q in told.qualifications:
        type_, since, until, provider, number = listed.qualification(id_)
        kept = (type_, since, until, actor_from_bytes32(provider), number)
        if kept != (int(q.qualification_type), q.since, q.until, q.provider, q.number):
            raise InputError("TRUST_LIST_QUALIFICATION_UNKNOWN", id=id_.hex())


def terms_of(recognition: Recognition) -> RecognitionTerms | None:
    """How the contract names a recognition of the trust file; ``None`` for a purpose that has no number."""
    try:
        number = purpose_number(recognition.purpose)
    except InputError:
        return None
    agreement = agreement_id(recognition.jurisdiction, recognition.reference)
    return RecognitionTerms(recognition.jurisdiction, recognition.authority, number, recognition.level, agreement)


def wanted_slots(
    trust: Trust, purposes: Container[str], certificates: Iterable[bytes], told: TrustSnapshot
) -> tuple[bytes, ...]:
    """Slots by which a gatherer has the list proved: of every authority of the file, of ``certificates`` (DER, such as
    a bundle carries) and of whatever the node tells of; of the file's recognitions for these purposes."""
    wanted = dict.fromkeys(_services(trust, certificates, told))
    for recognition in trust.recognitions:
        if recognition.purpose in purposes and (terms := terms_of(recognition)) is not None:
            wanted[recognition_slot(*terms.words())] = None
    return tuple(wanted)


def every_slot(trust: Trust, told: TrustSnapshot) -> tuple[bytes, ...]:
    """Those that `require_told` reads."""
    wanted = dict.fromkeys(wanted_slots(trust, {r.purpose for r in trust.recognitions}, (), told))
    wanted |= dict.fromkeys(slot for s in told.services for slot in service_listing_slots(s.certificate))
    wanted |= dict.fromkeys(recognition_slot(*r.terms.words()) for r in told.recognitions)
    wanted |= dict.fromkeys(slot for id_, _ in told.qualifications for slot in qualification_slots(id_))
    return tuple(wanted)


def _services(trust: Trust, certificates: Iterable[bytes], told: TrustSnapshot) -> Iterator[bytes]:
    for der in (*(a.certificate for a in trust.authorities), *certificates):
        yield service_slot(fingerprint(der))
        try:
            yield key_slot(hashlib.sha256(read_certificate(der).spki).digest())
        except InputError:
            continue  # is no part of any path either
    for service in told.services:
        yield service_slot(service.certificate)
        yield service_history_slot(service.certificate)
        yield key_slot(service.listing.key)
