"""What of the service works now, part by part."""

from __future__ import annotations

import shutil
from typing import Any

from ledger.assembly.app import App
from ledger.errors import ZhengyinError

LEAST_DISK = 1 << 30
LAG = 600
"""Seconds that something may be on its way before that counts as trouble."""
AHEAD = 120
"""Seconds that the chain's newest block may lie after this machine's clock."""

Part = dict[str, Any]


def examine(ledger: App) -> dict[str, Any]:
    """Raises UnavailableError STORE_… without the database: nothing can be answered then. All else is degraded: with
    the chain away issuing goes on, and verification says that it cannot decide."""
    with ledger.store.read() as unit:
        lag = unit.access.lag()
    chain, clock = _chain(ledger)
    age = 0 if lag.since is None else max(0, int(ledger.clock()) - lag.since)
    outbox: Part = {"batches": lag.batches, "changes": lag.changes, "uploads": lag.uploads, "seconds": age}
    parts = {
        "store": _part(True),
        "chain": chain,
        "clock": clock,
        "disk": _disk(ledger),
        "outbox": _part(age <= LAG, **outbox),
        "lock": _lock(ledger),
    }
    degraded = any(part["status"] != "ok" for part in parts.values())
    return {"status": "degraded" if degraded else "ok", "parts": parts}


def _part(good: bool, **figures: Any) -> Part:
    return {"status": "ok" if good else "degraded"} | figures


def _lock(ledger: App) -> Part:
    """Restored and not audited since, or in the midst of a rebuild: nothing is accepted, and this is what to do."""
    try:
        ledger.permit()
    except ZhengyinError as e:
        return _part(False, code=e.code, zh=e.text("zh"), en=e.text("en"))
    return _part(True)


def _chain(ledger: App) -> tuple[Part, Part]:
    try:
        head, timestamp = ledger.chain.head()
    except ZhengyinError as e:
        return _part(False, code=e.code), _part(True)
    ahead = timestamp - int(ledger.clock())
    return _part(True, block=head.block), _part(ahead <= AHEAD, **({"ahead": ahead} if ahead > AHEAD else {}))


def _disk(ledger: App) -> Part:
    try:
        free = shutil.disk_usage(ledger.home.root).free
    except OSError:
        return _part(False)
    return _part(free >= LEAST_DISK, free=free)
