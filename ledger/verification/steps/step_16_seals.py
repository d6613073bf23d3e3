"""Step 16, seals in the file. Stops: a sealed document under a true bundle whose seal is a stranger's, revoked, or put
on another text; a license file that is another license than the record."""

from __future__ import annotations

from typing import Any

from ledger.core.identifiers import parse_license_identifier
from ledger.core.records import Record
from ledger.core.registries import Kind
from ledger.core.verdicts import Finding, Outcome, Step, StepResult, failed, noted, undetermined, worst
from ledger.errors import InputError
from ledger.verification.case import Case, concluded, need
from ledger.verification.sealed import SealedFile, SealedReport, format_named

STEP = Step.SEALS
_TOLD = frozenset({"OFD_SEAL_HOLDS", "OFD_METADATA_COPY"})
"""Of what a file's report merely notes, what belongs into the report on the record."""


def judge(case: Case) -> StepResult:
    """Every seal of every document that the record binds holds, as of when the anchor proves that it existed.

    Skipped where only digests were at hand and where no document holds a seal: a record needs none.
    """
    record = need(case.bundle, Step.CONTAINER).record
    if case.facts.sealed is None:
        return _skipped("SEALS_NOT_CHECKED" if record.files else "SEALS_NO_FILES")
    own = [file for file in case.facts.sealed if file.document in record.files]  # the others fail in step 1
    if not own:
        return _skipped("SEALS_NONE")
    findings: list[Finding] = []
    proved: list[dict[str, Any]] = []
    for file in own:
        if file.data is None:
            findings.append(noted("SEALS_TOO_LARGE", size=file.document.size, limit=format_named(file.format).most))
            continue
        report = _verify(case, file, file.data)
        findings += _judged(report) + _identity(record, report)
        proved.append(_proved(file, report))
    sealed = any(one["seals"] for one in proved)
    if not sealed and worst(tuple(findings)) is Outcome.PASSED:
        return StepResult(STEP, Outcome.SKIPPED, tuple(findings) or (noted("SEALS_NONE"),), {"files": proved})
    return concluded(STEP, findings, {"files": proved})


def _skipped(code: str) -> StepResult:
    return StepResult(STEP, Outcome.SKIPPED, (noted(code),))


def _verify(case: Case, file: SealedFile, data: bytes) -> SealedReport:
    from ledger.verification.seal_trust import existed_at, seal_judges

    return format_named(file.format).verify(data, case.facts.now, existed_at(case), seal_judges(case))


def _judged(report: SealedReport) -> list[Finding]:
    if not report.seals:
        if report.whole.outcome is not Outcome.FAILED:
            return [noted("SEALS_NONE")]
        # the bytes are those that were anchored; what cannot be read proves nothing against them
        return [undetermined("SEALS_UNREADABLE", cause=f.code, causeValues=f.values) for f in _against(report)]
    told = [f for step in report.whole.steps for f in step.findings if f.code in _TOLD]
    return _against(report) + told


def _against(report: SealedReport) -> list[Finding]:
    return [f for step in report.whole.steps for f in step.findings if f.outcome is not Outcome.PASSED]


def _identity(record: Record, report: SealedReport) -> list[Finding]:
    """A record with one file is about that file; among several, others may be enclosed."""
    found = report.identifiers
    if record.kind is not Kind.LICENSE or not found or any(_same(record.id, text) for text in found):
        return []
    judged = failed if len(record.files) == 1 else noted
    return [judged("SEALS_OTHER_LICENSE", named=", ".join(found), id=record.id)]


def _same(one: str, other: str) -> bool:
    """But for the check character, which some systems write wrongly."""
    if one == other:
        return True
    try:
        a, b = (parse_license_identifier(text, strict=False) for text in (one, other))
    except InputError:
        return False
    return (a.type_code, a.issuer_code, a.serial, a.version) == (b.type_code, b.issuer_code, b.serial, b.version)


def _proved(file: SealedFile, report: SealedReport) -> dict[str, Any]:
    return {
        "sha256": file.document.sha256.hex(),
        "format": file.format,
        "licenses": list(report.identifiers),
        "seals": [{**seal.proved, "outcome": seal.outcome.value, "code": seal.cause_code} for seal in report.seals],
    }
