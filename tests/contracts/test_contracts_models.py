"""Council, Consortium and Records against plain models, over random histories in which time passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from contracts_support import ZERO, Revert, word
from contracts_world import (
    COURT,
    COURT2,
    FREEZE,
    LICENSE,
    OFFICE,
    OTHER,
    STRANGER,
    SUPERIOR,
    SUPERSEDED,
    SUSPENDED,
    World,
    accreditation,
    address,
    batch,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak
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
from test_contracts_statuses import ALLOWED, COUNCIL_ID, ENTRY

# Few examples of some length: a transaction takes milliseconds, and the histories overlap anyway.
SETTINGS = settings(deadline=None, max_examples=20, stateful_step_count=30)
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


@dataclass
class Window:
    begin: int
    end: int
    compromised: int = 0

    def current(self, now: int) -> bool:
        return self.begin <= now < self.end and not self.compromised


offsets = st.sampled_from([-100, -1, 0, 1, 2, 5, 20, 100])
names = st.integers(0, 3)


class ConsortiumModel(RuleBasedStateMachine):
    """Certificates and accreditations of one office hold as written, and never before their block."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.snapshot()
        self.windows: dict[tuple[str, int], Window] = {}

    def teardown(self) -> None:
        self.world.chain.revert(self.snapshot)

    def attempt(self, allowed: bool, *write: Any) -> bool:
        try:
            self.world.council(*write)
        except Revert:
            assert not allowed, write
            return False
        assert allowed, write
        return True

    @rule(what=st.sampled_from(["signer", "accreditation"]), number=names, begin=offsets, length=offsets)
    def give(self, what: str, number: int, begin: int, length: int) -> None:
        now, digest = self.world.chain.time, word(f"{what} {number}")
        start = max(now + begin, now)
        end = now + begin + length
        write: tuple[Any, ...] = ("bindSigner", OFFICE, digest, now + begin, end)
        if what == "accreditation":
            write = ("accredit", digest, OFFICE, LICENSE, ZERO, ZERO, now + begin, end)
        if self.attempt((what, number) not in self.windows and end > start, *write):
            self.windows[what, number] = Window(start, end)

    @rule(what=st.sampled_from(["signer", "accreditation"]), number=names, offset=offsets)
    def end(self, what: str, number: int, offset: int) -> None:
        now, digest = self.world.chain.time, word(f"{what} {number}")
        window = self.windows.get((what, number))
        until = max(now, now + offset)
        write: tuple[Any, ...] = ("endSigner", OFFICE, digest, now + offset)
        if what == "accreditation":
            write = ("endAccreditation", digest, now + offset)
        if self.attempt(window is not None and until < window.end, *write) and window:
            window.end = until

    @rule(number=names, offset=offsets)
    def compromise(self, number: int, offset: int) -> None:
        now = self.world.chain.time
        window = self.windows.get(("signer", number))
        since = now + offset
        allowed = (
            window is not None and since <= now and (not window.compromised or since < window.compromised)
        )
        if self.attempt(allowed, "compromiseSigner", OFFICE, word(f"signer {number}"), since) and window:
            window.compromised = since

    @rule(seconds=st.sampled_from([1, 2, 5, 50]))
    def wait(self, seconds: int) -> None:
        self.world.chain.time += seconds

    @invariant()
    def rights_are_those_of_the_windows(self) -> None:
        now = self.world.chain.time
        for what, number in [(what, n) for what in ("signer", "accreditation") for n in range(4)]:
            window = self.windows.get((what, number))
            held = True
            try:
                if what == "signer":
                    named = [word(f"signer {number}")]
                    self.world.consortium.view("anchoringOrganisation", address(OFFICE), ZERO, 8, named)
                else:
                    self.world.consortium.view(
                        "checkAccreditation", OFFICE, word(f"accreditation {number}"), LICENSE
                    )
            except Revert:
                held = False
            assert held == (window is not None and window.current(now)), (what, number)


@dataclass
class Leaf:
    state: int = 0
    effective: int = 0
    recorded: int = 0
    reason: int = 0
    count: int = 0
    history: bytes = ZERO
    frozen_by: bytes = ZERO

    def write(
        self, actor: bytes, state: int, effective: int, now: int, reason: int, statement: bytes
    ) -> None:
        entry = [self.history, actor, state, effective, now, reason, statement]
        self.history = keccak(encode(ENTRY, entry))
        self.state, self.effective, self.recorded, self.reason = state, effective, now, reason
        self.count += 1

    def stored(self) -> tuple[Any, ...]:
        frozen = self.frozen_by != ZERO
        return (self.state, frozen, self.effective, self.recorded, self.reason, self.count, self.history)


leaves = st.integers(0, 2)
statements = st.sampled_from([ZERO, word("s1"), word("s2")])
PARTIES: dict[str | bytes, bytes] = {
    OFFICE: OFFICE, SUPERIOR: SUPERIOR, COURT: COURT, "council": COUNCIL_ID, STRANGER: STRANGER,
}  # fmt: skip


