"""Closing batches: who may anchor what, and how much at once."""

from __future__ import annotations

import pytest
from ledger_world import World, check_ledger

from ledger.assembly.demo_plan import CITY_A, COUNCIL, COURT, OFFICE_A
from ledger.assembly.founding import keep_documents
from ledger.chain.calls import CouncilCall
from ledger.core.accreditations import Accreditation
from ledger.core.identifiers import new_urn
from ledger.core.registries import Kind
from ledger.services import batching
from ledger.services.accepting import Draft


def council(world: World, *calls: CouncilCall) -> None:
    app = world.app
    app.council.carry([app.keys.account(o, "main") for o in COUNCIL[:2]], calls)
    app.indexing.run()


def accredit(world: World, organisation: str, types: tuple[str, ...]) -> Accreditation:
    document = Accreditation(organisation, Kind.LICENSE, CITY_A, types, "decision")
    keep_documents(world.app, [document])
    council(world, world.app.consortium.accredit(document))
    return document


def accept(world: World, issuer: str, type_: str, names: range) -> list[bytes]:
    drafts = [
        Draft(type_, new_urn(type_.encode().ljust(12, b"-") + n.to_bytes(4, "big")), {"name": str(n)}) for n in names
    ]
    prepared = world.app.acceptor.prepare(issuer, Kind.LICENSE, drafts, 1)
    world.app.acceptor.commit([prepared])
    return prepared.leaves


def test_records_without_accreditation_wait_for_the_council(world: World) -> None:
    leaves = accept(world, COURT, "deed", range(3))
    done = world.app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["ACCREDITATION_NONE"]
    assert check_ledger(world.app, leaves, drained=False) == 0
    accredit(world, COURT, ("deed",))
    world.drain()
    assert check_ledger(world.app, leaves) == 3


def test_types_that_an_accreditation_does_not_cover_hold_back_only_themselves(world: World) -> None:
    uncovered = accept(world, COURT, "other", range(2))  # accepted first: they stand at the head of the queue
    covered = accept(world, COURT, "deed", range(2))
    accredit(world, COURT, ("deed",))
    done = world.app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["ACCREDITATION_NONE"]
    assert done.problems[0].values["type"] == "other"
    assert check_ledger(world.app, covered + uncovered, drained=False) == 2
    accredit(world, COURT, ("other",))
    world.drain()
    assert check_ledger(world.app, covered + uncovered) == 4


def test_an_ended_accreditation_stops_new_batches(world: World) -> None:
    document = accredit(world, COURT, ("deed",))
    council(world, world.app.consortium.end_accreditation(document.id()))
    world.clock.sleep(5)
    leaves = accept(world, COURT, "deed", range(2))
    done = world.app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["ACCREDITATION_NONE"]
    assert check_ledger(world.app, leaves, drained=False) == 0


def test_an_accreditation_that_ends_between_batch_and_anchor_refuses_the_batch_with_the_reason(world: World) -> None:
    document = accredit(world, COURT, ("deed",))
    leaves = accept(world, COURT, "deed", range(2))
    closer = batching.Batching(world.app.store, world.app.segments, world.app.spool, world.app.signer, world.clock)
    assert closer.close_one(COURT, Kind.LICENSE, [])
    council(world, world.app.consortium.end_accreditation(document.id()))
    world.clock.sleep(5)
    assert world.app.outbox.drain(60).open == 0
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("refused",))
    assert batch.problem is not None
    assert "accreditation" in batch.problem
    assert check_ledger(world.app, leaves, drained=False) == 0


def test_one_batch_may_mix_types_and_counts_each(world: World) -> None:
    leaves = accept(world, OFFICE_A, "deed", range(3)) + accept(world, OFFICE_A, "other", range(2))
    world.drain()
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("receipted",))
    assert world.app.segments.open(batch.root).types() == (("deed", 3), ("other", 2))
    assert check_ledger(world.app, leaves) == 5


def test_a_batch_has_a_greatest_size(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MAX_BATCH", 4)
    leaves = accept(world, OFFICE_A, "deed", range(10))
    world.drain()
    with world.app.store.read() as unit:
        assert sorted(b.size for b in unit.batches.in_states(("receipted",))) == [2, 4, 4]
    assert check_ledger(world.app, leaves) == 10


def test_issuers_and_kinds_never_share_a_batch(world: World) -> None:
    leaves = [*accept(world, OFFICE_A, "deed", range(1)), world.issue_seal().leaf]
    leaves.append(world.issue_seal("乙", "11320100070001017R").leaf)
    world.drain()
    with world.app.store.read() as unit:
        assert len({(b.issuer, b.kind) for b in unit.batches.in_states(("receipted",))}) == 3
    assert check_ledger(world.app, leaves) == 3
