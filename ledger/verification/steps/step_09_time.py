"""Step 9, time. Stops: claimed times; a time-stamp over something else, of an authority nobody lists, that was revoked
or had lost its key. Only blocks and tokens say when; what the office says is shown, never used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.core.trust_lists import Authority
from ledger.core.verdicts import Finding, Step, StepResult, failed, noted, undetermined
from ledger.crypto.certificates import fingerprint
from ledger.crypto.cms import CmsSignature
from ledger.crypto.suites import key_algorithms, require_token
from ledger.crypto.timestamps import TimestampToken, verify_kept
from ledger.errors import InputError
from ledger.verification.case import Case, Times, concluded, need, refused
from ledger.verification.policies import is_takeover
from ledger.verification.shortening import TOKEN, against_services
from ledger.verification.tokens import INDEPENDENT, JudgedToken, judge_token, operators_of

STEP = Step.TIME


def judge(case: Case) -> StepResult:
    """T0 from the block ``after``, T2 from the anchor's block, T1 from the token over the signature; without one
    T1 := T2, and the report says so.

    Blocks that are not final give no time. Late is said, not failed: outages happen. Of two signatures both exist at
    the later token's time.
    """
    bundle = need(case.bundle, Step.CONTAINER)
    after, block = need(case.after, Step.FINALITY), need(case.block, Step.FINALITY)
    not_before = need(after.finality, Step.FINALITY).timestamp
    anchored = need(block.finality, Step.FINALITY).timestamp
    skew = case.tolerances.clock_skew
    findings, tokens = _tokens(case, not_before, anchored)
    if not_before > anchored + skew:
        findings.append(failed("TIME_ORDER", notBefore=not_before, anchored=anchored))
    if anchored > case.facts.now + skew:
        findings.append(undetermined("TIME_IN_FUTURE", anchored=anchored, now=case.facts.now))
    findings += _closed(case, bundle.manifest.closed, not_before, anchored)
    if is_takeover(bundle.record):
        findings.append(noted("TIME_TAKEN_OVER", stated=bundle.record.issued, since=anchored))
    signed = max((t["time"] for t in tokens), default=anchored)
    case.times = Times(not_before, signed, anchored)
    proved = {
        "notBefore": not_before,
        "signature": signed,
        "anchored": anchored,
        "source": "token" if tokens else "chain",
        "tokens": tokens,
    }
    return concluded(STEP, findings, proved)


def _tokens(case: Case, not_before: int, anchored: int) -> tuple[list[Finding], list[dict[str, Any]]]:
    """What speaks against the tokens, and, if every signature has one and nothing of it contradicts, what they say.

    A token that the manifest does not promise is slack, whoever made it: anybody can have any signature stamped, at
    any later time.
    """
    signatures = case.signatures or ()
    stamped = [s for s in signatures if s.token is not None]
    if not need(case.bundle, Step.CONTAINER).manifest.expects.token:
        surplus = [failed("TIME_TOKEN_SURPLUS", certificate=s.certificate_sha256.hex()) for s in stamped]
        return surplus or [_without(case)], []
    findings = [] if stamped and len(stamped) == len(signatures) else [undetermined("TIME_TOKEN_MISSING")]
    told: list[dict[str, Any]] = []
    for signature in stamped:
        found, said = _token(case, signature, not_before, anchored)
        findings += found
        told += said
    return findings, told if len(told) == len(signatures) else []


def _without(case: Case) -> Finding:
    if case.policy is not None and case.policy.token != "optional":  # noqa: S105 - a policy word, no secret
        return undetermined("TIME_TOKEN_REQUIRED", jurisdiction=case.jurisdiction)
    return noted("TIME_NO_TOKEN")


def _token(
    case: Case, signature: CmsSignature, not_before: int, anchored: int
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """What speaks against one token, and what it says unless it is refuted."""
    validation = need(case.bundle, Step.CONTAINER).validation
    try:
        token = verify_kept(signature.token or b"", signature.signature)
        suite = need(case.bundle, Step.CONTAINER).manifest.suite
        require_token(suite, signature.algorithm, token.algorithm, token.info.digest)
    except InputError as e:
        _spare(case, None)
        return [refused("TIME_TOKEN_REFUSED", e, certificate=signature.certificate_sha256.hex())], []
    final = case.policy is not None and case.policy.revocation == "final"
    times = Times(not_before, token.time, anchored)

    def on_chain(path: Sequence[bytes]) -> list[Finding]:
        return against_services(case, path, times, TOKEN)

    judged = judge_token(token, case.facts.trust.authorities, validation, anchored, final, on_chain)
    _spare(case, judged)
    order = _order(case, token, not_before, anchored)
    findings, authority = [*judged.findings, *order, *_independence(case, judged)], judged.authority
    return findings, [] if order or authority is None else [_described(token, judged, authority)]


def _spare(case: Case, judged: JudgedToken | None) -> None:
    """What the token rests on is not unused (steps 10 and 12). Where its path is open nobody can say what that would
    be; the record does not pass then anyway."""
    if judged is not None and judged.authority is not None:
        case.used_validation |= judged.used
        return
    validation = need(case.bundle, Step.CONTAINER).validation
    case.used_validation |= frozenset((*validation.certificates, *validation.crls, *validation.ocsps))


def _order(case: Case, token: TimestampToken, not_before: int, anchored: int) -> list[Finding]:
    """T0 <= T1 <= T2: the signed manifest names the one block, and the contract asked for its signers in the other."""
    skew = case.tolerances.clock_skew
    if token.info.accuracy is not None and token.info.accuracy > skew:
        return [undetermined("TIME_TOKEN_INACCURATE", seconds=token.info.accuracy, limit=skew)]
    if not_before - skew <= token.time <= anchored + skew:
        return []
    return [failed("TIME_TOKEN_ORDER", time=token.time, notBefore=not_before, anchored=anchored)]


def _independence(case: Case, judged: JudgedToken) -> list[Finding]:
    """The trust file says whose a service is: for such a policy neither the issuer's nor that of who runs the chain."""
    if case.policy is None or case.policy.token != INDEPENDENT or judged.authority is None:
        return []
    provider, values = (
        judged.authority.provider,
        {"authority": judged.authority.name, "jurisdiction": case.jurisdiction},
    )
    if provider is None:
        return [undetermined("TIME_TOKEN_PROVIDER_UNKNOWN", **values)]
    operators = operators_of(case.facts.trust, need(case.chain, Step.FINALITY).identity)
    if provider in operators | {need(case.bundle, Step.CONTAINER).record.issuer}:
        return [undetermined("TIME_TOKEN_NOT_INDEPENDENT", provider=provider, **values)]
    return []


def _described(token: TimestampToken, judged: JudgedToken, authority: Authority) -> dict[str, Any]:
    return {
        "time": token.time,
        "accuracy": token.info.accuracy,
        "authority": authority.name,
        "provider": authority.provider,
        "certificate": fingerprint(token.certificate).hex(),
        "policy": token.info.policy,
        "serial": f"{token.info.serial:x}",
        "digest": token.info.digest,
        "algorithm": token.algorithm,
        "keys": sorted(key_algorithms(judged.path.certificates if judged.path else [token.certificate])),
        "asOf": judged.as_of,
    }


def _closed(case: Case, closed: int, not_before: int, anchored: int) -> list[Finding]:
    skew = case.tolerances.clock_skew
    if not not_before - skew <= closed <= anchored + skew:
        return [noted("TIME_CLOSED_IMPLAUSIBLE", closed=closed, notBefore=not_before, anchored=anchored)]
    if anchored - closed > case.tolerances.late:
        return [noted("TIME_LATE", closed=closed, anchored=anchored, hours=(anchored - closed) // 3600)]
    return []
