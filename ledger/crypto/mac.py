"""HMAC-SHA-256 (RFC 2104) under a key that stays the same for millions of messages."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

_BLOCK = 64  # SHA-256 works on blocks of 64 bytes (FIPS 198-1: HMAC pads the key to one block)
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class PreparedMac:
    """One key and the ``prefix`` of every message, as the two prepared SHA-256 states of HMAC (RFC 2104 section 4).

    Copying a state is several times faster than a fresh HMAC, and the key itself is not held. ``secret``: at most 64
    bytes; whoever makes one checks its length. Instances do not show their key.
    """

    __slots__ = ("of",)

    of: Callable[[bytes], bytes]
    """HMAC-SHA-256(key, prefix ‖ message) of a message, 32 bytes."""

    def __init__(self, secret: bytes, prefix: bytes) -> None:
        padded = secret.ljust(_BLOCK, b"\0")
        inner = sha256(padded.translate(_INNER) + prefix).copy
        outer = sha256(padded.translate(_OUTER)).copy

        def of(message: bytes) -> bytes:
            first, second = inner(), outer()
            first.update(message)
            second.update(first.digest())
            return second.digest()

        self.of = of

    def __repr__(self) -> str:
        return "PreparedMac(…)"
