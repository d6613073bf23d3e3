"""The chain client on a real embedded engine: identity, transactions, events, and engines that lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from chain_kit import (
    ACCREDITATION,
    CERTIFICATE,
    COURT,
    OFFICE,
    Between,
    Ledger,
    account,
    anchor_call,
    digest,
    found_ledger,
    status_call,
)

from ledger.chain.client import EngineChain
from ledger.chain.contracts import Contracts
from ledger.chain.node import Node
from ledger.core.identifiers import organisation_bytes32
from ledger.core.registries import Reason, State
from ledger.errors import ConfigError, ConflictError, UnavailableError, ZhengyinError
from ledger.ports import OrganisationEvent, StatusCall
from ledger.proofs.events import AnchoredEvent, RefusedEvent, RepeatedEvent, StatusEvent


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    found = found_ledger(tmp_path_factory.mktemp("chain") / "chain.db")
    yield found
    found.engine.close()


def again(ledger: Ledger, engine: Any = None, **changes: Any) -> EngineChain:
    given = {"identity": ledger.identity, "contracts": ledger.contracts} | changes
    chain = EngineChain(engine or ledger.engine, **given)
    chain.check()
    return chain


# ---- identity ----


def test_a_chain_of_another_genesis_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="CHAIN_OTHER_GENESIS"):
        again(ledger, identity=replace(ledger.identity, genesis=bytes(32)))


def test_a_chain_of_another_id_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="CHAIN_OTHER_ID"):
        again(ledger, identity=replace(ledger.identity, id=ledger.identity.id + 1))


def test_contracts_that_are_not_there_are_refused(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="CHAIN_NOT_FOUND"):
        again(ledger, contracts=replace(ledger.contracts, council=bytes(20)))


def test_other_code_at_the_address_is_refused(ledger: Ledger) -> None:
    swapped = Contracts(ledger.contracts.consortium, ledger.contracts.council, ledger.contracts.records)
    with pytest.raises(ConfigError, match="CHAIN_CODE_DIFFERS"):
        again(ledger, contracts=swapped)


def test_records_under_another_council_is_refused(ledger: Ledger) -> None:
    """Same source, other immutables: the engine shows a Records that obeys someone else."""
    stranger = bytes(range(20))

    def bend(method: str, params: Any, ask: Any) -> Any:
        answer = ask()
        if method == "eth_getCode" and params[0] == "0x" + ledger.contracts.records.hex():
            return answer.replace(ledger.contracts.consortium.hex(), stranger.hex())
        return answer

    with pytest.raises(ConfigError, match="CHAIN_CODE_DIFFERS"):
        again(ledger, Between(ledger.engine, bend))


def test_an_identity_that_names_other_records_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="CHAIN_OTHER_RECORDS"):
        again(ledger, identity=replace(ledger.identity, records=bytes(20)))


def test_an_unknown_consensus_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="CHAIN_CONSENSUS_UNKNOWN"):
        again(ledger, consensus="clique")


# ---- transactions ----


def test_anchoring_emits_one_event_and_repeating_it_another(ledger: Ledger) -> None:
    call = anchor_call("once")
    first, second = ledger.anchor(call), ledger.anchor(call)
    assert first.succeeded and second.succeeded
    events = [event for _, _, event in ledger.chain.events(first.block, second.block)]
    assert isinstance(events[0], AnchoredEvent) and isinstance(events[1], RepeatedEvent)
    assert events[0].issuer == organisation_bytes32(OFFICE)
    assert (events[0].root, events[0].manifest_sha256) == (call.root, call.manifest_sha256)
    assert (events[0].signers, events[0].accreditation) == ((CERTIFICATE,), ACCREDITATION.id())
    assert (events[0].account, events[0].size) == (account(OFFICE).address, 5)
    assert events[1].sequence == events[0].sequence
    assert ledger.chain.anchored(OFFICE, call.root) == first


def test_the_same_raw_transaction_may_be_sent_at_any_time_again(ledger: Ledger) -> None:
    office = account(OFFICE)
    nonce = ledger.chain.chain_nonce(office.address)
    raw, hash_ = ledger.chain.sign_anchor(office, nonce, anchor_call("twice sent"))
    assert (raw, hash_) == ledger.chain.sign_anchor(office, nonce, anchor_call("twice sent"))
    ledger.chain.send(raw)
    ledger.chain.send(raw)
    mined = ledger.mine(raw, hash_)
    ledger.chain.send(raw)
    assert ledger.chain.mined(hash_) == mined
    assert ledger.chain.chain_nonce(office.address) == nonce + 1


@pytest.mark.parametrize("words", ["already known", "Known transaction", "transaction already imported"])
def test_a_node_that_calls_the_resent_transaction_an_error_is_understood(ledger: Ledger, words: str) -> None:
    def bend(method: str, params: Any, ask: Any) -> Any:
        if method == "eth_sendRawTransaction":
            raise ConflictError("ENGINE_REFUSED", number=-32000, words=words)
        return ask()

    raw, _ = ledger.chain.sign_anchor(account(OFFICE), 900, anchor_call("resent"))
    again(ledger, Between(ledger.engine, bend)).send(raw)


def test_a_nonce_used_by_another_transaction_is_not_taken_for_success(ledger: Ledger) -> None:
    office = account(OFFICE)
    ledger.anchor(anchor_call("user of the nonce"))
    nonce = ledger.chain.chain_nonce(office.address) - 1
    raw, hash_ = ledger.chain.sign_anchor(office, nonce, anchor_call("loser"))
    with pytest.raises(ConflictError, match="ENGINE_NONCE_TOO_LOW"):
        ledger.chain.send(raw)
    assert ledger.chain.mined(hash_) is None


def test_a_transaction_of_a_training_chain_does_not_replay(ledger: Ledger) -> None:
    other = replace(ledger.identity, id=ledger.identity.id - 1)

    def bend(method: str, params: Any, ask: Any) -> Any:
        return hex(other.id) if method == "eth_chainId" else ask()

    training = again(ledger, Between(ledger.engine, bend), identity=other)
    raw, _ = training.sign_anchor(account(OFFICE), 0, anchor_call("training"))
    with pytest.raises(ZhengyinError, match="ENGINE_WRONG_CHAIN"):
        ledger.chain.send(raw)


def test_a_dry_run_says_by_name_what_the_contract_refuses(ledger: Ledger) -> None:
    chain, office = ledger.chain, account(OFFICE)
    chain.check_anchor(office, anchor_call("fine"))
    with pytest.raises(ConflictError, match="CHAIN_REFUSED") as caught:
        chain.check_anchor(account("nobody"), anchor_call("fine"))
    assert caught.value.values["name"] == "UnknownAccount"
    assert caught.value.values["values"] == {"account": "0x" + account("nobody").address.hex()}
    assert "belongs to no organisation" in caught.value.text("en")
    assert "不属于任何机构" in caught.value.text("zh")
    with pytest.raises(ConflictError) as caught:
        chain.check_anchor(office, anchor_call("fine", signers=(digest("stranger"),)))
    assert caught.value.values["name"] == "SignerNotBound"
    assert caught.value.values["values"]["organisation"] == OFFICE
    with pytest.raises(ConflictError) as caught:
        chain.check_anchor(office, anchor_call("fine", accreditation=digest("none")))
    assert caught.value.values["name"] == "AccreditationMissing"


def test_a_dry_run_reckons_with_now_and_not_with_an_old_head(ledger: Ledger) -> None:
    ledger.clock.sleep(86_400)
    ledger.chain.check_status(account(OFFICE), status_call(ledger, [digest("leaf of today")]))


def test_another_offices_leaf_is_refused(ledger: Ledger) -> None:
    call = replace(status_call(ledger, [digest("foreign")]), issuer=COURT)
    with pytest.raises(ConflictError) as caught:
        ledger.chain.check_status(account(OFFICE), call)
    assert caught.value.values["name"] == "NotEntitled"
    assert caught.value.values["values"] == {"organisation": OFFICE, "issuer": COURT}


def test_one_refused_item_does_not_stop_the_others(ledger: Ledger) -> None:
    ended, fresh = digest("ended"), digest("fresh")
    ledger.set_status(status_call(ledger, [ended]))
    mined = ledger.set_status(status_call(ledger, [ended, fresh], State.SUSPENDED))
    found = [event for _, _, event in ledger.chain.events(mined.block, mined.block)]
    assert [type(event) for event in found] == [RefusedEvent, StatusEvent]
    assert (found[0].leaf, found[0].from_state, found[0].to_state) == (ended, 2, 1)
    assert (found[1].leaf, found[1].state, found[1].count) == (fresh, 1, 1)


def test_gas_limits_hold_for_the_dearest_case(ledger: Ledger) -> None:
    limit, used = ledger.gas_used(ledger.anchor(anchor_call("gas")))
    assert used < limit
    leaves = [digest("gas", number) for number in range(100)]
    limit, used = ledger.gas_used(ledger.set_status(status_call(ledger, leaves, State.SUSPENDED)))
    assert used < limit < 2 * used
    undecided = tuple((digest("undecided", number), bytes(32)) for number in range(100))
    emergency = StatusCall(OFFICE, undecided, State.SUSPENDED, int(ledger.clock.now), Reason.UNSPECIFIED)
    limit, used = ledger.gas_used(ledger.set_status(emergency))
    assert used < limit < 2 * used
    limit, used = ledger.gas_used(ledger.set_status(status_call(ledger, leaves[:1], State.ACTIVE)))
    assert used < limit
    assert ledger.chain.gas.of_status(ledger.chain.gas.most_changes(16_777_216)) <= 16_777_216


def test_a_transaction_that_waits_is_not_mined(ledger: Ledger) -> None:
    office = account(OFFICE)
    nonce = ledger.chain.chain_nonce(office.address) + 1  # a gap: it cannot be mined yet
    raw, hash_ = ledger.chain.sign_anchor(office, nonce, anchor_call("waits"))
    ledger.chain.send(raw)
    ledger.clock.sleep(5)
    assert ledger.chain.mined(hash_) is None
    ledger.anchor(anchor_call("fills the gap"))
    ledger.clock.sleep(2)
    assert ledger.chain.mined(hash_) is not None


# ---- blocks and events ----


def test_head_and_canonical_agree(ledger: Ledger) -> None:
    head, timestamp = ledger.chain.head()
    assert ledger.chain.canonical(head.block) == head.hash
    assert ledger.chain.canonical(0) == ledger.identity.genesis
    assert timestamp <= ledger.clock.now


def test_a_block_that_is_not_there_is_trouble_of_the_node(ledger: Ledger) -> None:
    head, _ = ledger.chain.head()
    with pytest.raises(UnavailableError, match="CHAIN_BEHIND"):
        ledger.chain.canonical(head.block + 1)
    with pytest.raises(UnavailableError, match="CHAIN_BEHIND"):
        list(ledger.chain.events(0, head.block + 1))


def test_a_block_is_found_by_its_time(ledger: Ledger) -> None:
    node, (head, newest) = Node(ledger.engine), ledger.chain.head()
    for number in range(head.block + 1):
        time = node.block(number).timestamp
        assert node.block_at(time, head.block) == number
        assert node.block_at(time + 1, head.block) == min(number + 1, head.block)
    assert node.block_at(0, head.block) == 0 and node.block_at(newest + 9, head.block) == head.block


def test_events_resume_at_any_block_without_loss_or_repetition(ledger: Ledger) -> None:
    head, _ = ledger.chain.head()
    whole = list(ledger.chain.events(0, head.block))
    assert len(whole) > 20
    pieces = [each for block in range(head.block + 1) for each in ledger.chain.events(block, block)]
    assert pieces == whole
    assert [block for block, _, _ in whole] == sorted(block for block, _, _ in whole)
    assert not list(ledger.chain.events(head.block + 1, head.block))
    stamp = int(ledger.engine.request("eth_getBlockByNumber", [hex(whole[-1][0]), False])["timestamp"], 16)
    assert whole[-1][1] == stamp


def test_events_of_the_consortium_come_by_name(ledger: Ledger) -> None:
    head, _ = ledger.chain.head()
    found = [event for _, _, event in ledger.chain.events(0, head.block) if isinstance(event, OrganisationEvent)]
    names = [event.name for event in found]
    assert names[:4] == ["MembersChanged", "ProposalMade", "ProposalApproved", "ProposalApproved"]
    accredited = next(event.values for event in found if event.name == "Accredited")
    assert accredited["id"] == ACCREDITATION.id() and accredited["scope"] == ACCREDITATION.scope()
    assert accredited["jurisdiction"].rstrip(b"\0") == b"SG" and accredited["kind"] == 1
    owned = next(event.values for event in found if event.name == "AccountSet")
    assert owned["account"] == account(OFFICE).address and owned["permissions"] == 7


def test_a_node_that_refuses_wide_ranges_gets_narrow_ones(ledger: Ledger) -> None:
    widths = []

    def bend(method: str, params: Any, ask: Any) -> Any:
        if method == "eth_getLogs":
            widths.append(int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1)
            if widths[-1] > 3:
                raise ConflictError("ENGINE_REFUSED", number=-32000, words="range too large")
        return ask()

    head, _ = ledger.chain.head()
    narrow = again(ledger, Between(ledger.engine, bend))
    assert list(narrow.events(0, head.block)) == list(ledger.chain.events(0, head.block))
    assert max(widths) == head.block + 1 and min(widths) <= 3


def test_a_node_that_refuses_even_one_block_is_not_asked_for_ever(ledger: Ledger) -> None:
    def bend(method: str, params: Any, ask: Any) -> Any:
        if method == "eth_getLogs":
            raise ConflictError("ENGINE_REFUSED", number=-32000, words="no logs here")
        return ask()

    with pytest.raises(ConflictError, match="ENGINE_REFUSED"):
        list(again(ledger, Between(ledger.engine, bend)).events(0, 3))


def _reversed(logs: list[Any]) -> list[Any]:
    return logs[::-1]


def _twice(logs: list[Any]) -> list[Any]:
    return [log for log in logs for _ in range(2)]


def _taken_back(logs: list[Any]) -> list[Any]:
    return [{**log, "removed": True} for log in logs]


def _of_strangers(logs: list[Any]) -> list[Any]:
    return [{**log, "address": "0x" + "11" * 20} for log in logs]


def _unknown_event(logs: list[Any]) -> list[Any]:
    return [{**log, "topics": ["0x" + "11" * 32]} for log in logs]


def _of_another_block(logs: list[Any]) -> list[Any]:
    return [{**log, "blockHash": "0x" + "11" * 32} for log in logs]


def _cut(logs: list[Any]) -> list[Any]:
    return [{**log, "data": log["data"][:-2]} for log in logs]


@pytest.mark.parametrize(
    "bent",
    [
        _reversed,
        _twice,
        _taken_back,
        _of_strangers,
        _unknown_event,
        _of_another_block,
        _cut,
        lambda logs: None,
        lambda logs: {},
    ],
)
def test_bent_logs_are_not_indexed(ledger: Ledger, bent: Any) -> None:
    def bend(method: str, params: Any, ask: Any) -> Any:
        return bent(ask()) if method == "eth_getLogs" else ask()

    head, _ = ledger.chain.head()
    with pytest.raises(UnavailableError, match="CHAIN_ANSWER_GARBLED"):
        list(again(ledger, Between(ledger.engine, bend)).events(0, head.block))


@pytest.mark.parametrize("garbage", [None, 7, "", "0xzz", [], {}, {"number": "0x1"}, "0x", "十"])
def test_garbage_is_trouble_of_the_node_and_never_a_bug(ledger: Ledger, garbage: Any) -> None:
    methods = {
        "eth_getBlockByNumber": lambda chain: chain.head(),
        "eth_getTransactionCount": lambda chain: chain.chain_nonce(bytes(20)),
        "eth_sendRawTransaction": lambda chain: chain.send(b"\1"),
    }
    for method, act in methods.items():
        lying = False

        def bend(asked: str, params: Any, ask: Any, method: str = method) -> Any:
            return garbage if lying and asked == method else ask()  # noqa: B023 - read at once

        chain = again(ledger, Between(ledger.engine, bend))
        lying = True
        with pytest.raises(UnavailableError, match="CHAIN_ANSWER_GARBLED"):
            act(chain)


def test_a_receipt_of_another_transaction_or_block_is_not_believed(ledger: Ledger) -> None:
    office = account(OFFICE)
    raw, hash_ = ledger.chain.sign_anchor(office, ledger.chain.chain_nonce(office.address), anchor_call("mine"))
    ledger.mine(raw, hash_)

    def showing(field: str) -> EngineChain:
        def bend(method: str, params: Any, ask: Any) -> Any:
            answer = ask()
            return {**answer, field: "0x" + "11" * 32} if method == "eth_getTransactionReceipt" else answer

        return again(ledger, Between(ledger.engine, bend))

    with pytest.raises(UnavailableError, match="CHAIN_ANSWER_GARBLED"):
        showing("transactionHash").mined(hash_)
    assert showing("blockHash").mined(hash_) is None
