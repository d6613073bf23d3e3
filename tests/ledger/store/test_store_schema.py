"""The migrations produce the tables; other versions are refused; nothing is tied to SQLite."""

from __future__ import annotations

import pkgutil
import sqlite3
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgres_server import PostgresServer
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

import ledger.store
from ledger.errors import ConfigError, IntegrityError, UnavailableError
from ledger.store import dialect
from ledger.store.schema import VERSION, upgrade
from ledger.store.tables import LEAF_KEY, metadata
from ledger.store.unit import SqlStore

for module in pkgutil.iter_modules(ledger.store.__path__):  # the tables stand in several
    import_module(f"ledger.store.{module.name}")


def versions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(ledger.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def differences(url: str) -> list[object]:
    """Between the database's tables and the metadata."""
    options = {"compare_type": True, "compare_server_default": True}
    engine = dialect.connect(url)
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index .?ix_records_leaf")
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/rows.db"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    name = server.create()
    yield server.url(name)
    server.drop(name)


def test_the_migrated_schema_is_the_metadata(url: str) -> None:
    assert differences(url) == []


def test_sqlite_never_gives_a_key_twice_and_keeps_partial_indexes(database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        for table in metadata.tables.values():
            made = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_schema WHERE name = ?", (table.name,)
            ).scalar_one()
            assert ("AUTOINCREMENT" in made) == (table.kwargs.get("sqlite_autoincrement") is True)
        indexes = {
            name
            for (name,) in connection.exec_driver_sql(
                "SELECT name FROM sqlite_schema WHERE sql LIKE '%WHERE state NOT IN%'"
            )
        }
        assert indexes == {"uq_batches_root_live", "uq_transactions_nonce_live"}
        (leaves,) = connection.exec_driver_sql("SELECT sql FROM sqlite_schema WHERE name = 'ix_records_leaf'").one()
        assert leaves.endswith(f"({LEAF_KEY})")  # SQLAlchemy does not compare indexes of expressions
    engine.dispose()


def test_the_version_is_the_end_of_one_chain_of_migrations() -> None:
    assert versions() == [f"{n:04d}" for n in range(1, len(versions()) + 1)]
    assert versions()[-1] == VERSION


def test_every_table_renders_for_postgresql() -> None:
    server = postgresql.dialect()
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=server))
        assert "BLOB" not in text and "AUTOINCREMENT" not in text
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=server)).startswith("CREATE")
    batches = str(CreateTable(metadata.tables["batches"]).compile(dialect=server))
    assert "BIGSERIAL" in batches and "BYTEA" in batches


@pytest.mark.parametrize("version", versions())
def test_upgrading_from_any_version_keeps_the_rows(empty: str, version: str) -> None:
    assert upgrade(empty, version) == ("none", version)
    engine = dialect.connect(empty)
    with engine.execution_options(**{dialect.MODE: dialect.ALONE}).begin() as connection:
        connection.exec_driver_sql("INSERT INTO leases (name, holder, until) VALUES ('outbox', 'a', 10)")
    engine.dispose()
    if version != VERSION:
        with pytest.raises(ConfigError, match="STORE_SCHEMA"):
            SqlStore(empty)
    assert upgrade(empty) == (version, VERSION)
    assert upgrade(empty) == (VERSION, VERSION)
    store = SqlStore(empty)
    assert not store.take_lease("outbox", "b", 1, 10)
    store.close()
    assert differences(empty) == []


def test_sessions_of_before_their_challenge_was_kept_have_ended(empty: str) -> None:
    upgrade(empty, "0006")
    engine = dialect.connect(empty)
    row = ("s", b"", "o", "hall", b"", "person", b"", "CN", 1, 1, 9_000_000_000, None)
    names = ("id", "digest", "organisation", "system", "subject", "kind", "authority", "jurisdiction", "level")
    sessions = sqlalchemy.table("login_sessions", *map(sqlalchemy.column, (*names, "created", "until", "ended")))
    with engine.execution_options(**{dialect.MODE: dialect.ALONE}).begin() as connection:
        connection.execute(sessions.insert().values(row))
    upgrade(empty)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM login_sessions").scalar_one() == 0
    engine.dispose()


def test_an_empty_database_is_refused(empty: str) -> None:
    with pytest.raises(ConfigError, match="STORE_SCHEMA") as caught:
        SqlStore(empty)
    assert caught.value.values == {"found": "none", "expected": VERSION}


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_tables_of_another_version_are_refused_by_store_and_upgrade(tmp_path: Path, version: str) -> None:
    url = f"sqlite:///{tmp_path}/rows.db"
    upgrade(url)
    connection = sqlite3.connect(tmp_path / "rows.db")
    connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.commit()
    connection.close()
    for action in (SqlStore, upgrade):
        with pytest.raises(ConfigError, match="STORE_SCHEMA"):
            action(url)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://a@b/c", "not a url"])
def test_urls_of_other_databases_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ConfigError, match="STORE_URL") as caught:
        SqlStore(url)
    assert caught.value.values == {}


def test_a_driver_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(ConfigError, match="STORE_DRIVER") as caught:
        SqlStore("postgresql+nosuch://office:secret@db/zhengyin")
    assert caught.value.values == {"driver": "postgresql+nosuch"}


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "rows.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(IntegrityError, match="STORE_DAMAGED"):
        SqlStore(f"sqlite:///{tmp_path}/rows.db")


def test_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="STORE_FAILED"):
        SqlStore(f"sqlite:///{tmp_path}/missing/rows.db")
