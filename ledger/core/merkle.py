"""The Merkle tree over a batch: RFC 6962 section 2.1 (RFC 9162 section 2.1), by SHA-256 and, of the same shape, by SM3.

A tree is a list of levels, each a flat run of 32-byte hashes: level 0 holds the leaves, the last level
the root. A node without a sibling is carried up unchanged (never paired with itself: a duplicated last
leaf gives two batches one root). Leaves and nodes are hashed under different prefixes, so an inner node
can never pass for a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.core.hashing import SHA256_HASH, TreeHash
from ledger.errors import InputError

HASH_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"


def leaf_hash(data: bytes, by: TreeHash = SHA256_HASH) -> bytes:
    """Leaf of ``data``, any length: hash of 0x00 ‖ data."""
    return by.one(LEAF_PREFIX + data)


def leaf_hashes(items: Iterable[bytes], by: TreeHash = SHA256_HASH) -> list[bytes]:
    """``leaf_hash`` of each."""
    return by.each([LEAF_PREFIX + data for data in items])


def build_levels(leaves: bytes, by: TreeHash = SHA256_HASH) -> list[bytes]:
    """All levels over ``leaves`` (their hashes, concatenated, 32 bytes each).

    Raises:
        InputError: ``MERKLE_EMPTY`` for no leaf, ``MERKLE_LEAVES`` for a length not divisible by 32.
    """
    if not leaves:
        raise InputError("MERKLE_EMPTY")
    if len(leaves) % HASH_BYTES:
        raise InputError("MERKLE_LEAVES", length=len(leaves))
    levels = [leaves]
    while len(leaves) > HASH_BYTES:
        paired = len(leaves) // 64 * 64
        nodes = b"".join(by.each([NODE_PREFIX + leaves[at : at + 64] for at in range(0, paired, 64)]))
        leaves = nodes + leaves[paired:]
        levels.append(leaves)
    return levels


def root_of(levels: Sequence[bytes]) -> bytes:
    """Root of a tree built by ``build_levels``, 32 bytes."""
    if not levels or len(levels[-1]) != HASH_BYTES:
        raise InputError("MERKLE_EMPTY")
    return levels[-1]


def inclusion_path(levels: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of leaf ``index`` (from 0), lowest sibling first (RFC 9162 section 2.1.3.1).

    Raises:
        InputError: ``MERKLE_INDEX`` if the tree holds no such leaf.
    """
    size = len(levels[0]) // HASH_BYTES if levels else 0
    if not 0 <= index < size:
        raise InputError("MERKLE_INDEX", index=index, size=size)
    path = []
    for level in levels[:-1]:
        start = (index ^ 1) * HASH_BYTES
        if start < len(level):  # a node without a sibling adds nothing to the path
            path.append(level[start : start + HASH_BYTES])
        index >>= 1
    return path


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes], by: TreeHash = SHA256_HASH) -> bytes:
    """Root of the tree of ``size`` leaves in which ``leaf`` is at ``index`` (RFC 9162 section 2.1.3.2).

    The caller compares it with the root that was signed; this function alone proves nothing. An RFC 6962
    root does not bind its size: ``index`` and ``size`` are as good as whoever signed them.

    Raises:
        InputError: ``MERKLE_EMPTY`` for size 0, ``MERKLE_INDEX`` for an index not below the size,
            ``MERKLE_HASH`` for a hash that is not 32 bytes, ``MERKLE_PATH_LENGTH`` if index and size ask
            for another number of siblings.
    """
    if size < 1:
        raise InputError("MERKLE_EMPTY")
    if not 0 <= index < size:
        raise InputError("MERKLE_INDEX", index=index, size=size)
    if any(len(item) != HASH_BYTES for item in (leaf, *path)):
        raise InputError("MERKLE_HASH")
    node, last, used = leaf, size - 1, 0
    while last:
        if index & 1 or index < last:  # a sibling exists on this level
            if used == len(path):
                raise InputError("MERKLE_PATH_LENGTH", length=len(path))
            sibling, used = path[used], used + 1
            pair = sibling + node if index & 1 else node + sibling
            node = by.one(NODE_PREFIX + pair)
        index, last = index >> 1, last >> 1
    if used != len(path):
        raise InputError("MERKLE_PATH_LENGTH", length=len(path))
    return node
