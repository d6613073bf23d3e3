"""Well-known hashes, ordered Merkle-Patricia tries and log blooms (Ethereum Yellow Paper 4.3, appendix D)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import rlp
from trie import HexaryTrie

from ledger.proofs.keccak import keccak

EMPTY_ROOT = keccak(b"\x80")  # the trie without entries: K(RLP(empty string))
EMPTY_OMMERS = keccak(b"\xc0")
EMPTY_CODE = keccak(b"")


def ordered_root(items: Sequence[bytes]) -> bytes:
    """Root of the trie RLP(index) → item: transactionsRoot and receiptsRoot."""
    trie = HexaryTrie({}, EMPTY_ROOT)
    with trie.squash_changes() as batch:
        for index, item in enumerate(items):
            batch[rlp.encode(index)] = item
    root: bytes = trie.root_hash
    return root


def bloom(items: Iterable[bytes]) -> int:
    """Log bloom of addresses and topics: three 11-bit positions from each Keccak-256."""
    bits = 0
    for item in items:
        digest = keccak(item)
        for place in (0, 2, 4):
            bits |= 1 << (int.from_bytes(digest[place : place + 2], "big") & 0x7FF)
    return bits
