"""Consortium: only the council writes; no date in the past but a compromise's; successors in one hop."""

from __future__ import annotations

from typing import Any

import pytest
from contracts_support import FOREVER, ZERO, Chain, Event, name32, word
from contracts_world import (
    ALL,
    COURT,
    FREEZE,
    LICENSE,
    OFFICE,
    OTHER,
    STATUS,
    STRANGER,
    SUPERIOR,
    World,
    accreditation,
    address,
    certificate,
    key,
    reverts,
)

NOBODY = name32("nobody")
ID, CERTIFICATE = word("id"), word("new certificate")
WRITES: list[tuple[Any, ...]] = [
    ("registerOrganisation", NOBODY),
    ("setAccount", address("clerk"), OFFICE, ALL),
    ("bindSigner", OFFICE, CERTIFICATE, 0, FOREVER),
    ("endSigner", OFFICE, certificate(OFFICE), 0),
    ("compromiseSigner", OFFICE, certificate(OFFICE), 1),
    ("accredit", ID, OFFICE, LICENSE, ZERO, ZERO, 0, FOREVER),
    ("endAccreditation", accreditation(OFFICE), 0),
    ("succeed", OFFICE, OTHER, 0),
    ("setSuperior", OFFICE, OTHER),
    ("bar", OTHER),
    ("unbar", OTHER),
]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write[0])
def test_only_the_council_writes(world: World, write: tuple[Any, ...]) -> None:
    with reverts("NotCouncil", address(OFFICE).lower()):
        world.consortium.send(key(OFFICE), *write)
    assert len(world.council(*write).events) == 1


@pytest.mark.parametrize(
    "write",
    [
        ("setAccount", address("clerk"), NOBODY, ALL),
        ("bindSigner", NOBODY, CERTIFICATE, 0, FOREVER),
        ("accredit", ID, NOBODY, LICENSE, ZERO, ZERO, 0, FOREVER),
        ("succeed", NOBODY, OFFICE, 0),
        ("succeed", OFFICE, NOBODY, 0),
        ("setSuperior", NOBODY, OFFICE),
        ("setSuperior", OFFICE, NOBODY),
        ("bar", NOBODY),
        ("unbar", NOBODY),
    ],
    ids=str,
)
def test_an_unregistered_organisation_gets_nothing(world: World, write: tuple[Any, ...]) -> None:
    with reverts("UnknownOrganisation", NOBODY):
        world.council(*write)


def test_a_consortium_without_council_cannot_be_deployed() -> None:
    with reverts("CouncilMissing"):
        Chain().deploy(key("council"), "Consortium", "0x" + "00" * 20)


def test_organisations_register_once_under_left_aligned_ids(world: World) -> None:
    done = world.council("registerOrganisation", NOBODY)
    assert done.events == [Event("OrganisationRegistered", (NOBODY, done.time))]
    assert world.consortium.view("organisationOf", NOBODY) == (done.time, 0, False, ZERO, ZERO)
    with reverts("OrganisationKnown", NOBODY):
        world.council("registerOrganisation", NOBODY)
    # Such an id could otherwise equal the council's own name in two-party acts.
    for wrong in (ZERO, bytes(12) + b"\1" * 20):
        with reverts("OrganisationInvalid", wrong):
            world.council("registerOrganisation", wrong)


def test_an_account_never_moves_to_another_organisation(world: World) -> None:
    clerk = address("clerk")
    assert world.council("setAccount", clerk, OFFICE, STATUS).events == [
        Event("AccountSet", (clerk.lower(), OFFICE, STATUS))
    ]
    world.council("setAccount", clerk, OFFICE, 0)
    with reverts("AccountOfOrganisation", clerk.lower(), OFFICE):
        world.council("setAccount", clerk, OTHER, ALL)
    world.council("setAccount", clerk, OFFICE, ALL)
    assert world.consortium.view("accountOf", clerk) == (OFFICE, ALL)
    with reverts("PermissionsUnknown", 8):
        world.council("setAccount", clerk, OFFICE, 8)
    with reverts("UnknownAccount", "0x" + "00" * 20):
        world.council("setAccount", "0x" + "00" * 20, OFFICE, ALL)


