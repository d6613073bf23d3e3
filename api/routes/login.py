"""Logging in to connected systems with a certificate of any recognised authority: challenge, response, session.

The systems ask with their tokens. People have none: what they send is their signature, or a session's token.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Response

from api.deps import ServiceDep, System, answer, public
from api.errors import documented
from api.schemas.login import (
    ChallengeText,
    Farewell,
    Introspection,
    LoginResponse,
    MadeChallenge,
    NewChallenge,
    OpenedSession,
    Question,
)
from ledger.core.canonical import b64
from ledger.core.login import Audience
from ledger.errors import InputError
from ledger.ports.login import SessionRow

router = APIRouter(prefix="/v1/login", tags=["login"])
Nonce = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="挑战编号 · the challenge's nonce")]


@router.post(
    "/challenges",
    status_code=201,
    response_model=MadeChallenge,
    responses=documented(400, 401, 403, 404),
    openapi_extra={"x-zhengyin-action": "login"},
)
def challenge(body: NewChallenge, caller: System, service: ServiceDep) -> Response:
    """业务系统请求登录挑战，将其地址交给用户。 A challenge for somebody who wants to log in to the caller's system."""
    caller.require_organisation(body.organisation)
    audience = Audience(body.organisation, body.system)
    made = service.ledger.login.challenge(audience, body.jurisdiction, body.level, body.subject, body.session)
    return answer({"address": made.address, "challenge": made.to_json()}, 201, {"Location": made.address})


@router.get(
    "/challenges/{challenge}",
    response_model=ChallengeText,
    responses=documented(400, 404, 409, 429),
    dependencies=[Depends(public)],
)
def pending(challenge: Nonce, service: ServiceDep) -> Response:
    """待签名的原文。 The bytes to be signed."""
    return Response(service.ledger.login.pending(bytes.fromhex(challenge)), media_type="application/json")


@router.post(
    "/challenges/{challenge}/response",
    status_code=201,
    response_model=OpenedSession,
    responses=documented(400, 404, 409, 429),
    dependencies=[Depends(public)],
)
async def respond(challenge: Nonce, body: LoginResponse, service: ServiceDep) -> Response:
    """提交签名，换取会话令牌；每个挑战只能使用一次。 The signature, for a session token; once for each challenge."""
    login, cms = service.ledger.login, _decoded(body.cms)
    row, token = await to_thread.run_sync(login.answer, bytes.fromhex(challenge), cms, limiter=service.logins)
    return answer(_shown(row) | {"token": token}, 201)


@router.post(
    "/introspection",
    response_model=Introspection,
    responses=documented(400, 401, 403),
    openapi_extra={"x-zhengyin-action": "login"},
)
def introspect(body: Question, caller: System, service: ServiceDep) -> Response:
    """业务系统查询会话令牌。 What a session token is worth to the caller's system."""
    caller.require_organisation(body.organisation)
    row = service.ledger.login.introspect(Audience(body.organisation, body.system), body.token)
    return answer({"active": row is not None, "session": None if row is None else _shown(row)})


@router.post("/logout", status_code=204, responses=documented(400, 429), dependencies=[Depends(public)])
def logout(body: Farewell, service: ServiceDep) -> Response:
    """退出登录。 End the session of the token; one that has none is as good as ended."""
    service.ledger.login.logout(body.token)
    return Response(status_code=204)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("LOGIN_RESPONSE_BASE64") from error


def _shown(row: SessionRow) -> dict[str, Any]:
    return {
        "audience": Audience(row.organisation, row.system).to_json(),
        "challenge": b64(row.challenge),
        "subject": row.subject.hex(),
        "kind": row.kind,
        "authority": row.authority.hex(),
        "jurisdiction": row.jurisdiction,
        "level": row.level,
        "created": row.created,
        "until": row.until,
    }
