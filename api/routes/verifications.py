"""Verification of a bundle against the chain's newest state."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from ledger.core.canonical import BUNDLE_LIMITS
from ledger.errors import InputError
from ledger.services.offline import Question

router = APIRouter(prefix="/v1/verifications")


@router.post("", openapi_extra={"requestBody": {"content": {"application/vnd.zhengyin.bundle+json": {}}}})
async def verify_bundle(request: Request) -> dict[str, Any]:
    """The report on the bundle in the body. A failed verification is an answer, so it is 200 as well."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        # counted while it arrives: a body without a length must not fill the memory
        if len(data) > BUNDLE_LIMITS.size:
            raise InputError("API_BODY_TOO_LARGE", limit=BUNDLE_LIMITS.size)
    verifying = request.app.state.ledger.verifying
    return await run_in_threadpool(lambda: dict(verifying.bundle(bytes(data), Question()).to_json()))
