"""Signed transactions: legacy form with EIP-155 replay protection and gas price 0.

One form is enough for one's own contracts, every permissioned engine takes it, and its receipts carry no
type byte. ECDSA over secp256k1 with s in the lower half (EIP-2) and a deterministic nonce (RFC 6979):
the same call signed again gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.ports import Account
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import encode, from_int


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction asks for; ``to`` is empty where ``data`` creates a contract, ``gas`` its limit."""

    to: bytes
    data: bytes
    gas: int


def sign(chain_id: int, account: Account, nonce: int, call: Call) -> tuple[bytes, bytes]:
    """(raw transaction, its hash). The signature covers the chain id: no other chain takes these bytes.

    ``account.key`` signs a digest as ``coincurve.PrivateKey.sign_recoverable`` does.
    """
    fields = [from_int(nonce), b"", from_int(call.gas), call.to, b"", call.data]
    digest = keccak(encode([*fields, from_int(chain_id), b"", b""]))
    signature: bytes = account.key.sign_recoverable(digest, hasher=None)
    r, s, parity = signature[:32], signature[32:64], signature[64]
    v = 35 + 2 * chain_id + parity
    raw = encode([*fields, from_int(v), r.lstrip(b"\0"), s.lstrip(b"\0")])
    return raw, keccak(raw)
