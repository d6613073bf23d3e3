"""A contract's storage trie, written once a block: all changed slots in one walk, each node on the way decoded,
encoded and hashed once (Ethereum Yellow Paper, appendix D).

py-evm sets one key after the other, and does all that for every node of every path each time. Roots and nodes are the
same; there are no values above the leaves, since all keys are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ledger.chain.embedded.hashing import EMPTY_ROOT
from ledger.errors import InputError, IntegrityError
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import Item, decode_strict, encode

_HASH = 32
_BRANCH, _SHORT = 17, 2  # items of a node
_FULL, _FULL_HEAD, _FULL_SIZES = 532, b"\xf9\x02\x11", b"\xa0" * 16
"""Encoding of a branch whose sixteen references are hashes: its length, its first bytes, the byte before each hash."""


class Short(NamedTuple):
    """A leaf (``target``: the value) or an extension (``target``: reference to a branch); ``path``: hex digits."""

    path: str
    leaf: bool
    target: Any


Branch = list[Any]
"""Sixteen references and an empty value. A reference is a hash, a node shorter than that, or empty."""
Node = Short | Branch | None
Changes = Sequence[tuple[str, bytes]]
"""(key in hexadecimal, value, empty to delete), sorted by key, each key once, never none."""


class StorageTrie:
    """Trie over ``nodes`` (hash → encoding) with root ``root``. What is set waits until the root is asked for.

    Raises IntegrityError ENGINE_STATE_DAMAGED where a node is missing or none.
    """

    def __init__(self, nodes: Any, root: bytes) -> None:
        self._nodes = nodes
        self._root = root
        self._waiting: dict[bytes, bytes] = {}
        self._fresh: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        """The value, empty where there is none. ``key``: 32 bytes."""
        if key in self._waiting:
            return self._waiting[key]
        rest, reference = key.hex(), _reference(self._root)
        while reference:
            node = self._open(reference)
            if isinstance(node, list):
                rest, reference = rest[1:], node[int(rest[0], 16)]
            elif node.leaf:
                return node.target if node.path == rest else b""
            elif rest.startswith(node.path):
                rest, reference = rest[len(node.path) :], node.target
            else:
                break
        return b""

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._waiting[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._waiting[key] = b""

    def __contains__(self, key: bytes) -> bool:
        return self[key] != b""

    @property
    def root_hash(self) -> bytes:
        """With all that was set, whose nodes are made now."""
        if self._waiting:
            changes = sorted((key.hex(), value) for key, value in self._waiting.items())
            reference = _reference(self._root)
            top = self._merge(self._open(reference) if reference else None, changes, 0)
            self._root = EMPTY_ROOT if top is None else self._keep(_encoded(top))
            self._waiting = {}
        return self._root

    def commit_to(self, target: Any, apply_deletes: bool = False) -> None:
        """Write the nodes made here, under the name that py-evm calls; it asks for no deletion."""
        for key, value in self._fresh.items():
            target[key] = value
        self._fresh = {}

    def _open(self, reference: Item) -> Any:
        if isinstance(reference, list):
            return _parsed(reference)
        found = self._fresh.get(reference)
        try:
            return _parsed(_decoded(self._nodes[reference] if found is None else found))
        except (KeyError, InputError) as error:
            raise IntegrityError("ENGINE_STATE_DAMAGED", node=reference.hex()) from error

    def _keep(self, encoded: bytes) -> bytes:
        digest = keccak(encoded)
        self._fresh[digest] = encoded
        return digest

    def _stored(self, node: Node) -> Item:
        """A reference to ``node``."""
        if node is None:
            return b""
        encoded = _encoded(node)
        return self._keep(encoded) if len(encoded) >= _HASH else decode_strict(encoded)

    def _merge(self, node: Node, changes: Changes, depth: int) -> Node:
        """What stands in ``node``'s place, reached by the first ``depth`` digits, after ``changes``."""
        if isinstance(node, list):
            return self._merge_branch(node, {}, changes, depth)
        if node is not None and not node.leaf:
            return self._merge_extension(node, changes, depth)
        if node is not None:  # a leaf is a change made before
            key = changes[0][0][:depth] + node.path
            changes = sorted(({key: node.target} | dict(changes)).items())
        return self._build([change for change in changes if change[1]], depth)

    def _build(self, entries: Changes, depth: int) -> Node:
        if not entries:
            return None
        if len(entries) == 1:
            return Short(entries[0][0][depth:], True, entries[0][1])
        at = len(_common(entries[0][0], entries[-1][0]))
        branch: Branch = [b""] * _BRANCH
        for digit, group in _by_digit(entries, at):
            branch[digit] = self._stored(self._build(group, at + 1))
        return self._under(entries[0][0][depth:at], branch)

    def _merge_branch(self, branch: Branch, changed: dict[int, Node], changes: Changes, depth: int) -> Node:
        """``changed``: what stands below already instead of the branch's references."""
        for digit, group in _by_digit(changes, depth):
            below = changed[digit] if digit in changed else self._open(branch[digit]) if branch[digit] else None
            changed[digit] = self._merge(below, group, depth + 1)
        kept = [digit for digit in range(16) if (changed[digit] if digit in changed else branch[digit])]
        if len(kept) > 1:
            after = list(branch)
            for digit, node in changed.items():
                after[digit] = self._stored(node)
            return after
        if not kept:
            return None
        (only,) = kept  # a branch with one way on is none
        return self._under(f"{only:x}", changed[only] if only in changed else self._open(branch[only]))

    def _merge_extension(self, extension: Short, changes: Changes, depth: int) -> Node:
        path = extension.path
        # a deletion beside the path finds nothing, and needs no branch there
        changes = [change for change in changes if change[1] or change[0].startswith(path, depth)]
        if not changes:
            return extension
        common = _common(_common(path, changes[0][0][depth:]), changes[-1][0][depth:])
        if common == path:
            return self._under(path, self._merge(self._open(extension.target), changes, depth + len(path)))
        own, rest = int(path[len(common)], 16), path[len(common) + 1 :]
        split: Branch = [b""] * _BRANCH
        below: dict[int, Node] = {}
        if rest:
            below[own] = Short(rest, False, extension.target)
        else:
            split[own] = extension.target
        return self._under(common, self._merge_branch(split, below, changes, depth + len(common)))

    def _under(self, path: str, node: Node) -> Node:
        """``node`` with ``path`` before it."""
        if node is None or not path:
            return node
        if isinstance(node, list):
            return Short(path, False, self._stored(node))
        return node._replace(path=path + node.path)


