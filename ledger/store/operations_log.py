"""Rows of the log of operations: numbered without a gap, each chained to the one before it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, insert, select, update

from ledger.ports.access import OperationMaker
from ledger.store.service_tables import operations, operations_head

LOG, ANCHOR = "log", "anchor"
PAGE = 1000


def append(connection: Connection, make: OperationMaker) -> int:
    """The head's row is written first: whoever comes second waits there until this transaction has ended."""
    ours = operations_head.c.name == LOG
    connection.execute(update(operations_head).where(ours).values(row=operations_head.c.row + 1))
    row, previous = connection.execute(select(operations_head.c.row, operations_head.c.hash).where(ours)).one()
    entry, hash_ = make(row, previous)
    connection.execute(insert(operations).values(row=row, entry=entry, hash=hash_))
    connection.execute(update(operations_head).where(ours).values(hash=hash_))
    return int(row)


def set_anchor(connection: Connection, row: int, leaf: bytes) -> None:
    connection.execute(update(operations_head).where(operations_head.c.name == ANCHOR).values(row=row, hash=leaf))


def head(connection: Connection, name: str = LOG) -> tuple[int, bytes]:
    query = select(operations_head.c.row, operations_head.c.hash).where(operations_head.c.name == name)
    found = connection.execute(query).first()
    return (0, bytes(32)) if found is None else (int(found[0]), found[1])


def page(connection: Connection, since: int, limit: int) -> list[tuple[int, bytes, bytes]]:
    query = select(*operations.c).where(operations.c.row >= since).order_by(operations.c.row).limit(limit)
    return [(int(row), entry, hash_) for row, entry, hash_ in connection.execute(query)]


def walk(connection: Connection) -> Iterator[tuple[int, bytes, bytes]]:
    since = -(2**63)  # a row that somebody numbered below 1 must be found, not passed over
    while rows := page(connection, since, PAGE):
        yield from rows
        since = rows[-1][0] + 1
