"""What routes ask for: the service, the caller, an answer in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.service import Service, service_of
from ledger.errors import NotFoundError
from ledger.ports import RecordRow
from ledger.services.access import Caller

PRIVATE = "private, no-cache"
PUBLIC = "public, no-cache"
IMMUTABLE = "private, max-age=31536000, immutable"

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    bearerFormat="zy_<id>_<secret>",
    description="由 zhengyin token add 生成 · made by `zhengyin token add`",
)

ServiceDep = Annotated[Service, Depends(service_of)]


def authenticated(
    request: Request, service: ServiceDep, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    return service.ledger.access.authenticate(request.headers.get("authorization"))


AnyCaller = Annotated[Caller, Depends(authenticated)]


def able(action: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A caller whose token allows the action."""

    async def check(caller: AnyCaller) -> Caller:
        caller.require(action)
        return caller

    return check


async def _using(caller: AnyCaller, service: ServiceDep) -> Caller:
    caller.require("crypto")
    service.uses.take(caller.id)
    return caller


Reader = Annotated[Caller, Depends(able("read"))]
Changer = Annotated[Caller, Depends(able("status"))]
Relater = Annotated[Caller, Depends(able("relate"))]
Importer = Annotated[Caller, Depends(able("issue"))]
CryptoUser = Annotated[Caller, Depends(_using)]
"""Of the crypto service, not too often."""
System = Annotated[Caller, Depends(able("login"))]


async def public(request: Request) -> None:
    """Anybody, but not too often."""
    (await service_of(request)).limit.check(request)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON. Values are what we made ourselves: nothing is left to check on the way out."""
    return Response(orjson.dumps(value), status, dict(headers or {}), "application/json")


def tagged(request: Request, body: bytes, tag: str, media_type: str, cache: str) -> Response:
    """An answer with a strong ETag, or 304 where the caller has it already (RFC 9110, section 13.1.2)."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": cache}
    if matches(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type)


def matches(request: Request, tag: str) -> bool:
    offered = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return f'"{tag}"' in offered or "*" in offered


def own_record(service: Service, caller: Caller, leaf: str) -> RecordRow:
    """A record of one of the caller's organisations. Raises NotFoundError RECORD_UNKNOWN, for others' records too."""
    with service.ledger.store.read() as unit:
        row = unit.records.by_leaf(bytes.fromhex(leaf))
    if row is None or row.issuer not in caller.organisations:
        raise NotFoundError("RECORD_UNKNOWN")
    return row
