"""What a state proof proves: status, history and batch of one record as of one sealed block.

Stops: the state of another leaf or contract, changes left out of the history, a state nobody sealed.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core.bundles import Bundle, StateProof, StatusEntry
from ledger.core.identifiers import organisation_bytes32
from ledger.core.trust_lists import TrustedChain
from ledger.core.verdicts import Finding, Step, failed
from ledger.errors import InputError
from ledger.proofs.commit_seals import Finality
from ledger.proofs.headers import Header
from ledger.proofs.records_layout import (
    RETIRED_SLOT,
    BatchWord,
    StatusWord,
    batch_slot,
    history_slot,
    history_step,
    status_slot,
    unpack_batch,
    unpack_status,
)
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import ProofNodes
from ledger.verification.blocks import judge_block, require_policy
from ledger.verification.case import Case, need, refused, unproved


@dataclass(frozen=True, slots=True)
class ProvedState:
    """``entries``: every change ever recorded, oldest first, bound by the proved history word."""

    finality: Finality
    status: StatusWord
    batch: BatchWord
    retired: bool
    entries: tuple[StatusEntry, ...]

    @property
    def time(self) -> int:
        return self.finality.timestamp

    def entry_at(self, instant: int) -> StatusEntry | None:
        """The last recorded change that was effective by ``instant`` (seconds UTC); ``None``: still as
        issued."""
        return next((e for e in reversed(self.entries) if e.effective <= instant), None)


@dataclass(frozen=True, slots=True)
class _Words:
    status: StatusWord
    history: int
    batch: BatchWord
    retired: int


def prove_state(case: Case, state: StateProof) -> tuple[ProvedState | None, list[Finding]]:
    """The state as proved, or ``None`` with the findings that say why not."""
    bundle, chain = need(case.bundle, Step.CONTAINER), need(case.chain, Step.FINALITY)
    try:
        block = judge_block(chain, state.header, "state")
    except InputError as e:
        return None, [refused("STATUS_HEADER_REFUSED", e)]
    if block.finality is None:
        return None, list(block.findings)
    findings = require_policy(case.policy, block.finality, "state")
    try:
        words = _words(bundle, chain, block.header, state)
    except InputError as e:
        judged = unproved if e.code == "TRIE_NODE_MISSING" else refused
        return None, [*findings, judged("STATUS_PROOF_REFUSED", e)]
    findings += _history(state.entries, words)
    if any(f.code == "STATUS_HISTORY_DIFFERS" for f in findings):
        return None, findings
    return ProvedState(block.finality, words.status, words.batch, words.retired != 0, state.entries), findings


def _words(bundle: Bundle, chain: TrustedChain, header: Header, state: StateProof) -> _Words:
    issuer, leaf = organisation_bytes32(bundle.record.issuer), bundle.record.leaf()
    nodes = ProofNodes(state.nodes)
    account = prove_account(header.state_root, chain.identity.records, nodes)
    if account.code_hash != chain.records_code:
        # The layout of the words belongs to this one contract.
        raise InputError("STATUS_CODE_DIFFERS", found=account.code_hash.hex(), expected=chain.records_code.hex())
    words = _Words(
        status=unpack_status(prove_slot(account.storage_root, status_slot(issuer, leaf), nodes)),
        history=prove_slot(account.storage_root, history_slot(issuer, leaf), nodes),
        batch=unpack_batch(prove_slot(account.storage_root, batch_slot(issuer, bundle.manifest.root), nodes)),
        retired=prove_slot(account.storage_root, RETIRED_SLOT, nodes),
    )
    nodes.require_all_used()
    return words


def _history(entries: tuple[StatusEntry, ...], words: _Words) -> list[Finding]:
    """The entries are all changes there ever were: their hash chain is the proved one, the last is the
    status."""
    history = bytes(32)
    for e in entries:
        history = history_step(
            history, organisation_bytes32(e.actor), e.state, e.effective, e.recorded, e.reason, e.statement
        )
    last = entries[-1] if entries else None
    listed = (last.state, last.effective, last.recorded, last.reason) if last else (0, 0, 0, 0)
    word = words.status
    proved = (word.state, word.effective, word.recorded, word.reason)
    if int.from_bytes(history, "big") == words.history and len(entries) == word.count and listed == proved:
        return []
    return [failed("STATUS_HISTORY_DIFFERS", listed=len(entries), recorded=word.count)]
