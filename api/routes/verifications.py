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
from api.schemas.verifications import BundleAndDocuments, Document, NumberAndCode, Reports
from api.service import Service, service_of
from ledger.core.records import FileDigest
from ledger.core.verdicts import Indication
from ledger.errors import UnavailableError
from ledger.services.offline import Question
from ledger.services.verifying import NO_SM3, Admitted
from ledger.verification.lines import Headline
from ledger.verification.report import Report, not_found, together

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
    document = _digest(body)
    question = Question(documents=(document,), jurisdiction=jurisdiction)
    return answer(_reports(service.ledger.verifying.all_by_file(document, question)))


@router.post("/bundle", response_model=schemas.verifications.Report)
def verify_with_documents(body: BundleAndDocuments, service: ServiceDep, jurisdiction: Jurisdiction = None) -> Response:
    """核验证明包，并核对文件是否即其所证明者。 The report on a bundle, and whether the files are those it proves."""
    question = Question(documents=tuple(map(_digest, body.documents)), jurisdiction=jurisdiction)
    return answer(service.ledger.verifying.bundle(body.bundle.encode(), question).to_json())


def _digest(document: Document) -> FileDigest:
    sm3 = bytes.fromhex(document.sm3) if document.sm3 else NO_SM3
    return FileDigest(document.size, bytes.fromhex(document.sha256), sm3)


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
    look = partial(ledger.verifying.admit, body.id, body.code or None)
    # what is asked most is answered from memory after one look at rows; a file's take less time than another thread
    found = look() if ledger.store.in_process else await run_in_threadpool(look)
    if found is None:
        return answer(_NOTHING)
    epoch = ledger.changes.known(found.seen)
    if epoch is None:
        epoch = await run_in_threadpool(_epoch, service, found)
    key = None if epoch is None else (found.rows[-1].leaf, len(found.rows), found.whole, epoch, jurisdiction)
    kept = None if key is None else service.kept.get(key, ledger.clock())
    if kept is None:
        kept = await run_in_threadpool(_judged, service, found, key, Question(jurisdiction=jurisdiction))
    return Response(kept, media_type="application/json")


def _epoch(service: Service, found: Admitted) -> int | None:
    """``None`` where the chain is away: then nothing is kept."""
    try:
        return service.ledger.changes.epoch(found.seen)
    except UnavailableError:
        return None


def _judged(service: Service, found: Admitted, key: Hashable, question: Question) -> bytes:
    def judge() -> tuple[bytes, bool]:
        report = service.ledger.verifying.admitted(found, question)
        return orjson.dumps(_reports([report])), report.indication is not Indication.INDETERMINATE

    return judge()[0] if key is None else service.kept.once(key, service.ledger.clock(), judge)


def _reports(found: Sequence[Report]) -> dict[str, Any]:
    known = [report for report in found if report.headline is not Headline.NOT_FOUND]
    return {"headline": together(known), "reports": [r.to_json() for r in known]} if known else _NOTHING


_NOTHING: dict[str, Any] = {"headline": not_found().to_json()["headline"], "reports": []}
