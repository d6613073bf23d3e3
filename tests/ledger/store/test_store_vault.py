"""The vault, as a file and in a database: keys for handles, and an erasure that leaves nothing that opens."""

from __future__ import annotations

import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import ConfigError, InputError, IntegrityError, UnavailableError
from ledger.store import vault as module
from ledger.store.vault import VaultFile
from ledger.store.vault_table import VaultTable


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[VaultFile]:
    vault = VaultFile(tmp_path / "vault.db")
    yield vault
    vault.close()


class Opener(NamedTuple):
    """Opens one and the same vault again and again, also in another process by ``code``."""

    open: Callable[[], VaultFile | VaultTable]
    code: str


@pytest.fixture(params=["file", "table"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    path = tmp_path / "vault.db"
    if request.param == "file":
        code = f"from ledger.store.vault import VaultFile\nvault = VaultFile(Path({str(path)!r}))"
        return Opener(lambda: VaultFile(path), code)
    url, folder = request.getfixturevalue("postgresql_url"), tmp_path / "epochs"
    code = f"from ledger.store.vault_table import VaultTable\nvault = VaultTable({url!r}, Path({str(folder)!r}))"
    return Opener(lambda: VaultTable(url, folder), code)


@pytest.fixture
def either(opener: Opener) -> Iterator[VaultFile | VaultTable]:
    vault = opener.open()
    yield vault
    vault.close()


def new_keys(count: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(count)]


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())


def test_keys_come_back_by_handle(either: VaultFile | VaultTable, opener: Opener) -> None:
    keys = new_keys(3000)
    handles = either.add(keys)
    assert list(handles) == list(range(1, 3001))
    assert either.get(handles) == dict(zip(handles, keys, strict=True))
    assert either.get([2, 2, 9999, -1]) == {2: keys[1]} and either.get([]) == {}
    either.close()
    again = opener.open()
    assert again.get([3000]) == {3000: keys[-1]}
    again.close()


def test_an_erased_key_is_nowhere_in_the_file_or_its_log(vault: VaultFile, tmp_path: Path) -> None:
    keys = new_keys(2000)
    handles = vault.add(keys)
    gone = handles[500:1500]
    assert keys[700] in bytes_on_disk(tmp_path)
    assert vault.erase(gone) == 1000
    disk = bytes_on_disk(tmp_path)
    assert not any(key in disk or key[:12] in disk for key in keys[500:1500])
    assert all(key in disk for key in keys[:500])
    assert vault.get(handles).keys() == set(handles) - set(gone)
    assert vault.erase(gone) == vault.erase([]) == 0


def test_a_handle_is_never_given_twice(either: VaultFile | VaultTable, opener: Opener) -> None:
    assert list(either.add(new_keys(3))) == [1, 2, 3]
    assert either.erase([1, 2, 3]) == 3
    assert list(either.add(new_keys(1))) == [4]
    either.erase([4])
    either.close()
    again = opener.open()
    assert list(again.add(new_keys(2))) == [5, 6] and list(again.add([])) == []
    again.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.integers(1, 6), st.lists(st.integers(1, 60), max_size=5)), max_size=10))
def test_the_vault_agrees_with_a_dictionary(either: VaultFile | VaultTable, steps: list[int | list[int]]) -> None:
    vault = either
    (base,) = vault.add(new_keys(1))
    expected: dict[int, bytes] = {}
    for step in steps:
        if isinstance(step, int):
            keys = new_keys(step)
            expected |= dict(zip(vault.add(keys), keys, strict=True))
        else:
            there = {base + n for n in step} & expected.keys()
            assert vault.erase([base + n for n in step]) == len(there)
            for handle in there:
                del expected[handle]
    assert vault.get(range(base + 1, base + 200)) == expected


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused_and_none_is_stored(either: VaultFile | VaultTable, key: bytes) -> None:
    with pytest.raises(InputError, match="VAULT_KEY_LENGTH"):
        either.add([bytes(32), key])
    assert either.get(range(1, 9)) == {}


def test_an_erasure_under_a_reader_says_that_it_is_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_MILLISECONDS", 50)
    vault = VaultFile(tmp_path / "vault.db")
    (key,) = keys = new_keys(1)
    (handle,) = vault.add(keys)
    reader = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM keys").fetchall()
    with pytest.raises(UnavailableError, match="VAULT_BUSY"):
        vault.erase([handle])
    assert vault.get([handle]) == {}
    reader.execute("ROLLBACK")
    reader.close()
    assert vault.erase([handle]) == 0
    assert key not in bytes_on_disk(tmp_path)
    vault.close()


def test_a_crash_after_the_deletion_is_finished_by_the_next_start(tmp_path: Path) -> None:
    vault = VaultFile(tmp_path / "vault.db")
    (key,) = keys = new_keys(1)
    (handle,) = vault.add(keys)
    vault.close()
    code = """
import os, signal, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA secure_delete=ON")
c.execute("UPDATE keys SET key = key")  # the key is in the log again
c.execute("DELETE FROM keys")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "vault.db")], check=False)
    assert key in bytes_on_disk(tmp_path)
    again = VaultFile(tmp_path / "vault.db")
    assert again.get([handle]) == {} and key not in bytes_on_disk(tmp_path)
    again.close()


def test_two_processes_adding_at_once_share_no_handle(opener: Opener) -> None:
    code = f"""
from pathlib import Path
{opener.code}
for _ in range(30):
    print(*vault.add([bytes(32)] * 10))
vault.close()
"""
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    handles = [int(h) for process in running for h in process.communicate(timeout=60)[0].split()]
    assert sorted(handles) == list(range(1, 601))


def test_only_the_owner_may_read_the_files(vault: VaultFile, tmp_path: Path) -> None:
    vault.add(new_keys(1))
    assert {path.name for path in tmp_path.iterdir()} >= {"vault.db", "vault.db-wal"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_showing_the_vault_shows_nothing(either: VaultFile | VaultTable) -> None:
    assert repr(either) == str(either) == f"{type(either).__name__}(…)"


def test_another_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="STORE_SCHEMA"):
        VaultFile(path)
    assert path.read_bytes() == before


def test_a_damaged_vault_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.write_bytes(os.urandom(9000))
    with pytest.raises(IntegrityError, match="STORE_DAMAGED"):
        VaultFile(path)


def test_reserved_handles_are_given_to_no_key(opener: Opener) -> None:
    """As after a restoration: the vault is of before, segments name handles of later."""
    vault = opener.open()
    vault.reserve(7)
    assert vault.add([bytes(32)]) == range(8, 9)
    vault.reserve(3)
    assert vault.add([bytes(32)]) == range(9, 10)
    vault.close()
    again = opener.open()
    again.reserve(20)
    assert again.add([bytes(32)]) == range(21, 22)
    assert sorted(again.get(range(30))) == [8, 9, 21]
    again.close()
