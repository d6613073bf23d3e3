"""Keccak-256 as Ethereum uses it: the padding of the Keccak submission, not that of SHA3-256 (FIPS 202)."""

from __future__ import annotations

import sha3


def keccak(data: bytes) -> bytes:
    """32-byte Keccak-256 digest of ``data`` (Ethereum Yellow Paper, section 3, KEC)."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest
