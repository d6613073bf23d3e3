"""What a state proof proves: status, history and batch of one record as of one sealed block.

Stops: the state of another leaf or contract, changes left out of the history, a state nobody sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ledger.core.bundles import Bundle, StateProof, StatusEntry
from ledger.core.identifiers import actor_from_bytes32, organisation_bytes32
from ledger.core.trusted_chains import TrustedChain
from ledger.core.verdicts import Finding, Step, failed
from ledger.errors import InputError
from ledger.proofs.commit_seals import Finality
from ledger.proofs.headers import Header
from ledger.proofs.records_layout import (
    RETIRED_SLOT,
    BatchWord,
    StatusWord,
    batch_slot,
    court_slot,
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
    """``entries``: every change ever recorded, oldest first, bound by the proved history word. ``court``: who froze the
    record, where the proof names it. ``batches``: by the leaf of a statement, the word of the batch that holds it,
    where it is proved."""

    finality: Finality
    status: StatusWord
    batch: BatchWord
    retired: bool
    entries: tuple[StatusEntry, ...]
    court: str | None = None
    batches: Mapping[bytes, BatchWord] = field(default_factory=dict)

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
    court: int | None
    batches: Mapping[bytes, BatchWord]


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
    court = actor_from_bytes32(words.court.to_bytes(32, "big")) if words.court else None
    proved = ProvedState(
        block.finality, words.status, words.batch, words.retired != 0, state.entries, court, words.batches
    )
    return proved, findings


def _words(bundle: Bundle, chain: TrustedChain, header: Header, state: StateProof) -> _Words:
    issuer, leaf = organisation_bytes32(bundle.record.issuer), bundle.record.leaf()
    nodes = ProofNodes(state.nodes)
    account = prove_account(header.state_root, chain.identity.records, nodes)
    if account.code_hash != chain.records_code:
        # The layout of the words belongs to this one contract.
        raise InputError("STATUS_CODE_DIFFERS", found=account.code_hash.hex(), expected=chain.records_code.hex())
    root = account.storage_root
    status = unpack_status(prove_slot(root, status_slot(issuer, leaf), nodes))
    words = _Words(
        status=status,
        history=prove_slot(root, history_slot(issuer, leaf), nodes),
        batch=unpack_batch(prove_slot(root, batch_slot(issuer, bundle.manifest.root), nodes)),
        retired=prove_slot(root, RETIRED_SLOT, nodes),
        court=_if_proved(root, court_slot(issuer, leaf), nodes) if status.frozen else None,
        batches=dict(_statement_batches(root, state.statements, nodes)),
    )
    nodes.require_all_used()
    return words


def _statement_batches(
    root: bytes, statements: tuple[Bundle, ...], nodes: ProofNodes
) -> Iterator[tuple[bytes, BatchWord]]:
    for statement in statements:
        manifest = statement.manifest
        word = _if_proved(root, batch_slot(organisation_bytes32(manifest.issuer), manifest.root), nodes)
        if word is not None:
            yield statement.record.leaf(), unpack_batch(word)


def _if_proved(root: bytes, slot: bytes, nodes: ProofNodes) -> int | None:
    """The word, or ``None`` where its nodes were left out: what hangs on it is then open."""
    try:
        return prove_slot(root, slot, nodes)
    except InputError as e:
        if e.code != "TRIE_NODE_MISSING":
            raise
        return None


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
