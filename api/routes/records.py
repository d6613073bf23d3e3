"""Records: issue one, list, show, take its bundle."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import PRIVATE, AnyCaller, Reader, ServiceDep, answer, own_record, tagged
from api.errors import documented
from api.idempotency import Key, Remember, RequestDigest, act_once
from api.paging import Cursor, Limit, listing, place
from api.schemas.records import IssuedRecord, NewRecord, Record, RecordPage
from api.service import Service
from ledger.core.records import FileDigest
from ledger.core.registries import Kind
from ledger.core.typefiles import TypeDefinition
from ledger.errors import InputError, IntegrityError
from ledger.ports import RecordRow
from ledger.ports.access import ListedRecord
from ledger.services.forms import parse

BUNDLE = "application/vnd.zhengyin.bundle+json"
ISSUABLE = (Kind.LICENSE, Kind.SEAL, Kind.EVIDENCE)

router = APIRouter(prefix="/v1/records", tags=["records"])
Leaf = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="记录的叶子 · leaf of the record")]


@router.post(
    "",
    status_code=201,
    response_model=IssuedRecord,
    responses=documented(400, 401, 403, 409, 507),
    openapi_extra={"x-zhengyin-action": "issue"},
)
def issue(body: NewRecord, caller: AnyCaller, key: Key, digest: RequestDigest, service: ServiceDep) -> Response:
    """签发一条记录；证据类型需要 deposit 权限。 Issue one record; evidence needs the action `deposit`."""
    if not {"issue", "deposit"} & set(caller.actions):
        caller.require("issue")
    caller.require_organisation(body.issuer)
    definition = service.ledger.types.get(body.type)
    if definition.kind not in ISSUABLE:
        raise InputError("API_KIND", kind=definition.kind.word)
    caller.require("deposit" if definition.kind is Kind.EVIDENCE else "issue")

    leaf = act_once(service, caller, key, digest, lambda remember: _accept(service, definition, body, remember))
    return answer(_issued(service, leaf), 201, {"Location": f"/v1/records/{leaf.hex()}"})


def _accept(service: Service, definition: TypeDefinition, body: NewRecord, remember: Remember) -> bytes:
    texts = {name: text for name, value in body.values.items() if (text := _cell(definition, name, value))}
    row = parse(definition, texts, body.issuer, id_=body.id, serial=body.serial, supersedes=body.supersedes, prefix="/")
    if definition.kind is Kind.EVIDENCE and not body.files:
        raise InputError("DEPOSIT_EMPTY")
    valid = (row.valid_from, row.valid_until)
    if body.validFrom is not None or body.validUntil is not None:
        if definition.valid.rule != "none":
            raise InputError("API_VALIDITY", type=definition.code)
        valid = (body.validFrom, body.validUntil)
    files = [FileDigest(f.size, bytes.fromhex(f.sha256), bytes.fromhex(f.sm3)) for f in body.files]
    return service.ledger.issuing.issue(
        body.issuer,
        definition,
        row.values,
        id_=row.identifier,
        valid=valid,
        files=files,
        supersedes=row.supersedes,
        also=remember,
    ).leaf


def _cell(definition: TypeDefinition, name: str, value: object) -> str:
    """A value as a table's cell would hold it, so that both roads check alike."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if not isinstance(value, list):
        return str(value)
    separator = next((f.separator for f in definition.fields if f.name == name), "")
    if not separator or any(separator in part for part in value):
        raise InputError("API_LIST")
    return separator.join(value)


def _issued(service: Service, leaf: bytes) -> dict[str, Any]:
    with service.ledger.store.read() as unit:
        row = unit.records.by_leaf(leaf)
    if row is None:
        raise IntegrityError("API_ANSWER_LOST", leaf=leaf.hex())
    opened = service.ledger.bundling.open(row)
    (code,) = service.ledger.codes.of([row])
    return {
        "leaf": leaf.hex(),
        "id": opened.record.id,
        "issuer": row.issuer,
        "kind": row.kind.word,
        "type": row.type,
        "state": "accepted",
        "code": code,
    }


@router.get(
    "",
    response_model=RecordPage,
    responses=documented(400, 401, 403),
    openapi_extra={"x-zhengyin-action": "read"},
)
def records(
    request: Request,
    caller: Reader,
    service: ServiceDep,
    issuer: Annotated[str, Query(min_length=3, max_length=32, description="签发机构 · issuing organisation")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """机构的记录，按编号顺序。 An organisation's records in the order of their numbers.

    编号先于受理给出：翻页期间才受理的记录，编号可能已在游标之前。需要完整清单时，请在导入结束后从第一页重新读取。
    A number is given before its record is accepted: what is accepted while one pages may stand behind the cursor. A
    walk shows all that was accepted before it began; for what imports bring meanwhile, begin again when they ended.
    """
    caller.require_organisation(issuer)
    with service.ledger.store.read() as unit:
        found = unit.access.records(issuer, place(cursor) or 0, limit + 1)
    return listing(request, found, limit, _listed)


@router.get(
    "/{leaf}",
    response_model=Record,
    responses=documented(401, 403, 404),
    openapi_extra={"x-zhengyin-action": "read"},
)
def record(leaf: Leaf, caller: Reader, service: ServiceDep) -> Response:
    """一条记录在何处、到哪一步。 Where a record is."""
    return answer(_shown(service, own_record(service, caller, leaf)))


def _listed(r: ListedRecord) -> dict[str, Any]:
    return {"leaf": r.leaf.hex(), "issuer": r.issuer, "kind": r.kind.word, "type": r.type, "state": r.state}


def _shown(service: Service, row: RecordRow) -> dict[str, Any]:
    value = {"leaf": row.leaf.hex(), "issuer": row.issuer, "kind": row.kind.word, "type": row.type, "state": "accepted"}
    if row.batch is None:
        return value
    with service.ledger.store.read() as unit:
        batch = unit.batches.get(row.batch)
    return value | {"state": batch.state, "batch": {"root": batch.root.hex(), "index": row.index}}


@router.get(
    "/{leaf}/bundle",
    response_class=Response,
    responses=documented(401, 403, 404, 409)
    | {200: {"content": {BUNDLE: {}}}, 304: {"description": "未变 · unchanged"}},
    openapi_extra={"x-zhengyin-action": "read"},
)
def bundle(
    request: Request,
    leaf: Leaf,
    caller: Reader,
    service: ServiceDep,
    state: Annotated[bool, Query(description="附上当前状态，供离线核验 · staple the current state")] = False,
) -> Response:
    """证明包：脱离本系统也能核验。 The bundle, which can be verified without this system."""
    row = own_record(service, caller, leaf)
    data = service.ledger.bundling.bundle(row, None, state).to_bytes()
    if state:
        return Response(data, 200, {"Cache-Control": "no-store"}, BUNDLE)
    return tagged(request, data, hashlib.sha256(data).hexdigest(), BUNDLE, PRIVATE)
