"""A migrated database of each kind, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from ledger.store.schema import upgrade
from ledger.store.unit import SqlStore


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "rows.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgresServer) -> str:
    name = postgresql.create()
    upgrade(postgresql.url(name))
    return name


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    """A SQLite file, for tests of what only SQLite does."""
    return Path(shutil.copy(migrated, tmp_path / "rows.db"))


@pytest.fixture
def postgresql_url(postgresql: PostgresServer, migrated_postgresql: str) -> Iterator[str]:
    """A database of the server, for tests of what only PostgreSQL does."""
    name = postgresql.create(migrated_postgresql)
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty migrated database: everything that uses it runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('database')}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    store = SqlStore(url)
    yield store
    store.close()
