"""What is derived from the 32-byte key of a record: its salts and the key of its encrypted body.

HKDF-Expand (RFC 5869 section 2.3) with SHA-256 and one block of output. The record key is uniformly
random, so Extract is skipped (section 3.3). One key is thus all there is to keep, or to erase.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ledger.errors import InputError

KEY_BYTES = 32
_BLOCK = 64  # SHA-256 works on blocks of 64 bytes (FIPS 198-1: HMAC pads the key to one block)
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))

COUNTER = b"\x01"
"""Number of the first and only block of HKDF-Expand, hashed behind the label."""


def claim_label(name: str) -> bytes:
    """What the salt of the claim ``name`` is derived from, counter included: the same for every record."""
    return b"salt/claim/" + name.encode() + COUNTER


class RecordKey:
    """The key of one record, kept as the two prepared SHA-256 states of HMAC (RFC 2104 section 4).

    Copying a state is three times faster than a fresh HMAC, and the key itself is not held. Instances
    neither show, compare nor serialise themselves.

    Raises:
        InputError: ``KEY_LENGTH`` if ``secret`` is not 32 bytes.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise InputError("KEY_LENGTH", length=len(secret), expected=KEY_BYTES)
        padded = secret.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def __repr__(self) -> str:
        return "RecordKey(…)"

    def derive(self, label: bytes) -> bytes:
        """32 bytes bound to ``label``: HMAC-SHA-256(key, label ‖ 0x01), the first block of HKDF-Expand."""
        return self._expand((label + COUNTER,))[0]

    def claim_salts(self, labels: Iterable[bytes]) -> list[bytes]:
        """Salts of many claims at once, one for each label made by ``claim_label``."""
        return self._expand(labels)

    def _expand(self, infos: Iterable[bytes]) -> list[bytes]:
        new_inner, new_outer, blocks = self._inner.copy, self._outer.copy, []
        for info in infos:
            inner, outer = new_inner(), new_outer()
            inner.update(info)
            outer.update(inner.digest())
            blocks.append(outer.digest())
        return blocks

    def record_salt(self) -> bytes:
        """Salt in the record itself: without it a record of guessable content had a guessable leaf."""
        return self.derive(b"salt/record")

    def claim_salt(self, name: str) -> bytes:
        """Salt of the claim ``name``."""
        return self._expand((claim_label(name),))[0]

    def body_key(self) -> bytes:
        """Key under which the record's body is encrypted."""
        return self.derive(b"body")
