"""A trust list beside a founded ledger on a real embedded engine: typed calls in, typed entries out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from chain_kit import COURT, OFFICE, WITNESS, Between, Ledger, account, digest, found_ledger

from ledger.chain.abi import interface
from ledger.chain.calls import OPEN_END, ConsortiumCalls, CouncilCall, describe
from ledger.chain.contracts import check_code
from ledger.chain.node import Node
from ledger.chain.transactor import Transactor
from ledger.chain.trust_list import (
    Published,
    TrustList,
    check_trust_list,
    deploy_trust_list,
    history_of,
)
from ledger.chain.trust_list_calls import TrustListCalls
from ledger.chain.trust_list_events import TrustListFollower
from ledger.chain.trust_list_proofs import TrustListProofs
from ledger.core.registries import Kind, Permission
from ledger.core.trust_services import (
    DatedStatus,
    Listing,
    Qualification,
    QualificationType,
    RecognitionTerms,
    ServiceStatus,
    ServiceType,
    jurisdiction_bytes32,
)
from ledger.errors import ConfigError, ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.proofs import trust_list_layout as layout
from ledger.proofs.headers import parse_header
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import ProofNodes

PROVIDER, CERTIFICATE, KEY = "HK:CA-1", digest("certificate"), digest("key")
LISTING = Listing(PROVIDER, ServiceType.CA, KEY, digest("name"), digest("description"))
TERMS = RecognitionTerms("CN-440000", CERTIFICATE, int(Kind.LICENSE), 3, digest("agreement"))
recogniser = account("recogniser of CN-440000")


class Listed:
    """A founded ledger with a trust list, one service on it, and an authority for CN-440000."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.records_before = check_code(ledger.transactor.node, ledger.contracts)
        self.address = deploy_trust_list(ledger.transactor, account("deployer"), ledger.contracts)
        self.calls = TrustListCalls(self.address)
        self.list = TrustList(ledger.transactor, self.address)
        consortium = ConsortiumCalls(ledger.contracts.consortium)
        self.carry(consortium.account(recogniser.address, WITNESS, Permission.RELATE))
        self.carry(
            self.calls.list_service(CERTIFICATE, LISTING),
            self.calls.authority("CN-440000", recogniser.address),
        )

    def carry(self, *calls: Any) -> None:
        self.ledger.council.carry([account(OFFICE), account(COURT)], calls)


@pytest.fixture
def listed(tmp_path: Any) -> Iterator[Listed]:
    ledger = found_ledger(tmp_path / "chain.db")
    yield Listed(ledger)
    ledger.engine.close()


def test_a_trust_list_is_added_without_touching_the_ledger(listed: Listed) -> None:
    assert check_code(listed.ledger.transactor.node, listed.ledger.contracts) == listed.records_before
    check_trust_list(listed.ledger.transactor, listed.ledger.contracts, listed.address)


def test_a_trust_list_under_another_council_is_not_taken_for_ours(listed: Listed) -> None:
    transactor, contracts = listed.ledger.transactor, listed.ledger.contracts
    with pytest.raises(ConfigError, match="CHAIN_NOT_FOUND"):
        check_trust_list(transactor, contracts, bytes(20))
    for other in (replace(contracts, council=b"\1" * 20), replace(contracts, consortium=b"\1" * 20)):
        with pytest.raises(ConfigError, match="CHAIN_CODE_DIFFERS"):
            check_trust_list(transactor, other, listed.address)


def test_a_service_is_read_as_it_was_listed_with_every_status_it_had(listed: Listed) -> None:
    for call in (
        listed.calls.bar(CERTIFICATE),
        listed.calls.status(CERTIFICATE, ServiceStatus.GRANTED),
        listed.calls.status(CERTIFICATE, ServiceStatus.WITHDRAWN),
    ):
        listed.carry(call)
    entry = listed.list.service(CERTIFICATE)
    statuses = listed.list.statuses(CERTIFICATE, entry)
    granted, suspended, withdrawn = ServiceStatus
    assert [s.status for s in statuses] == [granted, suspended, granted, withdrawn]
    assert [s.since for s in statuses] == sorted({s.since for s in statuses})
    assert (entry.listing, entry.status, entry.count) == (LISTING, statuses[-1], 4)
    assert entry.compromised_since is None


