"""Status of leaves: transitions, who may act, and the freezes of courts."""

from __future__ import annotations

import pytest
from contracts_support import ZERO, Event, word
from contracts_world import (
    ACTIVE,
    ANCHOR,
    COURT,
    COURT2,
    FREEZE,
    OFFICE,
    OTHER,
    REVOKED,
    STATUS,
    STRANGER,
    SUPERIOR,
    SUPERSEDED,
    SUSPENDED,
    World,
    accreditation,
    address,
    key,
    reverts,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak

LEAF, DECISION = word("leaf"), word("decision")
COUNCIL_ID = bytes(12) + key("council").public_key.to_canonical_address()
ENTRY = ["bytes32", "bytes32", "uint8", "uint40", "uint40", "uint8", "bytes32"]
ROUTES: dict[int, list[int]] = {
    ACTIVE: [],
    SUSPENDED: [SUSPENDED],
    REVOKED: [REVOKED],
    SUPERSEDED: [SUSPENDED, SUPERSEDED],
}
ALLOWED = {
    (ACTIVE, SUSPENDED), (SUSPENDED, ACTIVE), (ACTIVE, REVOKED), (ACTIVE, SUPERSEDED),
    (SUSPENDED, REVOKED), (SUSPENDED, SUPERSEDED),
}  # fmt: skip


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
def test_each_transition_is_made_or_refused_by_name(world: World, before: int, after: int) -> None:
    for step in ROUTES[before]:
        world.set_status(LEAF, step)
    stored = world.status(LEAF)
    (event,) = world.set_status(LEAF, after).events
    if (before, after) in ALLOWED:
        assert (event.name, event.values[4], world.status(LEAF)[0]) == ("StatusChanged", after, after)
    else:
        assert event == Event("StatusRefused", (OFFICE, LEAF, DECISION, before, after))
        assert world.status(LEAF) == stored


def test_history_chains_every_entry_and_the_event_carries_each(world: World) -> None:
    history = ZERO
    for count, (state, by) in enumerate([(SUSPENDED, OFFICE), (ACTIVE, SUPERIOR), (REVOKED, OFFICE)], start=1):
        statement = word(f"statement {count}")
        effective = world.chain.time - 1_000
        done = world.act(by, "setStatus", OFFICE, [(LEAF, statement)], state, effective, count)
        entry = (by, state, effective, done.time, count, statement)
        history = keccak(encode(ENTRY, [history, *entry]))
        expected = (OFFICE, LEAF, statement, by, state, effective, done.time, count, count)
        assert done.events == [Event("StatusChanged", expected)]
        assert world.status(LEAF) == (state, False, effective, done.time, count, count, history)


def test_the_same_change_again_writes_and_emits_nothing(world: World) -> None:
    arguments = (OFFICE, [(LEAF, DECISION)], REVOKED, world.chain.time, 7)
    world.act(OFFICE, "setStatus", *arguments)
    stored = world.status(LEAF)
    assert world.act(OFFICE, "setStatus", *arguments).events == []
    assert world.status(LEAF) == stored
    (refused,) = world.act(OFFICE, "setStatus", *arguments[:-1], 8).events
    assert refused.name == "StatusRefused"


def test_one_bad_item_never_fails_the_others(world: World) -> None:
    world.set_status(word("ended"), SUPERSEDED)
    changes = [(word(name), DECISION) for name in ("first", "ended", "last")]
    done = world.act(OFFICE, "setStatus", OFFICE, changes, REVOKED, 1, 1)
    assert [e.name for e in done.events] == ["StatusChanged", "StatusRefused", "StatusChanged"]
    assert [world.status(leaf)[0] for leaf, _ in changes] == [REVOKED, SUPERSEDED, REVOKED]


@pytest.mark.parametrize("count", [0, 1_001])
def test_the_number_of_changes_is_bounded(world: World, count: int) -> None:
    changes = [(LEAF, DECISION)] * count
    with reverts("ChangesOutOfRange", count, 1_000):
        world.act(OFFICE, "setStatus", OFFICE, changes, REVOKED, 1, 1)
    with reverts("ChangesOutOfRange", count, 1_000):
        world.act(COURT, "freeze", accreditation(COURT, FREEZE), OFFICE, changes)


def test_a_malformed_change_reverts(world: World) -> None:
    now = world.chain.time
    with reverts("StateUnknown", 4):
        world.act(OFFICE, "setStatus", OFFICE, [(LEAF, DECISION)], 4, 1, 1)
    now = world.chain.time
    with reverts("EffectiveInFuture", now + 1, now):
        world.act(OFFICE, "setStatus", OFFICE, [(LEAF, DECISION)], REVOKED, now + 1, 1)
    for state in (ACTIVE, REVOKED, SUPERSEDED):
        with reverts("StatementMissing", LEAF):
            world.act(OFFICE, "setStatus", OFFICE, [(LEAF, ZERO)], state, 1, 1)


def test_an_emergency_suspension_may_come_before_its_statement(world: World) -> None:
    world.set_status(LEAF, SUSPENDED, statement=ZERO)
    assert world.status(LEAF)[0] == SUSPENDED


@pytest.mark.parametrize("later", [0, 9])
def test_the_statement_of_an_emergency_suspension_follows_once(world: World, later: int) -> None:
    since = world.chain.time
    change = (OFFICE, [(LEAF, ZERO)], SUSPENDED, since, 1)
    world.act(OFFICE, "setStatus", *change)
    assert world.act(OFFICE, "setStatus", *change).events == []
    (event,) = world.act(OFFICE, "setStatus", OFFICE, [(LEAF, DECISION)], SUSPENDED, since - later, 1).events
    assert (event.name, event.values[2], event.values[-1]) == ("StatusChanged", DECISION, 2)
    stored = world.status(LEAF)
    for statement in (ZERO, DECISION, word("another decision")):
        assert world.act(OFFICE, "setStatus", OFFICE, [(LEAF, statement)], SUSPENDED, since - later, 1).events == []
        (refused,) = world.act(OFFICE, "setStatus", OFFICE, [(LEAF, statement)], SUSPENDED, since - 5, 2).events
        assert refused.name == "StatusRefused"
    assert world.status(LEAF) == stored


def test_a_suspension_with_its_statement_takes_no_other(world: World) -> None:
    world.set_status(LEAF, SUSPENDED, statement=ZERO)
    world.set_status(LEAF, ACTIVE)
    world.act(OFFICE, "setStatus", OFFICE, [(LEAF, DECISION)], SUSPENDED, 7, 1)
    stored = world.status(LEAF)
    (refused,) = world.act(OFFICE, "setStatus", OFFICE, [(LEAF, word("other"))], SUSPENDED, 8, 1).events
    assert (refused.name, world.status(LEAF)) == ("StatusRefused", stored)


def test_a_freeze_keeps_the_statement_of_a_suspension_out_too(world: World) -> None:
    world.set_status(LEAF, SUSPENDED, statement=ZERO)
    freeze(world, COURT)
    assert [e.name for e in world.set_status(LEAF, SUSPENDED).events] == ["StatusRefused"]


@pytest.mark.parametrize("state", [SUSPENDED, REVOKED])
def test_no_office_writes_the_reason_of_annulments(world: World, state: int) -> None:
    stored = world.status(LEAF)
    with reverts("ReasonReserved", 255):
        world.act(OFFICE, "setStatus", OFFICE, [(word("first"), DECISION), (LEAF, DECISION)], state, 1, 255)
    assert world.status(LEAF) == stored


def test_only_issuer_superior_and_successor_change_a_status(world: World) -> None:
    for organisation in (STRANGER, OTHER, COURT):
        with reverts("NotEntitled", organisation, OFFICE):
            world.set_status(LEAF, REVOKED, by=organisation)
    world.council("succeed", OFFICE, OTHER, 0)
    for number, organisation in enumerate((OFFICE, SUPERIOR, OTHER)):
        world.set_status(word(str(number)), REVOKED, by=organisation)
        assert world.status(word(str(number)))[0] == REVOKED
    assert world.status(word("0"), OTHER) == (0, False, 0, 0, 0, 0, ZERO)


def test_a_thief_of_an_anchoring_key_ends_nothing(world: World) -> None:
    world.council("setAccount", address("worker"), OFFICE, ANCHOR)
    with reverts("PermissionMissing", address("worker").lower(), STATUS):
        world.act("worker", "setStatus", OFFICE, [(LEAF, DECISION)], REVOKED, 1, 1)
    world.council("bar", OFFICE)
    with reverts("OrganisationBarred", OFFICE):
        world.set_status(LEAF, REVOKED)


def test_an_ended_accreditation_leaves_the_right_to_revoke(world: World) -> None:
    world.council("endAccreditation", accreditation(OFFICE), 0)
    world.set_status(LEAF, REVOKED)
    assert world.status(LEAF)[0] == REVOKED


def freeze(world: World, court: bytes, function: str = "freeze", leaf: bytes = LEAF) -> list[Event]:
    return world.act(court, function, accreditation(court, FREEZE), OFFICE, [(leaf, DECISION)]).events


def test_a_freeze_lies_over_the_state_and_lifting_restores_it(world: World) -> None:
    world.set_status(LEAF, SUSPENDED)
    beneath = world.status(LEAF)
    named = (OFFICE, LEAF, DECISION, COURT, accreditation(COURT, FREEZE))
    assert freeze(world, COURT) == [Event("Frozen", named)]
    assert freeze(world, COURT) == []
    assert world.records.view("frozenBy", OFFICE, LEAF) == COURT
    assert world.status(LEAF) == (beneath[0], True, *beneath[2:])
    assert world.set_status(LEAF, ACTIVE).events == [
        Event("StatusRefused", (OFFICE, LEAF, DECISION, SUSPENDED, ACTIVE))
    ]
    assert freeze(world, COURT, "unfreeze") == [Event("Unfrozen", named)]
    assert freeze(world, COURT, "unfreeze") == []
    assert (world.status(LEAF), world.records.view("frozenBy", OFFICE, LEAF)) == (beneath, ZERO)
    world.set_status(LEAF, ACTIVE)
    assert world.status(LEAF)[0] == ACTIVE


def test_a_freeze_before_any_change_is_no_change(world: World) -> None:
    freeze(world, COURT)
    freeze(world, COURT, "unfreeze")
    assert world.status(LEAF) == (0, False, 0, 0, 0, 0, ZERO)


def test_no_court_touches_anothers_freeze_but_its_successor_or_superior(world: World) -> None:
    freeze(world, COURT)
    refused = [Event("FreezeRefused", (OFFICE, LEAF, DECISION, COURT))]
    assert freeze(world, COURT2) == refused
    assert freeze(world, COURT2, "unfreeze") == refused
    world.council("setSuperior", COURT, COURT2)
    assert [e.name for e in freeze(world, COURT2, "unfreeze")] == ["Unfrozen"]


@pytest.mark.parametrize("function", ["freeze", "unfreeze"])
def test_freezing_takes_a_current_freeze_accreditation_of_ones_own(world: World, function: str) -> None:
    def attempt(by: str | bytes, id_: bytes, statement: bytes = DECISION) -> None:
        world.act(by, function, id_, OFFICE, [(LEAF, statement)])

    own, other = accreditation(COURT, FREEZE), accreditation(COURT2, FREEZE)
    with reverts("AccreditationOfOtherKind", accreditation(OFFICE), FREEZE):
        attempt(OFFICE, accreditation(OFFICE))
    with reverts("AccreditationNotOfOrganisation", other, COURT):
        attempt(COURT, other)
    with reverts("AccreditationMissing", ZERO):
        attempt(COURT, ZERO)
    with reverts("StatementMissing", LEAF):
        attempt(COURT, own, ZERO)
    world.council("setAccount", address("clerk"), COURT, ANCHOR)
    with reverts("PermissionMissing", address("clerk").lower(), STATUS):
        attempt("clerk", own)
    world.council("endAccreditation", own, 0)
    with reverts("AccreditationNotCurrent", own):
        attempt(COURT, own)
