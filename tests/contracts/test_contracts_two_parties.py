"""Acts that take two organisations (annul, disown), and the end of writing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from contracts_support import FOREVER, ZERO, Event, word
from contracts_world import (
    ACTIVE,
    COURT,
    FREEZE,
    LICENSE,
    OFFICE,
    OTHER,
    REVOKED,
    STATUS,
    STRANGER,
    SUPERIOR,
    SUSPENDED,
    World,
    accreditation,
    address,
    batch,
    reverts,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from test_contracts_statuses import COUNCIL_ID, DECISION, ENTRY, LEAF, freeze

ROOT = word("root")


def both(world: World, first: bytes | str, second: bytes | str, function: str, *arguments: Any) -> list[Event]:
    return [*send(world, first, function, *arguments), *send(world, second, function, *arguments)]


def send(world: World, by: bytes | str, function: str, *arguments: Any) -> list[Event]:
    return world.act(by, function, *arguments).events


PARTIES = [OFFICE, SUPERIOR, COURT, "council"]


@pytest.mark.parametrize(("first", "second"), [*pairwise(PARTIES), *pairwise(PARTIES[::-1])])
def test_two_parties_annul_an_end_and_erase_nothing(world: World, first: bytes | str, second: bytes | str) -> None:
    world.set_status(LEAF, REVOKED)
    ended = world.status(LEAF)
    one, two = (COUNCIL_ID if p == "council" else p for p in (first, second))
    proposed, changed, annulled = both(world, first, second, "annul", OFFICE, LEAF, DECISION)
    now = world.chain.time - 1
    assert proposed == Event("AnnulmentProposed", (OFFICE, LEAF, DECISION, one))
    assert changed == Event("StatusChanged", (OFFICE, LEAF, DECISION, two, ACTIVE, now, now, 255, 2))
    assert annulled == Event("Annulled", (OFFICE, LEAF, DECISION, one, two))
    history = keccak(encode(ENTRY, [ended[-1], two, ACTIVE, now, now, 255, DECISION]))
    assert world.status(LEAF) == (ACTIVE, False, now, now, 255, 2, history)


@pytest.mark.parametrize(("first", "second"), [*pairwise(PARTIES), *pairwise(PARTIES[::-1])])
def test_two_parties_disown_a_batch(world: World, first: bytes | str, second: bytes | str) -> None:
    world.act(OFFICE, "anchor", batch())
    one, two = (COUNCIL_ID if p == "council" else p for p in (first, second))
    assert both(world, first, second, "disown", OFFICE, ROOT, DECISION) == [
        Event("DisownmentProposed", (OFFICE, ROOT, DECISION, one)),
        Event("Disowned", (OFFICE, ROOT, DECISION, one, two)),
    ]
    assert world.records.view("batchOf", OFFICE, ROOT)[5] is True
    with reverts("AlreadyDisowned", OFFICE, ROOT):
        world.act(OFFICE, "disown", OFFICE, ROOT, DECISION)
    assert world.act(OFFICE, "anchor", batch()).events[0].name == "AnchorRepeated"
    assert world.records.view("batchOf", OFFICE, ROOT)[5] is True


def test_one_organisation_is_never_two(world: World) -> None:
    world.set_status(LEAF, REVOKED)
    world.council("succeed", OFFICE, OTHER, 0)
    world.council("setAccount", address("second clerk"), OFFICE, STATUS)
    world.act(OFFICE, "annul", OFFICE, LEAF, DECISION)
    for by, organisation in ((OFFICE, OFFICE), ("second clerk", OFFICE), (OTHER, OTHER)):
        with reverts("SecondOrganisationNeeded", organisation):
            world.act(by, "annul", OFFICE, LEAF, DECISION)
    assert world.status(LEAF)[0] == REVOKED


def test_other_arguments_are_another_act(world: World) -> None:
    world.set_status(LEAF, REVOKED)
    world.act(OFFICE, "annul", OFFICE, LEAF, DECISION)
    world.act(SUPERIOR, "annul", OFFICE, LEAF, word("other decision"))
    assert world.status(LEAF)[0] == REVOKED


def test_a_consent_does_not_outlive_the_end_it_was_given_for(world: World) -> None:
    world.set_status(LEAF, REVOKED)
    world.act(OFFICE, "annul", OFFICE, LEAF, DECISION)
    both(world, OFFICE, SUPERIOR, "annul", OFFICE, LEAF, word("other decision"))
    world.set_status(LEAF, REVOKED)
    assert [e.name for e in send(world, SUPERIOR, "annul", OFFICE, LEAF, DECISION)] == ["AnnulmentProposed"]
    assert world.status(LEAF)[0] == REVOKED


def test_the_consent_of_a_party_barred_since_does_not_count(world: World) -> None:
    world.set_status(LEAF, REVOKED)
    world.act(OFFICE, "annul", OFFICE, LEAF, DECISION)
    world.council("bar", OFFICE)
    assert [e.name for e in send(world, SUPERIOR, "annul", OFFICE, LEAF, DECISION)] == ["AnnulmentProposed"]
    assert [e.name for e in send(world, COURT, "annul", OFFICE, LEAF, DECISION)][-1] == "Annulled"


def test_a_lapsed_court_is_no_party(world: World) -> None:
    world.set_status(LEAF, REVOKED)
    world.council("endAccreditation", accreditation(COURT, FREEZE), 0)
    with reverts("NotEntitled", COURT, OFFICE):
        world.act(COURT, "annul", OFFICE, LEAF, DECISION)
    world.council("accredit", word("renewed"), COURT, FREEZE, ZERO, ZERO, 0, FOREVER)
    assert [e.name for e in send(world, COURT, "annul", OFFICE, LEAF, DECISION)] == ["AnnulmentProposed"]


def test_two_party_acts_refuse_strangers_and_what_is_not_there(world: World) -> None:
    with reverts("NotEntitled", STRANGER, OFFICE):
        world.act(STRANGER, "annul", OFFICE, LEAF, DECISION)
    with reverts("NotEntitled", STRANGER, OFFICE):
        world.act(STRANGER, "disown", OFFICE, ROOT, DECISION)
    with reverts("NothingToAnnul", OFFICE, LEAF, ACTIVE):
        world.act(OFFICE, "annul", OFFICE, LEAF, DECISION)
    with reverts("BatchUnknown", OFFICE, ROOT):
        world.act(OFFICE, "disown", OFFICE, ROOT, DECISION)
    for function in ("annul", "disown"):
        with reverts("StatementMissing", LEAF):
            world.act(OFFICE, function, OFFICE, LEAF, ZERO)
    world.set_status(LEAF, REVOKED)
    freeze(world, COURT)
    with reverts("LeafFrozen", OFFICE, LEAF, COURT):
        world.act(OFFICE, "annul", OFFICE, LEAF, DECISION)


def test_retirement_ends_every_write_for_ever_and_every_answer_stays(world: World) -> None:
    world.act(OFFICE, "anchor", batch())
    world.set_status(LEAF, REVOKED)
    genesis, successor = word("genesis"), address("successor")
    with reverts("NotCouncil", address(OFFICE).lower()):
        world.act(OFFICE, "retire", 5, genesis, successor)
    for missing in ((5, ZERO, successor), (5, genesis, "0x" + "00" * 20)):
        with reverts("SuccessorMissing"):
            world.act("council", "retire", *missing)
    done = world.act("council", "retire", 5, genesis, successor)
    assert done.events == [Event("Retired", (5, genesis, successor.lower()))]
    digest = keccak(encode(["uint256", "bytes32", "address"], [5, genesis, successor]))
    assert world.records.view("retired") == digest
    changes = [(LEAF, DECISION)]
    writes: list[tuple[Any, ...]] = [
        (OFFICE, "anchor", batch()),
        (OFFICE, "setStatus", OFFICE, changes, SUSPENDED, 1, 1),
        (OFFICE, "relate", LEAF, LICENSE, DECISION),
        (COURT, "freeze", accreditation(COURT, FREEZE), OFFICE, changes),
        (COURT, "unfreeze", accreditation(COURT, FREEZE), OFFICE, changes),
        (OFFICE, "annul", OFFICE, LEAF, DECISION),
        (OFFICE, "disown", OFFICE, ROOT, DECISION),
        ("council", "retire", 6, genesis, successor),
    ]
    for by, function, *arguments in writes:
        with reverts("LedgerRetired", digest):
            world.act(by, function, *arguments)
    assert world.status(LEAF)[0] == REVOKED
    assert world.records.view("countOf", OFFICE) == 1
