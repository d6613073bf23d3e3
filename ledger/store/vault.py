"""Record keys, the only erasable thing: a SQLite file of its own, with its own life and backups."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.store import files
from ledger.store.dialect import BUSY_MILLISECONDS, sqlite_error

KEY_BYTES = 32
TOGETHER = 256  # keys in one INSERT
APPLICATION_ID, VERSION = 0x5A595654, 1  # "ZYVT"

# AUTOINCREMENT: the handle of an erased key is never given to another person's key.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS keys (
    handle INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL CHECK (length(key) = {KEY_BYTES}));
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


class VaultFile:
    """``ports.Vault``. Threads may share it; several processes may open the file."""

    def __init__(self, path: Path) -> None:
        """Open the vault, or make a new one.

        Raises:
            ConfigError: STORE_SCHEMA if the file is another kind of database or of another version.
            UnavailableError, IntegrityError: STORE_….
        """
        with files.translated():
            files.make_folder(path.parent)
            # SQLite gives its WAL the mode of the file: the keys are for the owner only, from the first byte.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        with _translated():
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with _translated():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def __repr__(self) -> str:
        return "VaultFile(…)"

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        # Tables before version: another process that makes the vault right now commits both together.
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        found = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if found != (APPLICATION_ID, VERSION) and (found != (0, 0) or tables):
            raise ConfigError("STORE_SCHEMA", found=found[1], expected=VERSION)
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # SQLite otherwise keeps deleted bytes in its pages
        if not tables:
            connection.executescript(_SCHEMA)
        # A crash between an erasure's commit and its checkpoint leaves old pages in the WAL: cut it now.
        # Without waiting: if another process is at work in the file, its next erasure cuts it.
        connection.execute("PRAGMA busy_timeout=0")
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")

    def add(self, keys: Sequence[bytes]) -> range:
        """All keys or none. A crash afterwards, before the rows that name the handles, leaves keys that
        open nothing.

        Raises:
            InputError: VAULT_KEY_LENGTH for a key that is not 32 bytes.
        """
        if not {KEY_BYTES}.issuperset(map(len, keys)):
            raise InputError("VAULT_KEY_LENGTH", expected=KEY_BYTES)
        with self._writing() as connection:
            newest = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'keys'").fetchone()
            first = newest[0] + 1 if newest else 1
            handles = range(first, first + len(keys))
            for at in range(0, len(keys), TOGETHER):
                some = list(zip(handles[at : at + TOGETHER], keys[at : at + TOGETHER], strict=True))
                rows = ", ".join(["(?, ?)"] * len(some))  # appended, together they take half the time
                connection.execute(f"INSERT INTO keys VALUES {rows}", list(chain.from_iterable(some)))  # noqa: S608
        return handles

    def reserve(self, last: int) -> None:
        """Let the next key have a handle beyond ``last``."""
        with self._writing() as connection:
            counted = connection.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'keys'", (last,)
            ).rowcount
            if not counted:  # no key was ever added
                connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('keys', ?)", (last,))

    def get(self, handles: Sequence[int]) -> dict[int, bytes]:
        if len(handles) == 1:  # what is asked all the time
            return self._found("SELECT handle, key FROM keys WHERE handle = ?", handles[0])
        query = "SELECT keys.handle, keys.key FROM json_each(?) AS wanted JOIN keys ON keys.handle = wanted.value"
        return self._found(query, json.dumps(list(handles)))

    def _found(self, query: str, given: int | str) -> dict[int, bytes]:
        with self._lock, _translated():
            return dict(self._connection.execute(query, (given,)))

    def erase(self, handles: Sequence[int]) -> int:
        """Erase keys; returns how many of them were still there. Their bytes are then nowhere in the
        file or its WAL (backups and the medium's own copies are the operator's).

        Raises:
            UnavailableError: VAULT_BUSY if another process keeps the WAL in use: the keys are deleted,
                but their bytes are not yet overwritten; calling again finishes it.
        """
        with self._writing() as connection:
            rows = [(handle,) for handle in handles]
            erased = connection.executemany("DELETE FROM keys WHERE handle = ?", rows).rowcount if rows else 0
        with self._lock, _translated():
            if self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise UnavailableError("VAULT_BUSY")
        return erased

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have rolled back already
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        found = sqlite_error(error)
        if found is None:
            raise
        raise found from error


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Of two processes that make the vault at once SQLite refuses one at this point without waiting."""
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
