"""What the repositories share: lean bulk statements, guarded transitions, duplicate keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, exc, insert, update
from sqlalchemy.sql.dml import Delete, Insert, Update

from ledger.errors import ConflictError, IntegrityError, NotFoundError
from ledger.store import dialect
from ledger.store.copying import copy_rows

T = TypeVar("T")

MEMBERS = 8192
"""Values in one ``IN (…)``: SQLite takes 32,766 parameters, PostgreSQL 65,535."""
COPIED = 16
"""Rows from which on PostgreSQL is faster by COPY."""


def slices(values: Sequence[T], size: int = MEMBERS) -> Iterator[Sequence[T]]:
    for at in range(0, len(values), size):
        yield values[at : at + size]


@contextmanager
def all_or_none(connection: Connection) -> Iterator[None]:
    """A savepoint: what failed inside leaves nothing, even if the caller goes on with the transaction."""
    savepoint = connection.begin_nested()
    try:
        yield
    except BaseException:
        with suppress(exc.OperationalError):  # on a full disk SQLite has rolled back everything already
            savepoint.rollback()
        raise
    savepoint.commit()


@contextmanager
def unique(connection: Connection, code: str, **values: Any) -> Iterator[None]:
    """Around inserts: a duplicate key raises ConflictError ``code`` and leaves none of them."""
    try:
        with all_or_none(connection):
            yield
    except exc.IntegrityError as error:
        if not dialect.is_unique_violation(error):
            raise
        raise ConflictError(code, **values) from error


@contextmanager
def unique_or_nothing(connection: Connection, code: str, **values: Any) -> Iterator[None]:
    """``unique`` for many rows: a duplicate key ends the whole transaction. A savepoint would cost a copy of every page
    that an import touches, which are most of the pages there are."""
    try:
        yield
    except exc.IntegrityError as error:
        if not dialect.is_unique_violation(error):
            raise
        connection.rollback()
        raise ConflictError(code, **values) from error


def execute_many(
    connection: Connection,
    statement: Insert | Update | Delete,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    """Run ``statement`` for every row, straight through the driver; returns the number of rows touched.

    SQLAlchemy would turn each row into a dictionary and each value through its type (half of the time of
    an import). ``names`` are the statement's parameters in the order of the tuples; values must be what
    the driver takes as it is: bytes, str, int, None.
    """
    if not rows:
        return 0
    columns = names if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
    given: list[Any]
    if compiled.positional:
        order = [names.index(name) for name in compiled.positiontup or ()]
        ready = order == list(range(len(names)))
        given = list(rows) if ready else [tuple(row[place] for place in order) for row in rows]
    else:
        given = [dict(zip(names, row, strict=True)) for row in rows]
    return connection.exec_driver_sql(str(compiled), given).rowcount


def fetch_tuples(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of ``query`` as the driver gives them: bytes, str, int, None. SQLAlchemy would wrap each row and send
    each value through its type, which costs more than the query of a whole batch."""
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    given: Any = compiled.params
    if compiled.positional:
        given = tuple(given[name] for name in compiled.positiontup or ())
    result = connection.exec_driver_sql(str(compiled), given)
    cursor: Any = result.cursor
    found: list[tuple[Any, ...]] = cursor.fetchall()
    result.close()
    return found


class Prepared:
    """A query of hot roads, whose text is made once: SQLAlchemy's way to the driver costs ten times the look-up."""

    def __init__(self, query: Select[*tuple[Any, ...]], *names: str) -> None:
        """``names``: of the query's ``bindparam``s, in the order in which ``fetch`` is given their values."""
        self._query = query
        self._names = names
        self._texts: dict[str, tuple[str, Sequence[int] | None]] = {}

    def fetch(self, connection: Connection, *values: Any) -> list[tuple[Any, ...]]:
        """Rows as the driver gives them. What fails is asked again through SQLAlchemy, which knows the error."""
        text, order = self._texts.get(connection.dialect.name) or self._compile(connection)
        try:
            cursor = connection.connection.cursor()
            try:
                cursor.execute(text, self._named(values) if order is None else [values[at] for at in order])
                return list(cursor.fetchall())
            finally:
                cursor.close()
        except Exception:
            return [tuple(row) for row in connection.execute(self._query, self._named(values))]

    def _named(self, values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self._names, values, strict=True))

    def _compile(self, connection: Connection) -> tuple[str, Sequence[int] | None]:
        compiled = self._query.compile(dialect=connection.dialect)
        order = compiled.positiontup or () if compiled.positional else None
        made = str(compiled), None if order is None else [self._names.index(name) for name in order]
        self._texts[connection.dialect.name] = made
        return made


def insert_many(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """The one road for rows in bulk, without keys to be given back. SQLite gets them one by one: it keeps a copy of
    each page that an INSERT of several rows touches."""
    if connection.dialect.name == "postgresql" and len(rows) >= COPIED:
        copy_rows(connection, table, names, rows)
        return
    execute_many(connection, insert(table).inline(), names, rows)


def insert_one(connection: Connection, table: Table, **values: Any) -> int:
    """Insert and return the new row's key."""
    key: Any = connection.execute(insert(table).values(**values)).inserted_primary_key
    return int(key[0])


def put(connection: Connection, table: Table, **values: Any) -> None:
    """Insert the row, or overwrite the one with its primary key."""
    keys = {column.key for column in table.primary_key}
    rest = {name: value for name, value in values.items() if name not in keys}
    same = [column == values[str(column.key)] for column in table.primary_key]
    if connection.execute(update(table).where(*same).values(**rest)).rowcount == 0:
        connection.execute(insert(table).values(**values))


def move(
    connection: Connection,
    table: Table,
    rows: Sequence[int],
    before: str,
    after: str,
    columns: dict[str, Any],
) -> None:
    """Guarded transition of ``rows``, all or none: another worker may have been here first.

    Raises:
        IntegrityError: STORE_STATE if any of them is not in state ``before``.
    """
    wanted = sorted(set(rows))
    with all_or_none(connection):
        moved = 0
        for some in slices(wanted):
            guarded = update(table).where(table.c.row.in_(some), table.c.state == before)
            moved += connection.execute(guarded.values(state=after, **columns)).rowcount
        if moved != len(wanted):
            raise IntegrityError("STORE_STATE", table=table.name, rows=wanted[:10], before=before, after=after)


def one(row: Row[*tuple[Any, ...]] | None, table: Table, key: int) -> Row[*tuple[Any, ...]]:
    """The row that was asked for by key.

    Raises:
        NotFoundError: STORE_ROW_UNKNOWN.
    """
    if row is None:
        raise NotFoundError("STORE_ROW_UNKNOWN", table=table.name, row=key)
    return row
