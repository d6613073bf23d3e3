"""Whom a time-stamp token is from: its path, the trust file's word on its authority, and its revocation.

That a token is about this signature, and signed by its certificate, has been verified before (``crypto.timestamps``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cryptography import x509

from ledger.core.bundles import ValidationData
from ledger.core.manifests import ChainIdentity
from ledger.core.trust import Trust
from ledger.core.trust_lists import CA, Authority
from ledger.core.trust_services import ServiceType
from ledger.core.verdicts import Finding, Outcome, failed, noted, undetermined, worst
from ledger.crypto.certificates import fingerprint
from ledger.crypto.path_rules import TIME_STAMPING
from ledger.crypto.paths import CertificatePath, find_paths
from ledger.crypto.revocation import RevocationVerdict
from ledger.crypto.revocation import judge as judge_revocation
from ledger.crypto.revocation_info import COMPROMISES, is_self_signed
from ledger.crypto.timestamps import TimestampToken
from ledger.errors import InputError
from ledger.verification.authority_keys import compromised, fallen_keys, struck
from ledger.verification.case import Times, refused, unproved
from ledger.verification.compromise import fallen

TSA = ServiceType.TSA.word
INDEPENDENT = "independent"
Beside = Callable[[Sequence[bytes]], list[Finding]]
_PART_MISSING = frozenset({"PATH_NONE", "PATH_NO_ANCHORS"})
_GRAVITY = (Outcome.PASSED, Outcome.UNDETERMINED, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class JudgedToken:
    """``authority``: under which the token is, ``None`` where no path was found; ``path``: ``None`` where the trust
    file lists the certificate itself and it leads to no other of the file; ``used``: the parts of the validation data
    on which this rests; ``as_of``: thisUpdate of the oldest of them, seconds UTC."""

    findings: tuple[Finding, ...]
    authority: Authority | None = None
    path: CertificatePath | None = None
    used: frozenset[bytes] = frozenset()
    as_of: int | None = None


def operators_of(trust: Trust, chain: ChainIdentity) -> frozenset[str]:
    """Who runs a node of the chain, now or once."""
    return frozenset(v.organisation for found in trust.chains if found.identity == chain for v in found.validators)


def judge_token(
    token: TimestampToken,
    authorities: Sequence[Authority],
    validation: ValidationData,
    anchored: int,
    final: bool = False,
    beside: Beside = lambda _: [],
) -> JudgedToken:
    """Judge at the token's own time, T1, which is relied on as far as the block at ``anchored`` (T2, seconds UTC)
    bounds it: a key that fell between the two may have made a token with an older date.

    ``authorities``: of the trust file; those of service ``tsa`` are believed, be it the authority's own certificate or
    one above it. ``final``: revocation data taken before T1 do not suffice. ``beside``: what others than the file have
    against the certificates of a path.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    stamping = [a for a in authorities if a.service == TSA]
    listed = [a for a in stamping if a.certificate == token.certificate]
    # Listed itself: its issuers are judged as well, whoever of the file they lead to.
    anchors = [a for a in authorities if a.service in (TSA, CA) and a not in listed] if listed else stamping
    try:
        paths = find_paths(
            token.certificate,
            validation.certificates,
            tuple(dict.fromkeys(a.certificate for a in anchors)),
            token.time,
            TIME_STAMPING,
        )
    except InputError as error:
        if error.code not in _PART_MISSING:
            return JudgedToken((refused("TIME_TOKEN_PATH_REFUSED", error),))
        if not listed:
            return JudgedToken((unproved("TIME_TOKEN_PATH_REFUSED", error),))
        found = _judge_listed(listed, token, authorities, validation, anchored)
        return replace(found, findings=(*found.findings, *beside((token.certificate,))))
    judged = []
    for path in paths:
        one = _judge_path(path, listed or anchors, token, authorities, validation, anchored, final)
        judged.append(replace(one, findings=(*one.findings, *beside(path.certificates))))
    return min(judged, key=lambda one: (_GRAVITY.index(worst(one.findings)), -len(one.used)))


