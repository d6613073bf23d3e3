"""Runs: which records wait, where a batch cuts them, and that every record keeps its own place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kit import ISSUER, accepted, digest, id_of, waiting_runs

from ledger.core.registries import Kind
from ledger.errors import IntegrityError
from ledger.ports import RunRow
from ledger.store.unit import SqlStore

CHUNK = "c" * 32


class Undo(Exception): ...


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.sets(st.integers(0, 19)))
def test_records_cut_out_of_their_runs_stay_out_of_the_batch(
    store: SqlStore, sizes: list[int], chosen: set[int]
) -> None:
    """Some of the records are placed one by one; every other keeps its place in its chunk and waits on."""
    names = iter(range(20))
    with pytest.raises(Undo), store.begin() as unit:
        some, ordinal = [], 0
        for size in sizes:
            some.append(replace(accepted(*(next(names) for _ in range(size))), ordinal=ordinal))
            ordinal += size
        unit.records.add(ISSUER, Kind.LICENSE, CHUNK, some, None)
        before = unit.records.waiting_rows(ISSUER, Kind.LICENSE)
        assert [r.ordinal for r in before] == list(range(sum(sizes)))
        wanted = [row for n, row in enumerate(before) if n in chosen]
        unit.records.cut([r.row for r in wanted] + [r.row + 1 for r in wanted])
        assert unit.records.waiting_rows(ISSUER, Kind.LICENSE) == before
        batch = unit.batches.add(ISSUER, Kind.LICENSE, bytes(32), 1, bytes(32), 1)
        alone = [RunRow(r.row, r.row, r.type, CHUNK, r.ordinal) for r in wanted]
        unit.records.place(batch, alone)
        placed = unit.records.in_batch(batch)
        assert [(r.row, r.index, r.chunk) for r in placed] == [(w.row, i, None) for i, w in enumerate(wanted)]
        assert unit.records.number_in(batch) == len(wanted)
        left = unit.records.waiting_rows(ISSUER, Kind.LICENSE)
        assert left == [row for row in before if row not in wanted]
        if wanted:
            with pytest.raises(IntegrityError, match="STORE_STATE"):
                unit.records.place(batch, alone[:1])
        raise Undo


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 9))
def test_asked_for_step_by_step_every_waiting_record_comes_once(store: SqlStore, sizes: list[int], limit: int) -> None:
    names = iter(range(30))
    with pytest.raises(Undo), store.begin() as unit:
        for number, size in enumerate(sizes):
            run = accepted(*(next(names) for _ in range(size)))
            unit.records.add(ISSUER, Kind.LICENSE, str(number) * 32, [run], None)
        found, after = [], -1
        while runs := unit.records.waiting_runs(ISSUER, Kind.LICENSE, None, after, limit):
            assert 0 < sum(run.size for run in runs) <= limit
            found += [(run.chunk, run.ordinal + n) for run in runs for n in range(run.size)]
            after = runs[-1].last
        assert found == [(str(number) * 32, n) for number, size in enumerate(sizes) for n in range(size)]
        raise Undo


def test_types_wait_apart_and_the_oldest_comes_first(store: SqlStore) -> None:
    with store.begin() as unit:
        for name, type_ in enumerate(("deed", "license", "deed")):
            unit.records.add(ISSUER, Kind.LICENSE, CHUNK, [replace(accepted(name), type=type_)], None)
        assert unit.records.waiting_types(ISSUER, Kind.LICENSE) == ["deed", "license"]
        assert unit.records.waiting_types(ISSUER, Kind.SEAL) == []
        some = unit.records.waiting_runs(ISSUER, Kind.LICENSE, ["license"], -1, 9)
        assert [run.type for run in some] == ["license"]


def test_a_run_of_which_a_part_was_cut_off_is_not_placed_whole(store: SqlStore) -> None:
    """Two drivers of the outbox: what one has read the other may have changed."""
    with store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, CHUNK, [accepted(1, 2, 3)], None)
        (whole,) = waiting_runs(unit)
        unit.records.cut([whole.first + 1])
        batch = unit.batches.add(ISSUER, Kind.LICENSE, digest("root"), 3, bytes(32), 1)
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.records.place(batch, [whole])
        assert unit.records.in_batch(batch) == []
        assert [run.ordinal for run in waiting_runs(unit)] == [0, 1]


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_what_is_left_without_known_ids_keeps_handles_ordinals_and_files(known: list[bool]) -> None:
    run = replace(accepted(*range(len(known)), files=tuple((n,) for n in range(len(known)))), ordinal=5)
    left = run.without({id_of(n) for n, gone in enumerate(known) if gone})
    found = [
        (part.first + n - run.first, part.ordinal + n - 5, part.id_hmacs[n], part.leaves[n], part.files[n][0])
        for part in left
        for n in range(len(part.leaves))
    ]
    kept = [n for n, gone in enumerate(known) if not gone]
    assert found == [(n, n, id_of(n), digest("leaf", n), digest("file", n)) for n in kept]
