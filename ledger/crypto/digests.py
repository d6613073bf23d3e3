"""Digests of files: exact size, SHA-256 (FIPS 180-4) and SM3 (GB/T 32905) in one pass."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.hashes import SM3, Hash

from ledger.core.hashing import sm3
from ledger.core.records import FileDigest
from ledger.errors import InputError

__all__ = ["CHUNK", "digest_path", "digest_stream", "sm3"]

CHUNK = 1 << 20  # bytes held at once, whatever the size of the file


def digest_stream(stream: BinaryIO) -> FileDigest:
    """Read ``stream`` to its end and return size in bytes, SHA-256 and SM3 (32 bytes each)."""
    sha256, sm3, size = hashlib.sha256(), Hash(SM3()), 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        sha256.update(chunk)
        sm3.update(chunk)
    return FileDigest(size, sha256.digest(), sm3.finalize())


def digest_path(path: Path) -> FileDigest:
    """As ``digest_stream`` for a file.

    Raises:
        InputError: ``DIGEST_FILE`` if the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return digest_stream(stream)
    except OSError as error:
        raise InputError("DIGEST_FILE", file=path.name, reason=error.strerror) from error
