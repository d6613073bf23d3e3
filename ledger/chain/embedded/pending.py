"""Acceptance of raw transactions: checked, stored durably, then acknowledged by their hash.

There is no replacement: with gas price 0 nothing could rank two transactions of one nonce, and the sender
of the ledger re-sends the same bytes anyway.
"""

from __future__ import annotations

from ledger.chain.embedded.chain import Chain
from ledger.chain.embedded.transactions import Transaction, parse_transaction
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.proofs.keccak import keccak

_MAX_AHEAD = 4096  # nonces a sender may be ahead of its account
_MAX_WAITING = 20_000


def admit(chain: Chain, raw: bytes) -> bytes:
    """Store ``raw`` and return its hash; the same bytes again return the same hash.

    Raises as `parse_transaction`; ConflictError ENGINE_NONCE_TOO_LOW, ENGINE_NONCE_TAKEN,
    ENGINE_NONCE_TOO_HIGH; InputError ENGINE_FUNDS; UnavailableError ENGINE_QUEUE_FULL, ENGINE_STORAGE.
    After an error nothing is stored; a crash before the return may leave it stored, so send again.
    """
    digest = keccak(raw)
    if known(chain, digest):  # a sender whose transactions wait sends them again and again
        return digest
    transaction = parse_transaction(raw, chain.chain_id)
    with chain.store.writing():
        if not known(chain, transaction.hash):
            _check(chain, transaction)
            chain.store.write(
                "INSERT INTO pending (hash, sender, nonce, raw) VALUES (?, ?, ?, ?)",
                transaction.hash, transaction.sender, transaction.nonce, raw,
            )  # fmt: skip
    return transaction.hash


def known(chain: Chain, digest: bytes) -> bool:
    return any(
        chain.store.one(f"SELECT 1 FROM {table} WHERE hash = ?", digest)  # noqa: S608 - two constants
        for table in ("tx", "pending")
    )


def next_nonce(chain: Chain, sender: bytes, nonce: int) -> int:
    """First nonce from ``nonce`` on for which nothing of ``sender`` waits."""
    waiting = chain.store.all(
        "SELECT nonce FROM pending WHERE sender = ? AND nonce >= ? ORDER BY nonce", (sender, nonce)
    )
    for (taken,) in waiting:
        if taken != nonce:
            break
        nonce += 1
    return nonce


def _check(chain: Chain, transaction: Transaction) -> None:
    state = chain.state_at(chain.head())
    nonce = state.get_nonce(transaction.sender)
    if transaction.nonce < nonce:
        raise ConflictError("ENGINE_NONCE_TOO_LOW", nonce=transaction.nonce, expected=nonce)
    if transaction.nonce > nonce + _MAX_AHEAD:
        raise ConflictError("ENGINE_NONCE_TOO_HIGH", nonce=transaction.nonce, expected=nonce)
    cost = transaction.value + transaction.gas * transaction.gas_price
    if cost > state.get_balance(transaction.sender):
        raise InputError("ENGINE_FUNDS", cost=cost)
    taken = chain.store.one(
        "SELECT hash FROM pending WHERE sender = ? AND nonce = ?", transaction.sender, transaction.nonce
    )
    if taken:
        raise ConflictError("ENGINE_NONCE_TAKEN", nonce=transaction.nonce, by=taken[0].hex())
    if chain.store.one("SELECT count(*) FROM pending")[0] >= _MAX_WAITING:
        raise UnavailableError("ENGINE_QUEUE_FULL", waiting=_MAX_WAITING)
