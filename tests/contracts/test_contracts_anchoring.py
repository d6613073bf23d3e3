"""Records.anchor: who may, what is refused, the identical tuple again, gas, and replay."""

from __future__ import annotations

from typing import Any

import pytest
from contracts_support import FOREVER, ZERO, Event, word
from contracts_world import (
    ANCHOR,
    COURT,
    FREEZE,
    LICENSE,
    OFFICE,
    OTHER,
    RELATE,
    STATUS,
    STATUS_KIND,
    STRANGER,
    TOMBSTONE,
    World,
    accreditation,
    address,
    batch,
    certificate,
    key,
    reverts,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ledger.chain.embedded.transactions import parse_transaction
from ledger.errors import InputError

BATCH = "(bytes32,uint16,uint8,uint32,bytes32,bytes32,bytes32,bytes32[])"


def test_a_batch_gets_the_issuers_next_number_and_is_emitted_whole(world: World) -> None:
    for number, root in enumerate((word("one"), word("two")), start=1):
        offered = batch(root=root)
        done = world.act(OFFICE, "anchor", offered)
        account = address(OFFICE).lower()
        assert done.values == (number,)
        assert done.events == [Event("BatchAnchored", (OFFICE, root, number, account, offered))]
        tuple_ = keccak(encode([BATCH], [offered]))
        stored = world.records.view("batchOf", OFFICE, root)
        assert stored == (number, done.time, LICENSE, 1, 3, False, tuple_)
        assert world.records.view("countOf", OFFICE) == number
    assert world.act(OTHER, "anchor", batch(OTHER)).values == (1,)


def test_the_identical_batch_again_returns_the_first_and_proves_it(world: World) -> None:
    first = world.act(OFFICE, "anchor", batch())
    again = world.act(OFFICE, "anchor", batch())
    assert (again.values, again.events) == (
        first.values,
        [Event("AnchorRepeated", (OFFICE, word("root"), 1))],
    )
    assert world.records.view("batchOf", OFFICE, word("root"))[1] == first.time
    assert world.records.view("countOf", OFFICE) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"size": 4},
        {"suite": 2, "manifestSm3": word("sm3")},
        {"manifestSha256": word("other manifest")},
        {"kind": STATUS_KIND, "accreditation": ZERO},
        {"accreditation": word("second accreditation")},
        {"signers": [certificate(OFFICE), word("second certificate")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_root_with_anything_else_is_never_answered_with_the_first(
    world: World, change: dict[str, Any]
) -> None:
    world.council("accredit", word("second accreditation"), OFFICE, LICENSE, ZERO, ZERO, 0, FOREVER)
    world.council("bindSigner", OFFICE, word("second certificate"), 0, FOREVER)
    world.act(OFFICE, "anchor", batch())
    with reverts("RootAnchoredDifferently", OFFICE, word("root"), 1):
        world.act(OFFICE, "anchor", batch(**change))


def test_a_stranger_who_copies_a_pending_root_writes_in_his_own_namespace(world: World) -> None:
    world.act(OTHER, "anchor", batch(OTHER))
    assert world.act(OFFICE, "anchor", batch()).values == (1,)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"size": 0}, ("SizeOutOfRange", 0)),
        ({"size": 65_537}, ("SizeOutOfRange", 65_537)),
        ({"root": ZERO}, ("RootMissing",)),
        ({"manifestSha256": ZERO}, ("ManifestMissing",)),
        ({"suite": 0}, ("SuiteUnknown", 0)),
        ({"suite": 4, "manifestSm3": word("sm3")}, ("SuiteUnknown", 4)),
        ({"manifestSm3": word("sm3")}, ("ManifestSm3Mismatch", 1, word("sm3"))),
        ({"suite": 2}, ("ManifestSm3Mismatch", 2, ZERO)),
        ({"suite": 3}, ("ManifestSm3Mismatch", 3, ZERO)),
        ({"accreditation": ZERO}, ("AccreditationMissing", ZERO)),
        ({"accreditation": word("none")}, ("AccreditationMissing", word("none"))),
        (
            {"accreditation": accreditation(OTHER)},
            ("AccreditationNotOfOrganisation", accreditation(OTHER), OFFICE),
        ),
        ({"kind": 2}, ("AccreditationOfOtherKind", accreditation(OFFICE), 2)),
        ({"kind": STATUS_KIND}, ("AccreditationOfOtherKind", accreditation(OFFICE), STATUS_KIND)),
        ({"kind": TOMBSTONE}, ("AccreditationOfOtherKind", accreditation(OFFICE), TOMBSTONE)),
        ({"signers": []}, ("NoSigners",)),
        ({"signers": [word(str(i)) for i in range(9)]}, ("SignersTooMany", 9, 8)),
        ({"signers": [certificate(OFFICE)] * 2}, ("SignerRepeated", certificate(OFFICE))),
        ({"signers": [certificate(OTHER)]}, ("SignerNotBound", OFFICE, certificate(OTHER))),
        (
            {"signers": [certificate(OFFICE), word("nobody's")]},
            ("SignerNotBound", OFFICE, word("nobody's")),
        ),
    ],
    ids=str,
)
def test_refused(world: World, change: dict[str, Any], error: tuple[Any, ...]) -> None:
    with reverts(*error):
        world.act(OFFICE, "anchor", batch(**change))


