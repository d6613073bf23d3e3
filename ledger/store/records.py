"""Rows of records: from acceptance to their place in a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, null, select, update

from ledger.core.registries import Kind
from ledger.errors import IntegrityError
from ledger.ports import AcceptedRow, RecordRow
from ledger.store.queries import all_or_none, execute_many, fetch_tuples, insert_many, slices, unique
from ledger.store.tables import batches, record_files, records

_NEW = (
    *("issuer", "kind", "type", "id_hmac", "leaf", "vault"),
    *("chunk", "offset", "length", "approval", "job", "line"),
)
_FIELDS = [
    *(records.c.row, records.c.issuer, records.c.kind, records.c.type, records.c.id_hmac, records.c.leaf),
    *(records.c.vault, records.c.batch, records.c.position, records.c.chunk, records.c.offset),
    *(records.c.length, records.c.approval),
]


_make_row = RecordRow._make
_KINDS = {int(kind): kind for kind in Kind}  # a look-up costs a tenth of ``Kind(number)``


class SqlRecords:
    """``ports.Records`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, issuer: str, kind: Kind, chunk: str, rows: Sequence[AcceptedRow], job: int | None) -> None:
        """All rows or none.

        Raises:
            ConflictError: STORE_DUPLICATE_ID if the issuer already has a record of that kind and id: two
                active leaves for one license, of which one could be revoked and the other shown (why.md F25).
        """
        number = int(kind)
        values = [
            (issuer, number, type_, id_hmac, leaf, vault, chunk, offset, length, approval, job, line)
            for type_, id_hmac, leaf, vault, offset, length, approval, line, _ in rows
        ]
        files = [(file, r.leaf) for r in rows if r.file_hmacs for file in dict.fromkeys(r.file_hmacs)]
        with unique(self._connection, "STORE_DUPLICATE_ID", issuer=issuer, kind=kind.word):
            insert_many(self._connection, records, _NEW, values)
            insert_many(self._connection, record_files, ("file_hmac", "leaf"), files)

    def known_lines(
        self, issuer: str, kind: Kind, id_hmacs: Sequence[bytes]
    ) -> dict[bytes, tuple[int | None, int | None]]:
        known: dict[bytes, tuple[int | None, int | None]] = {}
        columns = (records.c.id_hmac, records.c.job, records.c.line)
        own = select(*columns).where(records.c.issuer == issuer, records.c.kind == int(kind))
        for some in slices(id_hmacs):
            for id_hmac, job, line in fetch_tuples(self._connection, own.where(records.c.id_hmac.in_(some))):
                known[id_hmac] = (job, line)
        return known

    def by_id(self, issuer: str, kind: Kind, id_hmac: bytes) -> RecordRow | None:
        found = self._rows(records.c.id_hmac == id_hmac, records.c.issuer == issuer, records.c.kind == int(kind))
        return found[0] if found else None

    def find_ids(self, id_hmac: bytes) -> list[RecordRow]:
        return self._rows(records.c.id_hmac == id_hmac)

    def by_leaf(self, leaf: bytes) -> RecordRow | None:
        found = self._rows(records.c.leaf == leaf, limit=1)
        return found[0] if found else None

    def by_file(self, file_hmac: bytes) -> list[RecordRow]:
        leaves = select(record_files.c.leaf).where(record_files.c.file_hmac == file_hmac)
        return self._rows(records.c.leaf.in_(leaves))

    def waiting(self) -> list[tuple[str, Kind, int]]:
        group = (records.c.issuer, records.c.kind)
        query = select(*group, func.count()).where(records.c.batch.is_(None)).group_by(*group).order_by(*group)
        return [(issuer, Kind(kind), number) for issuer, kind, number in self._connection.execute(query)]

    def next_for_batch(self, issuer: str, kind: Kind, limit: int) -> list[RecordRow]:
        return self._rows(
            records.c.batch.is_(None), records.c.issuer == issuer, records.c.kind == int(kind), limit=limit
        )

    def assign(self, batch: int, rows: Sequence[int]) -> None:
        """Raises IntegrityError STORE_STATE if one of them has a batch already: a record is anchored once."""
        run = records.c.row.between(bindparam("first"), bindparam("last"))
        statement = (
            update(records)
            .where(run, records.c.batch.is_(None))
            .values(batch=bindparam("b"), position=records.c.row - bindparam("start"), chunk=null())
        )
        values = [(batch, first - position, first, first + size - 1) for position, first, size in _runs(rows)]
        self._place(statement, ("b", "start", "first", "last"), values, len(rows), batch, ("accepted", "batched"))

    def release(self, batch: int, chunk: str, places: Sequence[tuple[int, int]]) -> None:
        """``places``: in the order of the batch's indexes, one for each record.

        Raises:
            IntegrityError: STORE_STATE if the batch holds another number of records.
        """
        rows = [row.row for row in self.in_batch(batch)]
        if len(rows) != len(places):
            raise _refused(batch, "batched", "accepted")
        self._place(
            update(records)
            .where(records.c.row == bindparam("r"), records.c.batch == bindparam("b"))
            .values(
                batch=null(),
                position=null(),
                chunk=bindparam("c"),
                offset=bindparam("o"),
                length=bindparam("l"),
            ),
            ("c", "o", "l", "r", "b"),
            [(chunk, offset, length, row, batch) for row, (offset, length) in zip(rows, places, strict=True)],
            len(rows),
            batch,
            ("batched", "accepted"),
        )

    def _place(
        self,
        statement: Any,
        names: Sequence[str],
        values: list[tuple[Any, ...]],
        touched: int,
        batch: int,
        states: tuple[str, str],
    ) -> None:
        with all_or_none(self._connection):
            if execute_many(self._connection, statement, names, values) != touched:
                raise _refused(batch, *states)

    def in_batch(self, batch: int) -> list[RecordRow]:
        return self._rows(records.c.batch == batch, order=records.c.position)

    def chunks_in_use(self) -> set[str]:
        query = select(records.c.chunk).where(records.c.batch.is_(None)).distinct()
        return {chunk for chunk in self._connection.scalars(query) if chunk is not None}

    def counts(self) -> dict[str, int]:
        """Records by the state of their batch; ``accepted`` are those without one."""
        accepted = select(func.count()).select_from(records).where(records.c.batch.is_(None))
        counts = {"accepted": self._connection.execute(accepted).scalar_one()}
        states = select(batches.c.state, func.sum(batches.c.size)).group_by(batches.c.state)
        for state, number in self._connection.execute(states.where(batches.c.state != "refused")):
            counts[state] = int(number)
        refused = select(func.count()).select_from(records.join(batches)).where(batches.c.state == "refused")
        held = self._connection.execute(refused).scalar_one()  # those of a refused batch may be released
        return counts | ({"refused": held} if held else {})

    def _rows(
        self, *where: ColumnElement[bool], order: ColumnElement[Any] = records.c.row, limit: int | None = None
    ) -> list[RecordRow]:
        query = select(*_FIELDS).where(*where).order_by(order).limit(limit)
        return [
            _make_row((row, issuer, _KINDS[kind], type_, id_, leaf, vault, batch, position, chunk, at, size, approval))
            for row, issuer, kind, type_, id_, leaf, vault, batch, position, chunk, at, size, approval in fetch_tuples(
                self._connection, query
            )
        ]


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(position, row, how many) of each run of rows with consecutive keys: a table that was imported is one run."""
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at] != rows[at - 1] + 1:
            yield start, rows[start], at - start
            start = at


def _refused(batch: int, before: str, after: str) -> IntegrityError:
    return IntegrityError("STORE_STATE", table=records.name, rows=[batch], before=before, after=after)
