"""Step 11, signer binding. Stops: a certificate of office B, or one mis-issued by any of ten CAs, signing for
office A; a stolen key used after it was reported."""

from __future__ import annotations

from ledger.core.verdicts import Finding, Step, StepResult, failed
from ledger.verification.case import Case, concluded, need
from ledger.verification.compromise import fallen

STEP = Step.SIGNER_BINDING


def judge(case: Case) -> StepResult:
    """At T2 the contract had checked each certificate of the event as bound to the issuer; each signature's
    is among them, and none is known to be compromised by then (whatever organisation the trust file names
    beside it)."""
    signatures = need(case.signatures, Step.SIGNATURE)
    event, times = need(case.event, Step.ANCHOR), need(case.times, Step.TIME)
    findings: list[Finding] = []
    for digest in (s.certificate_sha256 for s in signatures):
        if digest not in event.signers:
            findings.append(failed("SIGNER_NOT_BOUND", certificate=digest.hex()))
    named = {*event.signers, *(s.certificate_sha256 for s in signatures)}
    for signer in case.facts.trust.compromised_signers:
        if signer.certificate in named:
            values = {"certificate": signer.certificate.hex(), "at": times.anchored}
            findings += fallen("SIGNER_COMPROMISED", signer.since, times, **values)
    return concluded(STEP, findings, {"signers": [d.hex() for d in event.signers]})
