"""Rows of batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ledger.core.registries import Kind
from ledger.ports import BatchRow
from ledger.store import queries
from ledger.store.tables import batches

_QUERY: Select[*tuple[Any, ...]] = select(
    *(batches.c.row, batches.c.issuer, batches.c.kind, batches.c.state, batches.c.root, batches.c.size),
    *(batches.c.manifest_sha256, batches.c.accreditation, batches.c.sequence, batches.c.block),
    *(batches.c.block_hash, batches.c.problem),
)


class SqlBatches:
    """``ports.Batches`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, issuer: str, kind: Kind, root: bytes, size: int, accreditation: bytes, now: int) -> int:
        """Raises ConflictError STORE_DUPLICATE_ROOT if a batch that was not refused has that root."""
        with queries.unique(self._connection, "STORE_DUPLICATE_ROOT", root=root.hex()):
            return queries.insert_one(
                self._connection,
                batches,
                issuer=issuer,
                kind=int(kind),
                state="batched",
                root=root,
                size=size,
                accreditation=accreditation,
                created=now,
            )

    def get(self, row: int) -> BatchRow:
        """Raises NotFoundError STORE_ROW_UNKNOWN."""
        found = self._connection.execute(_QUERY.where(batches.c.row == row)).first()
        return _batch(queries.one(found, batches, row))

    def by_root(self, root: bytes) -> BatchRow | None:
        """The batch that counts; a refused one only if there is no other."""
        refused = batches.c.state == "refused"
        query = _QUERY.where(batches.c.root == root).order_by(refused, batches.c.row.desc()).limit(1)
        found = self._connection.execute(query).first()
        return None if found is None else _batch(found)

    def in_states(self, states: Sequence[str]) -> list[BatchRow]:
        query = _QUERY.where(batches.c.state.in_(states)).order_by(batches.c.row)
        return [_batch(row) for row in self._connection.execute(query)]

    def move(self, row: int, before: str, after: str, **columns: Any) -> None:
        queries.move(self._connection, batches, [row], before, after, columns)

    def newest(self, limit: int) -> list[BatchRow]:
        query = _QUERY.order_by(batches.c.row.desc()).limit(limit)
        return [_batch(row) for row in self._connection.execute(query)]

    def receipted_after(self, row: int, limit: int) -> list[BatchRow]:
        beyond = _QUERY.where(batches.c.row > row, batches.c.state == "receipted")
        return [_batch(found) for found in self._connection.execute(beyond.order_by(batches.c.row).limit(limit))]


def _batch(row: Row[*tuple[Any, ...]]) -> BatchRow:
    key, issuer, kind, *rest = row
    return BatchRow(key, issuer, Kind(kind), *rest)
