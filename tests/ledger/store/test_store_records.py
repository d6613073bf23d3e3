"""Rows of records: unique ids, order, batches, release."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.core.registries import Kind
from ledger.errors import ConflictError, IntegrityError
from ledger.ports import AcceptedRow
from ledger.store.unit import SqlStore

ISSUER, OTHER = "91110000600037341L", "DE:HRB-1"


def digest(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()


def accepted(name: object, *files: object, line: int | None = None) -> AcceptedRow:
    return AcceptedRow(
        type="license",
        id_hmac=digest("id", name),
        leaf=digest("leaf", name),
        vault=7,
        offset=10,
        length=20,
        approval=digest("approval", name),
        line=line,
        file_hmacs=tuple(digest("file", file) for file in files),
    )


def add(store: SqlStore, *names: object, issuer: str = ISSUER, kind: Kind = Kind.LICENSE) -> None:
    with store.begin() as unit:
        unit.records.add(issuer, kind, "c" * 32, [accepted(name) for name in names], None)


def test_a_row_comes_back_as_it_was_accepted(store: SqlStore) -> None:
    add(store, 1)
    with store.read() as unit:
        row = unit.records.by_id(ISSUER, Kind.LICENSE, digest("id", 1))
        assert row is not None and row == unit.records.by_leaf(digest("leaf", 1))
        assert unit.records.find_ids(digest("id", 1)) == [row]
        assert unit.records.by_id(ISSUER, Kind.SEAL, digest("id", 1)) is None
        assert unit.records.by_leaf(digest("leaf", 2)) is None
    assert (row.issuer, row.kind, row.type, row.leaf) == (ISSUER, Kind.LICENSE, "license", digest("leaf", 1))
    assert (row.vault, row.chunk, row.offset, row.length) == (7, "c" * 32, 10, 20)
    assert (row.batch, row.index, row.approval) == (None, None, digest("approval", 1))


def test_one_issuer_has_an_id_once_for_each_kind(store: SqlStore) -> None:
    add(store, 1)
    add(store, 1, issuer=OTHER)
    add(store, 1, kind=Kind.SEAL)
    with pytest.raises(ConflictError, match="STORE_DUPLICATE_ID"):
        add(store, 2, 1)
    with store.read() as unit:
        assert len(unit.records.find_ids(digest("id", 1))) == 3
        assert unit.records.find_ids(digest("id", 2)) == []


def test_a_refused_duplicate_leaves_none_of_its_rows_even_if_the_unit_commits(store: SqlStore) -> None:
    add(store, 1)
    with store.begin() as unit:
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_ID"):
            unit.records.add(ISSUER, Kind.LICENSE, "d" * 32, [accepted(2, "a"), accepted(1)], None)
        unit.records.add(ISSUER, Kind.LICENSE, "e" * 32, [accepted(3)], None)
    with store.read() as unit:
        known = unit.records.known_lines(ISSUER, Kind.LICENSE, [digest("id", n) for n in range(2500)])
        assert known.keys() == {digest("id", 1), digest("id", 3)}
        assert unit.records.by_file(digest("file", "a")) == []


def test_a_record_of_an_unknown_job_is_a_fault_of_the_caller_not_a_duplicate(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [accepted(1)], 99)


def test_a_known_id_names_the_line_that_brought_it(store: SqlStore) -> None:
    with store.begin() as unit:
        job = unit.jobs.start(ISSUER, "license", bytes(32), "licenses.csv", 5)
        unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [accepted(1, line=41)], job.row)
    with store.read() as unit:
        known = unit.records.known_lines(ISSUER, Kind.LICENSE, [digest("id", 1), digest("id", 2)])
        assert known == {digest("id", 1): (job.row, 41)}
        assert unit.records.known_lines(OTHER, Kind.LICENSE, [digest("id", 1)]) == {}


def test_files_are_found_by_every_record_that_names_them(store: SqlStore) -> None:
    with store.begin() as unit:
        rows = [accepted(1, "a", "b"), accepted(2, "a", "a"), accepted(3)]
        unit.records.add(ISSUER, Kind.EVIDENCE, "c" * 32, rows, None)
    with store.read() as unit:
        assert [r.leaf for r in unit.records.by_file(digest("file", "a"))] == [rows[0].leaf, rows[1].leaf]
        assert [r.leaf for r in unit.records.by_file(digest("file", "b"))] == [rows[0].leaf]
        assert unit.records.by_file(digest("file", "c")) == []


def new_batch(store: SqlStore, root: object = 0, size: int = 2) -> int:
    with store.begin() as unit:
        return unit.batches.add(ISSUER, Kind.LICENSE, digest("root", root), size, bytes(32), 1)


def test_assigned_records_keep_the_order_given_and_wait_no_more(store: SqlStore) -> None:
    add(store, *range(3))
    add(store, 9, issuer=OTHER)
    batch = new_batch(store)
    with store.begin() as unit:
        assert unit.records.waiting() == [(ISSUER, Kind.LICENSE, 3), (OTHER, Kind.LICENSE, 1)]
        rows = unit.records.next_for_batch(ISSUER, Kind.LICENSE, 2)
        assert [r.leaf for r in rows] == [digest("leaf", 0), digest("leaf", 1)]
        unit.records.assign(batch, [rows[1].row, rows[0].row])
    with store.read() as unit:
        found = unit.records.in_batch(batch)
        assert [(r.row, r.batch, r.index, r.chunk) for r in found] == [
            (rows[1].row, batch, 0, None),
            (rows[0].row, batch, 1, None),
        ]
        assert unit.records.waiting() == [(ISSUER, Kind.LICENSE, 1), (OTHER, Kind.LICENSE, 1)]
        assert unit.records.counts() == {"accepted": 2, "batched": 2}
        assert unit.records.chunks_in_use() == {"c" * 32}


def test_a_record_is_never_in_two_batches(store: SqlStore) -> None:
    add(store, 1, 2)
    first, second = new_batch(store, 1), new_batch(store, 2)
    with store.begin() as unit:
        rows = [r.row for r in unit.records.next_for_batch(ISSUER, Kind.LICENSE, 10)]
        unit.records.assign(first, rows[:1])
    with store.begin() as unit:
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.records.assign(second, [rows[1], rows[0]])
        assert unit.records.in_batch(second) == []  # not even the one that was free


def test_released_records_wait_again_in_their_new_chunk(store: SqlStore) -> None:
    add(store, 1, 2)
    batch = new_batch(store)
    with store.begin() as unit:
        rows = unit.records.next_for_batch(ISSUER, Kind.LICENSE, 10)
        unit.records.assign(batch, [r.row for r in reversed(rows)])
    with store.begin() as unit:
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.records.release(batch, "f" * 32, [(0, 5)])
        unit.batches.move(batch, "batched", "refused", problem="x")
        unit.records.release(batch, "f" * 32, [(0, 5), (5, 6)])
    with store.read() as unit:
        again = unit.records.next_for_batch(ISSUER, Kind.LICENSE, 10)
        assert [(r.leaf, r.chunk, r.offset, r.length) for r in again] == [
            (digest("leaf", 1), "f" * 32, 5, 6),
            (digest("leaf", 2), "f" * 32, 0, 5),
        ]
        assert unit.records.counts() == {"accepted": 2}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=5), max_size=6))
def test_each_id_is_stored_once_whatever_is_offered(store: SqlStore, offers: list[list[int]]) -> None:
    class Undo(Exception): ...

    with pytest.raises(Undo), store.begin() as unit:
        expected: set[int] = set()
        for offer in offers:
            clash = len(set(offer)) < len(offer) or bool(expected & set(offer))
            rows = [accepted(n) for n in offer]
            if clash:
                with pytest.raises(ConflictError):
                    unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, rows, None)
            else:
                unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, rows, None)
                expected |= set(offer)
        known = unit.records.known_lines(ISSUER, Kind.LICENSE, [digest("id", n) for n in range(13)])
        assert known.keys() == {digest("id", n) for n in expected}
        raise Undo
    with store.read() as unit:
        assert unit.records.counts() == {"accepted": 0}
