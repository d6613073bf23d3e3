"""The one SQLite file of an embedded chain: tables, transactions, and the state's key-value side.

WAL with synchronous=FULL: what a committed transaction holds survives SIGKILL and loss of power. Several
processes may open the file; SQLite's write lock orders them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.errors import ConfigError, IntegrityError, UnavailableError

APPLICATION_ID, VERSION = 0x5A59434E, 1  # "ZYCN"
_BUSY_SECONDS = 20.0

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE state (hash BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE block (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL);
CREATE TABLE tx (
    hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, sender BLOB NOT NULL,
    raw BLOB NOT NULL, status INTEGER NOT NULL, gas_used INTEGER NOT NULL, cumulative INTEGER NOT NULL,
    UNIQUE (block, position)) WITHOUT ROWID;
CREATE TABLE log (
    block INTEGER NOT NULL, position INTEGER NOT NULL, tx INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (block, tx, position)) WITHOUT ROWID;
CREATE INDEX log_address ON log (address, block);
CREATE INDEX log_topic0 ON log (topic0, block);
CREATE INDEX log_topic1 ON log (topic1, block);
CREATE INDEX log_topic2 ON log (topic2, block);
CREATE INDEX log_topic3 ON log (topic3, block);
CREATE TABLE pending (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, sender BLOB NOT NULL,
    nonce INTEGER NOT NULL, raw BLOB NOT NULL, UNIQUE (sender, nonce));
"""


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's errors become ours here and nowhere else."""
    try:
        yield
    except sqlite3.ProgrammingError:  # ours: a closed connection, a wrong statement
        raise
    except sqlite3.OperationalError as error:  # locked for too long, disk full, input/output error
        raise UnavailableError("ENGINE_STORAGE", detail=str(error)) from error
    except sqlite3.DatabaseError as error:
        raise IntegrityError("ENGINE_FILE_DAMAGED", detail=str(error)) from error


class Store:
    """A connection to the file. Not thread-safe: the engine serialises its callers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def create(cls, path: Path) -> Store:
        """A new file with empty tables; the caller makes it visible under its final name when complete."""
        with _translated():
            store = cls(_connect(path, "rwc"))
            store._connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            store._connection.execute(f"PRAGMA user_version={VERSION}")
            store._connection.executescript(_SCHEMA)
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> Store:
        """An existing file. Raises ConfigError ENGINE_FILE_MISSING, ENGINE_FILE_FOREIGN."""
        if not path.is_file():
            raise ConfigError("ENGINE_FILE_MISSING", path=str(path))
        with _translated():
            connection = _connect(path, "rw")
            try:
                found = tuple(
                    connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
                )
                if found != (APPLICATION_ID, VERSION):
                    raise ConfigError("ENGINE_FILE_FOREIGN", path=str(path))
                if read_only:
                    connection.execute("PRAGMA query_only=ON")
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    def close(self) -> None:
        self._connection.close()

    def one(self, sql: str, *values: Any) -> Any:
        """First row as a tuple, or None."""
        with _translated():
            return self._connection.execute(sql, values).fetchone()

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with _translated():
            return self._connection.execute(sql, values).fetchall()

    def each(self, sql: str) -> Iterator[Any]:
        """Rows one by one, for walks over more than fits in memory."""
        with _translated():
            yield from self._connection.execute(sql)

    def write(self, sql: str, *values: Any) -> None:
        with _translated():
            self._connection.execute(sql, values)

    def write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with _translated():
            self._connection.executemany(sql, rows)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One snapshot for all statements inside, whatever other processes commit meanwhile."""
        self.write("BEGIN")
        try:
            yield
        finally:
            self.write("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One SQL transaction. The write lock is taken first, so what is read inside is the newest."""
        self.write("BEGIN IMMEDIATE")
        try:
            yield
            self.write("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled back already
                self._connection.rollback()
            raise

    def meta(self) -> Mapping[str, bytes]:
        return dict(self.all("SELECT name, value FROM meta"))

    def head_number(self) -> int:
        number: int | None = self.one("SELECT max(number) FROM block")[0]
        if number is None:
            raise IntegrityError("ENGINE_FILE_DAMAGED", detail="no block")
        return number


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS,
        isolation_level=None, check_same_thread=False, cached_statements=256,
    )  # fmt: skip
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32768")
    except BaseException:
        connection.close()
        raise
    return connection
