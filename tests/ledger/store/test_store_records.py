"""Rows of records: unique ids, order, batches, release."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kit import ISSUER, OTHER, accepted, digest, id_of, waiting_runs

from ledger.core.registries import Kind
from ledger.errors import ConflictError, IntegrityError
from ledger.store.unit import SqlStore

EXAMPLES = count()


def add(store: SqlStore, *names: object, issuer: str = ISSUER, kind: Kind = Kind.LICENSE) -> None:
    with store.begin() as unit:
        unit.records.add(issuer, kind, "c" * 32, [accepted(*names)], None)


def test_a_row_comes_back_as_it_was_accepted(store: SqlStore) -> None:
    add(store, 1)
    with store.read() as unit:
        row = unit.records.by_id(ISSUER, Kind.LICENSE, id_of(1))
        assert row is not None and row == unit.records.by_leaf(digest("leaf", 1))
        assert unit.records.find_ids(id_of(1)) == [row]
        assert unit.records.by_id(ISSUER, Kind.SEAL, id_of(1)) is None
        assert unit.records.by_leaf(digest("leaf", 2)) is None
    assert (row.issuer, row.kind, row.type, row.leaf) == (ISSUER, Kind.LICENSE, "license", digest("leaf", 1))
    assert (row.vault, row.chunk, row.ordinal) == (row.row, "c" * 32, 0)
    assert (row.batch, row.index) == (None, None)


def test_one_issuer_has_an_id_once_for_each_kind(store: SqlStore) -> None:
    add(store, 1)
    add(store, 1, issuer=OTHER)
    add(store, 1, kind=Kind.SEAL)
    with pytest.raises(ConflictError, match="STORE_DUPLICATE_ID"):
        add(store, 2, 1)
    with store.read() as unit:
        assert len(unit.records.find_ids(id_of(1))) == 3
        assert unit.records.find_ids(id_of(2)) == []


def test_a_refused_duplicate_leaves_nothing_of_its_unit_even_if_the_unit_goes_on(store: SqlStore) -> None:
    add(store, 1)
    with pytest.raises(Exception, match=r"closed transaction"), store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "e" * 32, [accepted(3)], None)
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_ID"):
            unit.records.add(ISSUER, Kind.LICENSE, "d" * 32, [accepted(2, files=(("a",),)), accepted(1)], None)
        unit.records.add(ISSUER, Kind.LICENSE, "e" * 32, [accepted(4)], None)
    with store.read() as unit:
        known = unit.records.known_lines(ISSUER, Kind.LICENSE, [id_of(n) for n in range(2500)])
        assert known.keys() == {id_of(1)}
        assert unit.records.by_file(digest("file", "a")) == []


def test_a_record_of_an_unknown_job_is_a_fault_of_the_caller_not_a_duplicate(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [accepted(1)], 99)


def test_a_known_id_names_the_line_that_brought_it(store: SqlStore) -> None:
    with store.begin() as unit:
        job = unit.jobs.start(ISSUER, "license", bytes(32), "licenses.csv", 5)
        unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [accepted(1, line=41)], job.row)
    with store.read() as unit:
        known = unit.records.known_lines(ISSUER, Kind.LICENSE, [id_of(1), id_of(2)])
        assert known == {id_of(1): (job.row, 41)}
        assert unit.records.known_lines(OTHER, Kind.LICENSE, [id_of(1)]) == {}


def test_files_are_found_by_every_record_that_names_them(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.records.add(ISSUER, Kind.EVIDENCE, "c" * 32, [accepted(1, 2, 3, files=(("a", "b"), ("a", "a")))], None)
    with store.read() as unit:
        assert [r.leaf for r in unit.records.by_file(digest("file", "a"))] == [digest("leaf", 1), digest("leaf", 2)]
        assert [r.leaf for r in unit.records.by_file(digest("file", "b"))] == [digest("leaf", 1)]
        assert unit.records.by_file(digest("file", "c")) == []


def new_batch(store: SqlStore, root: object = 0, size: int = 2) -> int:
    with store.begin() as unit:
        return unit.batches.add(ISSUER, Kind.LICENSE, digest("root", root), size, bytes(32), 1)


def test_placed_records_keep_the_order_given_and_wait_no_more(store: SqlStore) -> None:
    for names in ((0,), (1,), (2,)):
        add(store, *names)
    add(store, 9, issuer=OTHER)
    batch = new_batch(store)
    with store.begin() as unit:
        assert unit.records.waiting() == [(ISSUER, Kind.LICENSE, 3), (OTHER, Kind.LICENSE, 1)]
        first, second = waiting_runs(unit, limit=2)
        unit.records.place(batch, [second, first])
    with store.read() as unit:
        found = unit.records.in_batch(batch)
        assert [(r.row, r.leaf, r.batch, r.index, r.chunk) for r in found] == [
            (second.first, digest("leaf", 1), batch, 0, None),
            (first.first, digest("leaf", 0), batch, 1, None),
        ]
        assert unit.records.waiting() == [(ISSUER, Kind.LICENSE, 1), (OTHER, Kind.LICENSE, 1)]
        assert unit.records.counts() == {"accepted": 2, "batched": 2}
        assert unit.records.chunks_in_use() == {"c" * 32}


def test_a_record_is_never_in_two_batches(store: SqlStore) -> None:
    add(store, 1)
    add(store, 2)
    first, second = new_batch(store, 1), new_batch(store, 2)
    with store.begin() as unit:
        one, two = waiting_runs(unit)
        unit.records.place(first, [one])
    with store.begin() as unit:
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.records.place(second, [two, one])
        assert unit.records.in_batch(second) == []  # not even the one that was free


def test_released_records_wait_again_in_their_new_chunk(store: SqlStore) -> None:
    add(store, 1)
    add(store, 2)
    batch = new_batch(store)
    with store.begin() as unit:
        unit.records.place(batch, waiting_runs(unit)[::-1])
    with store.begin() as unit:
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.records.release(batch + 1, "f" * 32)
        unit.batches.move(batch, "batched", "refused", problem="x")
        assert unit.records.counts() == {"accepted": 0, "refused": 2}
        unit.records.release(batch, "f" * 32)
    with store.read() as unit:
        again = unit.records.waiting_rows(ISSUER, Kind.LICENSE)
        assert [(r.leaf, r.chunk, r.ordinal) for r in again] == [
            (digest("leaf", 1), "f" * 32, 1),
            (digest("leaf", 2), "f" * 32, 0),
        ]
        assert unit.records.counts() == {"accepted": 2}


def test_of_many_leaves_those_in_a_batch_are_told_with_its_state(store: SqlStore) -> None:
    with store.begin() as unit:
        for name, root in (("signed", b"r" * 32), ("refused", b"s" * 32)):
            unit.records.add(ISSUER, Kind.STATUS, "c", [accepted(name)], None)
            batch = unit.batches.add(ISSUER, Kind.STATUS, root, 1, bytes(32), 1)
            unit.records.place(batch, waiting_runs(unit, kind=Kind.STATUS))
            unit.batches.move(batch, "batched", name)
        unit.records.add(ISSUER, Kind.STATUS, "c", [accepted("waits")], None)
        leaves = {name: digest("leaf", name) for name in ("signed", "refused", "waits", "unknown")}
        found = unit.records.batch_states(list(leaves.values()))
        assert found == {leaves["signed"]: "signed", leaves["refused"]: "refused"}
        assert unit.records.batch_states([]) == {}


def test_of_many_ids_the_issuers_newest_leaves_are_told(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", [accepted("old"), accepted("other")], None)
        newer = replace(accepted("new"), id_hmacs=[id_of("old")])
        unit.records.add(ISSUER, Kind.SEAL, "c", [newer], None)
        unit.records.add(OTHER, Kind.LICENSE, "c", [accepted("theirs")], None)
        found = unit.records.newest_leaves(ISSUER, [id_of(name) for name in ("old", "other", "theirs", "none")])
        assert found == {id_of("old"): digest("leaf", "new"), id_of("other"): digest("leaf", "other")}
        assert unit.records.newest_leaves("UNKNOWN", [id_of("old")]) == {}


def test_a_leaf_with_the_same_beginning_is_another(store: SqlStore) -> None:
    add(store, 1)
    with store.read() as unit:
        assert unit.records.by_leaf(digest("leaf", 1)[:8] + bytes(24)) is None


def test_a_handle_is_never_given_to_two_records(store: SqlStore) -> None:
    with store.begin() as unit:
        one, two = accepted(1), accepted(2)
        unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [one], None)
        with pytest.raises(ConflictError):
            unit.records.add(ISSUER, Kind.LICENSE, "c" * 32, [replace(two, first=one.first)], None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=5), max_size=6))
def test_each_id_is_stored_once_whatever_is_offered(store: SqlStore, offers: list[list[int]]) -> None:
    example = next(EXAMPLES)
    expected: set[int] = set()
    for offer in offers:
        clash = len(set(offer)) < len(offer) or bool(expected & set(offer))
        try:
            add(store, *((example, n) for n in offer))
            assert not clash
            expected |= set(offer)
        except ConflictError:
            assert clash
    with store.read() as unit:
        known = unit.records.known_lines(ISSUER, Kind.LICENSE, [id_of((example, n)) for n in range(13)])
    assert known.keys() == {id_of((example, n)) for n in expected}
