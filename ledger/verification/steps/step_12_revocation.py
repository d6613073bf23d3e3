"""Step 12, revocation. Stops: a certificate revoked before it signed; revocation data left out, out of date,
or of somebody else."""

from __future__ import annotations

import hashlib

from ledger.core.verdicts import Finding, Step, StepResult, failed, noted, undetermined
from ledger.crypto.revocation import RevocationVerdict
from ledger.crypto.revocation import judge as judge_revocation
from ledger.crypto.revocation_info import COMPROMISES
from ledger.errors import InputError
from ledger.verification.authority_keys import fallen_keys
from ledger.verification.case import Case, Times, concluded, need, refused
from ledger.verification.compromise import fallen

STEP = Step.REVOCATION


def judge(case: Case) -> StepResult:
    """No certificate of a path was revoked at T1, shown by the data brought along (RFC 5280 section 6.3, RFC 6960),
    all used."""
    validation = need(case.bundle, Step.CONTAINER).validation
    paths, times = need(case.paths, Step.PATH), need(case.times, Step.TIME)
    distrusted = fallen_keys(case.facts.trust.authorities)
    findings: list[Finding] = []
    verdicts: list[RevocationVerdict] = []
    for signer in paths:
        try:
            verdict = judge_revocation(signer.path, validation, times.signature, distrusted)
        except InputError as e:
            findings.append(refused("REVOCATION_DATA_REFUSED", e))
            continue
        findings += _judged(case, verdict) + _afterwards(verdict, times)
        verdicts.append(verdict)
    if len(verdicts) == len(paths):
        findings += _unused(verdicts, case.used_validation)
    oldest = [v.as_of for v in verdicts if v.as_of is not None]
    return concluded(STEP, findings, {"asOf": min(oldest) if oldest else None})


def _judged(case: Case, verdict: RevocationVerdict) -> list[Finding]:
    if verdict.outcome == "revoked":
        return [failed(verdict.code, **verdict.values)]
    if verdict.outcome != "good":
        return [undetermined(verdict.code, **verdict.values)]
    if not verdict.provisional:
        return []
    if case.policy is not None and case.policy.revocation == "final":
        return [undetermined("REVOCATION_FINAL_WANTED", asOf=verdict.as_of)]
    return [noted(verdict.code, **verdict.values)]


def _afterwards(verdict: RevocationVerdict, times: Times) -> list[Finding]:
    """Valid then, and said so; but for a stolen key the block must be before the theft as well."""
    found: list[Finding] = []
    for values in verdict.afterwards:
        stolen: list[Finding] = []
        if values["reason"] in COMPROMISES:
            stolen = fallen("REVOCATION_COMPROMISED", values["revoked"], times, **values)
        found += stolen or [noted("REVOCATION_LATER", **values)]
    return found


def _unused(verdicts: list[RevocationVerdict], elsewhere: frozenset[bytes]) -> list[Finding]:
    """No slack: data on which no judgement rests could be changed or added at will."""
    unused = set.intersection(*(set(v.unused) for v in verdicts)) - elsewhere
    return [failed("REVOCATION_UNUSED", digest=hashlib.sha256(der).hexdigest()) for der in sorted(unused)]
