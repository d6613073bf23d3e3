"""A database server that stops, is killed, comes back or refuses: what PostgreSQL adds to the faults of a file."""

from __future__ import annotations

import gc
import signal
import socket
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from postgres_server import PostgresServer, running_server
from psycopg import sql
from standing_still import frozen, needs_proc

from ledger.core.registries import Kind
from ledger.errors import ConflictError, UnavailableError
from ledger.ports import JobRow
from ledger.store import dialect
from ledger.store.schema import upgrade
from ledger.store.unit import SqlStore
from ledger.store.vault_table import VaultTable
from ledger.store.watched import ANSWER, QUIET

ISSUER = "91110000600037341L"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One that may be stopped: the session's own is for the others."""
    with running_server() as server:
        yield server


@pytest.fixture
def away(server: PostgresServer) -> Iterator[tuple[PostgresServer, SqlStore]]:
    name = server.create()
    upgrade(server.url(name))
    store = SqlStore(server.url(name))
    yield server, store
    store.close()
    server.start()


def job(store: SqlStore, name: str) -> JobRow:
    with store.begin() as unit:
        return unit.jobs.start(ISSUER, "license", sha256(name.encode()).digest(), name, 1)


def jobs(store: SqlStore) -> list[str]:
    with store.read() as unit:
        return [found.source_name for found in unit.jobs.newest(9)][::-1]


@needs_proc
def test_a_server_that_stands_still_is_lost_within_two_seconds_and_found_again(
    away: tuple[PostgresServer, SqlStore],
) -> None:
    server, store = away
    job(store, "before")
    with frozen(server):
        for action in (store.read, store.begin, lambda: SqlStore(server.url("postgres")).read()):
            since = time.monotonic()
            with pytest.raises(UnavailableError, match="STORE_LOST"), action() as unit:
                unit.jobs.newest(1)
            assert time.monotonic() - since < 2
    assert jobs(store) == ["before"]


@needs_proc
def test_a_server_that_stands_still_in_the_midst_of_a_unit_is_lost_and_leaves_nothing(
    away: tuple[PostgresServer, SqlStore],
) -> None:
    server, store = away
    with pytest.raises(UnavailableError, match="STORE_LOST"), store.begin() as unit:
        unit.jobs.start(ISSUER, "license", bytes(32), "half", 1)
        with frozen(server):
            since = time.monotonic()
            try:
                unit.jobs.newest(1)
            finally:
                assert time.monotonic() - since < 2
    assert jobs(store) == []


def test_a_long_wait_for_a_server_that_lives_is_no_loss(postgresql_url: str) -> None:
    """Nothing is heard while another unit holds the lock, for longer than a frozen server would be given."""
    store, seen = SqlStore(postgresql_url), []

    def wait() -> None:
        with store.begin() as unit:
            seen.append([found.source_name for found in unit.jobs.newest(1)])

    with store.begin() as unit:
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(2 * (QUIET + ANSWER))
        unit.jobs.start(ISSUER, "license", bytes(32), "first", 1)
    waiting.join()
    assert seen == [["first"]]
    store.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "killed"])
def test_a_server_that_goes_away_is_lost_within_two_seconds_and_found_again(
    away: tuple[PostgresServer, SqlStore], how: signal.Signals
) -> None:
    server, store = away
    job(store, "before")
    with pytest.raises(UnavailableError, match="STORE_LOST"), store.begin() as unit:
        unit.jobs.start(ISSUER, "license", bytes(32), "half", 1)
        server.stop(how)
        unit.jobs.newest(1)
    for action in (store.begin, store.read):
        since = time.monotonic()
        with pytest.raises(UnavailableError, match="STORE_LOST"), action():
            pass
        assert time.monotonic() - since < 2
    with pytest.raises(UnavailableError, match="STORE_LOST"):
        store.take_lease("outbox", "a", 1.0, 10)
    server.start()
    assert jobs(store) == ["before"]
    job(store, "after")
    assert jobs(store) == ["before", "after"]


def test_a_server_lost_at_the_commit_is_told_and_leaves_all_or_nothing(away: tuple[PostgresServer, SqlStore]) -> None:
    server, store = away
    with pytest.raises(UnavailableError, match="STORE_LOST"), store.begin() as unit:
        unit.jobs.start(ISSUER, "license", bytes(32), "half", 1)
        server.stop(signal.SIGQUIT)
    server.start()
    assert jobs(store) == []


