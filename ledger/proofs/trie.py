"""Proofs in a Merkle-Patricia trie: a key has this value, or provably none (Yellow Paper, appendix D).

A proof is a set of node encodings named by their Keccak-256. Walking from the root down the key ends in a
value, in a place that shows the key is not there, or at a node the proof does not hold; the last is an error
and never means "absent". Nodes of less than 32 bytes lie inside their parent. Keys are taken as given: a
"secure" trie (accounts, storage) is asked for the Keccak-256 of the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import Item, decode_strict, encode

EMPTY_ROOT = keccak(encode(b""))
"""Root of a trie with nothing in it. It proves any absence by itself and wants no node."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: str  # what is left of the key, one hexadecimal digit a nibble
    value: bytes


@dataclass(frozen=True, slots=True)
class _Extension:
    path: str
    child: _Reference


@dataclass(frozen=True, slots=True)
class _Branch:
    children: tuple[_Reference, ...]  # 16, one a nibble
    value: bytes


_Node: TypeAlias = _Leaf | _Extension | _Branch
_Reference: TypeAlias = "_Node | bytes"  # an embedded node, the hash of a node, or b"" for nothing


class ProofNodes:
    """The nodes of one proof, for one or several look-ups; at the end every node must have been read.

    One instance may serve several tries (an account and its slots): nodes that two look-ups share are
    carried once. ``nodes``: RLP encodings, in any order.
    Raises ``InputError``: TRIE_PROOF_EMPTY, TRIE_NODE_EMPTY, TRIE_NODE_REPEATED.
    """

    def __init__(self, nodes: Sequence[bytes]) -> None:
        if not nodes:
            raise InputError("TRIE_PROOF_EMPTY")
        self._nodes: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        for position, node in enumerate(nodes):
            if not node:
                raise InputError("TRIE_NODE_EMPTY", position=position)
            name = keccak(node)
            if name in self._nodes:
                raise InputError("TRIE_NODE_REPEATED", node=name.hex())
            self._nodes[name] = node

    def get(self, root: bytes, key: bytes) -> bytes | None:
        """The value under ``key`` in the trie of ``root`` (32 bytes), or None where its absence is proved.

        Raises ``InputError``: TRIE_NODE_MISSING (nothing is known about the key), TRIE_NODE_MALFORMED, RLP_….
        """
        if root == EMPTY_ROOT:
            return None
        path = key.hex()
        node = self._read(root, is_root=True)
        while True:
            below: _Reference
            if isinstance(node, _Leaf):
                return node.value if node.path == path else None
            if isinstance(node, _Extension):
                if not path.startswith(node.path):
                    return None
                path, below = path[len(node.path) :], node.child
            elif not path:
                return node.value or None
            else:
                path, below = path[1:], node.children[int(path[0], 16)]
            if below == b"":
                return None
            child = self._read(below) if isinstance(below, bytes) else below
            if isinstance(node, _Extension) and not isinstance(child, _Branch):
                raise InputError("TRIE_NODE_MALFORMED", node=_name(below), fault="extension")
            node = child

    def require_all_used(self) -> None:
        """Refuse slack: a node that no look-up read could be changed or added at will. TRIE_NODE_UNUSED."""
        for name in self._nodes:
            if name not in self._used:
                raise InputError("TRIE_NODE_UNUSED", node=name.hex())

    def _read(self, name: bytes, *, is_root: bool = False) -> _Node:
        data = self._nodes.get(name)
        if data is None:
            raise InputError("TRIE_NODE_MISSING", node=name.hex())
        if len(data) < 32 and not is_root:
            raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="size")
        self._used.add(name)
        return _parse(decode_strict(data), name)


def _parse(item: Item, name: bytes) -> _Node:
    """One node, canonical in form; ``name`` is the hash of the node that holds it, for errors."""
    if isinstance(item, list) and len(item) == 17:
        *slots, value = item
        children = tuple(_reference(slot, name) for slot in slots)
        if not isinstance(value, bytes) or sum(map(bool, (*children, value))) < 2:
            raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="branch")
        return _Branch(children, value)
    if not isinstance(item, list) or len(item) != 2:
        raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="shape")
    path, is_leaf = _hex_prefix(item[0], name)
    if is_leaf:
        if not isinstance(item[1], bytes) or not item[1]:
            raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="value")
        return _Leaf(path, item[1])
    child = _reference(item[1], name)
    if not path or child == b"" or isinstance(child, _Leaf | _Extension):
        raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="extension")
    return _Extension(path, child)


def _reference(item: Item, name: bytes) -> _Reference:
    if isinstance(item, list):
        if len(encode(item)) >= 32:
            raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="size")
        return _parse(item, name)
    if len(item) not in (0, 32):
        raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="reference")
    return item


def _hex_prefix(item: Item, name: bytes) -> tuple[str, bool]:
    """Path and leaf flag (Yellow Paper, appendix C): flag 0–3, and a zero nibble where the count is even."""
    digits = item.hex() if isinstance(item, bytes) else ""
    if digits[:1] in ("1", "3"):
        return digits[1:], digits[0] == "3"
    if digits[:2] in ("00", "20"):
        return digits[2:], digits[0] == "2"
    raise InputError("TRIE_NODE_MALFORMED", node=name.hex(), fault="path")


def _name(reference: _Reference) -> str:
    return reference.hex() if isinstance(reference, bytes) else "embedded"
