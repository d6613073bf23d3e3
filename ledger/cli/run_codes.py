"""Exit codes beyond those that errors and reports carry themselves."""

from __future__ import annotations

from collections.abc import Iterable

USAGE, PART_FAILED, BUG, INTERRUPTED = 2, 5, 70, 130
_WORST_FIRST = (BUG, 4, 1, USAGE, 3, PART_FAILED, 0)


def worst(codes: Iterable[int]) -> int:
    """The exit code of a command that did several things: proof of a fault outranks doubt."""
    return min(codes, key=_WORST_FIRST.index, default=0)