def test_acting_asks_for_all_permissions_named_and_at_least_one(world: World) -> None:
    world.council("setAccount", address("clerk"), OFFICE, 3)
    assert world.consortium.view("actingOrganisation", address("clerk"), 3) == OFFICE
    for permission in (0, 4, 7):
        with reverts("PermissionMissing", address("clerk").lower(), permission):
            world.consortium.view("actingOrganisation", address("clerk"), permission)


def test_rights_never_begin_before_their_block(world: World) -> None:
    for number, back in enumerate((0, 1, world.chain.time - 1)):
        certificate_, id_ = word(f"certificate {number}"), word(f"id {number}")
        bound = world.council("bindSigner", OFFICE, certificate_, back, FOREVER)
        assert bound.events == [Event("SignerBound", (OFFICE, certificate_, bound.time, FOREVER))]
        given = world.council("accredit", id_, OFFICE, 2, word("CN-31"), word("*"), back, FOREVER)
        expected = (id_, OFFICE, 2, word("CN-31"), word("*"), given.time, FOREVER)
        assert given.events == [Event("Accredited", expected)]
        assert world.consortium.view("accreditationOf", id_) == (OFFICE, 2, given.time, FOREVER)


def test_windows_hold_from_their_first_second_until_just_before_their_last(world: World) -> None:
    begin, end = world.chain.time + 100, world.chain.time + 200
    world.council("bindSigner", OFFICE, CERTIFICATE, begin, end)
    world.council("accredit", ID, OFFICE, 2, ZERO, ZERO, begin, end)
    arguments = ("anchoringOrganisation", address(OFFICE), ID, 2, [CERTIFICATE])
    for time in (begin, end - 1):
        world.chain.time = time
        assert world.consortium.view(*arguments) == OFFICE
    for time in (begin - 1, end):
        world.chain.time = time
        with reverts("AccreditationNotCurrent", ID):
            world.consortium.view(*arguments)
        with reverts("SignerNotCurrent", OFFICE, CERTIFICATE):
            world.consortium.view("anchoringOrganisation", address(OFFICE), ZERO, 8, [CERTIFICATE])


def test_empty_windows_are_refused(world: World) -> None:
    now = world.chain.time
    with reverts("WindowEmpty", now + 9, now + 9):
        world.council("bindSigner", OFFICE, CERTIFICATE, now + 9, now + 9)
    now = world.chain.time
    with reverts("WindowEmpty", now, now):
        world.council("accredit", ID, OFFICE, 2, ZERO, ZERO, 0, now)


def test_nothing_dated_is_written_twice(world: World) -> None:
    with reverts("SignerKnown", OFFICE, certificate(OFFICE)):
        world.council("bindSigner", OFFICE, certificate(OFFICE), 0, FOREVER)
    with reverts("AccreditationKnown", accreditation(OFFICE)):
        world.council("accredit", accreditation(OFFICE), OTHER, 2, ZERO, ZERO, 0, FOREVER)
    with reverts("AccreditationMissing", ZERO):
        world.council("accredit", ZERO, OFFICE, 2, ZERO, ZERO, 0, FOREVER)
    with reverts("SignerNotBound", OFFICE, ZERO):
        world.council("bindSigner", OFFICE, ZERO, 0, FOREVER)


def test_ends_are_never_retroactive_and_only_move_earlier(world: World) -> None:
    far = world.chain.time + 1_000
    ends: list[tuple[tuple[Any, ...], str]] = [
        (("endSigner", OFFICE, certificate(OFFICE)), "SignerEnded"),
        (("endAccreditation", accreditation(OFFICE)), "AccreditationEnded"),
    ]
    for write, event in ends:
        assert world.council(*write, far).events[0].values[-1] == far
        for later in (far, far + 1, FOREVER):
            with reverts("NotEarlier", far, later):
                world.council(*write, later)
        done = world.council(*write, 1)
        assert (done.events[0].name, done.events[0].values[-1]) == (event, done.time)
        ended, now = done.time, world.chain.time
        with reverts("NotEarlier", ended, now):
            world.council(*write, 0)
    with reverts("SignerNotBound", OFFICE, CERTIFICATE):
        world.council("endSigner", OFFICE, CERTIFICATE, 0)
    with reverts("AccreditationMissing", ID):
        world.council("endAccreditation", ID, 0)


