"""Consistent copies of databases while others write to them, and what such a copy of the rows names elsewhere."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, exists, func, or_, select, text
from sqlalchemy.engine import URL

from ledger.core.registries import Kind
from ledger.errors import ConfigError, ConflictError, UnavailableError
from ledger.store import dialect, files
from ledger.store.records import SqlRecords
from ledger.store.tables import batches, owners, runs

DEBIAN = Path("/usr/lib/postgresql")
_TABLES_HERE = text(
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


@dataclass(frozen=True, slots=True)
class Named:
    """What rows lead to: spool chunks and roots of segments. ``tombstones``: how many there are."""

    chunks: frozenset[str]
    roots: frozenset[bytes]
    tombstones: int


def dump_rows(url: URL, path: Path) -> Named:
    """Copy the rows as of one moment into the new file ``path``, and read from that same moment what they name.

    Raises:
        ConfigError: BACKUP_PROGRAM_MISSING. UnavailableError: BACKUP_PROGRAM_FAILED, STORE_….
    """
    if url.get_backend_name() == "sqlite":
        copy_sqlite(Path(url.database or ""), path)
        return read_named(URL.create("sqlite", database=str(path)))
    engine = dialect.connect(url)
    try:
        with dialect.translated(), engine.execution_options(**{dialect.MODE: dialect.READ}).begin() as connection:
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            _run("pg_dump", url, [*options, f"--file={path}"])
            named = _named(connection)
    finally:
        engine.dispose()
    path.chmod(0o600)
    _sync(path)
    return named


def read_named(url: URL) -> Named:
    """What the rows name now."""
    engine = dialect.connect(url)
    try:
        with dialect.translated(), engine.execution_options(**{dialect.MODE: dialect.READ}).begin() as connection:
            return _named(connection)
    finally:
        engine.dispose()


def load_rows(path: Path, url: URL) -> None:
    """Put a dump into an empty PostgreSQL database, all of it or nothing.

    Raises:
        ConflictError: RESTORE_DATABASE_USED. ConfigError: BACKUP_PROGRAM_MISSING.
        UnavailableError: BACKUP_PROGRAM_FAILED, STORE_….
    """
    engine = dialect.connect(url)
    try:
        with dialect.translated(), engine.begin() as connection:
            if connection.execute(_TABLES_HERE).scalar_one():
                raise ConflictError("RESTORE_DATABASE_USED")
    finally:
        engine.dispose()
    _run("pg_restore", url, ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(path)])


def copy_sqlite(source: Path, path: Path) -> None:
    """A SQLite file with its WAL as of one moment, into the new file ``path`` (SQLite, "Online Backup API").

    Raises UnavailableError, IntegrityError STORE_…; UnavailableError STORE_FAILED if ``source`` is missing.
    """
    with files.translated():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(path)) as new,
        ):
            old.execute(f"PRAGMA busy_timeout={dialect.BUSY_MILLISECONDS}")
            old.backup(new)  # in one step: a reader of the WAL keeps nobody from writing
            new.execute("PRAGMA journal_mode=DELETE")  # one file, which is all of it
    except sqlite3.Error as error:
        found = dialect.sqlite_error(error)
        if found is None:
            raise
        raise found from error
    _sync(path)


def _named(connection: Connection) -> Named:
    # a refused batch keeps its records, with their bodies in its segment, until it is tried again
    kept = or_(batches.c.state != "refused", exists().where(runs.c.batch == batches.c.row))
    roots = connection.scalars(select(batches.c.root).where(kept))
    number = func.sum(runs.c.last - runs.c.first + 1)
    tombstones = select(number).select_from(runs.join(owners)).where(owners.c.kind == int(Kind.TOMBSTONE))
    return Named(
        frozenset(SqlRecords(connection).chunks_in_use()),
        frozenset(roots),
        int(connection.execute(tombstones).scalar_one() or 0),
    )


def _run(program: str, url: URL, options: Sequence[str]) -> None:
    """The password goes through the environment: arguments are for everybody on the machine to see."""
    where = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ)
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    command = [_program(program), "--no-password", f"--dbname={where}", *options]
    done = subprocess.run(  # noqa: S603 - a program of ours to choose, and options without a shell
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise UnavailableError("BACKUP_PROGRAM_FAILED", program=program, status=done.returncode)


def _program(name: str) -> str:
    """The newest that Debian has, else the path's: an older client refuses a newer server."""
    found = [p for p in DEBIAN.glob(f"*/bin/{name}") if p.parent.parent.name.isdecimal()]
    if found:
        return str(max(found, key=lambda p: int(p.parent.parent.name)))
    here = shutil.which(name)
    if here is None:
        raise ConfigError("BACKUP_PROGRAM_MISSING", program=name)
    return here


def _sync(path: Path) -> None:
    with files.translated(), path.open("rb") as file:
        os.fsync(file.fileno())
