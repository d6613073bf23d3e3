"""Block headers of the embedded chain and their commit seals.

Fifteen fields (no base fee). extraData of ordinary blocks = 32 bytes of vanity ‖ r‖s‖v; of the genesis
block = 32 bytes with the operator's name ‖ 20-byte address of the sealer ‖ 65 zero bytes. The seal hash
is Keccak-256 of the header with the last 65 bytes of extraData taken off, the block hash that of the
whole header (EIP-225, Clique, for one sealer). The hash covers the seal, so a hash chain that ends in a
header with a good seal binds every header before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import coincurve

from ledger.chain.embedded.hashing import EMPTY_OMMERS, EMPTY_ROOT
from ledger.errors import InputError
from ledger.proofs.commit_seals import recover_sealer
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import decode_strict, encode, from_int

VANITY, SEAL = 32, 65
GAS_LIMIT = 60_000_000
_SIZES = (32, 32, 20, 32, 32, 32, 256, None, None, None, None, None, None, 32, 8)


@dataclass(frozen=True, slots=True)
class Header:
    """Fields in RLP order; hashes, addresses and ``bloom`` (256) are bytes, ``timestamp`` UTC seconds."""

    parent_hash: bytes
    ommers_hash: bytes
    coinbase: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes

    def encode(self) -> bytes:
        """RLP of the fifteen fields: what is hashed, stored and served by debug_getRawHeader."""
        fields = [getattr(self, name) for name in self.__slots__]
        return encode([field if isinstance(field, bytes) else from_int(field) for field in fields])

    @classmethod
    def decode(cls, raw: bytes) -> Header:
        """Parse strictly: fifteen fields, exact sizes, minimal integers.

        Raises InputError ENGINE_HEADER_REFUSED.
        """
        try:
            fields = decode_strict(raw)
        except InputError as error:
            raise InputError("ENGINE_HEADER_REFUSED") from error
        if not isinstance(fields, list) or len(fields) != len(_SIZES):
            raise InputError("ENGINE_HEADER_REFUSED")
        found: list[Any] = []
        for field, size in zip(fields, _SIZES, strict=True):
            if not isinstance(field, bytes) or (size is not None and len(field) != size):
                raise InputError("ENGINE_HEADER_REFUSED")
            found.append(field)
        numbers = (int.from_bytes(field, "big") for field in found[7:12])
        header = cls(*found[:7], *numbers, *found[12:])
        if header.encode() != raw:  # leading zeros in an integer
            raise InputError("ENGINE_HEADER_REFUSED")
        return header

    @property
    def hash(self) -> bytes:
        return _hash(self)

    @property
    def seal_hash(self) -> bytes:
        return keccak(replace(self, extra_data=self.extra_data[:-SEAL]).encode())


@lru_cache(maxsize=256)  # a block is asked for many times while it is young
def _hash(header: Header) -> bytes:
    return keccak(header.encode())


def genesis_header(*, operator: bytes, sealer: bytes, timestamp: int) -> Header:
    """Block 0: no state, no seal; names the operator (at most 32 bytes) and the only sealer."""
    return _header(
        bytes(32), 0, timestamp, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT, bytes(256), 0,
        operator.ljust(VANITY, b"\0") + sealer + bytes(SEAL),
    )  # fmt: skip


def child_header(
    parent: Header, *, timestamp: int, state_root: bytes, transactions_root: bytes, receipts_root: bytes,
    bloom: bytes, gas_used: int,
) -> Header:  # fmt: skip
    """The block after ``parent``, not yet sealed (65 zero bytes in the seal's place)."""
    return _header(
        parent.hash, parent.number + 1, timestamp, state_root, transactions_root, receipts_root, bloom,
        gas_used, bytes(VANITY + SEAL),
    )  # fmt: skip


def _header(
    parent: bytes, number: int, timestamp: int, state: bytes, transactions: bytes, receipts: bytes,
    bloom: bytes, gas_used: int, extra: bytes,
) -> Header:  # fmt: skip
    return Header(
        parent, EMPTY_OMMERS, bytes(20), state, transactions, receipts, bloom, 1, number, GAS_LIMIT,
        gas_used, timestamp, extra, bytes(32), bytes(8),
    )  # fmt: skip


def sealer_address(node_key: bytes) -> bytes:
    """20-byte address of a 32-byte secp256k1 key. Raises InputError ENGINE_KEY_REFUSED."""
    if len(node_key) != 32:
        raise InputError("ENGINE_KEY_REFUSED")
    try:
        public = coincurve.PrivateKey(node_key).public_key
    except ValueError as error:
        raise InputError("ENGINE_KEY_REFUSED") from error
    return keccak(public.format(compressed=False)[1:])[12:]


def seal(header: Header, node_key: bytes) -> Header:
    """``header`` with r‖s‖v (v 0 or 1, s in the lower half) as the last 65 bytes of extraData."""
    signature = coincurve.PrivateKey(node_key).sign_recoverable(header.seal_hash, hasher=None)
    return replace(header, extra_data=header.extra_data[:-SEAL] + signature)


def sealer_of(header: Header) -> bytes:
    """Address that sealed ``header``. Raises InputError COMMIT_SEAL_… (one valid seal a header, low s)."""
    if len(header.extra_data) != VANITY + SEAL:
        raise InputError("COMMIT_SEAL_EXTRA", part="length")
    return recover_sealer(header.seal_hash, header.extra_data[-SEAL:])
