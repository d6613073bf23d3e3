"""SHA-256 of many messages."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

_start = sha256().copy


def sha256_each(messages: Iterable[bytes]) -> list[bytes]:
    """SHA-256 of each, 32 bytes. Short messages take two thirds of the time that ``sha256(message)`` does: OpenSSL 3
    looks the algorithm up for every new state, and for no copy of one."""
    digests: list[bytes] = []
    append = digests.append
    for message in messages:
        state = _start()
        state.update(message)
        append(state.digest())
    return digests
