"""Step 2, record. Stops: a record that only this reader understands, a license number that was never issued
in that form, a validity that ends before it begins."""

from __future__ import annotations

from ledger.core.identifiers import require_record_id
from ledger.core.records import Record
from ledger.core.registries import Kind, Relation
from ledger.core.verdicts import Finding, Step, StepResult, failed, noted
from ledger.errors import InputError
from ledger.verification.case import Case, concluded, need, refused
from ledger.verification.policies import is_takeover

STEP = Step.RECORD
_SAID = (Relation.COUNTERSIGNS, Relation.TAKES_CUSTODY_OF, Relation.DECIDES_ON)
"""What a record itself says of another, and no more than says."""


def judge(case: Case) -> StepResult:
    """The record read once more from the very bytes that are hashed; ids strict, validity in order."""
    record = need(case.bundle, Step.CONTAINER).record
    try:
        if Record.from_bytes(record.to_bytes()) != record:
            return concluded(STEP, [failed("RECORD_AMBIGUOUS")])
    except InputError as e:
        return concluded(STEP, [refused("RECORD_REFUSED", e)])
    findings = _identifier(record)
    if record.valid_from and record.valid_until and record.valid_until < record.valid_from:
        findings.append(failed("RECORD_VALIDITY_ORDER", since=record.valid_from, until=record.valid_until))
    findings += [
        noted("RECORD_RELATES", relation=r.relation.word, issuer=r.issuer, leaf=r.leaf.hex())
        for r in record.refs
        if r.relation in _SAID
    ]
    proved = {
        "leaf": record.leaf().hex(),
        "kind": record.kind.word,
        "id": record.id,
        "type": record.type,
        "issuer": record.issuer,
        "issued": record.issued,
        "validFrom": record.valid_from,
        "validUntil": record.valid_until,
    }
    if record.suite.has_sm3:
        proved |= {"suite": record.suite.word, "leafSm3": record.leaf_sm3().hex()}
    return concluded(STEP, findings, proved)


def _identifier(record: Record) -> list[Finding]:
    """Licenses: GB/T 36904, strict for what the office issued itself, a remark for what it took over."""
    if record.kind is not Kind.LICENSE:
        return []
    try:
        require_record_id(record.id, strict=True)
    except InputError as e:
        if is_takeover(record):
            return [noted("RECORD_ID_LENIENT", cause=e.code, causeValues=e.values)]
        return [refused("RECORD_ID_REFUSED", e)]
    return []
