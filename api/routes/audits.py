"""Audits: asked for by an office's auditor, run by the worker, read when they are done."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from api.deps import ServiceDep, able, answer
from api.errors import documented
from api.idempotency import Key, RequestDigest, once
from api.schemas.audits import Audit, AuditList
from ledger.assembly.audit_runs import AuditRun, AuditRuns
from ledger.errors import InputError, NotFoundError
from ledger.services.access import Caller

router = APIRouter(prefix="/v1/audits", tags=["audits"], responses=documented(401, 403))
Auditor = Annotated[Caller, Depends(able("audit"))]
_EXTRA = {"x-zhengyin-action": "audit"}


@router.post("", status_code=202, response_model=Audit, responses=documented(400, 409, 507), openapi_extra=_EXTRA)
def ask(
    caller: Auditor,
    key: Key,
    digest: RequestDigest,
    service: ServiceDep,
    organisation: Annotated[str | None, Query(max_length=32, description="令牌有多个机构时指明 · whose audit")] = None,
    since: Annotated[int, Query(ge=0, le=2**53 - 1, description="只重证自该区块起的批次 · from this block on")] = 0,
) -> Response:
    """请求审计；由后台运行。 Ask for an audit; the worker runs it."""
    whose, runs = _organisation(caller, organisation), AuditRuns(service.ledger)
    made = once(
        service.flights, service.ledger.access, caller, key, digest, lambda row: runs.ask(caller.id, whose, since, row)
    )
    service.wake()
    return answer(_shown(_own(runs, caller, made.hex())), 202, {"Location": f"/v1/audits/{made.hex()}"})


def _organisation(caller: Caller, organisation: str | None) -> str:
    if organisation is None:
        if len(caller.organisations) != 1:
            raise InputError("API_ORGANISATION")
        return caller.organisations[0]
    caller.require_organisation(organisation)
    return organisation


@router.get("", response_model=AuditList, openapi_extra=_EXTRA)
def audits(caller: Auditor, service: ServiceDep) -> Response:
    """本机构的审计，最新在前，不含详情。 The caller's audits that are kept, newest first, without their findings."""
    found = AuditRuns(service.ledger).of(caller.organisations)
    return answer({"items": [{k: v for k, v in _shown(run).items() if k != "result"} for run in found]})


@router.get("/{id}", response_model=Audit, responses=documented(404), openapi_extra=_EXTRA)
def audit(
    id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="审计编号 · id of the audit")],
    caller: Auditor,
    service: ServiceDep,
) -> Response:
    """进度与结论：逐项指出不符之处。 Progress, and what differs."""
    return answer(_shown(_own(AuditRuns(service.ledger), caller, id)))


def _own(runs: AuditRuns, caller: Caller, id_: str) -> AuditRun:
    found = runs.find(id_)
    if found is None or found.organisation not in caller.organisations:
        raise NotFoundError("AUDIT_UNKNOWN")
    return found


def _shown(run: AuditRun) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if value is not None and name != "token"}
