"""Receipts of a block: their RLP, root and blooms, from execution or from stored rows.

Receipt = RLP[status, cumulative gas, bloom, [[address, [topics], data] …]] (Yellow Paper 4.3.1, EIP-658).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import rlp

from ledger.chain.embedded.hashing import bloom
from ledger.chain.embedded.store import Store
from ledger.chain.embedded.transactions import Transaction
from ledger.chain.embedded.vm import Outcome
from ledger.proofs.receipts import Log


@dataclass(frozen=True, slots=True)
class Receipt:
    """``first_log``: index in the block of this transaction's first log (0 where it has none)."""

    status: int
    gas_used: int
    cumulative: int
    logs: tuple[Log, ...]
    first_log: int
    bloom: int

    def encode(self) -> bytes:
        logs = [[log.address, list(log.topics), log.data] for log in self.logs]
        encoded: bytes = rlp.encode([self.status, self.cumulative, self.bloom.to_bytes(256, "big"), logs])
        return encoded


def receipts_of(outcomes: Sequence[Outcome]) -> list[Receipt]:
    """Receipts of a block's transactions in order, from what their execution gave."""
    receipts: list[Receipt] = []
    cumulative = first = 0
    for outcome in outcomes:
        cumulative += outcome.gas_used
        receipts.append(_receipt(outcome.status, outcome.gas_used, cumulative, outcome.logs, first))
        first += len(outcome.logs)
    return receipts


def joined_bloom(receipts: Iterable[Receipt]) -> bytes:
    """logsBloom of the block, 256 bytes."""
    bits = 0
    for receipt in receipts:
        bits |= receipt.bloom
    return bits.to_bytes(256, "big")


def write_receipts(store: Store, block: int, transactions: Sequence[Transaction], receipts: Sequence[Receipt]) -> None:
    """Rows of one block, inside its SQL transaction."""
    store.write_many(
        "INSERT INTO tx (hash, block, position, sender, raw, status, gas_used, cumulative)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (tx.hash, block, position, tx.sender, tx.raw, got.status, got.gas_used, got.cumulative)
            for position, (tx, got) in enumerate(zip(transactions, receipts, strict=True))
        ],
    )
    store.write_many(
        "INSERT INTO log (block, position, tx, address, topic0, topic1, topic2, topic3, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (block, got.first_log + place, position, log.address, *_padded(log.topics), log.data)
            for position, got in enumerate(receipts)
            for place, log in enumerate(got.logs)
        ],
    )


def read_receipt(store: Store, row: Sequence[Any]) -> Receipt:
    """From a row (block, position, status, gas_used, cumulative) of the table ``tx``."""
    block, position, status, gas_used, cumulative = row
    logs = store.all(
        "SELECT position, address, topic0, topic1, topic2, topic3, data FROM log"
        " WHERE block = ? AND tx = ? ORDER BY position",
        (block, position),
    )
    first = logs[0][0] if logs else 0
    return _receipt(status, gas_used, cumulative, tuple(map(_log, logs)), first)


def _receipt(status: int, gas_used: int, cumulative: int, logs: tuple[Log, ...], first: int) -> Receipt:
    bits = bloom({item for log in logs for item in (log.address, *log.topics)})
    return Receipt(status, gas_used, cumulative, logs, first, bits)


def _padded(topics: tuple[bytes, ...]) -> tuple[bytes | None, ...]:
    return (*topics, *(None,) * (4 - len(topics)))


def _log(row: Sequence[Any]) -> Log:
    return Log(row[1], tuple(topic for topic in row[2:6] if topic is not None), row[6])
