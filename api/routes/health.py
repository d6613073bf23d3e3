"""Is the process alive, can it do its work, and how much of it?"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from starlette.concurrency import run_in_threadpool

from api import readiness
from api.deps import ServiceDep, _bearer, answer
from api.errors import documented
from api.limits import is_local
from api.schemas.health import Alive, Ready
from ledger.errors import UnavailableError

PATIENCE = 1.5
"""Seconds after which a part counts as away; the answer must come within two."""

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=Alive)
async def healthz() -> Response:
    """进程在运行。 The process runs."""
    return answer({"status": "ok"})


@router.get("/readyz", response_model=Ready, responses=documented())
async def readyz(service: ServiceDep) -> Response:
    """哪些部分正常、哪些降级；数据库不可用时为 503。 What works and what is degraded; 503 without the database."""
    try:
        async with asyncio.timeout(PATIENCE):
            return answer(await run_in_threadpool(readiness.examine, service.ledger))
    except TimeoutError as e:
        raise UnavailableError("API_NOT_READY") from e


@router.get(
    "/metrics",
    response_class=Response,
    responses=documented(401, 403) | {200: {"content": {"text/plain": {}}}},
    openapi_extra={"x-zhengyin-action": "operate"},
)
def metrics(
    request: Request, service: ServiceDep, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Response:
    """Prometheus 指标；本机或持 operate 令牌可读。 For a client on this machine, or a token with `operate`."""
    ledger = service.ledger
    if not is_local(request):
        ledger.access.authenticate(request.headers.get("authorization")).require("operate")
    with ledger.store.read() as unit:
        lag, waiting = unit.access.lag(), sum(number for _, _, number in unit.records.waiting())
    return Response(service.metrics.text(lag, waiting, ledger.clock()), media_type="text/plain; version=0.0.4")
