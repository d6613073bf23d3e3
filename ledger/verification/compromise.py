"""A key that fell into other hands on a known day: what of that which it signed still stands."""

from __future__ import annotations

from typing import Any

from ledger.core.verdicts import Finding, failed, undetermined
from ledger.verification.case import Times


def fallen(code: str, since: int, times: Times, **values: Any) -> list[Finding]:
    """``code`` for what was signed by a key that fell at ``since`` (seconds UTC).

    Proved times both before: nothing. Token before, block not: undetermined, for the time-stamp authority may help the
    thief. Both at or after: failed. Without a token both are the block's (FORMATS, "Clocks").
    """
    if max(times.signature, times.anchored) < since:
        return []
    judge = undetermined if times.signature < since else failed
    return [judge(code, since=since, **values)]
