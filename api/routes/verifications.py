"""Verification: of a bundle, of a document by its digests, of a number with its code. For everybody, without a token.

A failed verification is an answer, so it is 200 as well; a source that is silent makes it undetermined.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api import schemas
from api.deps import ServiceDep, answer, public
from api.errors import documented
from api.schemas.verifications import Document, NumberAndCode, Reports
from api.service import Service, service_of
from ledger.core.records import FileDigest
from ledger.core.verdicts import Indication
from ledger.errors import UnavailableError
from ledger.services.offline import Question
from ledger.services.verifying import Admitted
from ledger.verification.lines import Headline
from ledger.verification.report import Report, not_found

router = APIRouter(
    prefix="/v1/verifications", tags=["verifications"], responses=documented(400, 429), dependencies=[Depends(public)]
)
Jurisdiction = Annotated[
    str | None, Query(max_length=32, description="适用何地规则，如 CN-440100 · whose policy applies")
]


@router.post(
    "",
    response_model=schemas.verifications.Report,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/vnd.zhengyin.bundle+json": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def verify_bundle(request: Request, service: ServiceDep, jurisdiction: Jurisdiction = None) -> Response:
    """核验证明包，并查询链上最新状态。 The report on the bundle in the body, with the chain's newest state."""
    data = await request.body()
    question = Question(jurisdiction=jurisdiction)
    return await run_in_threadpool(lambda: answer(service.ledger.verifying.bundle(data, question).to_json()))


@router.post("/document", response_model=Reports)
def verify_document(body: Document, service: ServiceDep, jurisdiction: Jurisdiction = None) -> Response:
    """按文件摘要核验：文件不离开您的电脑。 By a file's digests; the file itself is not sent."""
    sm3 = bytes.fromhex(body.sm3) if body.sm3 else None
    document = FileDigest(body.size, bytes.fromhex(body.sha256), sm3 or bytes(32))
    question = Question(documents=(document,) if sm3 else (), jurisdiction=jurisdiction)
    return answer(_reports([service.ledger.verifying.by_file(document, question)]))


@router.post(
    "/number",
    response_model=Reports,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": NumberAndCode.model_json_schema()}},
        }
    },
)
async def verify_number(request: Request, jurisdiction: Jurisdiction = None) -> Response:
    """按编号与核验码核验。 By number and verification code."""
    service = await service_of(request)
    try:  # read here and not by the framework, whose way costs as much as the answer
        body = NumberAndCode.model_validate_json(await request.body())
    except ValidationError as e:
        raise RequestValidationError(e.errors(include_url=False, include_context=False, include_input=False)) from e
    ledger = service.ledger
    look = partial(_admitted, service, body, jurisdiction)
    # what is asked most is answered from memory after one look at rows; a file's take less time than another thread
    found, kept, key = look() if ledger.store.in_process else await run_in_threadpool(look)
    if found is None:
        return answer(_NOTHING)
    if kept is None:
        kept = await run_in_threadpool(_judged, service, found, key, Question(jurisdiction=jurisdiction))
    return Response(kept, media_type="application/json")


def _admitted(
    service: Service, body: NumberAndCode, jurisdiction: str | None
) -> tuple[Admitted | None, bytes | None, Hashable]:
    """(what may be shown, the report if it is kept, under which name; ``None`` where the chain is away)."""
    ledger = service.ledger
    found = ledger.verifying.admit(body.id, body.code or None)
    if found is None:
        return None, None, None
    try:
        key = (found.rows[-1].leaf, len(found.rows), found.whole, ledger.changes.epoch(), jurisdiction)
    except UnavailableError:
        return found, None, None
    return found, service.kept.get(key, ledger.clock()), key


def _judged(service: Service, found: Admitted, key: Hashable, question: Question) -> bytes:
    def judge() -> tuple[bytes, bool]:
        report = service.ledger.verifying.admitted(found, question)
        return orjson.dumps(_reports([report])), report.indication is not Indication.INDETERMINATE

    return judge()[0] if key is None else service.kept.once(key, service.ledger.clock(), judge)


def _reports(found: Sequence[Report]) -> dict[str, Any]:
    reports = [report.to_json() for report in found if report.headline is not Headline.NOT_FOUND]
    return {"headline": reports[0]["headline"], "reports": reports} if reports else _NOTHING


_NOTHING: dict[str, Any] = {"headline": not_found().to_json()["headline"], "reports": []}
