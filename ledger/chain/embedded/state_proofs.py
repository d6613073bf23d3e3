"""eth_getProof (EIP-1186): an account and storage slots with their Merkle-Patricia proofs.

Proofs hold the nodes from the root down that are referenced by hash; nodes under 32 bytes stand inside
their parent. An empty trie has no node, so its exclusion proof is the empty list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import rlp
from trie import HexaryTrie
from trie.exceptions import MissingTrieNode

from ledger.chain.embedded.hashing import EMPTY_CODE, EMPTY_ROOT
from ledger.chain.embedded.state import StateNodes
from ledger.errors import IntegrityError
from ledger.proofs.keccak import keccak


@dataclass(frozen=True, slots=True)
class SlotProof:
    """``key`` and ``value`` are the slot's number and content; 0 is proved by exclusion."""

    key: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes
    nodes: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]


def prove(nodes: StateNodes, state_root: bytes, address: bytes, slots: Sequence[int]) -> AccountProof:
    """Raises IntegrityError ENGINE_STATE_DAMAGED where a node is missing or not what its hash says."""
    try:
        value, path = _proof(nodes, state_root, address)
        if value:
            nonce, balance, storage_root, code_hash = rlp.decode(value)
        else:
            nonce, balance, storage_root, code_hash = b"", b"", EMPTY_ROOT, EMPTY_CODE
        proved = tuple(_slot(nodes, storage_root, slot) for slot in slots)
    except MissingTrieNode as error:
        raise IntegrityError("ENGINE_STATE_DAMAGED", node=bytes(error.missing_node_hash).hex()) from error
    return AccountProof(_integer(nonce), _integer(balance), storage_root, code_hash, path, proved)


def _slot(nodes: StateNodes, root: bytes, slot: int) -> SlotProof:
    value, path = _proof(nodes, root, slot.to_bytes(32, "big"))
    return SlotProof(slot, _integer(rlp.decode(value)) if value else 0, path)


def _proof(nodes: StateNodes, root: bytes, key: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    if root == EMPTY_ROOT:
        return b"", ()
    trie = HexaryTrie(nodes, root)
    hashed = keccak(key)
    path = [rlp.encode(node) for node in trie.get_proof(hashed)]
    value: bytes = trie.get(hashed)
    return value, tuple(node for place, node in enumerate(path) if place == 0 or len(node) >= 32)


def _integer(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
