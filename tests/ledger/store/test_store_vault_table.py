"""What only the vault in a database has to prove: its wrapped keys are worth nothing once their epoch is destroyed."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from postgres_server import PostgresServer
from psycopg import sql
from sqlalchemy import text

from ledger.errors import ConfigError, IntegrityError
from ledger.store import dialect
from ledger.store.vault_epochs import EpochKeys
from ledger.store.vault_table import EPOCH_KEYS, VaultTable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "epochs"


@pytest.fixture
def vault(postgresql_url: str, folder: Path) -> Iterator[VaultTable]:
    vault = VaultTable(postgresql_url, folder)
    yield vault
    vault.close()


def new_keys(count: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(count)]


def rows(vault: VaultTable) -> list[tuple[int, bytes]]:
    with vault._transaction(dialect.READ) as connection:
        found = connection.execute(text("SELECT handle, wrapped FROM vault.keys ORDER BY handle"))
        return [(handle, bytes(wrapped)) for handle, wrapped in found]


def change(vault: VaultTable, statement: str) -> None:
    with vault._transaction(dialect.OWN) as connection:
        connection.execute(text(statement))


def opened_by_anything(backup: list[tuple[int, bytes]], folder: Path) -> dict[int, bytes]:
    """What a thief of a backup of the database gets with every epoch key there is now."""
    found = {}
    for path in folder.iterdir():
        key = AESSIV(path.read_bytes())
        for handle, wrapped in backup:
            try:
                found[handle] = key.decrypt(wrapped, [handle.to_bytes(8, "big")])
            except InvalidTag:
                continue
    return found


def test_after_an_erasure_backups_of_the_database_open_nothing(vault: VaultTable, folder: Path) -> None:
    keys = new_keys(50)
    handles = vault.add(keys)
    backup = rows(vault)
    assert opened_by_anything(backup, folder) == dict(zip(handles, keys, strict=True))
    assert vault.erase([7, 9]) == 2
    assert opened_by_anything(backup, folder) == {}
    survivors = {h: k for h, k in zip(handles, keys, strict=True) if h not in (7, 9)}
    assert vault.get(handles) == opened_by_anything(rows(vault), folder) == survivors


def test_no_record_key_is_ever_in_the_servers_files(vault: VaultTable, postgresql: PostgresServer) -> None:
    keys = new_keys(20)
    vault.add(keys)
    vault.erase([3])
    postgresql.administer(sql.SQL("CHECKPOINT"))
    disk = b"".join(p.read_bytes() for p in (postgresql.folder / "data").rglob("*") if p.is_file())
    wrapped = rows(vault)[0][1]
    assert wrapped in disk, "the server's files are not where this test looks"
    assert not any(key[:12] in disk for key in keys)


def test_an_erasure_rotates_only_its_own_epoch(vault: VaultTable, folder: Path) -> None:
    first, second = vault.add(new_keys(EPOCH_KEYS)), vault.add(new_keys(5))
    before = set(folder.iterdir())
    assert len(before) == 2
    assert vault.erase([second[0]]) == 1
    assert len(before & set(folder.iterdir())) == 1 and len(list(folder.iterdir())) == 2
    assert len(vault.get(first)) == EPOCH_KEYS
    assert vault.erase(first) == EPOCH_KEYS
    assert len(list(folder.iterdir())) == 1, "nothing survived, so nothing was wrapped again"
    assert vault.get(vault.add(new_keys(3))).keys() == {EPOCH_KEYS + 6, EPOCH_KEYS + 7, EPOCH_KEYS + 8}


KILLED = """
import os, signal, sys
from pathlib import Path
from ledger.store.vault_epochs import EpochKeys
from ledger.store.vault_table import VaultTable
vault = VaultTable(sys.argv[1], Path(sys.argv[2]))
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr({owner}, "{name}", die)
vault.erase([2])
"""


def killed(url: str, folder: Path, owner: str, name: str) -> None:
    code = KILLED.format(owner=owner, name=name)
    done = subprocess.run([sys.executable, "-c", code, url, str(folder)], check=False)
    assert done.returncode == -9


def test_killed_before_the_commit_nothing_is_erased(vault: VaultTable, postgresql_url: str, folder: Path) -> None:
    keys = new_keys(3)
    handles = vault.add(keys)
    killed(postgresql_url, folder, "VaultTable", "_put")
    assert vault.get(handles) == dict(zip(handles, keys, strict=True))
    assert vault.erase([2]) == 1 and vault.get(handles).keys() == {1, 3}


def test_killed_after_the_commit_the_next_start_destroys(vault: VaultTable, postgresql_url: str, folder: Path) -> None:
    handles = vault.add(new_keys(3))
    backup = rows(vault)
    killed(postgresql_url, folder, "EpochKeys", "destroy")
    assert vault.get(handles).keys() == {1, 3}
    assert 2 in opened_by_anything(backup, folder)
    VaultTable(postgresql_url, folder).close()
    assert opened_by_anything(backup, folder) == {}
    assert vault.get(handles).keys() == {1, 3}


def test_another_databases_keys_are_left_alone(vault: VaultTable, postgresql: PostgresServer, folder: Path) -> None:
    handles = vault.add(new_keys(3))
    name = postgresql.create()
    other = VaultTable(postgresql.url(name), folder)  # an empty database, by a mistake in the settings
    other.add(new_keys(2))
    assert other.erase([1, 2]) == 2
    other.close()
    postgresql.drop(name)
    assert len(vault.get(handles)) == 3


def test_a_database_from_before_an_erasure_is_named(vault: VaultTable, folder: Path) -> None:
    vault.add(new_keys(3))
    change(vault, "CREATE TABLE backup AS SELECT * FROM vault.keys")
    vault.erase([2])
    change(vault, "DELETE FROM vault.keys")
    change(vault, "INSERT INTO vault.keys SELECT * FROM backup")
    with pytest.raises(IntegrityError, match="VAULT_EPOCH_MISSING"):
        vault.get([1])


def test_keys_that_changed_places_are_damage(vault: VaultTable) -> None:
    vault.add(new_keys(2))
    change(vault, "UPDATE vault.keys SET wrapped = (SELECT wrapped FROM vault.keys WHERE handle = 1)")
    assert vault.get([1]).keys() == {1}
    with pytest.raises(IntegrityError, match="VAULT_DAMAGED"):
        vault.get([1, 2])


def test_readers_never_notice_an_erasure_of_others(vault: VaultTable, postgresql_url: str, folder: Path) -> None:
    keys = new_keys(40)
    handles = vault.add(keys)
    reader, wrong, over = VaultTable(postgresql_url, folder), [], threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                if reader.get([40]) != {40: keys[-1]}:
                    wrong.append("another key")
            except IntegrityError as error:
                wrong.append(error.code)

    thread = threading.Thread(target=read)
    thread.start()
    for handle in handles[:25]:
        assert vault.erase([handle]) == 1
    over.set()
    thread.join()
    reader.close()
    assert wrong == []


def test_only_the_owner_may_read_the_epoch_keys(vault: VaultTable, folder: Path) -> None:
    vault.add(new_keys(1))
    (path,) = folder.iterdir()
    assert folder.stat().st_mode & 0o077 == path.stat().st_mode & 0o077 == 0
    assert repr(EpochKeys(folder)) == "EpochKeys(…)"


def test_a_vault_of_another_version_is_refused(vault: VaultTable, postgresql_url: str, folder: Path) -> None:
    change(vault, "UPDATE vault.state SET version = 9")
    with pytest.raises(ConfigError, match="STORE_SCHEMA"):
        VaultTable(postgresql_url, folder)
