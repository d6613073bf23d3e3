"""Batches of the caller's organisations."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from api.deps import IMMUTABLE, Reader, ServiceDep, answer, tagged
from api.errors import documented
from api.paging import Cursor, Limit, listing, place
from api.schemas.batches import Batch, BatchPage
from ledger.errors import NotFoundError
from ledger.ports import BatchRow
from ledger.ports.access import ListedBatch

router = APIRouter(prefix="/v1/batches", tags=["batches"], responses=documented(401, 403))
Root = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="批次的根 · root of the batch")]
_EXTRA = {"x-zhengyin-action": "read"}


@router.get("", response_model=BatchPage, responses=documented(400), openapi_extra=_EXTRA)
def batches(
    request: Request, caller: Reader, service: ServiceDep, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """批次，最新在前。 Batches, newest first."""
    with service.ledger.store.read() as unit:
        found = unit.access.batches(caller.organisations, place(cursor), limit + 1)
    return listing(request, found, limit, _shown)


@router.get(
    "/{root}",
    response_model=Batch,
    responses=documented(404) | {304: {"description": "未变 · unchanged"}},
    openapi_extra=_EXTRA,
)
def batch(request: Request, root: Root, caller: Reader, service: ServiceDep) -> Response:
    """一个批次；有收据之后不再变化。 One batch; once receipted it never changes."""
    with service.ledger.store.read() as unit:
        found = unit.batches.by_root(bytes.fromhex(root))
    if found is None or found.issuer not in caller.organisations:
        raise NotFoundError("BATCH_UNKNOWN")
    shown = _shown(found)
    if found.state != "receipted":
        return answer(shown)
    data = orjson.dumps(shown)
    return tagged(request, data, hashlib.sha256(data).hexdigest(), "application/json", IMMUTABLE)


def _shown(batch: BatchRow | ListedBatch) -> dict[str, Any]:
    value = {
        "root": batch.root.hex(),
        "issuer": batch.issuer,
        "kind": batch.kind.word,
        "state": batch.state,
        "size": batch.size,
        "manifestSha256": batch.manifest_sha256.hex() if batch.manifest_sha256 else None,
        "sequence": batch.sequence,
        "block": batch.block,
        "problem": batch.problem,
    }
    return {name: shown for name, shown in value.items() if shown is not None}