@pytest.mark.parametrize("change", [{"size": 1}, {"size": 65_536}, {"suite": 2, "manifestSm3": word("s")}], ids=str)
def test_bounds_that_are_allowed(world: World, change: dict[str, Any]) -> None:
    assert world.act(OFFICE, "anchor", batch(**change)).values == (1,)


def test_an_account_needs_the_permission_and_an_organisation_that_is_not_barred(world: World) -> None:
    with reverts("UnknownAccount", address("nobody").lower()):
        world.act("nobody", "anchor", batch())
    world.council("setAccount", address("clerk"), OFFICE, STATUS | RELATE)
    with reverts("PermissionMissing", address("clerk").lower(), ANCHOR):
        world.act("clerk", "anchor", batch())
    world.council("bar", OFFICE)
    with reverts("OrganisationBarred", OFFICE):
        world.act(OFFICE, "anchor", batch())
    world.council("unbar", OFFICE)
    assert world.act(OFFICE, "anchor", batch()).values == (1,)


def test_an_ended_accreditation_stops_licenses_but_not_their_ends(world: World) -> None:
    world.council("endAccreditation", accreditation(OFFICE), 0)
    with reverts("AccreditationNotCurrent", accreditation(OFFICE)):
        world.act(OFFICE, "anchor", batch())
    for kind in (STATUS_KIND, TOMBSTONE):
        world.act(OFFICE, "anchor", batch(kind=kind, accreditation=ZERO, root=word(f"statements {kind}")))
    assert world.records.view("countOf", OFFICE) == 2


def test_a_compromised_or_ended_certificate_anchors_nothing(world: World) -> None:
    world.council("compromiseSigner", OFFICE, certificate(OFFICE), world.chain.time)
    world.council("endSigner", OTHER, certificate(OTHER), 0)
    for organisation in (OFFICE, OTHER):
        with reverts("SignerNotCurrent", organisation, certificate(organisation)):
            world.act(organisation, "anchor", batch(organisation))


def test_a_courts_freeze_accreditation_anchors_no_license(world: World) -> None:
    with reverts("AccreditationOfOtherKind", accreditation(COURT, FREEZE), LICENSE):
        world.act(COURT, "anchor", batch(COURT, accreditation=accreditation(COURT, FREEZE)))


def test_relations_are_public_and_stored_nowhere(world: World) -> None:
    done = world.act(STRANGER, "relate", word("target"), 3, word("statement"))
    assert done.events == [Event("Related", (word("target"), word("statement"), STRANGER, 3))]
    with reverts("TargetMissing"):
        world.act(STRANGER, "relate", ZERO, 3, word("statement"))
    with reverts("StatementMissing", word("target")):
        world.act(STRANGER, "relate", word("target"), 3, ZERO)
    world.council("setAccount", address("clerk"), OFFICE, ANCHOR | STATUS)
    with reverts("PermissionMissing", address("clerk").lower(), RELATE):
        world.act("clerk", "relate", word("target"), 3, word("statement"))


def test_anchoring_costs_at_most_1_6_bare_stores(world: World) -> None:
    """A bare store keeps root and size in two fresh slots, with no right checked and no event."""
    bare = world.chain.deploy(key("council"), "BareStore")
    yardstick = bare.send(key("council"), "put", word("key"), word("root"), 65_536).gas
    world.act(OFFICE, "anchor", batch(root=word("first")))
    done = world.act(OFFICE, "anchor", batch(size=65_536))
    assert done.gas <= 1.6 * yardstick, (done.gas, yardstick)


def test_a_transaction_signed_for_another_chain_is_refused(world: World) -> None:
    raw = world.chain.sign(key(OFFICE), world.records.address, world.records.calldata("anchor", batch())).encode()
    assert parse_transaction(raw, world.chain.evm.chain_id).to == world.records.address
    with pytest.raises(InputError, match="ENGINE_WRONG_CHAIN"):
        parse_transaction(raw, world.chain.evm.chain_id + 1)


def test_a_transaction_changes_no_other_contract_and_its_bytes_count_once(world: World) -> None:
    twin = world.chain.deploy(key("council"), "Records", world.consortium.address)
    signed = world.chain.sign(key(OFFICE), world.records.address, world.records.calldata("anchor", batch()))
    world.chain.apply(signed)
    assert (world.records.view("countOf", OFFICE), twin.view("countOf", OFFICE)) == (1, 0)
    with pytest.raises(Exception, match="nonce"):
        world.chain.apply(signed)
    # The signature covers the receiver: moved to the twin it recovers some other, unknown account.
    moved = signed.copy(to=twin.address)
    assert moved.sender != signed.sender
    assert twin.view("batchOf", OFFICE, word("root"))[0] == 0
