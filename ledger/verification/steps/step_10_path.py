"""Step 10, path. Stops: certificates of a stranger's CA, of a CA struck from the list or compromised by then,
of one that this jurisdiction does not recognise for such records; certificates nobody needs."""

from __future__ import annotations

from ledger.core.bundles import Bundle
from ledger.core.trust import Trust
from ledger.core.trust_lists import CA, Authority
from ledger.core.verdicts import Finding, Outcome, Step, StepResult, failed, undetermined, worst
from ledger.crypto.certificates import fingerprint
from ledger.crypto.cms import CmsSignature
from ledger.crypto.paths import CertificatePath, find_paths
from ledger.crypto.revocation import judge as judge_revocation
from ledger.errors import InputError
from ledger.verification.authority_keys import compromised, fallen_keys, struck
from ledger.verification.case import Case, SignerPath, Times, concluded, need, refused, unproved
from ledger.verification.compromise import fallen
from ledger.verification.policies import require_recognised
from ledger.verification.shortening import shortened

STEP = Step.PATH
_PART_MISSING = frozenset({"PATH_NONE", "PATH_NO_ANCHORS"})
_GRAVITY = (Outcome.PASSED, Outcome.UNDETERMINED, Outcome.FAILED)


def judge(case: Case) -> StepResult:
    """Each signing certificate leads at T1 to a CA granted then and recognised for this kind (RFC 5280
    section 6)."""
    bundle = need(case.bundle, Step.CONTAINER)
    signatures, times = need(case.signatures, Step.SIGNATURE), need(case.times, Step.TIME)
    findings: list[Finding] = []
    paths: list[SignerPath] = []
    for signature in signatures:
        try:
            possible = _paths(case, bundle, signature, times)
        except InputError as e:
            # Certificates that were left out make nothing false; a broken chain does.
            judged = unproved if e.code in _PART_MISSING else refused
            findings.append(judged("PATH_REFUSED", e, certificate=signature.certificate_sha256.hex()))
            continue
        judged_paths = [(path, _conditions(case, bundle, path, times)) for path in possible]
        path, faults = _best(case, judged_paths, bundle, times)
        findings += faults
        paths.append(SignerPath(path, _named(case.facts.trust, path)[0]))
    if len(paths) == len(signatures):
        case.paths = tuple(paths)
        findings += _unused(paths, case.used_validation)
    return concluded(STEP, findings, {"authorities": [p.authority.name for p in paths]})


def _paths(case: Case, bundle: Bundle, signature: CmsSignature, times: Times) -> tuple[CertificatePath, ...]:
    anchors = tuple(dict.fromkeys(a.certificate for a in _anchoring(case.facts.trust)))
    return find_paths(signature.certificate, bundle.validation.certificates, anchors, times.signature)


def _conditions(case: Case, bundle: Bundle, path: CertificatePath, times: Times) -> list[Finding]:
    """What the trust file, and the chain beside it, have against a path that is valid by itself."""
    found: list[Finding] = []
    for authority in _named(case.facts.trust, path):
        found += _granted(authority, times)
    found += _struck(case.facts.trust, path, times)
    found += _compromised(case.facts.trust, path, times)
    found += _recognised(case, bundle, path.anchor_sha256, times)
    return found + shortened(case, bundle.record.kind, path.certificates[1:], path.anchor_sha256, times)


def _best(
    case: Case, judged: list[tuple[CertificatePath, list[Finding]]], bundle: Bundle, times: Times
) -> tuple[CertificatePath, list[Finding]]:
    """Any path that holds is enough: authorities that certify each other, or renew their certificates, give several.

    Of several the one against which the least can be said, here and in step 12, then the one for which the bundle was
    made: it leaves nothing unused.
    """
    if len(judged) == 1:
        return judged[0]

    def gravity(of: tuple[CertificatePath, list[Finding]]) -> tuple[int, int, int, int]:
        path, faults = of
        unused = set(path.unused) - case.used_validation
        said, revoked = _GRAVITY.index(worst(tuple(faults))), _revocation(case, path, bundle, times)
        return said, max(revoked, 2 * bool(unused)), revoked, len(unused)

    return min(judged, key=gravity)


def _revocation(case: Case, path: CertificatePath, bundle: Bundle, times: Times) -> int:
    distrusted = fallen_keys(case.facts.trust.authorities)
    try:
        outcome = judge_revocation(path, bundle.validation, times.signature, distrusted).outcome
    except InputError:
        return 2
    return {"good": 0, "unknown": 1, "revoked": 2}[outcome]


def _named(trust: Trust, path: CertificatePath) -> list[Authority]:
    return [a for a in _anchoring(trust) if fingerprint(a.certificate) == path.anchor_sha256]


def _anchoring(trust: Trust) -> list[Authority]:
    """Who is listed as a time-stamp authority, a responder or a maker of seals certifies no signer."""
    return [a for a in trust.authorities if a.service == CA]


def _granted(authority: Authority, times: Times) -> list[Finding]:
    if authority.state_at(times.signature) == "granted":
        return []
    return [failed("PATH_AUTHORITY_NOT_GRANTED", authority=authority.name, at=times.signature)]


def _struck(trust: Trust, path: CertificatePath, times: Times) -> list[Finding]:
    """An authority that is listed, and no longer granted under any of its certificates, does not come back as somebody
    else's subordinate."""
    off = struck(trust.authorities, (CA,), path.certificates[1:-1], times.signature)
    return [finding for authority in off for finding in _granted(authority, times)]


def _compromised(trust: Trust, path: CertificatePath, times: Times) -> list[Finding]:
    """A fallen authority's key under a renewed certificate, or below another's, has fallen as well."""
    found: list[Finding] = []
    for authority, since in compromised(trust.authorities, path.certificates[1:]):
        found += fallen("PATH_AUTHORITY_COMPROMISED", since, times, authority=authority.name)
    return found


def _recognised(case: Case, bundle: Bundle, authority: bytes, times: Times) -> list[Finding]:
    kind, level = bundle.record.kind, case.policy.level if case.policy else None
    try:
        require_recognised(case.facts.trust, authority, kind, case.jurisdiction, level, times.signature)
    except InputError as error:
        # a jurisdiction of which the file knows nothing (step 7 says so) has not refused anybody
        return [(failed if case.policy is not None else undetermined)(error.code, **error.values)]
    return []


def _unused(paths: list[SignerPath], elsewhere: frozenset[bytes]) -> list[Finding]:
    """No slack: a certificate outside every path could be changed or added at will."""
    unused = set.intersection(*(set(p.path.unused) for p in paths)) - elsewhere
    return [failed("PATH_CERTIFICATE_UNUSED", certificate=fingerprint(der).hex()) for der in sorted(unused)]
