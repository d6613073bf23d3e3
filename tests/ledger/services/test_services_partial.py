"""Batches of which some records were never released, and tables of which some rows are known: the rest goes its way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ledger_world import World, check_ledger, write_rows

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.identifiers import new_urn
from ledger.core.registries import Kind
from ledger.crypto.approvals import ApprovalKey
from ledger.services import batching, import_rows, importing
from ledger.services.accepting import Acceptor, Draft

VALUES = {"name": "章", "owner": OFFICE_A, "sealType": "章", "certificate": "x"}
HEAD, WIDTH = 12, 32


def drafts(name: bytes, count: int) -> list[Draft]:
    return [Draft("seal", new_urn(name.ljust(12, b"-") + n.to_bytes(4, "big")), VALUES) for n in range(count)]


def accept(world: World, acceptor: Acceptor, name: bytes, count: int) -> list[bytes]:
    prepared = acceptor.prepare(OFFICE_A, Kind.SEAL, drafts(name, count), 1)
    acceptor.commit([prepared])
    return prepared.leaves


def thief(world: World) -> Acceptor:
    """He can write rows, bodies and keys, but does not hold the approval key."""
    app = world.app
    return Acceptor(app.store, app.vault, app.spool, app.index_key, lambda _: ApprovalKey(bytes(32)))


def turn_approvals(world: World, size: int, places: Sequence[int]) -> None:
    """Spoil the approvals of some of the records of the one chunk there is, or mend them again."""
    (chunk,) = (world.home / "spool").iterdir()
    data = bytearray(chunk.read_bytes())
    for place in places:
        data[HEAD + WIDTH * (size + place)] ^= 1
    chunk.write_bytes(data)


@pytest.mark.parametrize("places", [[0], [3], [6], [2, 3, 4], [1, 5], [0, 2, 4, 6], [0, 1, 2, 3, 4, 5]])
def test_what_nobody_released_is_cut_out_of_the_middle_of_a_batch(world: World, places: list[int]) -> None:
    leaves = accept(world, world.app.acceptor, b"run", 7)
    turn_approvals(world, 7, places)
    for _ in range(2):  # asked again they are named again, and no second batch is made
        done = world.app.outbox.drain(60)
        assert [p.code for p in done.problems] == ["RECORD_UNAPPROVED"] * len(places)
        with world.app.store.read() as unit:
            rows = {row.leaf: row for row in unit.records.waiting_rows(OFFICE_A, Kind.SEAL)}
            assert sorted(row.row for row in rows.values()) == sorted(p.values["row"] for p in done.problems)
            (batch,) = unit.batches.in_states(("receipted",))
            assert [r.leaf for r in unit.records.in_batch(batch.row)] == [
                leaf for place, leaf in enumerate(leaves) if place not in places
            ]
    assert rows.keys() == {leaves[place] for place in places}
    turn_approvals(world, 7, places)
    world.drain()
    assert check_ledger(world.app, leaves) == 7


def test_a_whole_batch_that_nobody_released_does_not_stand_before_good_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 65,536 rows would, with a smaller batch."""
    monkeypatch.setattr(batching, "MAX_BATCH", 4)
    accept(world, thief(world), b"false", 11)
    good = accept(world, world.app.acceptor, b"good", 6)
    done = world.app.outbox.drain(60)
    assert {p.code for p in done.problems} == {"RECORD_UNAPPROVED"}
    assert len({p.values["row"] for p in done.problems}) == 11
    with world.app.store.read() as unit:
        batches = unit.batches.in_states(("receipted",))
        assert sorted(b.size for b in batches) == [2, 4]
        assert [r.leaf for b in batches for r in unit.records.in_batch(b.row)] == good
    later = accept(world, world.app.acceptor, b"later", 1)
    world.app.outbox.drain(60)
    with world.app.store.read() as unit:
        assert unit.records.by_leaf(later[0]).batch is not None


@pytest.mark.parametrize("known", [42, 79, 100])
def test_one_known_row_in_the_last_chunk_of_a_later_table_is_the_only_one_not_new(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    """Of each chunk only a sample is looked up first: the unique key has the last word on the others."""
    monkeypatch.setattr(import_rows, "CHUNK_ROWS", 40)
    monkeypatch.setattr(importing, "WINDOW_ROWS", 80)
    world.import_rows(write_rows(tmp_path / "one.csv", 1, first=known))
    result, outcomes = world.import_rows(write_rows(tmp_path / "all.csv", 101))
    assert dict(result.counts) == {"new": 100, "existing": 1}
    assert [o.line for o in outcomes] == list(range(2, 103))
    assert [o.line for o in outcomes if o.outcome == "existing"] == [known + 2]
    again, _ = world.import_rows(tmp_path / "all.csv")
    assert dict(again.counts) == {"existing": 101}
    world.drain()
    assert check_ledger(world.app) == 101