def _judge_listed(
    listed: Sequence[Authority],
    token: TimestampToken,
    authorities: Sequence[Authority],
    validation: ValidationData,
    anchored: int,
) -> JudgedToken:
    """The trust file's word on a certificate that signed itself is all there is. Of another, whose issuer could have
    revoked it, the word alone is not enough: or else taking out what tells of a revocation would help."""
    found = [*_trusted(listed, None, token, authorities, anchored), *_dates(token)]
    if is_self_signed(token.certificate):
        return JudgedToken(tuple(found), listed[0])
    open_ = undetermined("TIME_TOKEN_ISSUER_UNLISTED", authority=listed[0].name)
    return JudgedToken((*found, open_), listed[0], None, _everything(validation))


def _judge_path(
    path: CertificatePath,
    anchors: Sequence[Authority],
    token: TimestampToken,
    authorities: Sequence[Authority],
    validation: ValidationData,
    anchored: int,
    final: bool,
) -> JudgedToken:
    named = [a for a in anchors if fingerprint(a.certificate) == path.anchor_sha256] or list(anchors)
    findings = _trusted(named, path, token, authorities, anchored)
    used = frozenset(path.certificates)
    try:
        verdict = judge_revocation(path, validation, token.time, fallen_keys(authorities))
    except InputError as error:
        refusal = refused("TIME_TOKEN_REVOCATION_REFUSED", error)
        return JudgedToken((*findings, refusal), named[0], path, _everything(validation))
    used |= _everything(validation) - set(verdict.unused) - set(validation.certificates)
    findings += _revocation(verdict, _times(token, anchored), final)
    return JudgedToken(tuple(findings), named[0], path, used, verdict.as_of)


def _everything(validation: ValidationData) -> frozenset[bytes]:
    return frozenset((*validation.certificates, *validation.crls, *validation.ocsps))


def _times(token: TimestampToken, anchored: int) -> Times:
    return Times(token.time, token.time, anchored)


def _trusted(
    named: Sequence[Authority],
    path: CertificatePath | None,
    token: TimestampToken,
    authorities: Sequence[Authority],
    anchored: int,
) -> list[Finding]:
    """Granted at T1, none of the path struck off by then, and no key of it known to have fallen."""
    found: list[Finding] = []
    if not any(a.state_at(token.time) == "granted" for a in named):
        found.append(failed("TIME_TOKEN_AUTHORITY_NOT_GRANTED", authority=named[0].name, at=token.time))
    certificates = path.certificates if path else (token.certificate,)
    for authority in struck(authorities, (TSA, CA), certificates[:-1], token.time):
        if authority not in named:
            found.append(failed("TIME_TOKEN_AUTHORITY_NOT_GRANTED", authority=authority.name, at=token.time))
    for authority, since in compromised(authorities, certificates):
        times = _times(token, anchored)
        found += fallen("TIME_TOKEN_AUTHORITY_COMPROMISED", since, times, authority=authority.name)
    return found


def _dates(token: TimestampToken) -> list[Finding]:
    """Of a certificate that is listed itself and so has no path."""
    certificate = x509.load_der_x509_certificate(token.certificate)
    since = int(certificate.not_valid_before_utc.timestamp())
    until = int(certificate.not_valid_after_utc.timestamp())
    if since <= token.time <= until:
        return []
    return [failed("TIME_TOKEN_CERTIFICATE_DATES", at=token.time, since=since, expires=until)]


def _revocation(verdict: RevocationVerdict, times: Times, final: bool) -> list[Finding]:
    """As for signers (step 12), but of the authority that gave the time."""
    if verdict.outcome == "revoked":
        return [failed("TIME_TOKEN_REVOKED", **verdict.values)]
    if verdict.outcome != "good":
        return [undetermined("TIME_TOKEN_REVOCATION_OPEN", cause=verdict.code, causeValues=verdict.values)]
    found: list[Finding] = []
    if verdict.provisional:
        judged = undetermined if final else noted
        found.append(judged("TIME_TOKEN_REVOCATION_PROVISIONAL", asOf=verdict.as_of))
    for values in verdict.afterwards:
        stolen: list[Finding] = []
        if values["reason"] in COMPROMISES:
            stolen = fallen("TIME_TOKEN_REVOKED", values["revoked"], times, **values)
        found += stolen or [noted("TIME_TOKEN_REVOKED_LATER", **values)]
    return found
