"""E-seals: how often they were used, and for what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.deps import Reader, ServiceDep, answer
from api.errors import documented
from api.paging import Cursor, Limit, following, link, place
from api.routes.records import Leaf
from api.schemas.seals import SealUses
from ledger.core.seal_uses import day_named
from ledger.errors import NotFoundError

router = APIRouter(prefix="/v1/seals", tags=["seals"])
Day = Annotated[
    str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="某日（北京时间） · a day, UTC+8")
]


@router.get(
    "/{leaf}/uses",
    response_model=SealUses,
    responses=documented(400, 401, 403, 404),
    openapi_extra={"x-zhengyin-action": "read"},
)
def uses(
    leaf: Leaf,
    caller: Reader,
    request: Request,
    service: ServiceDep,
    day: Day = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """用印：按日计数；给出 day 时逐条列出。 Uses of a seal: counts by day; with `day`, one by one.

    For the seal's holder and for whoever registered it.
    """
    seals = service.ledger.seals
    seal = seals.find(leaf)
    if not {seal.holder, seal.issuer} & set(caller.organisations):  # looks like what nobody has
        raise NotFoundError("SEAL_UNKNOWN")
    if day is None:
        days = [{"day": name, "uses": count} for name, count in seals.counts(seal)]
        return answer({"seal": leaf, "uses": sum(one["uses"] for one in days), "days": days})
    page = seals.uses(seal, day_named(day), place(cursor) or 0, limit)
    after = None if page.next is None else following(page.next)
    value = {"seal": leaf, "uses": page.count, "items": [use.to_json() for use in page.uses]}
    return answer(value | ({"next": after} if after else {}), 200, link(request, after))
