"""The trust file: what a verifier brings along, for the page and for other verifiers."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request, Response

from api.deps import PUBLIC, ServiceDep, tagged
from api.errors import documented

router = APIRouter(prefix="/v1/trust", tags=["trust"])


@router.get(
    "",
    response_class=Response,
    responses=documented() | {200: {"content": {"application/json": {}}}, 304: {"description": "未变 · unchanged"}},
)
def trust(request: Request, service: ServiceDep) -> Response:
    """信任文件；首次使用请按公报核对指纹。 The trust file; compare its fingerprint with the gazette at first."""
    data = service.ledger.trust.current().to_bytes()
    return tagged(request, data, hashlib.sha256(data).hexdigest(), "application/json", PUBLIC)
