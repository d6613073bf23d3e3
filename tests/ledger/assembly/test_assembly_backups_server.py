"""Backups of a ledger whose rows and keys lie in PostgreSQL, by its own client programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_world import World, check_ledger
from postgres_server import PostgresServer

from ledger.assembly.auditing import audit
from ledger.assembly.backups import make_backup
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.restoring import restore_backup
from ledger.core.tombstones import ErasureReason
from ledger.errors import ConfigError, ConflictError, UnavailableError
from ledger.store import dumps


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
def empty(postgresql: PostgresServer) -> Iterator[str]:
    """A new database, as an office makes it before it restores."""
    name = postgresql.create()
    yield postgresql.url(name)
    postgresql.drop(name)


def test_a_server_is_backed_up_and_restored_as_of_one_moment(
    demo: World, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.app.erasing.erase(OFFICE_A, demo.row(demo.ids["plain"]).leaf, ErasureReason.ORDERED)
    demo.drain()
    demo.issue_seal()
    before, _ = audit(demo.app)
    assert (before.findings, before.erased, before.waiting) == ((), 1, 1)
    made = make_backup(demo.app, tmp_path / "backups")
    assert made.manifest.database == "postgresql"
    assert any(f.path.startswith("home/vault-epochs/") for f in made.manifest.files)  # without them no key opens
    monkeypatch.setenv("ZHENGYIN_DATABASE", empty)
    restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()))
    other = World(tmp_path / "again", demo.clock, dict(demo.ids))
    try:
        found, unlocked = audit(other.app)
        assert (found.findings, found.erased, found.records, unlocked) == ((), 1, before.records, True)
        other.drain()
        assert audit(other.app)[0].findings == ()
    finally:
        other.close()
    with pytest.raises(ConflictError, match="RESTORE_DATABASE_USED"):
        restore_backup(tmp_path / "backups", tmp_path / "more", int(demo.clock()))
    assert not (tmp_path / "more").exists()


def test_missing_client_programs_are_named(demo: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "DEBIAN", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="BACKUP_PROGRAM_MISSING") as missing:
        make_backup(demo.app, tmp_path / "backups")
    assert missing.value.values == {"program": "pg_dump"}


def test_a_client_program_that_fails_leaves_no_backup(
    demo: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "DEBIAN", tmp_path / "none")
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UnavailableError, match="BACKUP_PROGRAM_FAILED") as failed:
        make_backup(demo.app, tmp_path / "backups")
    assert failed.value.values == {"program": "pg_dump", "status": 3}
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_wholly_audited_server_ledger_is_checked_by_both_proofs(demo: World) -> None:
    assert check_ledger(demo.app) == audit(demo.app)[0].records
