"""Rows of records: an id and a leaf for each, and runs that say where its neighbours and it are.

Record rows are written once. From acceptance to their place in a batch only the runs change, a few for each table
that was imported, so that closing a batch of 65,536 records changes a handful of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, count, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, literal_column, null, select, update
from sqlalchemy.sql import Select

from ledger.core.registries import Kind
from ledger.errors import ConflictError, IntegrityError
from ledger.ports import AcceptedRun, RecordRow, RunRow
from ledger.store.queries import (
    MEMBERS,
    Prepared,
    all_or_none,
    execute_many,
    fetch_tuples,
    insert_many,
    insert_one,
    slices,
    unique,
    unique_or_nothing,
)
from ledger.store.seal_uses import COLUMNS as USE
from ledger.store.seal_uses import seal_uses
from ledger.store.tables import LEAF_KEY, LEAF_KEY_BYTES, batches, owners, record_files, records, runs

_KINDS = {int(kind): kind for kind in Kind}  # a look-up costs a tenth of ``Kind(number)``
_RECORD = ("row", "owner", "id_hmac", "leaf", "line", "twin")
_ID = _RECORD.index("id_hmac")
_RUN = ("first", "last", "owner", "type", "ordinal", "chunk", "batch", "position", "job")
_FIELDS = (
    *(records.c.row, owners.c.issuer, owners.c.kind, runs.c.type, records.c.id_hmac, records.c.leaf, runs.c.batch),
    *(runs.c.position + (records.c.row - runs.c.first), runs.c.chunk, runs.c.ordinal + (records.c.row - runs.c.first)),
)
_earlier = runs.alias("earlier")
_own_run = runs.c.first == (
    select(func.max(_earlier.c.first)).where(_earlier.c.first <= records.c.row).correlate(records).scalar_subquery()
)
_BY_RECORD: Select[*tuple[Any, ...]] = select(*_FIELDS).select_from(records.join(runs, _own_run).join(owners))
_BY_RUN: Select[*tuple[Any, ...]] = select(*_FIELDS).select_from(
    runs.join(owners).join(records, records.c.row.between(runs.c.first, runs.c.last))
)
_BY_ID = Prepared(_BY_RECORD.where(records.c.id_hmac == bindparam("id")).order_by(records.c.row), "id")
_SIZE = runs.c.last - runs.c.first + 1
_leaf_key: ColumnElement[bytes] = literal_column(LEAF_KEY)


class SqlRecords:
    """``ports.Records`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, issuer: str, kind: Kind, chunk: str, accepted: Sequence[AcceptedRun], job: int | None) -> None:
        """All of them or none.

        Raises:
            ConflictError: STORE_DUPLICATE_ID if the issuer already has a record of that kind and id: two
                active leaves for one license, of which one could be revoked and the other shown (why.md F25).
                It ends the transaction.
        """
        owner = self.owner(issuer, kind)
        with unique_or_nothing(self._connection, "STORE_DUPLICATE_ID", issuer=issuer, kind=kind.word):
            self.insert(owner, accepted, repeat((chunk, None, None, job)), repeat(0))

    def insert(
        self,
        owner: int,
        accepted: Sequence[AcceptedRun],
        places: Iterable[tuple[str | None, int | None, int | None, int | None]],
        twins: Iterator[int],
    ) -> None:
        """``places``: chunk, batch, position and job of each run; ``twins``: of each record."""
        places_of = [
            (run.first, run.first + len(run.leaves) - 1, owner, run.type, run.ordinal, *place)
            for run, place in zip(accepted, places, strict=False)
        ]
        columns = (zip(count(run.first), repeat(owner), run.id_hmacs, run.leaves, run.lines, twins) for run in accepted)
        insert_many(self._connection, runs, _RUN, places_of)
        # In the order of the ids an import goes over the pages of their index once, however many millions it has.
        rows = list(chain.from_iterable(columns))
        with suppress(TypeError):  # an erased record has no id any more, and then the order is as good as any
            rows.sort(key=itemgetter(_ID))
        insert_many(self._connection, records, _RECORD, rows)
        files = dict.fromkeys(file for run in accepted for file in run.files)
        insert_many(self._connection, record_files, ("file_hmac", "record"), list(files))
        uses = [(handle, seal, day) for run in accepted for seal, day, handle in run.uses]
        insert_many(self._connection, seal_uses, USE, uses)

    def owner(self, issuer: str, kind: Kind) -> int:
        """The number of an issuer's records of one kind, given when the first is written."""
        query = select(owners.c.row).where(owners.c.issuer == issuer, owners.c.kind == int(kind))
        found = self._connection.scalar(query)
        if found is None:
            try:
                with unique(self._connection, "STORE_DUPLICATE_ID"):
                    return insert_one(self._connection, owners, issuer=issuer, kind=int(kind))
            except ConflictError:  # another writer was here in between
                found = self._connection.scalar(query)
        return int(found or 0)

    def known_lines(
        self, issuer: str, kind: Kind, id_hmacs: Sequence[bytes]
    ) -> dict[bytes, tuple[int | None, int | None]]:
        known: dict[bytes, tuple[int | None, int | None]] = {}
        columns = (records.c.id_hmac, runs.c.job, records.c.line)
        own = select(*columns).select_from(records.join(runs, _own_run).join(owners))
        own = own.where(owners.c.issuer == issuer, owners.c.kind == int(kind))
        for some in slices(id_hmacs):
            for id_hmac, job, line in fetch_tuples(self._connection, own.where(records.c.id_hmac.in_(some))):
                known[id_hmac] = (job, line)
        return known

    def by_id(self, issuer: str, kind: Kind, id_hmac: bytes) -> RecordRow | None:
        own = (owners.c.issuer == issuer, owners.c.kind == int(kind))
        found = self._rows(_BY_RECORD.where(records.c.id_hmac == id_hmac, *own))
        return found[0] if found else None

    def find_ids(self, id_hmac: bytes) -> list[RecordRow]:
        found = _BY_ID.fetch(self._connection, id_hmac)
        return [RecordRow(row, issuer, _KINDS[kind], *rest) for row, issuer, kind, *rest in found]

    def by_leaf(self, leaf: bytes) -> RecordRow | None:
        found = self._rows(_BY_RECORD.where(*_leaf_is(leaf)).limit(1))
        return found[0] if found else None

    def by_rows(self, rows: Sequence[int]) -> list[RecordRow]:
        return [row for some in slices(rows) for row in self._rows(_BY_RECORD.where(records.c.row.in_(some)))]

    def batch_states(self, leaves: Sequence[bytes]) -> dict[bytes, str]:
        found: dict[bytes, str] = {}
        query = select(records.c.leaf, batches.c.state).select_from(records.join(runs, _own_run).join(batches))
        for some in slices(leaves, MEMBERS // 2):
            keys = {leaf[:LEAF_KEY_BYTES] for leaf in some}
            wanted = query.where(_leaf_key.in_(keys), records.c.leaf.in_(some))
            found |= dict(fetch_tuples(self._connection, wanted))
        return found

    def newest_leaves(self, issuer: str, id_hmacs: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        own = select(owners.c.row).where(owners.c.issuer == issuer)
        query = select(records.c.id_hmac, records.c.leaf).where(records.c.owner.in_(own)).order_by(records.c.row)
        for some in slices(id_hmacs):
            found |= dict(fetch_tuples(self._connection, query.where(records.c.id_hmac.in_(some))))
        return found

    def by_file(self, file_hmac: bytes) -> list[RecordRow]:
        named = select(record_files.c.record).where(record_files.c.file_hmac == file_hmac)
        return self._rows(_BY_RECORD.where(records.c.row.in_(named)))

    def waiting(self) -> list[tuple[str, Kind, int]]:
        group = (owners.c.issuer, owners.c.kind)
        query = select(*group, func.sum(_SIZE)).select_from(runs.join(owners)).where(runs.c.batch.is_(None))
        found = self._connection.execute(query.group_by(*group).order_by(*group))
        return [(issuer, Kind(kind), int(number)) for issuer, kind, number in found]

    def waiting_types(self, issuer: str, kind: Kind) -> list[str]:
        oldest = func.min(runs.c.first)
        query = select(runs.c.type).where(*self._wait(issuer, kind)).group_by(runs.c.type).order_by(oldest)
        return list(self._connection.scalars(query))

    def waiting_runs(
        self, issuer: str, kind: Kind, types: Collection[str] | None, after: int, limit: int
    ) -> list[RunRow]:
        query = select(runs.c.first, runs.c.last, runs.c.type, runs.c.chunk, runs.c.ordinal)
        query = query.where(*self._wait(issuer, kind), runs.c.last > after).order_by(runs.c.first).limit(limit)
        if types is not None:
            query = query.where(runs.c.type.in_(types))
        found: list[RunRow] = []
        for run in map(RunRow._make, fetch_tuples(self._connection, query)):
            wanted = run.part(max(run.first, after + 1), min(run.last, max(run.first, after + 1) + limit - 1))
            found.append(wanted)
            limit -= wanted.size
            if not limit:
                break
        return found

    def _wait(self, issuer: str, kind: Kind) -> tuple[ColumnElement[bool], ...]:
        owner = select(owners.c.row).where(owners.c.issuer == issuer, owners.c.kind == int(kind)).scalar_subquery()
        return runs.c.batch.is_(None), runs.c.owner == owner

    def waiting_rows(self, issuer: str, kind: Kind) -> list[RecordRow]:
        return self._rows(_BY_RUN.where(*self._wait(issuer, kind)))

    def cut(self, rows: Collection[int]) -> None:
        """Where one begins already, or no waiting run reaches, nothing is to be done."""
        for row in sorted(rows):
            inside = (runs.c.first < row, runs.c.last >= row, runs.c.batch.is_(None))
            found = self._connection.execute(select(runs).where(*inside)).mappings().first()
            if found is not None:
                self._connection.execute(update(runs).where(runs.c.first == found["first"]).values(last=row - 1))
                rest = {**found, "first": row, "ordinal": found["ordinal"] + row - found["first"]}
                self._connection.execute(runs.insert().values(rest))

    def place(self, batch: int, placed: Sequence[RunRow]) -> None:
        """Raises IntegrityError STORE_STATE if one of them has a batch already: a record is anchored once."""
        values, position = [], 0
        for run in placed:
            values.append((batch, position, run.first, run.last))
            position += run.size
        statement = (
            update(runs)
            .where(runs.c.first == bindparam("f"), runs.c.last == bindparam("l"), runs.c.batch.is_(None))
            .values(batch=bindparam("b"), position=bindparam("p"), chunk=null())
        )
        with all_or_none(self._connection):
            if execute_many(self._connection, statement, ("b", "p", "f", "l"), values) != len(values):
                raise _refused(batch, "accepted", "batched")

    def release(self, batch: int, chunk: str) -> None:
        """Raises IntegrityError STORE_STATE if the batch holds no records."""
        back = update(runs).where(runs.c.batch == batch)
        back = back.values(batch=null(), chunk=chunk, ordinal=runs.c.position, position=null())
        if not self._connection.execute(back).rowcount:
            raise _refused(batch, "batched", "accepted")

    def number_in(self, batch: int) -> int:
        return int(self._connection.scalar(select(func.sum(_SIZE)).where(runs.c.batch == batch)) or 0)

    def erase(self, leaves: Sequence[bytes]) -> int:
        erased = 0
        for leaf in leaves:
            rows = list(self._connection.scalars(select(records.c.row).where(*_leaf_is(leaf))))
            self._connection.execute(delete(record_files).where(record_files.c.record.in_(rows)))
            self._connection.execute(delete(seal_uses).where(seal_uses.c.record.in_(rows)))
            named = update(records).where(records.c.row.in_(rows), records.c.id_hmac.is_not(None))
            erased += self._connection.execute(named.values(id_hmac=null(), line=null())).rowcount
        return erased

    def in_batch(self, batch: int) -> list[RecordRow]:
        return self._rows(_BY_RUN.where(runs.c.batch == batch), runs.c.position, records.c.row)

    def chunks_in_use(self) -> set[str]:
        query = select(runs.c.chunk).where(runs.c.batch.is_(None)).distinct()
        return {chunk for chunk in self._connection.scalars(query) if chunk is not None}

    def counts(self) -> dict[str, int]:
        """Records by the state of their batch; ``accepted`` are those without one."""
        accepted = self._connection.scalar(select(func.sum(_SIZE)).where(runs.c.batch.is_(None)))
        counts = {"accepted": int(accepted or 0)}
        states = select(batches.c.state, func.sum(_SIZE)).select_from(runs.join(batches)).group_by(batches.c.state)
        for state, number in self._connection.execute(states):
            counts[state] = int(number)
        return counts

    def _rows(self, query: Select[*tuple[Any, ...]], *order: ColumnElement[Any]) -> list[RecordRow]:
        found = self._connection.execute(query.order_by(*(order or (records.c.row,))))
        return [RecordRow(row, issuer, _KINDS[kind], *rest) for row, issuer, kind, *rest in found]


def _leaf_is(leaf: bytes) -> tuple[ColumnElement[bool], ...]:
    return _leaf_key == leaf[:LEAF_KEY_BYTES], records.c.leaf == leaf


def _refused(batch: int, before: str, after: str) -> IntegrityError:
    return IntegrityError("STORE_STATE", table=runs.name, rows=[batch], before=before, after=after)
