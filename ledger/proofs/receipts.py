"""Transaction receipts, and the proof that one stands in a block (Yellow Paper, section 4.4.1; EIP-2718)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import InputError
from ledger.proofs.rlp import Item, decode_strict, encode, from_int, to_int
from ledger.proofs.trie import ProofNodes


@dataclass(frozen=True, slots=True)
class Log:
    """One event as emitted: the contract's address (20 bytes), up to four topics (32 bytes each), data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """``status`` 1 = succeeded, 0 = reverted; ``cumulative_gas`` up to and with this transaction."""

    status: int
    cumulative_gas: int
    logs: tuple[Log, ...]


def prove_receipt(receipts_root: bytes, index: int, nodes: Sequence[bytes]) -> Receipt:
    """The receipt of the transaction at ``index`` (from 0) of the block with ``receipts_root``.

    Raises ``InputError``: RECEIPT_ABSENT (the block provably has none there), RECEIPT_FAILED (the transaction
    was reverted and did nothing), RECEIPT_INDEX, RECEIPT_MALFORMED, TRIE_…, RLP_….
    """
    if index < 0:
        raise InputError("RECEIPT_INDEX", index=index)
    proof = ProofNodes(nodes)
    value = proof.get(receipts_root, encode(from_int(index)))
    proof.require_all_used()
    if value is None:
        raise InputError("RECEIPT_ABSENT", index=index)
    receipt = parse_receipt(value)
    if receipt.status != 1:
        raise InputError("RECEIPT_FAILED", index=index)
    return receipt


def parse_receipt(data: bytes) -> Receipt:
    """A receipt as it lies in the trie: RLP, or a type byte 1…0x7f and RLP.

    Receipts from before Byzantium, which carry a state root and no status, are refused: they do not say
    whether the transaction succeeded. The bloom is checked for length only; the root binds it.
    Raises RECEIPT_MALFORMED, RLP_….
    """
    if not data:
        raise InputError("RECEIPT_MALFORMED", part="type")
    item = decode_strict(data[1:] if 0 < data[0] < 0x80 else data)
    if not isinstance(item, list) or len(item) != 4:
        raise InputError("RECEIPT_MALFORMED", part="items")
    status, gas, bloom, logs = item
    if status not in (b"", b"\x01"):
        raise InputError("RECEIPT_MALFORMED", part="status")
    if not isinstance(gas, bytes) or len(gas) > 8:
        raise InputError("RECEIPT_MALFORMED", part="gas")
    if not isinstance(bloom, bytes) or len(bloom) != 256:
        raise InputError("RECEIPT_MALFORMED", part="bloom")
    if not isinstance(logs, list):
        raise InputError("RECEIPT_MALFORMED", part="logs")
    return Receipt(len(status), to_int(gas), tuple(map(_log, logs)))


def _log(item: Item) -> Log:
    if not isinstance(item, list) or len(item) != 3:
        raise InputError("RECEIPT_MALFORMED", part="log")
    address, topics, data = item
    if not isinstance(address, bytes) or len(address) != 20 or not isinstance(data, bytes):
        raise InputError("RECEIPT_MALFORMED", part="log")
    if not isinstance(topics, list) or len(topics) > 4:
        raise InputError("RECEIPT_MALFORMED", part="topics")
    words = tuple(topic for topic in topics if isinstance(topic, bytes) and len(topic) == 32)
    if len(words) != len(topics):
        raise InputError("RECEIPT_MALFORMED", part="topics")
    return Log(address, words, data)
