"""Keyed lookup keys: the rows hold HMACs of ids and file digests, so a stolen database answers no guesses.

License numbers and citizen-related digests are guessable; a bare hash of them is not anonymous (why.md F24). The key
lies outside the database.
"""

from __future__ import annotations

from ledger.crypto.mac import PreparedMac
from ledger.errors import InputError

KEY_BYTES = 32
ID_BYTES = 16


class BlindIndex:
    """HMAC-SHA-256 under one index key with a label a purpose.

    Raises:
        InputError: ``KEY_LENGTH`` if ``secret`` is not 32 bytes.
    """

    __slots__ = ("_file", "_id", "_row")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise InputError("KEY_LENGTH", length=len(secret), expected=KEY_BYTES)
        self._id, self._file, self._row = (
            PreparedMac(secret, b"index/%b/" % purpose) for purpose in (b"id", b"file", b"row")
        )

    def __repr__(self) -> str:
        return "BlindIndex(…)"

    def id(self, record_id: str) -> bytes:
        """Lookup key of a record id, 16 bytes: half of the index's pages, and still no two ids with one key."""
        return self._id.of(record_id.encode())[:ID_BYTES]

    def file(self, sha256: bytes) -> bytes:
        """Lookup key of a file's SHA-256, 32 bytes."""
        return self._file.of(sha256)

    def row(self, source: bytes, line: int) -> bytes:
        """16 bytes that name one row of one source file: the same row again gets the same URN, and nobody without
        the key can compute it from the file."""
        return self._row.of(line.to_bytes(8, "big") + source)[:16]
