"""Step 10, path. Stops: certificates of a stranger's CA, of a CA struck from the list or compromised by then,
of one that this jurisdiction does not recognise for such records; certificates nobody needs."""

from __future__ import annotations

from ledger.core.bundles import Bundle
from ledger.core.trust_lists import Authority
from ledger.core.verdicts import Finding, Outcome, Step, StepResult, failed, undetermined
from ledger.crypto.certificates import fingerprint
from ledger.crypto.cms import CmsSignature
from ledger.crypto.paths import CertificatePath, build_path
from ledger.errors import InputError
from ledger.verification.case import Case, SignerPath, Times, concluded, need, refused, unproved
from ledger.verification.compromise import touched
from ledger.verification.policies import recognitions_for

STEP = Step.PATH
_PART_MISSING = frozenset({"PATH_NONE", "PATH_NO_ANCHORS"})


def judge(case: Case) -> StepResult:
    """Each signing certificate leads at T1 to a CA granted then and recognised for this kind (RFC 5280
    section 6)."""
    bundle = need(case.bundle, Step.CONTAINER)
    signatures, times = need(case.signatures, Step.SIGNATURE), need(case.times, Step.TIME)
    findings: list[Finding] = []
    paths: list[SignerPath] = []
    for signature in signatures:
        try:
            path = _path(case, bundle, signature, times)
        except InputError as e:
            # Certificates that were left out make nothing false; a broken chain does.
            judged = unproved if e.code in _PART_MISSING else refused
            findings.append(judged("PATH_REFUSED", e, certificate=signature.certificate_sha256.hex()))
            continue
        authorities = [a for a in case.facts.trust.authorities if fingerprint(a.certificate) == path.anchor_sha256]
        for authority in authorities:
            findings += _authority(authority, times)
        findings += _recognised(case, bundle, path.anchor_sha256, times)
        paths.append(SignerPath(path, authorities[0]))
    if len(paths) == len(signatures):
        case.paths = tuple(paths)
        findings += _unused(paths)
    return concluded(STEP, findings, {"authorities": [p.authority.name for p in paths]})


def _path(case: Case, bundle: Bundle, signature: CmsSignature, times: Times) -> CertificatePath:
    anchors = tuple(dict.fromkeys(a.certificate for a in case.facts.trust.authorities))
    return build_path(signature.certificate, bundle.validation.certificates, anchors, times.signature)


def _authority(authority: Authority, times: Times) -> list[Finding]:
    found = []
    state = authority.state_at(times.signature)
    if state != "granted":
        found.append(failed("PATH_AUTHORITY_NOT_GRANTED", authority=authority.name, at=times.signature))
    since = authority.compromised_since
    if since is not None:
        outcome = touched(since, times)
        if outcome is Outcome.FAILED:
            found.append(failed("PATH_AUTHORITY_COMPROMISED", authority=authority.name, since=since))
        elif outcome is Outcome.UNDETERMINED:
            found.append(undetermined("PATH_AUTHORITY_COMPROMISED", authority=authority.name, since=since))
    return found


def _recognised(case: Case, bundle: Bundle, authority: bytes, times: Times) -> list[Finding]:
    kind, level = bundle.record.kind, case.policy.level if case.policy else None
    current = recognitions_for(case.facts.trust, authority, kind, case.jurisdiction, times.signature)
    values = {"kind": kind.word, "jurisdiction": case.jurisdiction, "authority": authority.hex()}
    if not current:
        return [failed("PATH_NOT_RECOGNISED", **values)]
    if level is not None and max(r.level for r in current) < level:
        return [failed("PATH_LEVEL_TOO_LOW", level=max(r.level for r in current), wanted=level, **values)]
    return []


def _unused(paths: list[SignerPath]) -> list[Finding]:
    """No slack: a certificate outside every path could be changed or added at will."""
    unused = set.intersection(*(set(p.path.unused) for p in paths))
    return [failed("PATH_CERTIFICATE_UNUSED", certificate=fingerprint(der).hex()) for der in sorted(unused)]
