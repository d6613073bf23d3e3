"""Step 9, time. Stops: claimed times. Only blocks and tokens say when; what the office says is shown, never
used."""

from __future__ import annotations

from ledger.core.verdicts import Finding, Step, StepResult, failed, noted, undetermined
from ledger.verification.case import Case, Times, concluded, need

STEP = Step.TIME


def judge(case: Case) -> StepResult:
    """T0 from the block ``after``, T2 from the anchor's block; without a token T1 := T2, and the report says
    so.

    Blocks that are not final give no time. Late is said, not failed: outages happen.
    """
    bundle = need(case.bundle, Step.CONTAINER)
    after, block = need(case.after, Step.FINALITY), need(case.block, Step.FINALITY)
    not_before = need(after.finality, Step.FINALITY).timestamp
    anchored = need(block.finality, Step.FINALITY).timestamp
    findings = [_token(case, bundle.manifest.expects.token)]
    skew = case.tolerances.clock_skew
    if not_before > anchored + skew:
        findings.append(failed("TIME_ORDER", notBefore=not_before, anchored=anchored))
    if anchored > case.facts.now + skew:
        findings.append(undetermined("TIME_IN_FUTURE", anchored=anchored, now=case.facts.now))
    findings += _closed(case, bundle.manifest.closed, not_before, anchored)
    case.times = Times(not_before, anchored, anchored)
    proved = {"notBefore": not_before, "signature": anchored, "anchored": anchored, "source": "chain"}
    return concluded(STEP, findings, proved)


def _token(case: Case, expected: bool) -> Finding:
    """Version 1 of the bundle has no place for a token: one that is promised or demanded is a missing
    part."""
    if expected:
        return undetermined("TIME_TOKEN_MISSING")
    if case.policy is not None and case.policy.token == "required":  # noqa: S105 - a policy word, no secret
        return undetermined("TIME_TOKEN_REQUIRED", jurisdiction=case.jurisdiction)
    return noted("TIME_NO_TOKEN")


def _closed(case: Case, closed: int, not_before: int, anchored: int) -> list[Finding]:
    skew = case.tolerances.clock_skew
    if not not_before - skew <= closed <= anchored + skew:
        return [noted("TIME_CLOSED_IMPLAUSIBLE", closed=closed, notBefore=not_before, anchored=anchored)]
    if anchored - closed > case.tolerances.late:
        return [noted("TIME_LATE", closed=closed, anchored=anchored, hours=(anchored - closed) // 3600)]
    return []
