"""Records against a plain model: anchoring, statuses, freezes and two-party acts in random order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_support import ZERO, Revert, word
from contracts_world import (
    COURT,
    COURT2,
    FREEZE,
    MODEL_SETTINGS,
    OFFICE,
    OTHER,
    STRANGER,
    SUPERIOR,
    SUPERSEDED,
    SUSPENDED,
    World,
    accreditation,
    batch,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from test_contracts_statuses import ALLOWED, COUNCIL_ID, ENTRY


@dataclass
class Leaf:
    state: int = 0
    effective: int = 0
    recorded: int = 0
    reason: int = 0
    count: int = 0
    history: bytes = ZERO
    frozen_by: bytes = ZERO
    undecided: int = 0  # number of the newest change without statement

    def write(self, actor: bytes, state: int, effective: int, now: int, reason: int, statement: bytes) -> None:
        entry = [self.history, actor, state, effective, now, reason, statement]
        self.history = keccak(encode(ENTRY, entry))
        self.state, self.effective, self.recorded, self.reason = state, effective, now, reason
        self.count += 1
        self.undecided = self.count if statement == ZERO else self.undecided

    def takes_decision(self, state: int, statement: bytes) -> bool:
        """An emergency suspension that is still the last change gets its statement."""
        return statement != ZERO and self.state == state == SUSPENDED and self.undecided == self.count

    def stored(self) -> tuple[Any, ...]:
        frozen = self.frozen_by != ZERO
        return (self.state, frozen, self.effective, self.recorded, self.reason, self.count, self.history)


# What is refused at the door is drawn rarely, or histories would hardly get anywhere.
leaves = st.integers(0, 1)
statements = st.sampled_from([word("s1")] * 5 + [word("s2"), ZERO])
PARTIES: dict[str | bytes, bytes] = {
    OFFICE: OFFICE, SUPERIOR: SUPERIOR, COURT: COURT, "council": COUNCIL_ID, STRANGER: STRANGER,
}  # fmt: skip


class RecordsModel(RuleBasedStateMachine):
    """Anchoring of a few roots and every act on a few leaves of one issuer."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.snapshot()
        self.leaves = [Leaf() for _ in range(2)]
        self.batches: dict[int, tuple[int, Any]] = {}
        self.disowned: set[int] = set()
        self.consents: dict[Any, bytes] = {}

    def teardown(self) -> None:
        self.world.chain.revert(self.snapshot)

    @rule(root=st.integers(0, 2), size=st.sampled_from([0, 1, 2, 65_537]), by=st.sampled_from([OFFICE, OTHER]))
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
        chosen=st.lists(st.tuples(leaves, statements), min_size=1, max_size=2),
        state=st.sampled_from([0, 1, 2, 3] * 3 + [4]),
        back=st.sampled_from([0, 0, 0, 5, 5, -1]),
        reason=st.sampled_from([0, 1] * 4 + [255]),
        by=st.sampled_from([OFFICE] * 4 + [SUPERIOR, COURT, STRANGER]),
    )
    def set_status(self, chosen: list[tuple[int, bytes]], state: int, back: int, reason: int, by: bytes) -> None:
        now = self.world.chain.time
        changes = [(word(f"leaf {number}"), statement) for number, statement in chosen]
        allowed = (
            by in (OFFICE, SUPERIOR) and chosen and state <= SUPERSEDED and back >= 0
            and reason != 255 and (state == SUSPENDED or all(statement != ZERO for _, statement in chosen))
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
            decides = leaf.takes_decision(state, statement)
            if not decides and (leaf.state, leaf.effective, leaf.reason) == (state, now - back, reason):
                continue
            if leaf.frozen_by != ZERO or ((leaf.state, state) not in ALLOWED and not decides):
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
        possible = party != STRANGER and statement != ZERO and leaf.frozen_by == ZERO and leaf.state > SUSPENDED
        outcome = self.second(("annul", number, statement, leaf.count), party) if possible else "refused"
        self.two_party(outcome, by, "annul", word(f"leaf {number}"), statement)
        if outcome == "done":
            leaf.write(party, 0, now, now, 255, statement)

    @rule(root=st.integers(0, 2), by=st.sampled_from(list(PARTIES)), statement=statements)
    def disown(self, root: int, by: str | bytes, statement: bytes) -> None:
        party = PARTIES[by]
        possible = party != STRANGER and statement != ZERO and root in self.batches and root not in self.disowned
        outcome = self.second(("disown", root, statement), party) if possible else "refused"
        self.two_party(outcome, by, "disown", word(f"root {root}"), statement)
        if outcome == "done":
            self.disowned.add(root)

    def two_party(self, outcome: str, by: str | bytes, function: str, subject: bytes, statement: bytes) -> None:
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


def test_records_keep_to_their_model(world: World) -> None:
    machine = type("RecordsRun", (RecordsModel,), {"world": world})
    run_state_machine_as_test(machine, settings=MODEL_SETTINGS)
