"""Step 3, disclosures. Stops: a changed name, age or address beside a true record; a claim the record never
made."""

from __future__ import annotations

from ledger.core.verdicts import Finding, Step, StepResult, failed, noted
from ledger.errors import InputError
from ledger.verification.case import Case, concluded, need, refused

STEP = Step.DISCLOSURES


def judge(case: Case) -> StepResult:
    """Each value shown opens the digest that the record holds under its name; in suite ``dual`` both."""
    bundle = need(case.bundle, Step.CONTAINER)
    findings: list[Finding] = []
    for disclosure in bundle.disclosures:
        claimed = bundle.record.claims.get(disclosure.name)
        try:
            if claimed is None:
                findings.append(failed("DISCLOSURE_NOT_CLAIMED", name=disclosure.name))
            elif disclosure.claim(bundle.record.suite) != claimed:
                findings.append(failed("DISCLOSURE_DIFFERS", name=disclosure.name))
        except InputError as e:
            findings.append(refused("DISCLOSURE_REFUSED", e, name=disclosure.name))
    hidden = len(bundle.record.claims) - len(bundle.disclosures)
    if hidden > 0:
        findings.append(noted("DISCLOSURE_HIDDEN", hidden=hidden))
    return concluded(STEP, findings, {"shown": [d.name for d in bundle.disclosures]})
