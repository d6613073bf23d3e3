"""Messages between a ledger and its signer: a small JSON head, then parts of raw bytes. FORMATS, "Remote signer".

One question and one answer a connection. Whoever speaks may be hostile on either side: nothing is kept in memory that
was not sent, nothing is read beyond what the reader named as its limit, and the head is canonical JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, shapes
from ledger.errors import InputError

TAG = "zhengyin/signer/1"
MAGIC = b"ZYS1"
HEAD_LIMITS = canonical.Limits(1 << 17, 6)
"""Of a manifest's 64 KiB the counts by type may be nearly all, and they stand in the head once more."""
MAX_PARTS = 4
_PIECE = 1 << 16
_LENGTH = 4

Receive = Callable[[int], bytes]
"""Up to so many of the next bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Message:
    """``body``: what is asked or answered, as JSON of the canonical grammar; ``parts``: the bytes that go with it."""

    body: dict[str, Any]
    parts: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Raises InputError ``CANONICAL_…``."""
        lengths = [len(part) for part in self.parts]
        head = canonical.encode({"tag": TAG, "parts": lengths, "body": self.body}, HEAD_LIMITS)
        return b"".join((MAGIC, len(head).to_bytes(_LENGTH, "big"), head, *self.parts))


def read(receive: Receive, limit: int) -> Message:
    """The next message; its parts together have at most ``limit`` bytes.

    Raises:
        InputError: ``SIGNER_FRAME`` (the cause ``end``: nothing more comes), ``CANONICAL_…``, ``SHAPE_…``.
        Whatever ``receive`` raises.
    """
    start = _exactly(receive, len(MAGIC) + _LENGTH)
    if not start.startswith(MAGIC):
        raise InputError("SIGNER_FRAME", cause="magic")
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if not 0 < length <= HEAD_LIMITS.size:
        raise InputError("SIGNER_FRAME", cause="head")
    head = canonical.decode(_exactly(receive, length), HEAD_LIMITS)
    lengths, body = shapes.tagged(head, "message", TAG, "parts", "body")
    sizes = shapes.array(lengths, "message.parts", shapes.integer, high=MAX_PARTS)
    if type(body) is not dict:
        shapes.refuse("SHAPE_TYPE", "message.body", expected="object")
    if sum(sizes) > limit:
        raise InputError("SIGNER_FRAME", cause="size")
    return Message(body, tuple(_exactly(receive, size) for size in sizes))


def _exactly(receive: Receive, length: int) -> bytes:
    """Grows with what came, not with what was announced."""
    found = bytearray()
    while len(found) < length:
        piece = receive(min(_PIECE, length - len(found)))
        if not piece:
            raise InputError("SIGNER_FRAME", cause="end")
        found += piece
    return bytes(found)
