"""Rows as they are stored, for an audit: all of them, in one view, past the repositories that would pass some over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select
from sqlalchemy.engine import URL

from ledger.ports.auditing import PlacedRow, WaitingRows
from ledger.store import dialect
from ledger.store.queries import fetch_tuples, slices
from ledger.store.seal_uses import seal_uses
from ledger.store.tables import batches, metadata, owners, record_files, records, runs

PAGE = 8192
_step = records.c.row - runs.c.first
_PLACED: Select[*tuple[Any, ...]] = select(
    *(runs.c.position + _step, records.c.row, owners.c.issuer, owners.c.kind, runs.c.type, records.c.id_hmac),
    records.c.leaf,
).select_from(runs.join(owners).join(records, records.c.row.between(runs.c.first, runs.c.last)))
_NOT_FROZEN = runs.c.batch.is_(None)


@contextmanager
def audit_reads(url: URL) -> Iterator[SqlAuditReads]:
    """One read transaction over every table. Raises UnavailableError, IntegrityError STORE_…."""
    engine = dialect.connect(url)
    try:
        with dialect.translated(), engine.execution_options(**{dialect.MODE: dialect.READ}).begin() as connection:
            yield SqlAuditReads(connection)
    finally:
        engine.dispose()


class SqlAuditReads:
    """``ports.AuditReads``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def columns(self, table: str) -> tuple[str, ...]:
        return tuple(column.name for column in metadata.tables[table].columns)

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """By primary key, a page at a time."""
        found = metadata.tables[table]
        keys = list(found.primary_key)
        query = select(*found.c).order_by(*keys)
        for at in range(0, 1 << 62, PAGE):
            page = fetch_tuples(self._connection, query.limit(PAGE).offset(at))
            yield from page
            if len(page) < PAGE:
                return

    def placed(self, batch: int) -> list[PlacedRow]:
        query = _PLACED.where(runs.c.batch == batch).order_by(runs.c.position, records.c.row)
        return [PlacedRow(*row) for row in fetch_tuples(self._connection, query)]

    def waiting(self) -> Iterator[WaitingRows]:
        held = select(runs.c.first, runs.c.chunk, runs.c.ordinal).where(_NOT_FROZEN).order_by(runs.c.first)
        for first, chunk, ordinal in fetch_tuples(self._connection, held):
            query = _PLACED.where(runs.c.first == first).order_by(records.c.row)
            rows = [PlacedRow(*row) for row in fetch_tuples(self._connection, query)]
            if rows:  # a run without records is loose
                yield WaitingRows(chunk, ordinal, rows)

    def files(self, handles: Sequence[int]) -> set[tuple[bytes, int]]:
        found: set[tuple[bytes, int]] = set()
        query = select(record_files.c.file_hmac, record_files.c.record)
        for some in slices(handles):
            found.update(fetch_tuples(self._connection, query.where(record_files.c.record.in_(some))))
        return found

    def uses(self, handles: Sequence[int]) -> set[tuple[int, int, int]]:
        found: set[tuple[int, int, int]] = set()
        query = select(seal_uses.c.seal, seal_uses.c.day, seal_uses.c.record)
        for some in slices(handles):
            found.update(fetch_tuples(self._connection, query.where(seal_uses.c.record.in_(some))))
        return found

    def loose(self) -> Iterator[tuple[str, str, str]]:
        for table, column, key, wrong in self._wrong():
            for (found,) in fetch_tuples(self._connection, select(key).where(wrong)):
                yield table, found.hex() if isinstance(found, bytes) else str(found), column

    def _wrong(self) -> Iterator[tuple[str, str, ColumnElement[Any], ColumnElement[bool]]]:
        """(table, column, key, condition) of rows that no proof of a batch looks at, or that contradict another."""
        inside = records.c.row.between(runs.c.first, runs.c.last)
        yield "records", "row", records.c.row, ~exists().where(inside)
        yield "records", "owner", records.c.row, exists().where(inside, runs.c.owner != records.c.owner)
        number = select(func.count()).select_from(records).where(inside).correlate(runs).scalar_subquery()
        yield "runs", "last", runs.c.first, number != runs.c.last - runs.c.first + 1
        other = runs.alias("other")
        overlaps = exists().where(other.c.first > runs.c.first, other.c.first <= runs.c.last)
        yield "runs", "first", runs.c.first, overlaps
        yield "runs", "owner", runs.c.first, ~exists().where(owners.c.row == runs.c.owner)
        yield "owners", "row", owners.c.row, ~exists().where(runs.c.owner == owners.c.row)
        placed = runs.c.batch.is_not(None)
        yield "runs", "batch", runs.c.first, and_(placed, ~exists().where(batches.c.row == runs.c.batch))
        yield "runs", "chunk", runs.c.first, runs.c.chunk.is_not(None) == placed
        yield "runs", "position", runs.c.first, runs.c.position.is_(None) == placed
        yield (
            "record_files",
            "record",
            record_files.c.file_hmac,
            ~exists().where(records.c.row == record_files.c.record),
        )
        yield "seal_uses", "record", seal_uses.c.record, ~exists().where(records.c.row == seal_uses.c.record)
        before = records.alias("before")
        earlier = exists().where(
            *(before.c.id_hmac == records.c.id_hmac, before.c.owner == records.c.owner),
            before.c.twin == records.c.twin - 1,
        )
        yield "records", "twin", records.c.row, and_(records.c.twin != 0, ~earlier)
