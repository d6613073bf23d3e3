"""Uses of e-seals by seal and day. The one index answers both questions, so that neither looks at other seals' uses."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, func, select

from ledger.core.seal_uses import seal_number
from ledger.store.queries import fetch_tuples
from ledger.store.tables import Serial, metadata

seal_uses = Table(
    "seal_uses",
    metadata,
    Column("record", Serial, primary_key=True, autoincrement=False),
    Column("seal", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Index("ix_seal_uses_seal", "seal", "day", "record"),
)
"""Written with the record, and deleted when it is erased."""
COLUMNS = ("record", "seal", "day")


class SqlSealUses:
    """``ports.SealUses`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counts(self, seal: bytes, first: int | None = None, last: int | None = None) -> list[tuple[int, int]]:
        table = seal_uses.c
        query = select(table.day, func.count()).where(table.seal == seal_number(seal))
        if first is not None:
            query = query.where(table.day >= first)
        if last is not None:
            query = query.where(table.day <= last)
        found = fetch_tuples(self._connection, query.group_by(table.day).order_by(table.day))
        return [(day, count) for day, count in found]

    def of_day(self, seal: bytes, day: int, after: int, limit: int) -> list[int]:
        table = seal_uses.c
        own = (table.seal == seal_number(seal), table.day == day, table.record > after)
        query = select(table.record).where(*own).order_by(table.record).limit(limit)
        return [record for (record,) in fetch_tuples(self._connection, query)]