def _reference(root: bytes) -> bytes:
    return b"" if root == EMPTY_ROOT else root


def _common(one: str, other: str) -> str:
    """What both begin with."""
    least = min(len(one), len(other))
    return one[: next((at for at in range(least) if one[at] != other[at]), least)]


def _by_digit(changes: Changes, at: int) -> Iterator[tuple[int, Changes]]:
    for digit, group in groupby(changes, lambda change: change[0][at]):
        yield int(digit, 16), list(group)


def _decoded(encoded: bytes) -> Item:
    """As `decode_strict`; most nodes met are branches of hashes only, whose places are known."""
    if len(encoded) == _FULL and encoded[:3] == _FULL_HEAD and encoded[3::33] == _FULL_SIZES + b"\x80":
        return [*(encoded[at : at + _HASH] for at in range(4, _FULL - 1, 33)), b""]
    return decode_strict(encoded)


def _parsed(item: Item) -> Short | Branch:
    if isinstance(item, list) and len(item) == _BRANCH:
        return item
    if isinstance(item, list) and len(item) == _SHORT and isinstance(item[0], bytes) and item[0]:
        digits = item[0].hex()
        kind = int(digits[0], 16)
        if kind < 2 or (kind < 4 and isinstance(item[1], bytes)):
            return Short(digits[1 if kind & 1 else 2 :], kind >= 2, item[1])
    raise InputError("TRIE_NODE_MALFORMED", node="", fault="shape")


def _encoded(node: Short | Branch) -> bytes:
    if isinstance(node, list):
        return encode(node)
    kind, odd = 2 if node.leaf else 0, len(node.path) & 1
    prefix = f"{kind | odd:x}" if odd else f"{kind:x}0"
    return encode([bytes.fromhex(prefix + node.path), node.target])
