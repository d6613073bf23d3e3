"""Values as people type them on a command line: instants and lengths of time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from ledger.errors import InputError

SHANGHAI = timezone(timedelta(hours=8))
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,12})([smhd]?)")


def instant(text: str) -> int:
    """Seconds UTC from ISO 8601 (without an offset: UTC+8; a date alone: its beginning) or from seconds.

    Raises:
        InputError: CLI_INSTANT.
    """
    if text.isascii() and text.isdigit() and len(text) >= 9 and len(text) <= 12:
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise InputError("CLI_INSTANT") from e
    return int((found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).timestamp())


def duration(text: str) -> int:
    """Seconds from ``90``, ``90s``, ``30m``, ``24h``, ``7d``. Raises InputError CLI_DURATION."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InputError("CLI_DURATION")
    return int(found[1]) * _UNITS[found[2]]


def today(now: float) -> str:
    """The calendar date in Asia/Shanghai."""
    return datetime.fromtimestamp(now, SHANGHAI).date().isoformat()
