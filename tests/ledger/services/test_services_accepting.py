"""Acceptance: what a lost disk, vault or database leaves behind, and that nothing is accepted by half."""

from __future__ import annotations

import os

import pytest
from ledger_world import World, check_ledger
from services_faults import AFTER, BEFORE, replace_port

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.identifiers import new_urn
from ledger.core.registries import Kind
from ledger.errors import ConflictError, InputError, UnavailableError, ZhengyinError
from ledger.services import bodies
from ledger.services.accepting import Draft

PORTS = {"vault": "add", "spool": "write", "store": "begin"}


def waiting(world: World) -> int:
    with world.app.store.read() as unit:
        return sum(n for _, _, n in unit.records.waiting())


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize("port", PORTS)
def test_a_write_that_fails_is_never_reported_as_accepted(world: World, port: str, fault: str) -> None:
    faulty = replace_port(world, port)
    faulty.faults[PORTS[port]] = fault
    with pytest.raises(UnavailableError):
        world.issue_seal()
    stored = (port, fault) == ("store", AFTER)  # the commit stood, only its answer was lost
    assert waiting(world) == (1 if stored else 0)
    faulty.faults.clear()
    accepted = world.issue_seal("再来一枚")
    world.drain()
    assert check_ledger(world.app, [accepted.leaf]) == (2 if stored else 1)


def test_keys_come_before_bodies_and_bodies_before_rows(world: World) -> None:
    order = []
    for port, act in PORTS.items():
        faulty = replace_port(world, port)
        faulty.faults[act] = BEFORE
        with pytest.raises(UnavailableError):
            world.issue_seal()
        faulty.faults.clear()
        chunks = list(world.home.joinpath("spool").iterdir())
        order.append((len(world.app.vault.get(range(1, 9))), len(chunks)))
        world.close()
    # keys and chunks that nothing names: the further acceptance came, the more of them
    assert order == [(0, 0), (1, 0), (2, 1)]


def test_a_chunk_that_no_row_names_is_swept_once_it_is_an_hour_old(world: World) -> None:
    faulty = replace_port(world, "store")
    faulty.faults["begin"] = BEFORE
    with pytest.raises(UnavailableError):
        world.issue_seal()
    faulty.faults.clear()
    kept = world.issue_seal("留下")
    spool = world.home / "spool"
    assert world.app.outbox.sweep() == 0
    for chunk in spool.iterdir():
        os.utime(chunk, (world.clock() - 3601,) * 2)
    assert world.app.outbox.sweep() == 1
    world.drain()
    assert check_ledger(world.app, [kept.leaf]) == 1
    assert list(spool.iterdir()) == []


def test_the_same_number_is_not_accepted_twice(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    with pytest.raises(ConflictError) as refused:
        demo.app.issuing.issue(
            OFFICE_A,
            demo.app.types.get("real-estate-certificate"),
            demo.app.bundling.open(row).values,
            id_=demo.ids["plain"],
        )
    assert refused.value.code == "ISSUE_ID_TAKEN"


def test_two_clerks_with_the_same_number_at_once_make_one_record(world: World) -> None:
    drafts = [Draft("seal", new_urn(bytes(16)), {"name": n}) for n in ("甲", "乙")]
    acceptor = world.app.acceptor
    first, second = (acceptor.prepare(OFFICE_A, Kind.SEAL, [d], 1) for d in drafts)
    acceptor.commit([first])
    with pytest.raises(ConflictError) as refused:
        acceptor.commit([second])
    assert refused.value.code == "STORE_DUPLICATE_ID"
    assert waiting(world) == 1


def test_nothing_is_no_batch_of_records(world: World) -> None:
    with pytest.raises(ConflictError) as refused:
        world.app.acceptor.commit([world.app.acceptor.prepare(OFFICE_A, Kind.SEAL, [], 1)])
    assert refused.value.code == "ACCEPT_EMPTY"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "甲"}, "ISSUE_FIELD_MISSING"),
        ({"colour": "red"}, "ISSUE_FIELD_UNKNOWN"),
        ({"name": 1.5, "owner": OFFICE_A, "sealType": "章", "certificate": "x"}, "CANONICAL_"),
        ({"name": "a\u202eb", "owner": OFFICE_A, "sealType": "章", "certificate": "x"}, "CANONICAL_"),
    ],
)
def test_values_that_no_record_may_hold_are_refused_before_anything_is_stored(
    world: World, values: dict[str, object], code: str
) -> None:
    with pytest.raises(InputError) as refused:
        world.app.issuing.issue(OFFICE_A, world.app.types.get("seal"), values)
    assert refused.value.code.startswith(code)
    assert waiting(world) == 0
    assert list((world.home / "spool").iterdir()) == []


@pytest.mark.parametrize("valid", [("2026-02-30", None), (None, "soon"), ("2026/1/1", None)])
def test_a_record_that_could_not_be_read_again_is_never_accepted(
    world: World, valid: tuple[str | None, str | None]
) -> None:
    values = {"name": "章", "owner": OFFICE_A, "sealType": "章", "certificate": "x"}
    with pytest.raises(InputError):
        world.app.issuing.issue(OFFICE_A, world.app.types.get("seal"), values, valid=valid)
    assert waiting(world) == 0


def test_evidence_without_a_file_is_refused(world: World) -> None:
    with pytest.raises(ZhengyinError) as refused:
        world.app.issuing.deposit(OFFICE_A, world.app.types.get("evidence"), [], {})
    assert refused.value.code == "DEPOSIT_EMPTY"


def test_drafts_of_several_types_and_origins_keep_their_order(world: World) -> None:
    drafts = [
        Draft(type_, new_urn(os.urandom(16)), values, origin=origin, line=line)
        for line, (type_, origin, values) in enumerate(
            [
                ("first", "issued", {"a": "1"}), ("first", "issued", {"a": "2"}), ("first", "takenOver", {"a": "3"}),
                ("second", "issued", {"b": "4", "a": "5"}), ("first", "issued", {"a": "6"}),
            ]
        )
    ]  # fmt: skip
    made = world.app.acceptor.prepare(OFFICE_A, Kind.EVIDENCE, drafts, 5)
    read = [bodies.decrypt(*part) for part in zip(made.secrets, made.leaves, made.bodies, strict=True)]
    assert [(record.type, record.origin, record.id, values) for record, values in read] == [
        (draft.type, draft.origin, draft.id, draft.values) for draft in drafts
    ]
    assert [record.leaf() for record, _ in read] == made.leaves
