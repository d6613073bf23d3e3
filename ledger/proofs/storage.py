"""Accounts and storage slots under a state root (Yellow Paper, section 4.1), and Solidity's slot arithmetic.

A slot that was never written is not in the trie: a complete exclusion proof of a slot is the number 0, so
"this status was never changed" is provable. A missing account is an error: a chain without the contract
says nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import decode_strict, to_int
from ledger.proofs.trie import ProofNodes


@dataclass(frozen=True, slots=True)
class Account:
    """``storage_root`` and ``code_hash`` are 32 bytes; the latter fixes which contract lives there."""

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


def prove_account(state_root: bytes, address: bytes, nodes: ProofNodes) -> Account:
    """The account at ``address`` (20 bytes) in the state of ``state_root``.

    Raises ``InputError``: STORAGE_ACCOUNT_ABSENT (provably none), STORAGE_ACCOUNT_MALFORMED,
    STORAGE_KEY_LENGTH, TRIE_…, RLP_….
    """
    value = nodes.get(state_root, keccak(_exact("address", address, 20)))
    if value is None:
        raise InputError("STORAGE_ACCOUNT_ABSENT", address=address.hex())
    fields = decode_strict(value)
    if not isinstance(fields, list) or len(fields) != 4:
        raise InputError("STORAGE_ACCOUNT_MALFORMED", part="fields")
    raw: list[bytes] = []
    parts = ("nonce", range(9)), ("balance", range(33)), ("storageHash", (32,)), ("codeHash", (32,))
    for item, (part, lengths) in zip(fields, parts, strict=True):
        if not isinstance(item, bytes) or len(item) not in lengths:
            raise InputError("STORAGE_ACCOUNT_MALFORMED", part=part)
        raw.append(item)
    return Account(to_int(raw[0]), to_int(raw[1]), raw[2], raw[3])


def prove_slot(storage_root: bytes, slot: bytes, nodes: ProofNodes) -> int:
    """The 256-bit word at ``slot`` (32 bytes) under ``storage_root``; 0 where it is provably unset.

    Raises ``InputError``: STORAGE_VALUE_MALFORMED, STORAGE_KEY_LENGTH, TRIE_…, RLP_….
    """
    value = nodes.get(storage_root, keccak(_exact("slot", slot, 32)))
    if value is None:
        return 0
    word = decode_strict(value)
    if not isinstance(word, bytes) or not 0 < len(word) <= 32:
        raise InputError("STORAGE_VALUE_MALFORMED", slot=slot.hex())
    return to_int(word)


def mapping_slot(key: bytes, slot: bytes) -> bytes:
    """Slot of ``mapping[key]`` for a mapping at ``slot``; both 32 bytes (Solidity, "Layout in Storage")."""
    return keccak(_exact("key", key, 32) + _exact("slot", slot, 32))


def offset_slot(slot: bytes, offset: int) -> bytes:
    """The slot ``offset`` words further on, as for the later words of a struct; wraps at 2^256."""
    return ((int.from_bytes(_exact("slot", slot, 32), "big") + offset) % (1 << 256)).to_bytes(32, "big")


def unpack(word: int, members: Sequence[tuple[str, int]]) -> list[int]:
    """Values of the members (name, bits) that Solidity packs into a word, the first in the lowest bits.

    Raises ``InputError`` STORAGE_WORD_LAYOUT where bits are set that no member uses.
    """
    values = []
    for _, bits in members:
        values.append(word & ((1 << bits) - 1))
        word >>= bits
    if word:
        raise InputError("STORAGE_WORD_LAYOUT", member="unused")
    return values


def _exact(name: str, value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise InputError("STORAGE_KEY_LENGTH", name=name, length=len(value), expected=length)
    return value
