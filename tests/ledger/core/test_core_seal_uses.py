"""When a seal was in force, on which day a use falls, and by which seal it counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import cells
from ledger.core.registries import State
from ledger.core.seal_uses import (
    DAY,
    Lapse,
    SealStanding,
    counted_as,
    date_of,
    day_named,
    day_of,
    name_of,
    seal_number,
    start_of,
    validity,
)
from ledger.errors import InputError

CHINA = timezone(timedelta(hours=8))
INSTANTS = st.integers(0, 4_102_444_800)
LIMITED = settings(deadline=None, max_examples=60)


@LIMITED
@given(INSTANTS)
def test_days_are_those_of_the_calendar_in_china(instant: int) -> None:
    local = datetime.fromtimestamp(instant, CHINA)
    assert name_of(day_of(instant)) == date_of(instant) == local.date().isoformat()
    assert day_named(date_of(instant)) == day_of(instant)
    assert start_of(day_of(instant)) <= instant < start_of(day_of(instant) + 1)


@LIMITED
@given(
    INSTANTS, st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S", "%Y%m%dT%H:%M:%S"])
)
def test_an_instant_is_read_as_it_was_written(instant: int, form: str) -> None:
    assert cells.instant_cell(datetime.fromtimestamp(instant, CHINA).strftime(form)) == instant
    utc = datetime.fromtimestamp(instant, timezone.utc)  # noqa: UP017
    assert cells.instant_cell(utc.strftime("%Y-%m-%dT%H:%M:%SZ")) == instant


@LIMITED
@given(st.text(max_size=24))
def test_whatever_a_cell_holds_it_is_an_instant_or_refused(cell: str) -> None:
    try:
        assert cells.instant_cell(cell) >= 0
    except InputError as error:
        assert error.code in ("CELL_INSTANT", "CELL_INTEGER")
        assert not error.values


@LIMITED
@given(st.lists(st.tuples(st.sampled_from(State), INSTANTS), max_size=5), INSTANTS)
def test_the_last_change_that_was_effective_by_then_decides(changes: list[tuple[State, int]], moment: int) -> None:
    effective = [change for change in changes if change[1] <= moment]
    expected = Lapse(effective[-1][0].word, effective[-1][1]) if effective and effective[-1][0].restricts else None
    assert SealStanding(changes=tuple(changes)).lapse_at(moment) == expected


def test_both_ends_of_the_validity_and_a_freeze_count() -> None:
    since, until = validity("2026-05-01", "2026-05-01")
    assert since is not None and until == since + DAY
    standing = SealStanding(since, until, frozen=since + 10)
    assert standing.lapse_at(since - 1) == Lapse("notYetValid", since)
    assert standing.lapse_at(since) is None
    assert standing.lapse_at(since + 10) == Lapse("frozen", since + 10)
    assert SealStanding(since, until).lapse_at(until) == Lapse("expired", until)
    assert validity(None, None) == (None, None)


def test_what_uses_no_seal_or_two_or_names_no_time_is_not_counted() -> None:
    leaf = b"\xff" * 32
    assert counted_as([leaf], {"usedAt": 0}) == (seal_number(leaf), 0) == (-1, 0)
    assert counted_as([], {"usedAt": 0}) is counted_as([leaf, leaf], {"usedAt": 0}) is None
    assert counted_as([leaf], {}) is counted_as([leaf], {"usedAt": True}) is counted_as([leaf], {"usedAt": "x"}) is None


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "", "2026-1-1"])
def test_a_day_is_a_date(text: str) -> None:
    with pytest.raises(InputError, match="SEAL_DAY"):
        day_named(text)
