"""Step 1, bytes. Stops: another file under a true bundle; appended bytes (a PDF update that replaces what is
read while the first ``size`` bytes keep their digest)."""

from __future__ import annotations

from ledger.core.records import FileDigest
from ledger.core.verdicts import Finding, Outcome, Step, StepResult, failed, noted
from ledger.verification.case import Case, concluded, need

STEP = Step.BYTES


def judge(case: Case) -> StepResult:
    """Every document handed in equals one file of the record: exact size, SHA-256 and SM3.

    Without a document the content is not checked and the step says so; a record without files binds only its
    claims.
    """
    files = need(case.bundle, Step.CONTAINER).record.files
    documents = case.facts.documents
    if not documents:
        code = "BYTES_NOT_CHECKED" if files else "BYTES_NO_FILES"
        return StepResult(STEP, Outcome.SKIPPED, (noted(code, files=len(files)),))
    findings = [_judge(document, files) for document in documents]
    missing = sum(file not in documents for file in files)
    if missing:
        findings.append(noted("BYTES_SOME_NOT_CHECKED", files=missing))
    return concluded(STEP, findings, {"documents": [d.sha256.hex() for d in documents]})


def _judge(document: FileDigest, files: tuple[FileDigest, ...]) -> Finding:
    if document in files:
        return noted("BYTES_EQUAL", size=document.size, sha256=document.sha256.hex())
    if not files:
        return failed("BYTES_UNEXPECTED", given=document.size)
    if document.size not in {file.size for file in files}:
        nearest = min(files, key=lambda file: abs(file.size - document.size))
        return failed("BYTES_SIZE_DIFFERS", given=document.size, expected=nearest.size)
    return failed("BYTES_DIGEST_DIFFERS", given=document.sha256.hex(), size=document.size)
