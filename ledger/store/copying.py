"""Many rows at once into PostgreSQL: ``COPY … FROM STDIN``, several times faster than inserts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, exc


def copy_rows(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append ``rows``, their values in the order of the columns ``names``, within the connection's transaction.

    Raises:
        sqlalchemy.exc.DBAPIError: as an insert would. All of the rows are refused together.
    """
    import psycopg  # takes longer to load than many a command, most of which have no server
    from psycopg import sql

    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(*([table.schema] if table.schema else []), table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
    )
    driver: Any = connection.connection.cursor()
    try:
        with driver, driver.copy(statement) as copy:
            copy.set_types([_type(table, name, connection) for name in names])
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(statement.as_string(), None, error, psycopg.Error) from error


def _type(table: Table, name: str, connection: Connection) -> str:
    """The column's type by the server's name for it, without a length."""
    return table.c[name].type.compile(connection.dialect).partition("(")[0].lower()
