"""Statuses of a record: ask for a change, read the history."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.deps import Changer, Reader, ServiceDep, answer, own_record
from api.errors import documented
from api.idempotency import Key, Remember, RequestDigest, act_once
from api.routes.records import Leaf
from api.schemas.statuses import AcceptedStatus, NewStatus, StatusList
from api.service import Service
from ledger.core.registries import Reason, State
from ledger.errors import InputError, NotFoundError
from ledger.ports import RecordRow
from ledger.services.access import Caller
from ledger.services.statuses import ChangeRequest

FINAL = ("final", "receipted")
OPEN = ("accepted", "ready", "sent")
AGAIN = {"Retry-After": "2"}

router = APIRouter(prefix="/v1/records", tags=["statuses"])


@router.post(
    "/{leaf}/statuses",
    status_code=202,
    response_model=AcceptedStatus,
    responses=documented(400, 401, 403, 404, 409, 507),
    openapi_extra={"x-zhengyin-action": "status"},
)
def change(
    leaf: Leaf, body: NewStatus, caller: Changer, key: Key, digest: RequestDigest, service: ServiceDep
) -> Response:
    """请求变更状态：先上链决定，再写入合约。 Ask for a change; its decision is anchored first."""
    actor, row = _actor(service, caller, leaf, body.actor)
    asked = ChangeRequest(
        row.issuer,
        row.leaf,
        State.of_word(body.state, "state"),
        int(service.ledger.clock()) if body.effective is None else body.effective,
        _reason(body.reason),
        body.decision,
        bytes.fromhex(body.supersededBy) if body.supersededBy else None,
    )

    def act(remember: Remember) -> bytes:
        return service.ledger.statuses.request(actor, [asked], remember)[0]

    statement = act_once(service, caller, key, digest, act)
    made = {"leaf": leaf, "statement": statement.hex(), "state": body.state, "pending": True}
    return answer(made, 202, {"Location": f"/v1/records/{leaf}/statuses"} | AGAIN)


def _actor(service: Service, caller: Caller, leaf: str, actor: str | None) -> tuple[str, RecordRow]:
    """Without a word on it the issuer acts. A successor or superior names itself; the chain knows whether it is one."""
    if actor is None:
        row = own_record(service, caller, leaf)
        return row.issuer, row
    caller.require_organisation(actor)
    with service.ledger.store.read() as unit:
        found = unit.records.by_leaf(bytes.fromhex(leaf))
    if found is None:
        raise NotFoundError("RECORD_UNKNOWN")
    return actor, found


def _reason(word: str) -> Reason:
    reason = Reason.of_word(word, "reason")
    if reason is Reason.SET_ASIDE:  # the contract would refuse it, after the statement was signed
        raise InputError("CLI_REASON_RESERVED", reason=reason.word)
    return reason


@router.get(
    "/{leaf}/statuses",
    response_model=StatusList,
    responses=documented(401, 403, 404)
    | {202: {"model": StatusList, "description": "记录尚未最终确认 · the record is not final yet"}},
    openapi_extra={"x-zhengyin-action": "read"},
)
def statuses(leaf: Leaf, caller: Reader, service: ServiceDep) -> Response:
    """状态历史，只增不改；尚未上链的变更在最后。 The history; changes that are not recorded yet come last."""
    row = own_record(service, caller, leaf)
    with service.ledger.store.read() as unit:
        final = row.batch is not None and unit.batches.get(row.batch).state in FINAL
        entries = unit.chain.entries(row.issuer, row.leaf)
        pending = [i for i in unit.intents.for_leaf(row.issuer, row.leaf) if i.state in OPEN]
    items: list[dict[str, Any]] = [
        {
            "state": e.entry.state.word,
            "effective": e.entry.effective,
            "reason": e.entry.reason.word,
            "statement": e.entry.statement.hex(),
            "actor": e.entry.actor,
            "pending": False,
            "recorded": e.entry.recorded,
            "block": e.block,
        }
        for e in entries
    ]
    items += [
        {
            "state": i.change.word,
            "effective": i.effective,
            "reason": i.reason.word,
            "statement": i.statement.hex(),
            "actor": i.actor,
            "pending": True,
        }
        for i in pending
    ]
    return answer({"items": items}, 200 if final else 202, {} if final else AGAIN)
