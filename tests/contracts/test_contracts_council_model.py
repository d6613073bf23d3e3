"""Council against a plain model, over random histories in which time passes."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts_support import Revert
from contracts_world import MODEL_SETTINGS, OFFICE
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from test_contracts_council import (
    DAY,
    DELAY,
    EXECUTED,
    EXPIRED,
    MEMBERS,
    OPEN,
    READY,
    VETOED,
    WAITING,
    Chamber,
)

members = st.sampled_from(MEMBERS)
steps = st.sampled_from([1, 60, DELAY, 9 * DAY])


@dataclass
class Vote:
    made: int
    urgent: bool
    approvals: set[bytes] = field(default_factory=set)
    vetoes: set[bytes] = field(default_factory=set)
    reached: int = 0
    executed: bool = False

    def state(self, now: int) -> int:
        if self.executed:
            return EXECUTED
        if len(self.vetoes) >= 2:
            return VETOED
        if now >= self.made + 30 * DAY:
            return EXPIRED
        if len(self.approvals) < 2:
            return OPEN
        return READY if self.urgent or now >= self.reached + DELAY else WAITING


class CouncilModel(RuleBasedStateMachine):
    chamber: Chamber

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.chamber.chain.snapshot()
        self.first = self.chamber.council.view("proposalCount") + 1
        self.votes: list[Vote] = []

    def teardown(self) -> None:
        self.chamber.chain.revert(self.snapshot)

    def attempt(self, by: bytes, function: str, number: int, allowed: bool) -> bool:
        try:
            self.chamber.act(by, function, self.first + number)
        except Revert:
            assert not allowed
            return False
        assert allowed
        return True

    @rule(by=members, urgent=st.booleans())
    def propose(self, by: bytes, urgent: bool) -> None:
        if len(self.votes) < 4:
            made = self.chamber.chain.time
            self.chamber.propose(self.chamber.call("bar" if urgent else "unbar", OFFICE), by=by)
            self.votes.append(Vote(made, urgent))

    @rule(by=members, number=st.integers(0, 3))
    def approve(self, by: bytes, number: int) -> None:
        if number < len(self.votes):
            vote, now = self.votes[number], self.chamber.chain.time
            allowed = vote.state(now) in (OPEN, WAITING, READY) and by not in vote.approvals | vote.vetoes
            if self.attempt(by, "approve", number, allowed):
                vote.approvals.add(by)
                if len(vote.approvals) == 2:
                    vote.reached = now

    @rule(by=members, number=st.integers(0, 3))
    def veto(self, by: bytes, number: int) -> None:
        if number < len(self.votes):
            vote = self.votes[number]
            allowed = vote.state(self.chamber.chain.time) in (OPEN, WAITING, READY) and by not in vote.vetoes
            if self.attempt(by, "veto", number, allowed):
                vote.approvals.discard(by)
                vote.vetoes.add(by)

    @rule(by=members, number=st.integers(0, 3))
    def execute(self, by: bytes, number: int) -> None:
        if number < len(self.votes):
            vote = self.votes[number]
            allowed = vote.state(self.chamber.chain.time) == READY
            if self.attempt(by, "execute", number, allowed):
                vote.executed = True

    @rule(seconds=steps)
    def wait(self, seconds: int) -> None:
        self.chamber.chain.time += seconds

    @invariant()
    def states_agree(self) -> None:
        now = self.chamber.chain.time
        for number, vote in enumerate(self.votes):
            assert self.chamber.state(self.first + number) == vote.state(now)


def test_the_council_keeps_to_its_model() -> None:
    machine = type("CouncilRun", (CouncilModel,), {"chamber": Chamber()})
    run_state_machine_as_test(machine, settings=settings(MODEL_SETTINGS, max_examples=50))
