"""The only place that knows which database is behind the tables: connections, locks, and foreign errors.

Everything else in this package is SQLAlchemy Core that SQLite and PostgreSQL read alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import make_url

from ledger.errors import ConfigError, IntegrityError, UnavailableError, ZhengyinError

BUSY_MILLISECONDS = 20_000
WRITES = "zhengyin_writes"
"""Execution option of a connection: whether its transaction will write."""

_PG_WRITER_LOCK = 0x5A595354  # "ZYST": one writer at a time, as on SQLite


def connect(url: str) -> Engine:
    """An engine whose transactions start with the right lock. Opens no connection yet.

    Raises:
        ConfigError: STORE_URL for a URL of another database, or one without a file; STORE_DRIVER if the
            driver it asks for is not installed.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise ConfigError("STORE_URL") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        engine = create_engine(parsed, connect_args={"timeout": BUSY_MILLISECONDS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        try:
            engine = create_engine(parsed, pool_pre_ping=True)
        except (ImportError, exc.NoSuchModuleError) as error:
            raise ConfigError("STORE_DRIVER", driver=parsed.drivername) from error
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    raise ConfigError("STORE_URL")  # the URL itself may hold a password


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")  # first: the next line may wait
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a commit that returned survives loss of power
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-65536")  # 64 MiB: ids and leaves fall on every page of their indexes


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(WRITES, False))


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails at once if another wrote in between, without
    # waiting for busy_timeout; the write lock is therefore taken before the first read.
    writes = _writes(connection)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if _writes(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PG_WRITER_LOCK})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def is_unique_violation(error: exc.IntegrityError) -> bool:
    """Whether a unique key refused the row (rather than a foreign key, a check or a missing value)."""
    name = getattr(error.orig, "sqlite_errorname", "")
    return name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY") or _sqlstate(error) == "23505"


def _sqlstate(error: exc.DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


@contextmanager
def translated() -> Iterator[None]:
    """Foreign errors become ours here and nowhere else in this package; a fault of our own SQL escapes.

    Raises:
        UnavailableError: STORE_FULL, STORE_LOCKED, STORE_LOST, STORE_FAILED.
        IntegrityError: STORE_DAMAGED.
    """
    try:
        yield
    except exc.TimeoutError as error:  # every connection of the pool is in use
        raise UnavailableError("STORE_LOCKED") from error
    except exc.DBAPIError as error:
        found = _postgresql(error) if _sqlstate(error) else sqlite_error(error.orig)
        if found is None and error.connection_invalidated:
            found = UnavailableError("STORE_LOST")
        if found is None and isinstance(error, exc.OperationalError) and not _is_sqlite(error.orig):
            found = UnavailableError("STORE_LOST")  # no server there to give a code
        if found is None:
            raise
        raise found from error


def _is_sqlite(error: object) -> bool:
    return isinstance(error, sqlite3.Error)


def sqlite_error(error: object) -> ZhengyinError | None:
    """What an error of the ``sqlite3`` module means; ``None`` if it is a fault of the caller's SQL."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    detail = str(getattr(error, "sqlite_errorname", code))
    match code & 0xFF:  # the low byte is the primary result code
        case sqlite3.SQLITE_FULL:
            return UnavailableError("STORE_FULL")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return UnavailableError("STORE_LOCKED")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return IntegrityError("STORE_DAMAGED", detail=detail)
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return UnavailableError("STORE_FAILED", detail=detail)
    return None


def _postgresql(error: exc.DBAPIError) -> ZhengyinError | None:
    """SQLSTATE classes, PostgreSQL documentation appendix A."""
    state = _sqlstate(error)
    if state == "53100":
        return UnavailableError("STORE_FULL")
    if state in ("40001", "40P01", "55P03"):  # serialisation, deadlock, lock not available
        return UnavailableError("STORE_LOCKED")
    if state[:2] in ("08", "28", "53", "57"):  # connection, login, resources, shutdown
        return UnavailableError("STORE_LOST")
    if state in ("XX001", "XX002"):
        return IntegrityError("STORE_DAMAGED", detail=state)
    if state[:2] == "58" or state == "25006":  # system error; read-only transaction or standby
        return UnavailableError("STORE_FAILED", detail=state)
    return None
