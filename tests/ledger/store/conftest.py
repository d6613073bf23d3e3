"""A migrated database, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.schema import upgrade
from ledger.store.unit import SqlStore


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "rows.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "rows.db"))


@pytest.fixture
def store(database: Path) -> Iterator[SqlStore]:
    store = SqlStore(f"sqlite:///{database}")
    yield store
    store.close()