def test_statuses_that_a_node_hides_or_bends_are_not_believed(listed: Listed) -> None:
    listed.carry(listed.calls.status(CERTIFICATE, ServiceStatus.WITHDRAWN))
    entry = listed.list.service(CERTIFICATE)

    def reader(change: Any) -> TrustList:
        def bend(method: str, _params: Sequence[Any], answer: Any) -> Any:
            return change(answer()) if method == "eth_getLogs" else answer()

        return TrustList(Transactor(Between(listed.ledger.engine, bend)), listed.address)

    def earlier(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        word = int.from_bytes(bytes.fromhex(logs[-1]["data"][2:])[32:64], "big") - 1
        return [*logs[:-1], {**logs[-1], "data": logs[-1]["data"][:66] + f"{word:064x}" + logs[-1]["data"][130:]}]

    for change in (lambda logs: logs[:-1], lambda logs: logs[::-1], lambda logs: logs[:1] * 2, earlier):
        with pytest.raises(IntegrityError, match="TRUST_LIST_HISTORY_DIFFERS"):
            reader(change).statuses(CERTIFICATE, entry)
    assert len(reader(lambda logs: logs).statuses(CERTIFICATE, entry)) == 2


def test_a_status_written_between_two_looks_does_not_spoil_the_first(listed: Listed) -> None:
    entry = listed.list.service(CERTIFICATE)
    listed.carry(listed.calls.bar(CERTIFICATE))
    assert listed.list.statuses(CERTIFICATE, entry) == (entry.status,)


def test_the_history_digest_depends_on_every_entry_and_their_order() -> None:
    one, two = DatedStatus(ServiceStatus.GRANTED, 5), DatedStatus(ServiceStatus.SUSPENDED, 6)
    assert len({history_of(h) for h in ([], [one], [two], [one, two], [two, one], [one, one])}) == 6


def test_a_compromise_shows_at_every_service_of_the_key(listed: Listed) -> None:
    renewed = digest("renewed certificate")
    listed.carry(listed.calls.list_service(renewed, LISTING), listed.calls.compromise_key(KEY, 1_500_000_000))
    found = {listed.list.service(c).compromised_since for c in (CERTIFICATE, renewed)}
    assert found == {1_500_000_000}


def test_the_authority_recognises_and_ends(listed: Listed) -> None:
    assert listed.list.authority("CN-440000") == (recogniser.address, WITNESS)
    receipt = listed.list.recognise(recogniser, TERMS, 0, OPEN_END)
    written = listed.ledger.transactor.node.block(receipt.block).timestamp
    assert listed.list.recognition(TERMS) == (written, OPEN_END)
    end = written + 1_000
    listed.list.end_recognition(recogniser, TERMS, end)
    assert listed.list.recognition(TERMS) == (written, end)


def test_recognitions_sent_together_share_blocks_and_are_all_told(listed: Listed) -> None:
    terms = [replace(TERMS, purpose=purpose) for purpose in (1, 2, 3, 256)]
    receipts = listed.list.recognise_each(recogniser, terms, 0, OPEN_END)
    assert len({r.block for r in receipts}) < len(terms)
    follower = TrustListFollower(listed.ledger.transactor.node, listed.address)
    snapshot = follower.snapshot(receipts[-1].block)
    assert [(r.terms, r.until) for r in snapshot.recognitions] == [(one, OPEN_END) for one in terms]
    assert TERMS.agreement in snapshot.documents and LISTING.document in snapshot.documents
    assert listed.list.recognise_each(recogniser, [], 0, OPEN_END) == []


def test_of_several_sent_together_those_before_a_refused_one_stand(listed: Listed) -> None:
    with pytest.raises(ConflictError, match="CHAIN_TRANSACTION_FAILED"):
        listed.list.recognise_each(recogniser, [TERMS, TERMS], 0, OPEN_END)
    assert listed.list.recognition(TERMS)[1] == OPEN_END


def test_a_follower_reads_on_where_it_was_and_takes_a_service_as_it_is(listed: Listed) -> None:
    node = listed.ledger.transactor.node
    follower = TrustListFollower(node, listed.address)
    first = follower.snapshot(node.head().number)
    listed.carry(listed.calls.bar(CERTIFICATE), listed.calls.describe_service(CERTIFICATE, digest("other")))
    listed.carry(listed.calls.compromise_key(KEY, 1_500_000_000), listed.calls.authority("CN-440000"))
    later = follower.snapshot(node.head().number)
    (before,), (after,) = first.services, later.services
    assert (before.listing, after.listing.document) == (LISTING, digest("other"))
    assert [s.status for s in after.statuses] == [ServiceStatus.GRANTED, ServiceStatus.SUSPENDED]
    assert after.statuses == listed.list.statuses(CERTIFICATE, listed.list.service(CERTIFICATE))
    assert (before.compromised_since, after.compromised_since) == (None, 1_500_000_000)
    assert (len(first.authorities), later.authorities) == (1, ())
    assert follower.snapshot(first.block) == later  # it does not forget
    assert TrustListFollower(node, listed.address).snapshot(later.block) == later


def test_a_provider_that_is_no_organisation_does_not_stop_the_reading(listed: Listed) -> None:
    odd = interface("TrustList").call(
        "listService", digest("odd"), (b"\xff" * 32, 1, digest("k"), digest("n"), digest("d"))
    )
    listed.carry(CouncilCall(listed.address, odd))
    node = listed.ledger.transactor.node
    snapshot = TrustListFollower(node, listed.address).snapshot(node.head().number)
    assert [s.listing.provider for s in snapshot.services] == [PROVIDER, "0x" + "ff" * 32]


def test_a_refusal_comes_in_words(listed: Listed) -> None:
    with pytest.raises(ConflictError, match="CHAIN_REFUSED") as caught:
        listed.list.recognise(account(OFFICE), TERMS, 0, OPEN_END)
    assert caught.value.values["name"] == "NotAuthority"
    assert caught.value.values["values"]["jurisdiction"] in caught.value.text("en")


def test_qualifications_and_the_published_list_are_read_as_written(listed: Listed) -> None:
    id_, government = digest("document"), QualificationType.GOVERNMENT
    until = int(listed.ledger.clock.now) + 9_999
    listed.carry(
        listed.calls.qualify(id_, PROVIDER, government, digest("number"), until=until),
        listed.calls.publish(3, digest("list"), until),
        listed.calls.describe_service(CERTIFICATE, digest("other description")),
    )
    found = listed.list.qualification(id_)
    assert found == Qualification(government, PROVIDER, digest("number"), found.since, until)
    published = listed.list.published()
    assert published == Published(3, found.since, until, digest("list"))
    assert listed.list.service(CERTIFICATE).listing.document == digest("other description")
    listed.carry(listed.calls.end_qualification(id_))
    assert listed.list.qualification(id_).until < until


def test_what_is_not_there_is_not_found(listed: Listed) -> None:
    listed.carry(listed.calls.authority("CN-440000"))
    nowhere = replace(TERMS, jurisdiction="HK")
    for code, look in (
        ("TRUST_LIST_SERVICE_UNKNOWN", lambda: listed.list.service(digest("stranger"))),
        ("TRUST_LIST_QUALIFICATION_UNKNOWN", lambda: listed.list.qualification(digest("stranger"))),
        ("TRUST_LIST_AUTHORITY_UNKNOWN", lambda: listed.list.authority("CN-440000")),
        ("TRUST_LIST_RECOGNITION_UNKNOWN", lambda: listed.list.recognition(nowhere)),
        ("TRUST_LIST_NONE_PUBLISHED", listed.list.published),
    ):
        with pytest.raises(NotFoundError, match=code) as caught:
            look()
        assert caught.value.text("zh") and caught.value.text("en")


def test_whoever_approves_is_told_what_a_call_does(listed: Listed) -> None:
    call = listed.calls.status(CERTIFICATE, ServiceStatus.WITHDRAWN)
    told = describe(call, replace(listed.ledger.contracts, trust_list=listed.address))
    assert (told.contract, told.function) == ("TrustList", "setServiceStatus")
    assert told.values == {"certificate": CERTIFICATE, "status": 3}
    assert describe(call, listed.ledger.contracts).contract is None


@pytest.mark.parametrize(("purpose", "level"), [(0, 1), (2**16, 1), (1, 0), (1, 5)])
def test_terms_out_of_range_go_nowhere(purpose: int, level: int) -> None:
    with pytest.raises(InputError, match="SHAPE_RANGE"):
        replace(TERMS, purpose=purpose, level=level).words()


@pytest.mark.parametrize("jurisdiction", ["", "cn", "CN-", "中国", "CN-" + "1" * 30])
def test_a_jurisdiction_is_a_code(jurisdiction: str) -> None:
    with pytest.raises(InputError, match="SHAPE_"):
        jurisdiction_bytes32(jurisdiction)


# ---- proved slots --------------------------------------------------------------------------------------------------


def slots() -> list[bytes]:
    stranger = digest("stranger")
    found = [layout.service_slot(CERTIFICATE), layout.service_history_slot(CERTIFICATE), layout.key_slot(KEY)]
    found += [layout.recognition_slot(*TERMS.words()), layout.service_slot(stranger), layout.key_slot(stranger)]
    return [*found, *layout.service_listing_slots(CERTIFICATE)]


def proved(listed: Listed, proofs: TrustListProofs) -> list[int]:
    """The words of `slots` by the newest header, read from the nodes as a verifier reads them."""
    header = parse_header(listed.ledger.chain.state_header(None))
    nodes = ProofNodes(proofs.nodes(header, slots()))
    account = prove_account(header.state_root, listed.address, nodes)
    words = [prove_slot(account.storage_root, slot, nodes) for slot in slots()]
    nodes.require_all_used()
    return words


def of(listed: Listed, engine: Any = None, code: bytes | None = None) -> TrustListProofs:
    pin = replace(listed.ledger.contracts, trust_list=listed.address).trust_list_pin()
    return TrustListProofs(Node(engine or listed.ledger.engine), replace(pin, code=code or pin.code))


def test_slots_hold_what_the_contract_says(listed: Listed) -> None:
    listed.carry(listed.calls.compromise_key(KEY, 77), listed.calls.bar(CERTIFICATE))
    entry = listed.list.service(CERTIFICATE)
    service, history, key, terms, stranger, its_key, *listing = proved(listed, of(listed))
    word = layout.unpack_service(service)
    assert (word.service_type, word.count) == (1, 2)
    assert (word.status, word.since) == (int(entry.status.status), entry.status.since)
    assert history.to_bytes(32, "big") == entry.history
    assert layout.unpack_key(key) == 77
    assert [terms, stranger, its_key] == [0, 0, 0]
    provider, type_, *digests = LISTING.words()
    assert (word.service_type, [w.to_bytes(32, "big") for w in listing]) == (type_, [provider, *digests])


def test_a_recognition_is_where_its_terms_say(listed: Listed) -> None:
    assert layout.unpack_window(proved(listed, of(listed))[3]) == (0, 0)
    listed.list.recognise(recogniser, TERMS, 0, 2**39)
    assert layout.unpack_window(proved(listed, of(listed))[3]) == listed.list.recognition(TERMS)


def test_only_an_account_is_asked_for_while_the_list_stays_as_it_is(listed: Listed) -> None:
    asked: list[int] = []

    def count(method: str, params: Sequence[Any], answer: Any) -> Any:
        if method == "eth_getProof":
            asked.append(len(params[1]))
        return answer()

    proofs = of(listed, Between(listed.ledger.engine, count))
    first = proved(listed, proofs)
    listed.ledger.clock.sleep(2)
    listed.ledger.council.propose(account(OFFICE), [listed.calls.bar(CERTIFICATE)])  # another contract's storage
    assert proved(listed, proofs) == first and asked == [len(slots()), 0]
    listed.carry(listed.calls.bar(CERTIFICATE))
    assert proved(listed, proofs) != first and asked == [len(slots()), 0, 0, len(slots())]


def test_a_question_that_is_larger_than_what_is_kept_is_answered_whole(
    listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    proofs = of(listed)
    some = proofs.nodes(parse_header(listed.ledger.chain.state_header(None)), slots()[:4])
    monkeypatch.setattr("ledger.chain.trust_list_proofs.MOST_KEPT", 4)
    assert set(some) < set(proofs.nodes(parse_header(listed.ledger.chain.state_header(None)), slots()))
    assert proved(listed, proofs) == proved(listed, of(listed))


@pytest.mark.parametrize("part", ["accountProof", "storageProof", "node", "code"])
def test_a_node_that_does_not_prove_the_list_is_not_believed(listed: Listed, part: str) -> None:
    def bend(method: str, _params: Sequence[Any], answer: Any) -> Any:
        found = answer()
        if method != "eth_getProof" or part == "code":
            return found
        if part == "node":
            slot = found["storageProof"][0]
            return {**found, "storageProof": [{**slot, "proof": slot["proof"][:-1]}, *found["storageProof"][1:]]}
        return {**found, part: found[part][:-1]}

    proofs = of(listed, Between(listed.ledger.engine, bend), digest("code") if part == "code" else None)
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        proved(listed, proofs)


def test_a_status_that_fits_no_slot_has_no_digest() -> None:
    assert layout.status_step(bytes(32), 3, 9) == history_of([DatedStatus(ServiceStatus.WITHDRAWN, 9)])
    for status, since in ((256, 0), (-1, 0), (0, 1 << 40), (0, -1)):
        with pytest.raises(InputError, match="STORAGE_WORD_LAYOUT"):
            layout.status_step(bytes(32), status, since)
    with pytest.raises(InputError, match="STORAGE_WORD_LAYOUT"):
        layout.unpack_key(1 << 80)
