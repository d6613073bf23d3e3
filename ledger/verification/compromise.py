"""A key that fell into other hands on a known day: what of that which it signed still stands."""

from __future__ import annotations

from ledger.core.verdicts import Outcome
from ledger.verification.case import Times


def touched(since: int, times: Times) -> Outcome:
    """Proved times both before ``since``: unaffected. Token before, block not: undetermined, for the
    time-stamp authority may help the thief. Both at or after: failed. Without a token both are the block's
    (FORMATS, "Clocks")."""
    if max(times.signature, times.anchored) < since:
        return Outcome.PASSED
    if times.signature < since:
        return Outcome.UNDETERMINED
    return Outcome.FAILED
