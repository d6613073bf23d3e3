"""What is remembered of addresses that were asked: answers for a while, and trouble."""

from __future__ import annotations

import pytest

from ledger.errors import UnavailableError
from ledger.outside.revocation_cache import RecentAnswers, Rests

NOW, REST = 1_790_000_000, 60


def test_recent_answers_are_kept_for_a_while_and_not_without_end() -> None:
    now = [0.0]
    kept = RecentAnswers(10, most=2, clock=lambda: now[0])
    kept.put(b"a", b"url", b"request")
    assert kept.get(b"url", b"request") == b"a"
    assert kept.get(b"url", b"other") is None
    now[0] = 10.0
    assert kept.get(b"url", b"request") is None
    for number in range(3):
        kept.put(b"%d" % number, b"url", b"%d" % number)
    assert [kept.get(b"url", b"%d" % number) for number in range(3)] == [None, b"1", b"2"]


def test_addresses_at_rest_are_remembered_within_bounds() -> None:
    rests, trouble = Rests(most=2), UnavailableError("FETCH_REFUSED", host="a")
    for name in (b"a", b"b", b"c"):
        rests.add(NOW + REST, trouble, name)
    rests.require_over(NOW, b"a")
    for name in (b"b", b"c"):
        with pytest.raises(UnavailableError, match="FETCH_REFUSED"):
            rests.require_over(NOW, name)
        rests.require_over(NOW + REST, name)
