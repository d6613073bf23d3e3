"""The history checker finds each broken promise, and passes what keeps them all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import merkle
from scripts.faulting.history import Anchored, History, Receipted, Violation, check, root_of

OFFICE, OTHER = b"a".ljust(32, b"\0"), b"b".ljust(32, b"\0")


def leaf(name: object) -> bytes:
    return hashlib.sha256(repr(name).encode()).digest()


def batch(block: int, sequence: int, *names: object, issuer: bytes = OFFICE) -> tuple[Anchored, bytes]:
    leaves = [leaf(name) for name in names]
    return Anchored(block, issuer, sequence, root_of(leaves), len(leaves)), b"".join(leaves)


FIRST, FIRST_LEAVES = batch(3, 1, "a", "b", "c")
SECOND, SECOND_LEAVES = batch(5, 2, "d")
HISTORY = History(
    accepted=[leaf(name) for name in "abd"],
    receipts=[Receipted(leaf("a"), FIRST.root, 3), Receipted(leaf("d"), SECOND.root, 9)],
    events=[FIRST, SECOND],
    segments={FIRST.root: FIRST_LEAVES, SECOND.root: SECOND_LEAVES},
    final=9,
)


def broken(**changes: Any) -> str:
    with pytest.raises(Violation) as caught:
        check(replace(HISTORY, **changes))
    return caught.value.rule


def test_a_history_that_keeps_every_promise_passes() -> None:
    """A record that nobody was told of may stand there: its acceptance was reported as failed."""
    assert check(HISTORY) == 4


def test_an_accepted_record_in_no_batch_is_lost() -> None:
    assert broken(accepted=[leaf("x")]) == "lost"


def test_an_accepted_record_in_a_block_that_is_not_final_is_not_there_yet() -> None:
    assert broken(final=4, receipts=[]) == "lost"


def test_a_record_in_two_batches_is_anchored_twice() -> None:
    third, leaves = batch(7, 3, "a", "z")
    segments = {**HISTORY.segments, third.root: leaves}
    assert broken(events=[FIRST, SECOND, third], segments=segments) == "anchored-twice"


def test_a_record_twice_in_one_batch_is_anchored_twice() -> None:
    third, leaves = batch(7, 3, "z", "z")
    segments = {**HISTORY.segments, third.root: leaves}
    assert broken(events=[FIRST, SECOND, third], segments=segments) == "anchored-twice"


def test_one_root_in_two_events_is_anchored_twice() -> None:
    assert broken(events=[FIRST, SECOND, replace(FIRST, block=8, sequence=3)]) == "anchored-twice"


@pytest.mark.parametrize("number", [1, 3, 0])
def test_a_number_missing_or_repeated_is_found(number: int) -> None:
    assert broken(events=[FIRST, replace(SECOND, sequence=number)]) == "sequence"


def test_offices_count_each_for_itself() -> None:
    third, leaves = batch(7, 1, "z", issuer=OTHER)
    assert (
        check(replace(HISTORY, events=[FIRST, SECOND, third], segments={**HISTORY.segments, third.root: leaves})) == 5
    )


@pytest.mark.parametrize("leaves", [b"", FIRST_LEAVES[:-32], FIRST_LEAVES[::-1], FIRST_LEAVES[:-1], SECOND_LEAVES])
def test_a_segment_that_is_not_what_was_anchored_is_found(leaves: bytes) -> None:
    assert broken(segments={**HISTORY.segments, FIRST.root: leaves}) == "segment"


def test_a_batch_without_segment_is_found() -> None:
    assert broken(segments={FIRST.root: FIRST_LEAVES}) == "segment"


def test_a_size_other_than_the_segments_is_found() -> None:
    assert broken(events=[replace(FIRST, size=4), SECOND]) == "segment"


def test_a_receipt_before_its_block_was_final_is_found() -> None:
    assert broken(receipts=[Receipted(leaf("d"), SECOND.root, 4)]) == "early-receipt"


def test_a_receipt_for_another_batch_or_for_nothing_is_found() -> None:
    assert broken(receipts=[Receipted(leaf("d"), FIRST.root, 9)]) == "false-receipt"
    assert broken(receipts=[Receipted(leaf("x"), FIRST.root, 9)]) == "false-receipt"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70))
def test_its_roots_are_those_of_the_ledger(count: int) -> None:
    leaves = [leaf(n) for n in range(count)]
    assert root_of(leaves) == merkle.root_of(merkle.build_levels(b"".join(leaves)))
