"""Step 10, path. Stops: certificates of a stranger's CA, of a CA struck from the list or compromised by then,
of one that this jurisdiction does not recognise for such records; certificates nobody needs."""

from __future__ import annotations

from ledger.core.bundles import Bundle
from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority
from ledger.core.verdicts import Finding, Step, StepResult, failed
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.cms import CmsSignature
from ledger.crypto.paths import CertificatePath, build_path
from ledger.errors import InputError
from ledger.verification.case import Case, SignerPath, Times, concluded, need, refused, unproved
from ledger.verification.compromise import fallen
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
            findings += _granted(authority, times)
        findings += _compromised(case.facts.trust, path, times)
        findings += _recognised(case, bundle, path.anchor_sha256, times)
        paths.append(SignerPath(path, authorities[0]))
    if len(paths) == len(signatures):
        case.paths = tuple(paths)
        findings += _unused(paths)
    return concluded(STEP, findings, {"authorities": [p.authority.name for p in paths]})


def _path(case: Case, bundle: Bundle, signature: CmsSignature, times: Times) -> CertificatePath:
    anchors = tuple(dict.fromkeys(a.certificate for a in case.facts.trust.authorities))
    return build_path(signature.certificate, bundle.validation.certificates, anchors, times.signature)


def _granted(authority: Authority, times: Times) -> list[Finding]:
    if authority.state_at(times.signature) == "granted":
        return []
    return [failed("PATH_AUTHORITY_NOT_GRANTED", authority=authority.name, at=times.signature)]


def _compromised(trust: Trust, path: CertificatePath, times: Times) -> list[Finding]:
    """It is a key that falls, not a certificate: a fallen authority's key under a renewed certificate, or below
    another's, has fallen as well."""
    found: list[Finding] = []
    keys = {read_certificate(der).spki for der in path.certificates[1:]}
    for authority in trust.authorities:
        since = authority.compromised_since
        if since is not None and _key(authority) in keys:
            found += fallen("PATH_AUTHORITY_COMPROMISED", since, times, authority=authority.name)
    return found


def _key(authority: Authority) -> bytes | None:
    try:
        return read_certificate(authority.certificate).spki
    except InputError:
        return None  # ends no path either


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