def test_a_server_lost_inside_a_savepoint_is_lost(away: tuple[PostgresServer, SqlStore]) -> None:
    server, store = away
    found = job(store, "before")
    with pytest.raises(UnavailableError, match="STORE_LOST"), store.begin() as unit:
        server.stop(signal.SIGQUIT)
        unit.jobs.finish(found.row, 2)
    server.start()
    assert jobs(store) == ["before"]


def test_every_connection_of_the_pool_is_replaced(away: tuple[PostgresServer, SqlStore]) -> None:
    server, store = away
    gate = threading.Barrier(5)

    def read() -> None:
        with store.read():
            gate.wait(10)

    threads = [threading.Thread(target=read) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop(signal.SIGQUIT)
    server.start()
    for n in range(6):
        job(store, str(n))
    assert len(jobs(store)) == 6


def test_a_lost_server_is_lost_for_the_vault_too(server: PostgresServer, tmp_path: Path) -> None:
    vault = VaultTable(server.url(server.create()), tmp_path / "epochs")
    handles = vault.add([bytes(32)])
    server.stop(signal.SIGQUIT)
    for action in (lambda: vault.add([bytes(32)]), lambda: vault.get(handles), lambda: vault.erase(handles)):
        with pytest.raises(UnavailableError, match="STORE_LOST"):
            action()
    server.start()
    assert vault.get(handles) == {1: bytes(32)} and vault.erase(handles) == 1
    vault.close()


def test_no_server_there_is_lost() -> None:
    for url in ("postgresql://office@/none?host=/nowhere", "postgresql://office@127.0.0.1:1/none"):
        with pytest.raises(UnavailableError, match="STORE_LOST"):
            SqlStore(url)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the driver drops what it gave up
def test_a_server_that_never_answers_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnavailableError, match="STORE_LOST"):
            SqlStore(f"postgresql://office@127.0.0.1:{port}/none")
    gc.collect()


def test_a_database_that_is_not_there_and_a_closed_door_are_lost(postgresql: PostgresServer) -> None:
    with pytest.raises(UnavailableError, match="STORE_LOST"):
        SqlStore(postgresql.url("nonesuch"))
    name = postgresql.create()
    postgresql.administer(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    with pytest.raises(UnavailableError, match="STORE_LOST"):
        SqlStore(postgresql.url(name))


def test_rows_that_wait_for_each_other_are_locked_not_lost(postgresql_url: str) -> None:
    """Two imports with the same numbers in another order: the server ends one of them, which may try again."""
    store, found = SqlStore(postgresql_url), []
    gate = threading.Barrier(2)

    def start(names: str) -> None:
        try:
            with store.begin(beside=True) as unit:
                unit.jobs.start(ISSUER, "license", sha256(names[0].encode()).digest(), names[0], 1)
                gate.wait(10)
                unit.jobs.start(ISSUER, "license", sha256(names[1].encode()).digest(), names[1], 1)
            found.append("done")
        except (UnavailableError, ConflictError) as error:
            found.append(error.code)
        except Exception as error:
            found.append(type(error).__name__)

    threads = [threading.Thread(target=start, args=(names,)) for names in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["STORE_LOCKED", "done"]
    assert len(jobs(store)) == 2
    store.close()


def test_units_run_beside_each_other_and_beside_the_one_that_is_alone(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No import waits for the outbox, and the outbox for no import."""
    monkeypatch.setattr(dialect, "BUSY_MILLISECONDS", 50)
    store = SqlStore(postgresql_url)
    with store.begin(beside=True) as one, store.begin(beside=True) as other, store.begin() as alone:
        one.batches.add(ISSUER, Kind.LICENSE, b"1" * 32, 1, bytes(32), 1)
        other.batches.add(ISSUER, Kind.LICENSE, b"2" * 32, 1, bytes(32), 1)
        alone.batches.add(ISSUER, Kind.LICENSE, b"3" * 32, 1, bytes(32), 1)
        with pytest.raises(UnavailableError, match="STORE_LOCKED"), store.begin():
            pass
        with store.read() as unit:
            assert unit.batches.newest(9) == []
    with store.read() as unit:
        assert len(unit.batches.newest(9)) == 3
    store.close()


def test_a_read_inside_a_write_is_a_view_of_its_own(postgresql_url: str) -> None:
    store = SqlStore(postgresql_url)
    with store.begin(), pytest.raises(UnavailableError, match="STORE_FAILED"), store.read() as unit:
        unit.jobs.start(ISSUER, "license", bytes(32), "refused", 1)
    store.close()
