"""Step 15, validity. Stops: a license shown before its first day or after its last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from ledger.core.verdicts import Finding, Step, StepResult, failed, noted, undetermined
from ledger.verification.case import Case, concluded, need

STEP = Step.VALIDITY
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991


def judge(case: Case) -> StepResult:
    """The day of Ti in Asia/Shanghai lies within the record's validity, both ends inclusive."""
    record = need(case.bundle, Step.CONTAINER).record
    interest = need(case.interest, Step.STATUS)
    day = _day(interest)
    if day is None:
        return concluded(STEP, [undetermined("VALIDITY_INSTANT_RANGE", at=interest)])
    findings: list[Finding] = []
    if record.valid_from is not None and day < record.valid_from:
        findings.append(failed("VALIDITY_NOT_YET", day=day, validFrom=record.valid_from))
    if record.valid_until is not None and day > record.valid_until:
        findings.append(failed("VALIDITY_EXPIRED", day=day, validUntil=record.valid_until))
    if record.valid_from is None and record.valid_until is None:
        findings.append(noted("VALIDITY_OPEN"))
    return concluded(STEP, findings, {"day": day, "validFrom": record.valid_from, "validUntil": record.valid_until})


def _day(instant: int) -> str | None:
    try:
        return datetime.fromtimestamp(instant, UTC).astimezone(SHANGHAI).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None
