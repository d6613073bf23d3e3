"""eth_getLogs over an indexed table: one index range a question, whatever the chain's length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.chain.embedded.store import Store

_ENOUGH = 500  # rows beyond which a column's exact selectivity no longer matters
_COLUMNS = ("address", "topic0", "topic1", "topic2", "topic3")


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Blocks from ``first`` to ``last`` inclusive; per column of (address, topic0…3) the accepted values.

    An empty tuple accepts anything in that column, even nothing (trailing null of the JSON-RPC filter
    demands the topic's presence only by its position: ``minimum`` topics).
    """

    first: int
    last: int
    columns: tuple[tuple[bytes, ...], ...]
    minimum: int


@dataclass(frozen=True, slots=True)
class StoredLog:
    block: int
    block_hash: bytes
    transaction: int
    transaction_hash: bytes
    position: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def find_logs(store: Store, wanted: LogFilter) -> list[StoredLog]:
    """Logs that match, in order of block and position."""
    named = [(name, values) for name, values in zip(_COLUMNS, wanted.columns, strict=True) if values]
    leading = _most_selective(store, wanted, named)
    conditions, parameters = ["log.block BETWEEN ? AND ?"], [wanted.first, wanted.last]
    values: list[Any] = list(parameters)
    for name, accepted in named:
        # The unary plus keeps SQLite from choosing another column's index.
        conditions.append(f"{'' if name == leading else '+'}log.{name} IN ({_marks(accepted)})")
        values.extend(accepted)
    if wanted.minimum:
        conditions.append(f"log.topic{wanted.minimum - 1} IS NOT NULL")
    rows = store.all(
        "SELECT log.block, block.hash, log.tx, tx.hash, log.position, log.address, log.topic0,"  # noqa: S608
        " log.topic1, log.topic2, log.topic3, log.data FROM log"
        " JOIN block ON block.number = log.block"
        " JOIN tx ON tx.block = log.block AND tx.position = log.tx"
        f" WHERE {' AND '.join(conditions)} ORDER BY log.block, log.tx, log.position",
        values,
    )
    return [
        StoredLog(
            block, block_hash, transaction, transaction_hash, position, address,
            tuple(topic for topic in topics if topic is not None), content,
        )
        for block, block_hash, transaction, transaction_hash, position, address, *topics, content in rows
    ]  # fmt: skip


def _most_selective(store: Store, wanted: LogFilter, named: Sequence[tuple[str, tuple[bytes, ...]]]) -> str | None:
    """Column whose index has the fewest rows to walk, counted as far as it matters.

    Nearly every log has the same address and one of a few first topics; a leaf's topic has a handful.
    """
    if len(named) < 2:
        return named[0][0] if named else None

    def rows(name: str, accepted: tuple[bytes, ...]) -> int:
        count: int = store.one(
            f"SELECT count(*) FROM (SELECT 1 FROM log WHERE {name} IN ({_marks(accepted)})"  # noqa: S608
            f" AND block BETWEEN ? AND ? LIMIT {_ENOUGH})",
            *accepted, wanted.first, wanted.last,
        )[0]  # fmt: skip
        return count

    return min(named, key=lambda item: rows(*item))[0]


def _marks(values: Sequence[bytes]) -> str:
    return ",".join("?" * len(values))
