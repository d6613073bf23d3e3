"""The migrations produce the tables; other versions are refused; nothing is tied to SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

import ledger.store
from ledger.errors import ConfigError, IntegrityError, UnavailableError
from ledger.store.schema import upgrade
from ledger.store.tables import VERSION, metadata
from ledger.store.unit import SqlStore


def test_the_migrated_schema_is_the_metadata(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rows.db"
    upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
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
    engine.dispose()


def test_the_version_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(ledger.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [VERSION]


def test_every_table_renders_for_postgresql() -> None:
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert "BLOB" not in text and "AUTOINCREMENT" not in text
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect)).startswith("CREATE")
    records = str(CreateTable(metadata.tables["records"]).compile(dialect=dialect))
    assert "BIGSERIAL" in records and "BYTEA" in records


def test_upgrading_twice_keeps_the_rows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rows.db"
    upgrade(url)
    store = SqlStore(url)
    assert store.take_lease("outbox", "a", 0, 10)
    store.close()
    upgrade(url)
    store = SqlStore(url)
    assert not store.take_lease("outbox", "b", 1, 10)
    store.close()


def test_an_empty_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="STORE_SCHEMA") as caught:
        SqlStore(f"sqlite:///{tmp_path}/rows.db")
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
