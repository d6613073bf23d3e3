"""What the routes share beside the ledger itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from anyio import CapacityLimiter
from fastapi import Request

from api.idempotency import Flights
from api.kept import KeptReports
from api.limits import PublicLimit
from api.metrics import Metrics
from ledger.assembly.app import App

LOGINS = 4
"""Responses to challenges judged at once: each may wait for an authority, and must not hold up everybody else."""

STAMPS = 4
"""Time-stamps waited for at once, for the same reason."""


@dataclass
class Service:
    """``wake``: tells the worker of this process, if there is one, that something waits; ``uses``: how often one token
    may use the crypto service."""

    ledger: App
    limit: PublicLimit
    metrics: Metrics
    wake: Callable[[], None] = lambda: None
    flights: Flights = field(default_factory=Flights)
    kept: KeptReports = field(default_factory=KeptReports)
    logins: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LOGINS))
    stamps: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(STAMPS))
    uses: PublicLimit = field(default_factory=lambda: PublicLimit(0, None))


async def service_of(request: Request) -> Service:
    found: Service = request.app.state.service
    return found
