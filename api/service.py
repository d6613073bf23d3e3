"""What the routes share beside the ledger itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from api.idempotency import Flights
from api.kept import KeptReports
from api.limits import PublicLimit
from api.metrics import Metrics
from ledger.assembly.app import App


@dataclass
class Service:
    """``wake``: tells the worker of this process, if there is one, that something waits."""

    ledger: App
    limit: PublicLimit
    metrics: Metrics
    wake: Callable[[], None] = lambda: None
    flights: Flights = field(default_factory=Flights)
    kept: KeptReports = field(default_factory=KeptReports)


async def service_of(request: Request) -> Service:
    found: Service = request.app.state.service
    return found
