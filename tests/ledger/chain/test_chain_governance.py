"""Deployment and the council on a real embedded engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chain_kit import (
    COURT,
    NODE_KEY,
    OFFICE,
    WITNESS,
    Between,
    Clock,
    Ledger,
    account,
    anchor_call,
    digest,
    everything,
    found_ledger,
)

from ledger.chain.calls import ConsortiumCalls, CouncilCall, describe
from ledger.chain.contracts import Contracts
from ledger.chain.deploy import CouncilRules, Member, deploy, identity_of, refuse_deployed
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.governance import Council, ProposalState
from ledger.chain.transactor import Transactor
from ledger.core.accreditations import Accreditation
from ledger.core.registries import Kind
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError

office, court, witness = account(OFFICE), account(COURT), account(WITNESS)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    found = found_ledger(tmp_path_factory.mktemp("chain") / "chain.db", delay=5)
    yield found
    found.engine.close()


@pytest.fixture
def calls(ledger: Ledger) -> ConsortiumCalls:
    return ConsortiumCalls(ledger.contracts.consortium)


def test_founding_takes_about_a_dozen_blocks(tmp_path: Path) -> None:
    found = found_ledger(tmp_path / "chain.db")
    head, _ = found.chain.head()
    assert head.block <= 12
    found.engine.close()


def test_a_council_of_one_without_delay_acts_at_once(tmp_path: Path) -> None:
    clock = Clock()
    engine = EmbeddedEngine.create(tmp_path / "chain.db", node_key=NODE_KEY, clock=clock, operator="one")
    transactor = Transactor(engine, sleep=clock.sleep, clock=clock)
    rules = CouncilRules((Member(OFFICE, office.address),), 1, 0)
    contracts = deploy(transactor, office, rules)
    council = Council(transactor, contracts)
    id_ = council.carry([office], everything(contracts))
    assert council.state(id_) is ProposalState.EXECUTED
    assert council.rules() == {"threshold": 1, "organisations": 1, "delay": 0, "term": 1}
    assert identity_of(transactor, contracts).genesis == engine.genesis_hash
    engine.close()


def test_nothing_is_deployed_over_what_stands(ledger: Ledger) -> None:
    before, _ = ledger.chain.head()
    rules = CouncilRules((Member(OFFICE, office.address),), 1, 0)
    with pytest.raises(ConflictError, match="CHAIN_ALREADY_DEPLOYED"):
        deploy(ledger.transactor, office, rules, existing=ledger.contracts)
    assert ledger.chain.head()[0] == before
    refuse_deployed(ledger.transactor, Contracts(bytes(20), b"\1" * 20, b"\2" * 20))


def test_a_council_without_members_or_with_too_high_a_threshold_is_not_founded(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="COUNCIL_EMPTY"):
        deploy(ledger.transactor, office, CouncilRules((), 1, 0))
    with pytest.raises(ConflictError) as caught:
        deploy(ledger.transactor, office, CouncilRules((Member(OFFICE, office.address),), 2, 0))
    assert caught.value.values["name"] == "ThresholdOutOfRange"


def test_a_proposal_goes_from_open_over_waiting_and_ready_to_executed(ledger: Ledger, calls: ConsortiumCalls) -> None:
    council = ledger.council
    wanted = [calls.register("SG:NEW"), calls.superior(OFFICE, COURT)]
    id_ = council.propose(office, wanted)
    made = council.proposal(id_)
    assert (made.state, made.calls, made.approvals, made.reached) == (
        ProposalState.OPEN,
        tuple(wanted),
        0,
        None,
    )
    council.approve(office, id_)
    council.approve(witness, id_)
    waiting = council.proposal(id_)
    assert waiting.state is ProposalState.WAITING and waiting.approvals == 2 and waiting.reached is not None
    with pytest.raises(ConflictError) as caught:
        council.execute(court, id_)
    assert caught.value.values["name"] == "ProposalInState"
    council.wait_ready(id_)
    council.execute(court, id_)
    assert council.state(id_) is ProposalState.EXECUTED and ProposalState.EXECUTED.settled
    assert council.count() == id_


def test_vetoes_end_a_proposal(ledger: Ledger, calls: ConsortiumCalls) -> None:
    council = ledger.council
    id_ = council.propose(office, [calls.register("SG:VETOED")])
    council.approve(office, id_)
    council.veto(court, id_)
    council.veto(witness, id_)
    assert council.state(id_) is ProposalState.VETOED
    assert council.proposal(id_).vetoes == 2
    with pytest.raises(ConflictError, match="COUNCIL_NOT_READY"):
        council.wait_ready(id_)


def test_a_proposal_below_its_threshold_is_not_waited_for(ledger: Ledger, calls: ConsortiumCalls) -> None:
    id_ = ledger.council.propose(office, [calls.register("SG:OPEN")])
    before = ledger.clock.now
    with pytest.raises(ConflictError, match="COUNCIL_NOT_READY"):
        ledger.council.wait_ready(id_)
    assert ledger.clock.now == before


def test_an_emergency_bar_needs_no_delay(ledger: Ledger, calls: ConsortiumCalls) -> None:
    council = ledger.council
    id_ = council.propose(court, [calls.bar(OFFICE)])
    council.approve(court, id_)
    council.approve(witness, id_)
    assert council.proposal(id_).urgent and council.state(id_) is ProposalState.READY
    council.execute(court, id_)
    with pytest.raises(ConflictError) as caught:
        ledger.chain.check_anchor(office, anchor_call("barred"))
    assert caught.value.values["name"] == "OrganisationBarred"
    council.carry([court, witness], [calls.unbar(OFFICE)])
    ledger.chain.check_anchor(office, anchor_call("barred"))


def test_a_failing_call_is_named_by_the_reason_inside(ledger: Ledger, calls: ConsortiumCalls) -> None:
    id_ = ledger.council.propose(office, [calls.register("SG:TWICE"), calls.register("SG:TWICE")])
    ledger.council.approve(office, id_)
    ledger.council.approve(court, id_)
    ledger.council.wait_ready(id_)
    with pytest.raises(ConflictError) as caught:
        ledger.council.execute(office, id_)
    assert caught.value.values["name"] == "OrganisationKnown"
    assert caught.value.values["values"] == {"organisation": "SG:TWICE", "call": 1}


def test_rights_can_be_given_and_ended(ledger: Ledger, calls: ConsortiumCalls) -> None:
    extra = Accreditation(OFFICE, Kind.SEAL, "SG", ("*",), "decision 2")
    certificate, now = digest("second certificate"), int(ledger.clock.now)
    by = [office, court]
    ledger.council.carry(by, [calls.accredit(extra), calls.bind_signer(OFFICE, certificate)])
    call = anchor_call("seals", accreditation=extra.id(), kind=Kind.SEAL, signers=(certificate,))
    ledger.chain.check_anchor(office, call)
    ledger.council.carry(by, [calls.compromise_signer(OFFICE, certificate, now - 100)])
    with pytest.raises(ConflictError) as caught:
        ledger.chain.check_anchor(office, call)
    assert caught.value.values["name"] == "SignerNotCurrent"
    renewed = replace(call, signers=anchor_call("seals").signers)
    ledger.chain.check_anchor(office, renewed)
    ledger.council.carry(by, [calls.end_signer(OFFICE, certificate), calls.end_accreditation(extra.id())])
    with pytest.raises(ConflictError) as caught:
        ledger.chain.check_anchor(office, renewed)
    assert caught.value.values["name"] == "AccreditationNotCurrent"
    ledger.council.carry(by, [calls.account(office.address, OFFICE, 2)])
    with pytest.raises(ConflictError) as caught:
        ledger.chain.check_anchor(office, anchor_call("no permission"))
    assert caught.value.values["name"] == "PermissionMissing"
    ledger.council.carry(by, [calls.account(office.address, OFFICE), calls.succeed(WITNESS, COURT)])


def test_the_gas_limit_holds_for_as_many_signers_as_a_batch_may_have(ledger: Ledger, calls: ConsortiumCalls) -> None:
    signers = tuple(digest("signer", number) for number in range(8))
    ledger.council.carry([office, court], [calls.bind_signer(OFFICE, signer) for signer in signers])
    limit, used = ledger.gas_used(ledger.anchor(anchor_call("eight", signers=signers)))
    assert used < limit


def test_strangers_and_empty_proposals_are_refused(ledger: Ledger, calls: ConsortiumCalls) -> None:
    with pytest.raises(ConflictError) as caught:
        ledger.council.propose(account("stranger"), [calls.register("SG:X")])
    assert caught.value.values["name"] == "NotMember"
    with pytest.raises(InputError, match="COUNCIL_NO_CALLS"):
        ledger.council.propose(office, [])
    with pytest.raises(InputError, match="COUNCIL_EMPTY"):
        ledger.council.carry([], [calls.register("SG:X")])
    with pytest.raises(NotFoundError, match="COUNCIL_PROPOSAL_UNKNOWN"):
        ledger.council.proposal(10_000)
    with pytest.raises(NotFoundError, match="COUNCIL_NOT_MEMBER"):
        ledger.council.organisation_of(bytes(20))
    assert ledger.council.organisation_of(court.address) == COURT


def test_whoever_approves_can_read_what_a_call_does(ledger: Ledger, calls: ConsortiumCalls) -> None:
    told = describe(calls.account(office.address, OFFICE, 3), ledger.contracts)
    assert (told.contract, told.function) == ("Consortium", "setAccount")
    assert told.values["account"] == office.address and told.values["permissions"] == 3
    foreign = describe(CouncilCall(bytes(20), b"\1\2\3\4"), ledger.contracts)
    assert (foreign.contract, foreign.function) == (None, None)
    unknown = describe(CouncilCall(ledger.contracts.council, b"\1\2\3\4"), ledger.contracts)
    assert (unknown.contract, unknown.function) == ("Council", None)
    cut = calls.register(OFFICE)
    assert describe(CouncilCall(cut.target, cut.data[:-1]), ledger.contracts).function is None


def test_a_receipt_that_never_comes_is_not_waited_for_for_ever(ledger: Ledger, calls: ConsortiumCalls) -> None:
    def bend(method: str, params: Any, ask: Any) -> Any:
        return None if method == "eth_getTransactionReceipt" else ask()

    transactor = Transactor(Between(ledger.engine, bend), sleep=ledger.clock.sleep, clock=ledger.clock, patience=3.0)
    with pytest.raises(UnavailableError, match="CHAIN_NOT_MINED"):
        Council(transactor, ledger.contracts).propose(office, [calls.register("SG:LOST")])


def test_a_transaction_overtaken_by_another_says_that_it_did_nothing(ledger: Ledger, calls: ConsortiumCalls) -> None:
    """Between estimate and block a colleague votes: mined, but reverted."""
    id_ = ledger.council.propose(office, [calls.register("SG:RACE")])
    ledger.council.approve(office, id_)

    def bend(method: str, params: Any, ask: Any) -> Any:
        return "0x30d40" if method == "eth_estimateGas" else ask()

    blind = Transactor(Between(ledger.engine, bend), sleep=ledger.clock.sleep, clock=ledger.clock)
    with pytest.raises(ConflictError, match="CHAIN_TRANSACTION_FAILED"):
        Council(blind, ledger.contracts).approve(office, id_)
