"""Step 13, accreditation. Stops: an office accredited for one kind of record, type or place anchoring
another."""

from __future__ import annotations

from ledger.core.identifiers import organisation_bytes32
from ledger.core.verdicts import Outcome, Step, StepResult, failed, noted, undetermined
from ledger.verification.case import Case, concluded, need

STEP = Step.ACCREDITATION
_NONE = bytes(32)


def judge(case: Case) -> StepResult:
    """At T2 the contract had checked organisation, kind and dates of the accreditation that the event names;
    the document in the bundle is that accreditation and covers the record's type.

    Statuses and tombstones need none: an office whose accreditation ended can still end its licenses.
    """
    bundle = need(case.bundle, Step.CONTAINER)
    event, document = need(case.event, Step.ANCHOR), bundle.anchor.accreditation
    if not bundle.record.kind.needs_accreditation:
        if document is not None or event.accreditation != _NONE:
            return concluded(STEP, [failed("ACCREDITATION_SURPLUS", kind=bundle.record.kind.word)])
        return StepResult(STEP, Outcome.SKIPPED, (noted("ACCREDITATION_NOT_NEEDED", kind=bundle.record.kind.word),))
    if document is None:
        return concluded(STEP, [undetermined("ACCREDITATION_MISSING", id=event.accreditation.hex())])
    findings = []
    if document.id() != event.accreditation:
        findings.append(failed("ACCREDITATION_ID_DIFFERS", found=document.id().hex(), event=event.accreditation.hex()))
    if organisation_bytes32(document.organisation) != event.issuer or document.kind.value != event.kind:
        findings.append(failed("ACCREDITATION_OF_ANOTHER", organisation=document.organisation, kind=document.kind.word))
    if not document.covers(bundle.record.type):
        findings.append(failed("ACCREDITATION_OUT_OF_SCOPE", type=bundle.record.type))
    proved = {
        "id": event.accreditation.hex(),
        "jurisdiction": document.jurisdiction,
        "reference": document.reference,
    }
    return concluded(STEP, findings, proved)
