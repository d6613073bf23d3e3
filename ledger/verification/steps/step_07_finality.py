"""Step 7, finality. Stops: headers nobody sealed, seals of strangers or of validators long retired, another
past."""

from __future__ import annotations

from ledger.core.bundles import Bundle
from ledger.core.trusted_chains import TrustedChain
from ledger.core.verdicts import Finding, Step, StepResult, failed, undetermined
from ledger.errors import InputError
from ledger.verification.blocks import SealedBlock, describe, find_chain, judge_block, name_of, require_policy
from ledger.verification.case import Case, concluded, need, refused

STEP = Step.FINALITY


def judge(case: Case) -> StepResult:
    """The blocks of the anchor and of ``after`` are final by the trust file's validators, one before the
    other."""
    bundle = need(case.bundle, Step.CONTAINER)
    findings = _trust(case)
    chain = case.chain = find_chain(case.facts.trust, bundle.manifest.chain)
    if chain is None:
        return concluded(STEP, [*findings, undetermined("FINALITY_CHAIN_UNKNOWN", chain=bundle.manifest.chain.id)])
    block, found = _read(case, chain, bundle.anchor.header, "anchor")
    findings += found
    after, found = _read(case, chain, bundle.anchor.after, "after")
    findings += found
    if after is not None:
        findings += _after(bundle, chain, after, block)
    case.block, case.after = block, after
    final = block.finality if block else None
    return concluded(STEP, findings, describe(chain, final) if final else None)


def _trust(case: Case) -> list[Finding]:
    """An old trust file may still trust a key or an authority that has fallen since."""
    found = []
    if case.facts.now >= case.facts.trust.expires:
        found.append(undetermined("TRUST_FILE_EXPIRED", expires=case.facts.trust.expires))
    if case.policy is None:
        found.append(undetermined("POLICY_UNKNOWN", jurisdiction=case.jurisdiction))
    return found


def _read(case: Case, chain: TrustedChain, data: bytes, which: str) -> tuple[SealedBlock | None, list[Finding]]:
    try:
        block = judge_block(chain, data, which)
    except InputError as e:
        return None, [refused("FINALITY_HEADER_REFUSED", e, which=which)]
    if block.finality is None:
        return block, list(block.findings)
    return block, require_policy(case.policy, block.finality, which)


def _after(bundle: Bundle, chain: TrustedChain, after: SealedBlock, block: SealedBlock | None) -> list[Finding]:
    """``after`` is the block that the signed manifest names, and it lies before the anchor's."""
    named, found = bundle.manifest.after, []
    try:
        hash_ = name_of(chain, after.header)
    except InputError as e:
        return [refused("FINALITY_HEADER_REFUSED", e, which="after")]
    if (after.header.number, hash_) != (named.block, named.hash):
        found.append(failed("FINALITY_AFTER_DIFFERS", block=after.header.number, expected=named.block))
    if block is not None and after.header.number >= block.header.number:
        found.append(failed("FINALITY_AFTER_NOT_BEFORE", after=after.header.number, anchor=block.header.number))
    return found
