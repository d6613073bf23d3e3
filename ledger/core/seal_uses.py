"""Uses of e-seals: when a seal was in force, and by what a use is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ledger.core.registries import State
from ledger.errors import InputError

CHINA = 8 * 3600
"""Seconds that days begin earlier in Asia/Shanghai, which has had no other time since 1991."""
DAY = 86_400
_EPOCH = date(1970, 1, 1)
EXPIRED, NOT_YET, FROZEN = "expired", "notYetValid", "frozen"
"""What keeps a seal from being used, beside the words of the registry of states."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """Why a seal was not in force: ``state`` a word, ``since`` when, seconds UTC (of a seal that is not valid yet: when
    it will be)."""

    state: str
    since: int


@dataclass(frozen=True, slots=True)
class SealStanding:
    """A seal's validity (``since`` included, ``until`` not; ``None``: without end) and all that changed its status, in
    the order of the chain: (state, effective). ``frozen``: when a court froze it. Instants: seconds UTC."""

    since: int | None = None
    until: int | None = None
    changes: tuple[tuple[State, int], ...] = ()
    frozen: int | None = None

    def lapse_at(self, moment: int) -> Lapse | None:
        """``None``: in force. The last change that was effective by then counts, as for every record."""
        deciding = [(state, effective) for state, effective in self.changes if effective <= moment][-1:]
        for state, effective in deciding:
            if state.restricts:
                return Lapse(state.word, effective)
        if self.frozen is not None and self.frozen <= moment:
            return Lapse(FROZEN, self.frozen)
        if self.since is not None and moment < self.since:
            return Lapse(NOT_YET, self.since)
        if self.until is not None and moment >= self.until:
            return Lapse(EXPIRED, self.until)
        return None


def validity(first: str | None, last: str | None) -> tuple[int | None, int | None]:
    """The instants of a record's validity, whose dates are days in China, the last one included."""
    until = None if last is None else start_of(day_named(last)) + DAY
    return None if first is None else start_of(day_named(first)), until


def day_of(instant: int) -> int:
    """The day in China, counted from 1970-01-01."""
    return (instant + CHINA) // DAY


def start_of(day: int) -> int:
    return day * DAY - CHINA


def day_named(text: str) -> int:
    """Of ``YYYY-MM-DD``. Raises InputError SEAL_DAY."""
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError as error:
        raise InputError("SEAL_DAY") from error


def name_of(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def date_of(instant: int) -> str:
    """The date in China, ``YYYY-MM-DD``."""
    return datetime.fromtimestamp(instant + CHINA, UTC).date().isoformat()


def seal_number(leaf: bytes) -> int:
    """What a seal goes by in the index of uses: the first 64 bits of its leaf, as a signed number."""
    return int.from_bytes(leaf[:8], "big", signed=True)


def counted_as(seals: Iterable[bytes], values: Mapping[str, Any]) -> tuple[int, int] | None:
    """(seal, day) by which a record counts that says it uses ``seals`` (leaves); ``None`` where it does not say of one
    seal when."""
    found, at = list(seals), values.get("usedAt")
    if len(found) != 1 or type(at) is not int:
        return None
    return seal_number(found[0]), day_of(at)
