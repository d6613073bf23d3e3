"""Audits of the ledger, for auditors."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from pydantic.config import JsonDict

from api.schemas.common import Shown

_FINDING: JsonDict = {
    "code": "AUDIT_ROW_DIFFERS",
    "where": "batches/1/size",
    "what": {"table": "batches", "row": 1, "column": "size"},
    "undetermined": False,
    "zh": "…",
    "en": "…",
}


class AuditFinding(Shown):
    """``where``: table, row and column, or the part of a segment; ``undetermined``: not a difference but something that
    could not be read."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_FINDING]})

    code: str
    where: str
    what: dict[str, Any]
    undetermined: bool
    zh: str
    en: str


class AuditResult(Shown):
    """``outcome``: clean, differs or undetermined, of the ledger as a whole, like the figures; ``findings``: those
    about the organisation's own and about what is nobody's own; ``others``: number of those about other offices';
    ``more``: not shown."""

    model_config = ConfigDict(frozen=True, extra="allow")

    outcome: str
    unlocked: bool
    block: int
    batches: int
    records: int
    differing: int
    undetermined: int
    counts: dict[str, int]
    findings: list[AuditFinding]
    others: int
    more: int


class Audit(Shown):
    """``state``: waiting, running, finished or failed; ``since``: first block whose batches are proved; ``records``:
    proved so far; ``problem``: code of what kept it from its end."""

    id: str
    organisation: str
    since: int
    state: str
    records: int
    created: int
    finished: int | None = None
    problem: str | None = None
    result: AuditResult | None = None


class AuditList(Shown):
    items: list[Audit]
