"""The trust list of a chain made by hand: storage and account tries, a sealed header, and what a node tells of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import bundle_factory as f
import rlp
from trie import HexaryTrie

from ledger.core.bundles import Bundle
from ledger.core.identifiers import organisation_bytes32
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_documents import Agreement, document_id
from ledger.core.trust_services import (
    DatedStatus,
    ListedRecognition,
    ListedService,
    Listing,
    RecognitionTerms,
    ServiceStatus,
    ServiceType,
    TrustListProof,
    TrustSnapshot,
)
from ledger.core.trusted_chains import TrustListPin
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.proofs.keccak import keccak
from ledger.proofs.trust_list_layout import (
    key_slot,
    qualification_slots,
    recognition_slot,
    service_history_slot,
    service_listing_slots,
    service_slot,
    status_step,
)
from ledger.verification.listed import wanted_slots

GRANTED, SUSPENDED, WITHDRAWN = ServiceStatus
PIN = TrustListPin(b"\x0e" * 20, b"\x0f" * 32)
AGREEMENT = Agreement("CN", "工信部名单")
TERMS = RecognitionTerms("CN", f.certificate(f.ROOT).sha256, int(Kind.LICENSE), 3, document_id(AGREEMENT))


def key_of(der: bytes) -> bytes:
    return hashlib.sha256(read_certificate(der).spki).digest()


def of_certificate(
    der: bytes,
    *statuses: tuple[ServiceStatus, int],
    compromised: int | None = None,
    type_: ServiceType = ServiceType.CA,
) -> ListedService:
    listing = Listing("91440101000800219F", type_, key_of(der), b"\x05" * 32, b"\x06" * 32)
    dated = tuple(DatedStatus(*one) for one in statuses or ((GRANTED, f.T - 2000),))
    return ListedService(fingerprint(der), listing, dated, compromised)


def service(name: str = f.ROOT, *statuses: tuple[ServiceStatus, int], compromised: int | None = None) -> ListedService:
    return of_certificate(f.certificate(name).der, *statuses, compromised=compromised)


def snapshot(*services: ListedService, ended: int | None = None, terms: RecognitionTerms = TERMS) -> TrustSnapshot:
    recognitions = () if ended is None else (ListedRecognition(terms, f.T - 5000, ended),)
    return TrustSnapshot(20, services or (service(),), (), (), recognitions, frozenset())


def proof(
    chain: TrustSnapshot,
    told: TrustSnapshot | None = None,
    *,
    bundles: Sequence[Bundle] = (),
    certificates: Iterable[bytes] = (),
    trust: Trust | None = None,
    slots: Sequence[bytes] | None = None,
    without: Iterable[bytes] = (),
    pin: TrustListPin = PIN,
    code: bytes | None = None,
    block: int = 20,
    time: int = f.T + 90,
    **changes: Any,
) -> TrustListProof:
    """What the ``chain`` holds, proved for the trust file, the certificates and what the node tells (``told``, if
    other than what is so), or for other ``slots``. ``without``: slots that are not proved; ``pin``: where the list
    stands, ``code``: under which code."""
    heard = chain if told is None else told
    brought = [*certificates, *(der for b in bundles for der in b.validation.certificates)]
    purposes = "license", "seal", "status"
    wanted = wanted_slots(trust or f.make_trust(), purposes, brought, heard) if slots is None else slots
    storage, accounts = HexaryTrie({}), HexaryTrie({})
    for slot, value in {**{bytes([n]) * 32: n for n in range(1, 20)}, **_words(chain)}.items():
        storage[keccak(slot)] = rlp.encode(value)
    for filler in range(20):
        accounts[keccak(b"account" + bytes([filler]))] = rlp.encode([filler, 0, f.EMPTY, keccak(b"")])
    accounts[keccak(pin.address)] = rlp.encode([1, 0, storage.root_hash, code or pin.code])
    nodes = {rlp.encode(n) for n in accounts.get_proof(keccak(pin.address))}
    kept = [slot for slot in wanted if slot not in set(without)]
    nodes |= {rlp.encode(n) for slot in kept for n in storage.get_proof(keccak(slot))}
    header = f.seal_header(block, time, f.EMBEDDED, state_root=accounts.root_hash, **changes)
    return TrustListProof(f.identity(), pin, header, tuple(sorted(n for n in nodes if len(n) >= 32)), heard)


def _words(chain: TrustSnapshot) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for one in chain.services:
        history, last = bytes(32), one.statuses[-1]
        for entry in one.statuses:
            history = status_step(history, int(entry.status), entry.since)
        members = ((int(one.listing.service_type), 8), (int(last.status), 8), (last.since, 40), (len(one.statuses), 32))
        found[service_slot(one.certificate)] = f.pack(members)
        found[service_history_slot(one.certificate)] = int.from_bytes(history, "big")
        provider, _, *digests = one.listing.words()
        for slot, word in zip(service_listing_slots(one.certificate), (provider, *digests), strict=True):
            found[slot] = int.from_bytes(word, "big")
        found[key_slot(one.listing.key)] = f.pack(((1, 40), (one.compromised_since or 0, 40)))
    for id_, held in chain.qualifications:
        first, provider_, number = qualification_slots(id_)
        found[first] = f.pack(((int(held.qualification_type), 8), (held.since, 40), (held.until, 40)))
        found[provider_] = int.from_bytes(organisation_bytes32(held.provider), "big")
        found[number] = int.from_bytes(held.number, "big")
    for each in chain.recognitions:
        found[recognition_slot(*each.terms.words())] = f.pack(((each.since, 40), (each.until, 40)))
    return found
