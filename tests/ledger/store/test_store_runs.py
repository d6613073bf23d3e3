"""Placing records in a batch: runs of neighbouring rows are placed together, and every record gets its own index."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.core.registries import Kind
from ledger.errors import IntegrityError
from ledger.ports import AcceptedRow
from ledger.store.records import _runs
from ledger.store.unit import SqlStore

ISSUER = "91110000600037341L"


def row(number: int) -> AcceptedRow:
    digest = sha256(number.to_bytes(4, "big")).digest()
    return AcceptedRow("license", digest, digest, 1, 0, 1, bytes(32))


@given(st.lists(st.integers(1, 60), unique=True, max_size=40))
def test_runs_cover_every_row_once_in_its_place(rows: list[int]) -> None:
    spread = [(position + n, first + n) for position, first, size in _runs(rows) for n in range(size)]
    assert spread == list(enumerate(rows))


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 11), min_size=1))
def test_rows_between_those_of_a_batch_stay_out_of_it(store: SqlStore, chosen: set[int]) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [row(n) for n in range(12)], None)
        accepted = unit.records.next_for_batch(ISSUER, Kind.LICENSE, 12)
        wanted = [accepted[n].row for n in sorted(chosen)]
        batch = unit.batches.add(ISSUER, Kind.LICENSE, bytes(32), len(wanted), bytes(32), 1)
        unit.records.assign(batch, wanted)
        placed = unit.records.in_batch(batch)
        assert [(r.row, r.index, r.chunk) for r in placed] == [(w, i, None) for i, w in enumerate(wanted)]
        left = unit.records.next_for_batch(ISSUER, Kind.LICENSE, 12)
        assert [r.row for r in left] == [r.row for r in accepted if r.row not in wanted]
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.records.assign(batch, [wanted[-1], *(r.row for r in left)])
        raise ZeroDivisionError  # rolls the example back
