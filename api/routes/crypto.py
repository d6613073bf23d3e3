"""Cryptography for other systems of the city, under named keys: what a pool of cryptographic resources offers.

Keys are named together with their organisation. What is another organisation's is answered as what nobody has.
"""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import CryptoUser, ServiceDep, answer
from api.errors import documented
from api.schemas.crypto import (
    About,
    CryptoReport,
    DecryptRequest,
    Digested,
    DigestName,
    Digests,
    EncryptRequest,
    MadeCms,
    MadeEnvelope,
    MadeToken,
    OpenedEnvelope,
    SignRequest,
    StampRequest,
    VerifyRequest,
)
from ledger.core.bundles import ValidationData
from ledger.core.canonical import b64, unb64
from ledger.errors import NotFoundError
from ledger.services.access import Caller
from ledger.services.crypto_content import Content
from ledger.services.crypto_reports import Recognised
from ledger.services.operations import by

PIECE = 1 << 18
router = APIRouter(prefix="/v1/crypto", tags=["crypto"], responses=documented(400, 401, 403, 429))
_ACTION: dict[str, Any] = {"x-zhengyin-action": "crypto"}
_BODY = {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.post("/digest", response_model=Digests, openapi_extra=_ACTION | {"requestBody": _BODY})
async def digest(
    request: Request,
    caller: CryptoUser,
    service: ServiceDep,
    organisation: Annotated[str, Query(min_length=3, max_length=32, description="机构代码 · for whom")],
    algorithm: Annotated[
        list[DigestName], Query(max_length=2, description="可重复；默认由 crypto_profile 决定 · repeatable")
    ] = [],  # noqa: B006 - read only
) -> Response:
    """正文的摘要；正文不保存。 Digests of the body, which is not kept."""
    caller.require_organisation(organisation)
    crypto = service.ledger.crypto
    digester, piece = crypto.digester(algorithm), bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= PIECE:
            await run_in_threadpool(digester.update, bytes(piece))
            piece.clear()
    digester.update(bytes(piece))
    size, found = digester.finish()

    def log() -> None:
        with by(caller.who):
            crypto.digested(organisation, size, found)

    await run_in_threadpool(log)
    return answer({"size": size} | {name: value.hex() for name, value in found.items()})


@router.post("/sign", response_model=MadeCms, responses=documented(404, 409), openapi_extra=_ACTION)
async def sign(body: SignRequest, caller: CryptoUser, service: ServiceDep) -> Response:
    """用命名密钥签名，得到分离式 CMS。 A detached CMS by a named key, over data or their digest."""
    _require_own(caller, body.organisation)
    content = _content(body)

    def work() -> dict[str, Any]:
        with by(caller.who):
            made = service.ledger.crypto.sign(body.organisation, body.key, content, body.timestamp)
        return {
            "cms": b64(made.cms),
            "certificate": made.certificate.hex(),
            "algorithm": made.algorithm,
            "signingTime": made.signing_time,
            "time": made.time,
        }

    # who asks for a time-stamp waits for its authority, and must not hold up everybody else
    return answer(await to_thread.run_sync(work, limiter=service.stamps if body.timestamp else None))


@router.post("/verify", response_model=CryptoReport, openapi_extra=_ACTION)
def verify(body: VerifyRequest, caller: CryptoUser, service: ServiceDep) -> Response:
    """核验 CMS 签名或时间戳，逐步说明。 A report on a CMS or a time-stamp token, step by step."""
    caller.require_organisation(body.organisation)
    content, crypto = _content(body), service.ledger.crypto
    brought = ValidationData(
        *(
            tuple(sorted({unb64(part, name) for part in parts}))
            for name, parts in (("certificates", body.certificates), ("crls", body.crls), ("ocsps", body.ocsps))
        )
    )
    wanted = None if body.recognised is None else Recognised(**body.recognised.model_dump())
    with by(caller.who):
        if body.cms is not None:
            report = crypto.verify(body.organisation, unb64(body.cms, "cms"), content, brought, wanted)
        else:
            report = crypto.verify_token(body.organisation, unb64(body.token, "token"), content, brought)
    return answer(report.to_json())


@router.post("/timestamp", response_model=MadeToken, responses=documented(409), openapi_extra=_ACTION)
async def timestamp(body: StampRequest, caller: CryptoUser, service: ServiceDep) -> Response:
    """为摘要取得时间戳（RFC 3161）。 A time-stamp over a digest, from the authorities of the settings."""
    caller.require_organisation(body.organisation)
    content = _digested(body.digest)

    def work() -> dict[str, Any]:
        with by(caller.who):
            token, time = service.ledger.crypto.timestamp(body.organisation, content)
        return {"token": b64(token), "time": time}

    return answer(await to_thread.run_sync(work, limiter=service.stamps))


@router.post("/encrypt", response_model=MadeEnvelope, responses=documented(404, 409), openapi_extra=_ACTION)
def encrypt(body: EncryptRequest, caller: CryptoUser, service: ServiceDep) -> Response:
    """用命名数据密钥加密；密文写明密钥与版本。 An envelope under the newest version of a named data key."""
    _require_own(caller, body.organisation)
    data = unb64(body.data, "data")
    with by(caller.who):
        made, version = service.ledger.crypto.encrypt(body.organisation, body.key, data, body.context)
    return answer({"envelope": b64(made), "version": version})


@router.post("/decrypt", response_model=OpenedEnvelope, responses=documented(404), openapi_extra=_ACTION)
def decrypt(body: DecryptRequest, caller: CryptoUser, service: ServiceDep) -> Response:
    """解密；旧版本的密文同样可解。 What an envelope holds, under whatever version of its key."""
    _require_own(caller, body.organisation)
    envelope = unb64(body.envelope, "envelope")
    with by(caller.who):
        data, head = service.ledger.crypto.decrypt(body.organisation, envelope, body.context)
    return answer({"data": b64(data), "key": head.name, "version": head.version})


def _require_own(caller: Caller, organisation: str) -> None:
    """Raises NotFoundError CRYPTO_KEY_UNKNOWN: the very answer for a key that nobody has."""
    if organisation not in caller.organisations:
        raise NotFoundError("CRYPTO_KEY_UNKNOWN")


def _content(body: About) -> Content:
    return _digested(body.digest) if body.digest is not None else Content(unb64(body.data, "data"))


def _digested(digest: Digested) -> Content:
    return Content(None, digest.algorithm, bytes.fromhex(digest.value))
