"""Successions, superiors, bars, courts and the end of writing against a plain model: who may do what, at any moment."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from contracts_support import FOREVER, ZERO, Revert, word
from contracts_world import (
    ACTIVE,
    COURT,
    FREEZE,
    MODEL_SETTINGS,
    OFFICE,
    OTHER,
    REVOKED,
    STRANGER,
    SUPERIOR,
    SUSPENDED,
    World,
    address,
    batch,
)
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from test_contracts_statuses import COUNCIL_ID

NAMES = (OFFICE, OTHER, SUPERIOR, COURT, STRANGER)
LEAF, ROOT, STATEMENT = word("leaf"), word("root"), word("statement")
names = st.sampled_from(NAMES)
actors = st.sampled_from([OFFICE, OFFICE, SUPERIOR, COURT, OTHER, STRANGER])


class RightsModel(RuleBasedStateMachine):
    """One leaf and one batch of one office, and everybody whose right over them comes and goes."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.snapshot()
        self.world.act(OFFICE, "anchor", batch(root=ROOT))
        self.successor: dict[bytes, bytes] = {}
        self.superior: dict[bytes, bytes] = {OFFICE: SUPERIOR}
        self.barred: set[bytes] = set()
        self.court: dict[bytes, bytes] = {COURT: self.renewed(COURT)}
        self.state, self.count = ACTIVE, 0
        self.frozen_by: bytes | None = None
        self.disowned = self.retired = False
        self.consents: dict[Any, bytes] = {}

    def teardown(self) -> None:
        self.world.chain.revert(self.snapshot)

    # ---- the model ----

    def heir(self, name: bytes) -> bytes:
        return self.successor.get(name, name)

    def may_act(self, actor: bytes, issuer: bytes) -> bool:
        return actor not in self.barred and actor in (issuer, self.successor.get(issuer), self.superior.get(issuer))

    def is_court(self, name: bytes) -> bool:
        return name in self.court and name not in self.barred

    def entitled(self, name: bytes) -> bool:
        return name == COUNCIL_ID or self.may_act(name, OFFICE) or self.is_court(name)

    def attempt(self, allowed: bool, write: Any) -> Any:
        try:
            done = write()
        except Revert as refused:
            assert not allowed, refused
            return None
        assert allowed
        return [event.name for event in done.events]

    # ---- the council ----

    @rule(before=names, after=names)
    def succeed(self, before: bytes, after: bytes) -> None:
        allowed = before not in self.successor and self.heir(after) != before
        if self.attempt(allowed, lambda: self.world.council("succeed", before, after, 0)) is not None:
            heir = self.heir(after)
            self.successor |= {name: heir for name, now in self.successor.items() if now == before}
            self.successor[before] = heir

    @rule(name=names, above=st.sampled_from([*NAMES, ZERO]))
    def set_superior(self, name: bytes, above: bytes) -> None:
        allowed = above != name
        if self.attempt(allowed, lambda: self.world.council("setSuperior", name, above)) is not None:
            self.superior[name] = above

    @rule(name=names, lift=st.booleans())
    def bar(self, name: bytes, lift: bool) -> None:
        self.world.council("unbar" if lift else "bar", name)
        self.barred = self.barred - {name} if lift else self.barred | {name}

    @rule(name=st.sampled_from([COURT, OTHER]))
    def accreditation_of_a_court(self, name: bytes) -> None:
        if name in self.court:
            self.world.council("endAccreditation", self.court.pop(name), 0)
        else:
            self.court[name] = self.renewed(name)

    def renewed(self, name: bytes) -> bytes:
        if name == COURT:  # the world's own accreditation of this court is left to lapse once
            with suppress(Revert):
                self.world.council("endAccreditation", word(f"accreditation {name.hex()} {FREEZE}"), 0)
        id_ = word(f"{name.hex()} at {self.world.chain.time}")
        self.world.council("accredit", id_, name, FREEZE, ZERO, ZERO, 0, FOREVER)
        return id_

    @precondition(lambda self: self.count > 3)
    @rule(by=st.sampled_from(["council", OFFICE]))
    def retire(self, by: Any) -> None:
        allowed = by == "council" and not self.retired
        write = self.attempt(allowed, lambda: self.world.act(by, "retire", 5, word("genesis"), address("next")))
        self.retired = self.retired or write is not None

    # ---- the acts ----

    @rule(by=actors, state=st.sampled_from([ACTIVE, SUSPENDED, REVOKED]))
    def set_status(self, by: bytes, state: int) -> None:
        events = self.attempt(
            not self.retired and self.may_act(by, OFFICE),
            lambda: self.world.act(by, "setStatus", OFFICE, [(LEAF, STATEMENT)], state, self.world.chain.time, 1),
        )
        if events is None:
            return
        changes = self.frozen_by is None and self.state != state and self.state != REVOKED
        assert events == (["StatusChanged"] if changes else ["StatusRefused"])
        if changes:
            self.state, self.count = state, self.count + 1

    @rule(by=st.sampled_from([COURT, COURT, OTHER, SUPERIOR]), lift=st.booleans(), theirs=st.booleans())
    def freeze(self, by: bytes, lift: bool, theirs: bool) -> None:
        """``theirs``: with another court's accreditation, which serves nobody else."""
        id_ = self.court.get(by, word("none")) if not theirs else next(iter(self.court.values()), word("none"))
        allowed = not self.retired and self.is_court(by) and id_ == self.court[by]
        function = "unfreeze" if lift else "freeze"
        events = self.attempt(allowed, lambda: self.world.act(by, function, id_, OFFICE, [(LEAF, STATEMENT)]))
        if events is None:
            return
        holder = self.frozen_by
        if holder is None:
            assert events == ([] if lift else ["Frozen"])
            self.frozen_by = None if lift else by
        elif lift:
            lifts = self.may_act(by, holder)
            assert events == (["Unfrozen"] if lifts else ["FreezeRefused"])
            self.frozen_by = None if lifts else holder
        else:
            assert events == ([] if holder == by else ["FreezeRefused"])

    @rule(by=st.one_of(actors, st.just("council")), disown=st.booleans())
    def act_of_two(self, by: Any, disown: bool) -> None:
        party = COUNCIL_ID if by == "council" else by
        act = "disown" if disown else ("annul", self.count)
        possible = not self.disowned if disown else self.frozen_by is None and self.state == REVOKED
        first = self.consents.get(act)
        if first is not None and not self.entitled(first):
            first = None  # the consent of one that has lost its right does not count
        alone = first is not None and self.heir(first) == self.heir(party)
        function, subject = ("disown", ROOT) if disown else ("annul", LEAF)
        events = self.attempt(
            not self.retired and possible and self.entitled(party) and not alone,
            lambda: self.world.act(by, function, OFFICE, subject, STATEMENT),
        )
        if events is None:
            return
        if first is None:
            assert [name[-8:] for name in events] == ["Proposed"]
            self.consents[act] = party
        elif disown:
            assert events == ["Disowned"]
            self.disowned = True
        else:
            assert events == ["StatusChanged", "Annulled"]
            self.state, self.count = ACTIVE, self.count + 1

    # ---- what is read ----

    @invariant()
    def rights_are_those_of_the_model(self) -> None:
        view = self.world.consortium.view
        for name in NAMES:
            assert view("heirOf", name) == self.heir(name)
            assert view("mayActFor", name, OFFICE) == self.may_act(name, OFFICE)
        for name in (COURT, OTHER):
            assert view("isCourt", name) == self.is_court(name)

    @invariant()
    def the_leaf_and_the_batch_are_those_of_the_model(self) -> None:
        status = self.world.status(LEAF)
        assert (status[0], status[1], status[5]) == (self.state, self.frozen_by is not None, self.count)
        assert self.world.records.view("frozenBy", OFFICE, LEAF) == (self.frozen_by or ZERO)
        assert self.world.records.view("batchOf", OFFICE, ROOT)[5] == self.disowned
        assert (self.world.records.view("retired") != ZERO) == self.retired


def test_rights_over_records_keep_to_their_model(world: World) -> None:
    machine = type("RightsRun", (RightsModel,), {"world": world})
    run_state_machine_as_test(machine, settings=MODEL_SETTINGS)
