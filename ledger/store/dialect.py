"""The only place that knows which database is behind the tables: connections, locks, and foreign errors.

Everything else in this package is SQLAlchemy Core that SQLite and PostgreSQL read alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from ledger.errors import ConfigError, InputError, IntegrityError, UnavailableError, ZhengyinError

BUSY_MILLISECONDS = 20_000
MODE = "zhengyin_mode"
"""Execution option of a connection: how its transaction starts, one of the five below; READ if none is named."""
READ = "read"
"""One consistent view; writing is refused."""
ALONE = "alone"
"""No other ALONE at the same time; on SQLite no BESIDE either."""
BESIDE = "beside"
"""Others of its kind may write at the same time, where the database can (``ports.Store.begin``)."""
OWN = "own"
"""It writes what the others do not touch, and takes locks of its own."""
KEPT = "kept"
"""Whoever keeps the connection begins and ends its transactions, if there are any (``glancing``)."""

_PG_DRIVER = "postgresql+psycopg"
_PG_WRITER_LOCK = 0x5A595354  # "ZYST"
_REPEATABLE_READ = 3  # of ``psycopg.IsolationLevel``, which is not loaded for this alone
_PG_ARGUMENTS = {
    "connect_timeout": 2,  # seconds for each address; libpq knows no less
    # A server that vanished without a word is noticed by what it does not acknowledge, in milliseconds, or, while we
    # wait for its answer, by probes, in seconds.
    "tcp_user_timeout": 2000,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "application_name": "zhengyin",
}
# The other way round the server looks after us: a machine that vanished must not hold a lock for hours.
_PG_SESSION = "SET lock_timeout = {}; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5"


def locate(database: str, folder: Path, password: str | None = None) -> URL:
    """The URL of a database as settings name it: a SQLite file, relative to ``folder``, or ``postgresql://…``.

    Raises:
        ConfigError: STORE_URL; STORE_PASSWORD for a URL with a password: it would be shown with the settings.
    """
    if "://" not in database:
        return URL.create("sqlite", database=str(folder / database))
    try:
        url = make_url(database)
    except exc.ArgumentError:
        raise ConfigError("STORE_URL") from None  # the cause quotes the URL
    if url.password is not None or "password" in url.query:
        raise ConfigError("STORE_PASSWORD")
    return url.set(password=password)


def connect(url: str | URL) -> Engine:
    """An engine whose transactions start with the right lock. Opens no connection yet.

    A server that is away, goes away or stands still is ``STORE_LOST`` within seconds; the pool asks each connection
    whether it is alive before handing it out, so the next transaction after its return works.

    Raises:
        ConfigError: STORE_URL for a URL of another database, or one without a file; STORE_DRIVER if the
            driver it asks for is not ours.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise ConfigError("STORE_URL") from None  # the cause quotes the URL
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        engine = create_engine(parsed, connect_args={"timeout": BUSY_MILLISECONDS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        if parsed.drivername not in (backend, _PG_DRIVER):
            raise ConfigError("STORE_DRIVER", driver=parsed.drivername)
        chosen = {name: value for name, value in _PG_ARGUMENTS.items() if name not in parsed.query}
        engine = create_engine(
            parsed.set(drivername=_PG_DRIVER), pool_pre_ping=True, pool_timeout=2, max_overflow=20, connect_args=chosen
        )
        _watch(engine)
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    raise ConfigError("STORE_URL")  # the URL itself may hold a password


_pulses: WeakValueDictionary[str, Any] = WeakValueDictionary()
"""One for a server's database, whichever engine of this process asks; as long as one does."""


def _watch(engine: Engine) -> None:
    from ledger.store import watched  # it loads the driver

    pulse = _pulses.setdefault(str(engine.url), watched.Pulse())  # a URL in words has no password

    def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> Any:
        return watched.connect(pulse, *arguments, **named)

    event.listen(engine, "do_connect", connect)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")  # first: the next line may wait
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a commit that returned survives loss of power
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA wal_autocheckpoint=16384")  # 64 MiB: an import writes the same pages again and again
    connection.execute("PRAGMA secure_delete=ON")  # some builds leave in a page what an erasure takes out of it
    connection.execute("PRAGMA cache_size=-12288")  # 12 MiB: ids and leaves fall on every page of their indexes


def _mode(connection: Connection) -> str:
    return str(connection.get_execution_options().get(MODE, READ))


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails at once if another wrote in between, without
    # waiting for busy_timeout; the write lock is therefore taken before the first read.
    mode = _mode(connection)
    if mode == KEPT:
        return
    writes = mode != READ
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(_PG_SESSION.format(BUSY_MILLISECONDS))
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    """Reads see one moment. Writes that run alone take one lock; those beside take none.

    Most units read, decide and then write (nonces, cursor, states), which is only right if no other such unit writes in
    between; they are short and run one after the other, as all do on SQLite. Acceptance is long and decides nothing by
    what it read, and adds nothing by which the others decide: keys and guarded moves keep its units apart. If it shared
    the lock, each short unit would wait for an import's window, and all other imports behind that unit.
    """
    driver: Any = connection.connection.driver_connection
    mode = _mode(connection)
    if mode == KEPT:
        return
    driver.read_only = mode == READ  # both become part of the driver's BEGIN
    driver.isolation_level = _REPEATABLE_READ if mode == READ else None
    if mode == ALONE:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PG_WRITER_LOCK})")


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
        InputError: STORE_VALUE for a text that is too long or holds a NUL, which only PostgreSQL refuses.
    """
    try:
        yield
    except exc.DataError as error:
        raise InputError("STORE_VALUE") from error
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
    except sqlite3.Error as error:  # where the driver was asked itself
        found = sqlite_error(error)
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
