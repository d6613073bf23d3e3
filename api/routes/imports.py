"""Tables: sent in as a body, imported by the worker, reported on line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import PRIVATE, Importer, ServiceDep, answer, tagged
from api.errors import documented
from api.idempotency import Key, once, request_digest
from api.paging import Cursor, Limit, listing, place
from api.schemas.imports import Import, ImportPage
from api.service import Service
from ledger.core.canonical import FORBIDDEN
from ledger.errors import InputError, NotFoundError
from ledger.ports.access import AnswerRow, UploadRow
from ledger.services.access import Caller

PIECE = 1 << 18
MAX_NAME = 200
NAMELESS = "table.csv"

router = APIRouter(prefix="/v1/imports", tags=["imports"])
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="导入编号 · id of the import")]


@router.post(
    "",
    status_code=202,
    response_model=Import,
    responses=documented(400, 401, 403, 409, 507),
    openapi_extra={
        "x-zhengyin-action": "issue",
        "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def upload(
    request: Request,
    caller: Importer,
    key: Key,
    service: ServiceDep,
    type_: Annotated[str, Query(alias="type", min_length=1, max_length=200, description="类型名称或代码 · type")],
    issuer: Annotated[str | None, Query(max_length=32, description="令牌有多个机构时指明 · whose records")] = None,
    check: Annotated[bool, Query(description="只检查，不写入 · check only")] = False,
    origin: Annotated[Literal["issued", "takenOver"], Query(description="存量接管为 takenOver")] = "issued",
    name: Annotated[str | None, Header(alias="X-File-Name", max_length=2000, description="百分号编码")] = None,
) -> Response:
    """上传表格；受理后由后台导入。 Send a table in; the worker imports it."""
    uploads = service.ledger.uploads
    issuer = _issuer(caller, issuer)
    await run_in_threadpool(service.ledger.types.get, type_)
    id_ = uploads.new_id()
    digest = request_digest(request, await _receive(request, service, id_))
    asked = UploadRow(
        0, id_, caller.id, issuer, type_, origin, check, file_name(name), "waiting", None, 0, 0, 0, 0, None,
        int(service.ledger.clock()), None,
    )  # fmt: skip

    def make(remembered: AnswerRow) -> bytes:
        return uploads.accept(asked, replace(remembered, subject=id_)).id

    def accept() -> bytes:
        made = b""
        try:
            made = once(service.flights, service.ledger.access, caller, key, digest, make)
        finally:
            if made != id_:
                uploads.drop(id_)
        return made

    made = await run_in_threadpool(accept)
    service.wake()
    shown = _shown(replace(asked, id=made))
    return answer(shown, 202, {"Location": f"/v1/imports/{made.hex()}", "Retry-After": "1"})


def _issuer(caller: Caller, issuer: str | None) -> str:
    if issuer is None:
        if len(caller.organisations) != 1:
            raise InputError("API_ISSUER")
        return caller.organisations[0]
    caller.require_organisation(issuer)
    return issuer


async def _receive(request: Request, service: Service, id_: bytes) -> bytes:
    """The body on disk, its digest here; the event loop never waits for the disk."""
    limit = service.ledger.settings.upload_limit
    writer = await run_in_threadpool(service.ledger.upload_files.writer, id_, limit)
    with writer:
        piece = bytearray()
        async for chunk in request.stream():
            piece += chunk
            if len(piece) >= PIECE:
                await run_in_threadpool(writer.write, bytes(piece))
                piece.clear()
        if piece:
            await run_in_threadpool(writer.write, bytes(piece))
        finish: Callable[[], bytes] = writer.finish
        return await run_in_threadpool(finish)


def file_name(header: str | None) -> str:
    """The last part of a percent-encoded name, without what no name needs; shown to people, never part of a path."""
    text = unquote(header or "", errors="replace").replace("\\", "/").rpartition("/")[2]
    return FORBIDDEN.sub("", text).strip()[:MAX_NAME] or NAMELESS


@router.get(
    "", response_model=ImportPage, responses=documented(400, 401, 403), openapi_extra={"x-zhengyin-action": "issue"}
)
def imports(
    request: Request, caller: Importer, service: ServiceDep, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """本机构的导入，最新在前。 Imports of the caller's organisations, newest first."""
    with service.ledger.store.read() as unit:
        found = unit.access.uploads(caller.organisations, place(cursor), limit + 1)
    return listing(request, found, limit, _shown)


@router.get(
    "/{id}", response_model=Import, responses=documented(401, 403, 404), openapi_extra={"x-zhengyin-action": "issue"}
)
def import_(id: Id, caller: Importer, service: ServiceDep) -> Response:
    """导入进度。 Progress."""
    return answer(_shown(_own(service, caller, id)))


@router.get(
    "/{id}/report",
    response_class=Response,
    responses=documented(401, 403, 404)
    | {200: {"content": {"text/csv": {}}}, 304: {"description": "未变 · unchanged"}},
    openapi_extra={"x-zhengyin-action": "issue"},
)
def report(request: Request, id: Id, caller: Importer, service: ServiceDep) -> Response:
    """逐行结果（CSV，UTF-8 带 BOM）。 One line a row."""
    path = service.ledger.uploads.report(_own(service, caller, id).id)
    if path is None:
        raise NotFoundError("UPLOAD_NO_REPORT")
    with path.open("rb") as stream:
        tag = hashlib.file_digest(stream, "sha256").hexdigest()
    answered = tagged(request, b"", tag, "text/csv; charset=utf-8", PRIVATE)
    if answered.status_code == 304:
        return answered
    headers = dict(answered.headers) | {"Content-Disposition": f'attachment; filename="{id}.csv"'}
    del headers["content-length"]
    from starlette.responses import FileResponse

    return FileResponse(path, headers=headers, media_type="text/csv; charset=utf-8")


def _own(service: Service, caller: Caller, id_: str) -> UploadRow:
    found = service.ledger.uploads.find(bytes.fromhex(id_))
    if found is None or found.issuer not in caller.organisations:
        raise NotFoundError("UPLOAD_UNKNOWN")
    return found


def _shown(upload: UploadRow) -> dict[str, Any]:
    value = {
        "id": upload.id.hex(),
        "issuer": upload.issuer,
        "type": upload.type,
        "name": upload.name,
        "state": upload.state,
        "check": upload.check,
        "rows": upload.rows,
        "new": upload.new,
        "existing": upload.existing,
        "refused": upload.refused,
        "created": upload.created,
        "finished": upload.finished,
        "problem": upload.problem,
    }
    return {name: shown for name, shown in value.items() if shown is not None}
