"""Step 6, signature. Stops: a manifest that the office never signed, or one of two signatures taken away."""

from __future__ import annotations

from ledger.core.verdicts import Finding, Step, StepResult, failed, undetermined
from ledger.crypto.cms import CmsSignature, verify_detached
from ledger.crypto.suites import require_algorithm
from ledger.errors import InputError
from ledger.verification.case import Case, concluded, need, refused

STEP = Step.SIGNATURE


def judge(case: Case) -> StepResult:
    """As many detached CMS as the manifest says, each over its canonical bytes (RFC 5652 section 5), all
    valid, and each by an algorithm that the manifest's suite takes in its place."""
    bundle = need(case.bundle, Step.CONTAINER)
    content, expected = bundle.manifest.to_bytes(), bundle.manifest.expects.signatures
    complete = len(bundle.signatures) >= expected
    findings: list[Finding] = []
    valid: list[CmsSignature] = []
    for position, cms in enumerate(bundle.signatures):
        try:
            signature = verify_detached(cms, content)
            require_algorithm(bundle.manifest.suite, position if complete else None, signature.algorithm)
            valid.append(signature)
        except InputError as e:
            findings.append(refused("SIGNATURE_REFUSED", e, position=position))
    if not complete:
        findings.append(undetermined("SIGNATURE_MISSING", expected=expected, found=len(bundle.signatures)))
    if len(bundle.signatures) > expected:
        findings.append(failed("SIGNATURE_SURPLUS", expected=expected, found=len(bundle.signatures)))
    if len({s.certificate_sha256 for s in valid}) < len(valid):
        findings.append(failed("SIGNATURE_REPEATED"))
    if valid and len(valid) == len(bundle.signatures):
        case.signatures = tuple(valid)
    return concluded(STEP, findings, {"signers": [_described(s) for s in valid]})


def _described(signature: CmsSignature) -> dict[str, object]:
    return {
        "certificate": signature.certificate_sha256.hex(),
        "organization": signature.organization,
        "algorithm": signature.algorithm,
        "claimedTime": signature.signing_time,
    }
