"""Many rows at once into PostgreSQL: ``COPY … FROM STDIN`` in its binary format (its manual: COPY, "Binary
Format"), several times faster than inserts.

Rows of a bulk table look alike: integers, and keys of one length. They are packed here, many by one call; the driver
would dress each value by itself, which costs ten times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat, starmap
from struct import Struct
from struct import error as StructError
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, SmallInteger, String, Table, exc

TOGETHER = 4096
"""Rows packed together: some hundred kilobytes."""
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # then flags, and the length of a header extension: none
_TRAILER = b"\xff\xff"
_NULL = -1
_LENGTH, _COUNT = Struct(">i"), Struct(">h")
_INTEGERS = ((SmallInteger, "h", 2), (BigInteger, "q", 8), (Integer, "i", 4))


def copy_rows(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append ``rows``, their values in the order of the columns ``names``, within the connection's transaction.

    Raises:
        sqlalchemy.exc.DBAPIError: as an insert would. All of the rows are refused together.
        struct.error, AttributeError: a value that its column cannot take.
    """
    import psycopg  # takes longer to load than many a command, most of which have no server
    from psycopg import sql

    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(*([table.schema] if table.schema else []), table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
    )
    pieces = packed([_column(table, name) for name in names], rows)
    driver: Any = connection.connection.cursor()
    try:
        with driver, driver.copy(statement) as copy:
            for piece in pieces:
                copy.write(piece)
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(statement.as_string(), None, error, psycopg.Error) from error


class _Column:
    """``code``, ``size``: of an integer as ``struct`` packs it; ``code`` "" for bytes and texts."""

    def __init__(self, code: str, size: int, encode: Callable[[Any], bytes]) -> None:
        self.code = code
        self.size = size
        self._encode = encode

    def alike(self, values: Sequence[Any]) -> tuple[str, int] | None:
        """Format and length that all of ``values`` have, or None."""
        if values[0] is None:
            return ("", _NULL) if all(value is None for value in values) else None
        if self.code:
            return self.code, self.size
        if not isinstance(values[0], bytes) or not {bytes}.issuperset(map(type, values)):
            return None
        lengths = set(map(len, values))
        return (f"{len(values[0])}s", len(values[0])) if len(lengths) == 1 else None

    def one(self, value: Any) -> bytes:
        if value is None:
            return _LENGTH.pack(_NULL)
        data = self._encode(value)
        return _LENGTH.pack(len(data)) + data


def _column(table: Table, name: str) -> _Column:
    """Raises TypeError for a type that no bulk table has."""
    kind = table.c[name].type
    for type_, code, size in _INTEGERS:
        if isinstance(kind, type_):
            return _Column(code, size, Struct(">" + code).pack)
    if isinstance(kind, LargeBinary):
        return _Column("", 0, bytes)
    if isinstance(kind, String):
        return _Column("", 0, str.encode)
    raise TypeError(kind)


def packed(columns: Sequence[_Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file of the format, in pieces."""
    yield _SIGNATURE
    left = iter(rows)
    while some := list(islice(left, TOGETHER)):
        yield _all_alike(columns, some) or b"".join(map(_each(columns), some))
    yield _TRAILER


def _all_alike(columns: Sequence[_Column], rows: Sequence[Sequence[Any]]) -> bytes | None:
    """``None`` where the rows differ in the length of a value, or in what is missing."""
    values = list(zip(*rows, strict=True))
    shapes = [column.alike(some) for column, some in zip(columns, values, strict=True)]
    if None in shapes:
        return None
    found = [shape for shape in shapes if shape is not None]
    row = Struct(">h" + "".join("i" + code for code, _ in found))
    parts = [
        [repeat(length), some] if code else [repeat(length)] for (code, length), some in zip(found, values, strict=True)
    ]
    try:
        return b"".join(starmap(row.pack, zip(repeat(len(columns), len(rows)), *chain(*parts), strict=False)))
    except StructError:  # an integer is missing somewhere
        return None


def _each(columns: Sequence[_Column]) -> Callable[[Sequence[Any]], bytes]:
    head = _COUNT.pack(len(columns))

    def row(values: Sequence[Any]) -> bytes:
        return head + b"".join(column.one(value) for column, value in zip(columns, values, strict=True))

    return row
