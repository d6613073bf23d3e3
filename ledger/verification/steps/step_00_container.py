"""Step 0, container. Stops: two readings of one file, hidden or repeated parts, bits that nobody reads."""

from __future__ import annotations

from ledger.core.bundles import Bundle
from ledger.core.verdicts import Step, StepResult, noted
from ledger.errors import InputError
from ledger.verification.case import Case, concluded, refused

STEP = Step.CONTAINER


def judge(case: Case) -> StepResult:
    """The bundle is strictly read: canonical, known members only, bounded. FORMATS, "Bundle"."""
    try:
        case.bundle = Bundle.from_bytes(case.facts.bundle)
    except InputError as e:
        return concluded(STEP, [refused("CONTAINER_REFUSED", e)])
    return concluded(STEP, [noted("CONTAINER_READ", size=len(case.facts.bundle))])
