"""Relations to a record: say one, read those that were said."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.deps import Reader, Relater, ServiceDep, answer
from api.errors import documented
from api.idempotency import Key, Remember, RequestDigest, act_once
from api.routes.records import Leaf
from api.routes.statuses import AGAIN
from api.schemas.relations import AcceptedRelation, NewRelation, RelationList
from ledger.errors import NotFoundError
from ledger.services.acting import RecordsAct
from ledger.services.acts import ActRequest
from ledger.services.relations import relations_of

router = APIRouter(prefix="/v1/records", tags=["relations"])


@router.post(
    "/{leaf}/relations",
    status_code=202,
    response_model=AcceptedRelation,
    responses=documented(400, 401, 403, 404, 409, 507),
    openapi_extra={"x-zhengyin-action": "relate"},
)
def relate(
    leaf: Leaf, body: NewRelation, caller: Relater, key: Key, digest: RequestDigest, service: ServiceDep
) -> Response:
    """会签、接收保管或裁判决定：先上链说明，再在链上指明。 Countersign, take custody of, or decide on it."""
    caller.require_organisation(body.actor)
    target = bytes.fromhex(leaf)
    with service.ledger.store.read() as unit:
        here = unit.records.by_leaf(target)
    issuer = here.issuer if here is not None else body.issuer
    if issuer is None or body.issuer not in (None, issuer):
        raise NotFoundError("RECORD_UNKNOWN")
    asked = ActRequest(RecordsAct(body.relation), issuer, target, body.reference, content=body.content)

    def act(remember: Remember) -> bytes:
        return service.ledger.acts.request(body.actor, [asked], remember)[0].statement

    statement = act_once(service, caller, key, digest, act)
    made = {"leaf": leaf, "statement": statement.hex(), "relation": body.relation, "pending": True}
    return answer(made, 202, {"Location": f"/v1/records/{leaf}/relations"} | AGAIN)


@router.get(
    "/{leaf}/relations",
    response_model=RelationList,
    responses=documented(401, 403, 404),
    openapi_extra={"x-zhengyin-action": "read"},
)
def relations(leaf: Leaf, caller: Reader, service: ServiceDep) -> Response:
    """谁会签、保管或裁判了该记录；只增不改，尚未上链的在最后。 Who related what to it; what is pending comes last.

    The record's own office sees all of them, whoever related something to it what itself said.
    """
    ledger, target = service.ledger, bytes.fromhex(leaf)
    with ledger.store.read() as unit:
        here = unit.records.by_leaf(target)
    found = relations_of(ledger.store, ledger.bundling, here.issuer if here else None, target)
    items: list[dict[str, Any]] = [
        {
            "relation": r.relation,
            "actor": r.actor,
            "statement": r.statement.hex(),
            "pending": False,
            "confirmed": r.confirmed,
            "recorded": r.time,
            "block": r.block,
        }
        for r in found.known
    ]
    items += [
        {"relation": a.act, "actor": a.actor, "statement": a.statement.hex(), "pending": True, "confirmed": True}
        for a in found.asked
    ]
    if here is None or here.issuer not in caller.organisations:
        items = [i for i in items if i["actor"] in caller.organisations]
        if not items:  # looks like what nobody has
            raise NotFoundError("RECORD_UNKNOWN")
    return answer({"items": items})