def test_a_compromise_may_be_dated_back_and_only_further_back(world: World) -> None:
    past = world.chain.time - 10_000
    done = world.council("compromiseSigner", OFFICE, certificate(OFFICE), past)
    assert done.events == [Event("SignerCompromised", (OFFICE, certificate(OFFICE), past))]
    for later in (past, past + 1):
        with reverts("NotEarlier", past, later):
            world.council("compromiseSigner", OFFICE, certificate(OFFICE), later)
    world.council("compromiseSigner", OFFICE, certificate(OFFICE), past - 1)
    assert world.consortium.view("signerOf", OFFICE, certificate(OFFICE))[2] == past - 1
    for since in (0, world.chain.time + 5):
        with reverts("SinceOutOfRange", since):
            world.council("compromiseSigner", OTHER, certificate(OTHER), since)
    with reverts("SignerNotBound", OFFICE, CERTIFICATE):
        world.council("compromiseSigner", OFFICE, CERTIFICATE, 1)


def test_succession_answers_in_one_hop_and_never_turns_in_a_circle(world: World) -> None:
    first = world.council("succeed", OFFICE, OTHER, 0)
    assert first.events == [Event("Succeeded", (OFFICE, OTHER, first.time))]
    second = world.council("succeed", OTHER, SUPERIOR, 1)
    assert second.events == [
        Event("Succeeded", (OFFICE, SUPERIOR, second.time)),
        Event("Succeeded", (OTHER, SUPERIOR, second.time)),
    ]
    # Joining one who has a successor already joins that successor.
    third = world.council("succeed", COURT, OFFICE, 0)
    assert third.events == [Event("Succeeded", (COURT, SUPERIOR, third.time))]
    assert {world.consortium.view("heirOf", o) for o in (OFFICE, OTHER, COURT, SUPERIOR)} == {SUPERIOR}
    with reverts("AlreadySucceeded", OFFICE, SUPERIOR):
        world.council("succeed", OFFICE, STRANGER, 0)
    for to in (SUPERIOR, OFFICE, COURT):
        with reverts("SuccessionLoop", SUPERIOR, to):
            world.council("succeed", SUPERIOR, to, 0)
    future = world.chain.time + 9
    with reverts("SinceOutOfRange", future):
        world.council("succeed", SUPERIOR, STRANGER, future)


def test_who_may_act_for_an_issuer(world: World) -> None:
    def may(actor: bytes, issuer: bytes = OFFICE) -> bool:
        return bool(world.consortium.view("mayActFor", actor, issuer))

    world.council("succeed", OFFICE, OTHER, 0)
    assert [may(a) for a in (OFFICE, OTHER, SUPERIOR, STRANGER, ZERO)] == [True, True, True, False, False]
    assert not may(OFFICE, OTHER)
    assert not may(NOBODY, NOBODY)
    assert not may(ZERO, STRANGER)
    world.council("bar", SUPERIOR)
    assert not may(SUPERIOR)
    world.council("setSuperior", OFFICE, ZERO)
    world.council("unbar", SUPERIOR)
    assert not may(SUPERIOR)
    with reverts("SuperiorOfItself", OFFICE):
        world.council("setSuperior", OFFICE, OFFICE)


def test_a_court_is_one_while_any_freeze_accreditation_is_current(world: World) -> None:
    def is_court() -> bool:
        return bool(world.consortium.view("isCourt", COURT))

    assert is_court() and not world.consortium.view("isCourt", OFFICE)
    world.council("accredit", ID, COURT, FREEZE, ZERO, ZERO, world.chain.time + 1_000, FOREVER)
    assert is_court()
    world.council("endAccreditation", accreditation(COURT, FREEZE), 0)
    assert not is_court()
    world.chain.time += 1_000
    assert is_court()
    world.council("bar", COURT)
    assert not is_court()


def test_bars_are_public(world: World) -> None:
    assert world.council("bar", OFFICE).events == [Event("Barred", (OFFICE,))]
    assert world.council("unbar", OFFICE).events == [Event("Unbarred", (OFFICE,))]
    assert world.council("setSuperior", OTHER, OFFICE).events == [Event("SuperiorSet", (OTHER, OFFICE))]
    assert world.consortium.view("council") == address("council").lower()
