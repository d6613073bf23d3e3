"""Step 8, anchor. Stops: a receipt of another block, an event of another contract, a transaction that failed,
a batch that was merely offered again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ledger.core.identifiers import organisation_bytes32
from ledger.core.verdicts import Step, StepResult, failed
from ledger.errors import InputError
from ledger.proofs.events import (
    TOPIC_ANCHOR_REPEATED,
    TOPIC_BATCH_ANCHORED,
    AnchoredEvent,
    decode_anchored,
)
from ledger.proofs.keccak import keccak
from ledger.proofs.receipts import Log, prove_receipt
from ledger.verification.case import Case, concluded, need, refused, unproved

STEP = Step.ANCHOR


def judge(case: Case) -> StepResult:
    """The receipt stands in the anchor's block and holds one ``BatchAnchored`` of the trusted Records
    contract.

    Step 5 compares what the event says; here only its place is proved.
    """
    bundle = need(case.bundle, Step.CONTAINER)
    block, chain = need(case.block, Step.FINALITY), need(case.chain, Step.FINALITY)
    try:
        receipt = prove_receipt(block.header.receipts_root, bundle.anchor.index, bundle.anchor.receipt)
        _require_order(bundle.anchor.receipt)
        logs = [log for log in receipt.logs if log.address == chain.identity.records]
        events = [decode_anchored(log) for log in logs if log.topics[:1] == (TOPIC_BATCH_ANCHORED,)]
    except InputError as e:
        judged = unproved if e.code == "TRIE_NODE_MISSING" else refused
        return concluded(STEP, [judged("ANCHOR_RECEIPT_REFUSED", e)])
    issuer, root = organisation_bytes32(bundle.manifest.issuer), bundle.manifest.root
    # Only one event and of another batch: step 5 says what differs.
    matching = [e for e in events if (e.issuer, e.root) == (issuer, root)] or events
    if not matching:
        return concluded(STEP, [failed(_absent(logs))])
    if len(matching) > 1:
        return concluded(STEP, [failed("ANCHOR_EVENT_AMBIGUOUS", events=len(matching))])
    case.event = matching[0]
    return concluded(STEP, [], _described(matching[0], block.header.number))


def _require_order(nodes: Sequence[bytes]) -> None:
    """Each node names the next: one proof, one spelling."""
    for above, below in pairwise(nodes):
        if keccak(below) not in above:
            raise InputError("ANCHOR_RECEIPT_ORDER")


def _absent(logs: Sequence[Log]) -> str:
    """A repeated offer is no anchor: its block is not when the batch was first there."""
    repeated = any(log.topics[:1] == (TOPIC_ANCHOR_REPEATED,) for log in logs)
    return "ANCHOR_ONLY_REPEATED" if repeated else "ANCHOR_EVENT_ABSENT"


def _described(event: AnchoredEvent, block: int) -> dict[str, object]:
    return {
        "block": block,
        "sequence": event.sequence,
        "account": event.account.hex(),
        "accreditation": event.accreditation.hex(),
    }
