"""Raw transactions: legacy form with EIP-155 replay protection, nothing else.

Typed transactions are refused: one form is enough for one's own contracts, and keeps receipts' bytes plain.
"""

from __future__ import annotations

from dataclasses import dataclass

import coincurve
import rlp

from ledger.chain.embedded.headers import GAS_LIMIT
from ledger.errors import InputError
from ledger.proofs.keccak import keccak

MAX_BYTES = 1024 * 1024
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Transaction:
    """A parsed transaction and its recovered sender; ``to`` is empty where a contract is created."""

    raw: bytes
    hash: bytes
    sender: bytes
    nonce: int
    gas_price: int
    gas: int
    to: bytes
    value: int
    data: bytes
    v: int
    r: int
    s: int

    @property
    def contract(self) -> bytes | None:
        """Address of the contract it creates (Yellow Paper section 7), None for a call."""
        return None if self.to else keccak(rlp.encode([self.sender, self.nonce]))[12:]

    @property
    def intrinsic_gas(self) -> int:
        """Gas due before execution in Berlin: 21000, 32000 to create, 4 or 16 a byte of data."""
        zeros = self.data.count(0)
        return 21_000 + (0 if self.to else 32_000) + 4 * zeros + 16 * (len(self.data) - zeros)


def parse_transaction(raw: bytes, chain_id: int) -> Transaction:
    """Parse strictly and recover the sender.

    Raises InputError ENGINE_TX_REFUSED (with the rule broken) and ENGINE_WRONG_CHAIN: a transaction
    without a chain id, or signed for another chain, would otherwise be replayed here.
    """
    if len(raw) > MAX_BYTES:
        raise _refused("size")
    if raw and raw[0] < 0x80:
        raise _refused("type")
    try:
        fields = rlp.decode(raw)
    except rlp.exceptions.RLPException as error:
        raise _refused("rlp") from error
    if not isinstance(fields, list) or len(fields) != 9 or not all(isinstance(f, bytes) for f in fields):
        raise _refused("fields")
    nonce, gas_price, gas, to, value, data, v, r, s = fields
    if any(len(number) > 32 or number[:1] == b"\0" for number in (nonce, gas_price, gas, value, v, r, s)):
        raise _refused("integer")
    if len(to) not in (0, 20):
        raise _refused("to")
    parity_v, r_, s_ = _integer(v), _integer(r), _integer(s)
    transaction = Transaction(
        raw, keccak(raw), _sender(fields, parity_v, r_, s_, chain_id), _integer(nonce), _integer(gas_price),
        _integer(gas), to, _integer(value), data, parity_v, r_, s_,
    )  # fmt: skip
    if transaction.nonce >= 2**63:  # EIP-2681 allows one bit more; nobody gets there
        raise _refused("nonce")
    if transaction.gas > GAS_LIMIT:
        raise _refused("gas")
    if transaction.gas < transaction.intrinsic_gas:
        raise _refused("intrinsic gas")
    return transaction


def _sender(fields: list[bytes], v: int, r: int, s: int, chain_id: int) -> bytes:
    """EIP-155: v = 35 + 2 × chain id + parity, and the chain id is signed; EIP-2: s in the lower half."""
    if v < 35 or (v - 35) // 2 != chain_id:
        raise InputError("ENGINE_WRONG_CHAIN", expected=chain_id, found=(v - 35) // 2 if v >= 35 else None)
    if not (0 < r < _ORDER and 0 < s <= _ORDER // 2):
        raise _refused("signature")
    digest = keccak(rlp.encode([*fields[:6], _minimal(chain_id), b"", b""]))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([(v - 35) % 2])
    try:
        public = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:  # coincurve raises ValueError or a bare Exception, by the step that failed
        raise _refused("signature") from error
    return keccak(public.format(compressed=False)[1:])[12:]


def _integer(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _refused(rule: str) -> InputError:
    return InputError("ENGINE_TX_REFUSED", rule=rule)