class RecordsModel(RuleBasedStateMachine):
    """Anchoring of a few roots and every act on a few leaves of one issuer."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.snapshot()
        self.leaves = [Leaf() for _ in range(3)]
        self.batches: dict[int, tuple[int, Any]] = {}
        self.disowned: set[int] = set()
        self.consents: dict[Any, bytes] = {}

    def teardown(self) -> None:
        self.world.chain.revert(self.snapshot)

    @rule(
        root=st.integers(0, 2), size=st.sampled_from([0, 1, 2, 65_537]), by=st.sampled_from([OFFICE, OTHER])
    )
    def anchor(self, root: int, size: int, by: bytes) -> None:
        offered = batch(root=word(f"root {root}"), size=size)
        known = self.batches.get(root)
        try:
            (sequence,) = self.world.act(by, "anchor", offered).values
        except Revert:
            assert by == OTHER or size not in (1, 2) or (known and known[1] != offered)
            return
        assert by == OFFICE and size in (1, 2)
        expected = known or (len(self.batches) + 1, offered)
        assert (sequence, offered) == expected
        self.batches[root] = expected

    @rule(
        chosen=st.lists(st.tuples(leaves, statements), max_size=3),
        state=st.integers(0, 4),
        back=st.sampled_from([-1, 0, 5]),
        reason=st.integers(0, 1),
        by=st.sampled_from([OFFICE, SUPERIOR, COURT, STRANGER]),
    )
    def set_status(
        self, chosen: list[tuple[int, bytes]], state: int, back: int, reason: int, by: bytes
    ) -> None:
        now = self.world.chain.time
        changes = [(word(f"leaf {number}"), statement) for number, statement in chosen]
        allowed = (
            by in (OFFICE, SUPERIOR) and chosen and state <= SUPERSEDED and back >= 0
            and (state == SUSPENDED or all(statement != ZERO for _, statement in chosen))
        )  # fmt: skip
        try:
            events = self.world.act(by, "setStatus", OFFICE, changes, state, now - back, reason).events
        except Revert:
            assert not allowed
            return
        assert allowed
        expected = []
        for number, statement in chosen:
            leaf = self.leaves[number]
            if (leaf.state, leaf.effective, leaf.reason) == (state, now - back, reason):
                continue
            if leaf.frozen_by != ZERO or (leaf.state, state) not in ALLOWED:
                expected.append("StatusRefused")
            else:
                expected.append("StatusChanged")
                leaf.write(by, state, now - back, now, reason, statement)
        assert [event.name for event in events] == expected

    @rule(number=leaves, by=st.sampled_from([COURT, COURT2]), lift=st.booleans())
    def freeze(self, number: int, by: bytes, lift: bool) -> None:
        leaf = self.leaves[number]
        changes = [(word(f"leaf {number}"), word("order"))]
        id_ = accreditation(by, FREEZE)
        events = self.world.act(by, "unfreeze" if lift else "freeze", id_, OFFICE, changes).events
        if leaf.frozen_by not in (ZERO, by):
            expected = ["FreezeRefused"]
        elif (leaf.frozen_by == by) == lift:
            expected = ["Unfrozen" if lift else "Frozen"]
            leaf.frozen_by = ZERO if lift else by
        else:
            expected = []
        assert [event.name for event in events] == expected

    def second(self, act: Any, party: bytes) -> str:
        """Outcome of a two-party act: refused, proposed or done."""
        first = self.consents.get(act)
        if first == party:
            return "refused"
        if first is None:
            self.consents[act] = party
            return "proposed"
        del self.consents[act]
        return "done"

    @rule(number=leaves, by=st.sampled_from(list(PARTIES)), statement=statements)
    def annul(self, number: int, by: str | bytes, statement: bytes) -> None:
        leaf, now, party = self.leaves[number], self.world.chain.time, PARTIES[by]
        possible = (
            party != STRANGER and statement != ZERO and leaf.frozen_by == ZERO and leaf.state > SUSPENDED
        )
        outcome = self.second(("annul", number, statement, leaf.count), party) if possible else "refused"
        self.two_party(outcome, by, "annul", word(f"leaf {number}"), statement)
        if outcome == "done":
            leaf.write(party, 0, now, now, 255, statement)

    @rule(root=st.integers(0, 2), by=st.sampled_from(list(PARTIES)), statement=statements)
    def disown(self, root: int, by: str | bytes, statement: bytes) -> None:
        party = PARTIES[by]
        possible = (
            party != STRANGER and statement != ZERO and root in self.batches and root not in self.disowned
        )
        outcome = self.second(("disown", root, statement), party) if possible else "refused"
        self.two_party(outcome, by, "disown", word(f"root {root}"), statement)
        if outcome == "done":
            self.disowned.add(root)

    def two_party(
        self, outcome: str, by: str | bytes, function: str, subject: bytes, statement: bytes
    ) -> None:
        try:
            events = self.world.act(by, function, OFFICE, subject, statement).events
        except Revert:
            assert outcome == "refused"
            return
        assert outcome == ("proposed" if events[-1].name.endswith("Proposed") else "done")

    @invariant()
    def storage_agrees(self) -> None:
        for number, leaf in enumerate(self.leaves):
            assert self.world.status(word(f"leaf {number}")) == leaf.stored()
            assert self.world.records.view("frozenBy", OFFICE, word(f"leaf {number}")) == leaf.frozen_by
        assert self.world.records.view("countOf", OFFICE) == len(self.batches)
        for root in range(3):
            stored = self.world.records.view("batchOf", OFFICE, word(f"root {root}"))
            assert stored[0] == (self.batches[root][0] if root in self.batches else 0)
            assert stored[5] == (root in self.disowned)


def test_the_council_keeps_to_its_model() -> None:
    machine = type("CouncilRun", (CouncilModel,), {"chamber": Chamber()})
    run_state_machine_as_test(machine, settings=SETTINGS)


@pytest.mark.parametrize("model", [ConsortiumModel, RecordsModel])
def test_consortium_and_records_keep_to_their_models(world: World, model: type[Any]) -> None:
    run_state_machine_as_test(type(f"{model.__name__}Run", (model,), {"world": world}), settings=SETTINGS)
