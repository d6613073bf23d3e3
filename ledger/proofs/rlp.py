"""Recursive Length Prefix, strictly: one item has exactly one encoding (Ethereum Yellow Paper, appendix B).

Written here because the common package loads pydantic and takes longer to import than a whole bundle takes
to verify; tests hold this codec against it, byte for byte. An item is ``bytes`` or a list of items.
"""

from __future__ import annotations

from typing import TypeAlias

from ledger.errors import InputError

Item: TypeAlias = "bytes | list[Item]"

MAX_DEPTH = 32  # lists in lists; a header, receipt or trie node needs at most 18


def decode_strict(data: bytes) -> Item:
    """The one item that ``data`` encodes; ``encode`` of the result gives ``data`` again.

    Raises ``InputError``: RLP_EMPTY, RLP_TRUNCATED, RLP_TRAILING, RLP_NOT_CANONICAL, RLP_TOO_DEEP.
    """
    if not data:
        raise InputError("RLP_EMPTY")
    item, end = _item(data, 0, len(data), 0)
    if end != len(data):
        raise InputError("RLP_TRAILING", length=len(data) - end)
    return item


def encode(item: Item) -> bytes:
    """The canonical encoding of nested bytes and lists."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    body = b"".join(map(encode, item))
    return _prefix(len(body), 0xC0) + body


def to_int(data: bytes) -> int:
    """An unsigned integer, big-endian without leading zeros (zero is the empty string), or RLP_INTEGER."""
    if data[:1] == b"\0":
        raise InputError("RLP_INTEGER", length=len(data))
    return int.from_bytes(data, "big")


def from_int(number: int) -> bytes:
    """The minimal big-endian bytes of a non-negative integer; zero is the empty string."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _prefix(length: int, base: int) -> bytes:
    if length < 56:
        return bytes([base + length])
    size = from_int(length)
    return bytes([base + 55 + len(size)]) + size


def _item(data: bytes, at: int, end: int, depth: int) -> tuple[Item, int]:
    start, stop = _payload(data, at, end)
    if data[at] < 0xC0:
        return data[start:stop], stop
    if depth == MAX_DEPTH:
        raise InputError("RLP_TOO_DEEP", limit=MAX_DEPTH)
    items: list[Item] = []
    while start < stop:
        item, start = _item(data, start, stop, depth + 1)
        items.append(item)
    return items, stop


def _payload(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the payload of the item at ``at`` begins and ends; it must lie before ``end``."""
    first = data[at]
    if first < 0x80:
        return at, at + 1
    base = 0x80 if first < 0xC0 else 0xC0
    if first < base + 56:
        start, length = at + 1, first - base
    else:
        start = at + 1 + first - base - 55
        size = data[at + 1 : start]
        length = int.from_bytes(size, "big")
        if start <= end and (size[0] == 0 or length < 56):
            raise InputError("RLP_NOT_CANONICAL", offset=at)
    if start + length > end:
        raise InputError("RLP_TRUNCATED", offset=at)
    if base == 0x80 and start == at + 1 and length == 1 and data[start] < 0x80:
        raise InputError("RLP_NOT_CANONICAL", offset=at)
    return start, start + length
