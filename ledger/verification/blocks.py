"""One sealed block, judged by the trust file alone. Used for anchor, ``after`` and state headers alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from ledger.core.manifests import ChainIdentity
from ledger.core.trust import Trust
from ledger.core.trust_lists import Policy
from ledger.core.trusted_chains import TrustedChain
from ledger.core.verdicts import Finding, failed, undetermined
from ledger.errors import InputError
from ledger.proofs.commit_seals import Finality, block_hash, finality, genesis_finality
from ledger.proofs.headers import Header, parse_header

_PROVES_NOTHING = frozenset({"COMMIT_SEAL_VALIDATORS_EMPTY", "COMMIT_SEAL_SET_DIFFERS", "COMMIT_SEAL_NONE"})
"""The file is too old to know the set, or knows that nobody seals the chain."""


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A parsed header; ``finality`` is ``None`` where its seals do not prove it."""

    header: Header
    finality: Finality | None
    findings: tuple[Finding, ...]


def find_chain(trust: Trust, identity: ChainIdentity) -> TrustedChain | None:
    return next((c for c in trust.chains if c.identity == identity), None)


def judge_block(chain: TrustedChain, data: bytes, which: str) -> SealedBlock:
    """Parse and judge the header ``data`` (RLP) as block ``which`` (``anchor``, ``after`` or ``state``).

    The set of validators and the checkpoints come from the trust file, never from the block itself: whoever
    invents a set can also seal for it, and keys of retired validators could seal another past.

    Raises:
        InputError: HEADER_…, RLP_… where the bytes are no header.
    """
    header = parse_header(data)
    try:
        proved = _finality(chain, header)
    except InputError as e:
        # A set the file does not know may be new: the file is too old, the block not proved false.
        judge = undetermined if e.code in _PROVES_NOTHING else failed
        finding = judge("FINALITY_NOT_SEALED", which=which, cause=e.code, causeValues=e.values)
        return SealedBlock(header, None, (finding,))
    for checkpoint in chain.checkpoints:
        if checkpoint.block == proved.block and checkpoint.hash != proved.block_hash:
            differs = failed("FINALITY_CHECKPOINT_DIFFERS", which=which, block=proved.block)
            return SealedBlock(header, None, (differs,))
    return SealedBlock(header, proved, ())


def require_policy(policy: Policy | None, proved: Finality, which: str) -> list[Finding]:
    """A chain with too few independent operators never satisfies a policy that asks for Byzantine agreement (genesis
    is exempt: nobody seals it, its hash names the chain)."""
    if policy is not None and policy.finality == "bft" and proved.kind != "bft" and proved.block != 0:
        return [undetermined("FINALITY_SINGLE", which=which, validators=proved.validators)]
    return []


def name_of(chain: TrustedChain, header: Header) -> bytes:
    """The block hash by which the chain names the block; InputError COMMIT_SEAL_EXTRA."""
    return block_hash(header, chain.consensus)


def describe(chain: TrustedChain, proved: Finality) -> dict[str, Any]:
    """What the seals prove, for the report."""
    operators = {v.address: v.organisation for v in chain.validators_at(proved.block)}
    return {
        "kind": proved.kind,
        "consensus": proved.consensus,
        "block": proved.block,
        "hash": proved.block_hash.hex(),
        "time": proved.timestamp,
        "validators": proved.validators,
        "quorum": proved.quorum,
        "sealers": [{"address": s.hex(), "organisation": operators[s]} for s in proved.sealers],
    }


def _finality(chain: TrustedChain, header: Header) -> Finality:
    if header.number == 0:
        return genesis_finality(header, chain.identity.genesis, chain.consensus)
    validators = chain.validators_at(header.number)
    proved = finality(header, chain.consensus, [v.address for v in validators])
    # Agreement bears (n - 1) / 3 liars: whoever runs more nodes than that decides alone, however many they are.
    most = max(Counter(v.organisation for v in validators).values())
    return proved if most <= (len(validators) - 1) // 3 else replace(proved, kind="single")
