"""Transactions, locks, leases and faults of the one database file, with real processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ledger.core.registries import Kind
from ledger.errors import IntegrityError, UnavailableError
from ledger.ports import AcceptedRun
from ledger.store import dialect
from ledger.store.unit import SqlStore

ISSUER = "91110000600037341L"

PREAMBLE = """
import sys
from hashlib import sha256
from ledger.core.registries import Kind
from ledger.errors import ZhengyinError
from ledger.ports import AcceptedRun
from ledger.store.unit import SqlStore

def rows(who, count):
    digest = lambda what, n: sha256(f"{who} {what} {n}".encode()).digest()
    first = int.from_bytes(digest("first", 0)[:6], "big")
    ids, leaves = ([digest(what, n) for n in range(count)] for what in ("id", "leaf"))
    return [AcceptedRun(first, 0, "license", ids, leaves, [None] * count)]

store = SqlStore(sys.argv[1])
"""


def child(url: str, code: str, *arguments: str) -> subprocess.Popen[str]:
    program = PREAMBLE + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", program, url, *arguments], stdout=subprocess.PIPE, text=True)


def output(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return text.strip()


def rows(count: int) -> list[AcceptedRun]:
    digests = [sha256(repr(n).encode()).digest() for n in range(count)]
    return [AcceptedRun(1, 0, "license", digests, digests, [None] * count)]


def sound(url: str) -> bool:
    """SQLite's own check of its file; a server's is not ours to check."""
    database = make_url(url).database
    if not url.startswith("sqlite") or database is None:
        return True
    connection = sqlite3.connect(database)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def test_an_exception_rolls_everything_back(store: SqlStore) -> None:
    with pytest.raises(KeyError), store.begin() as unit:
        unit.batches.add(ISSUER, Kind.LICENSE, b"r" * 32, 1, bytes(32), 1)
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
        raise KeyError
    with store.read() as unit:
        assert unit.records.counts() == {"accepted": 0} and unit.batches.newest(1) == []


def test_writing_in_a_read_is_refused_not_forgotten(store: SqlStore) -> None:
    with pytest.raises(UnavailableError, match="STORE_FAILED"), store.read() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
    with store.begin() as unit:  # the connection is as good as before
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)


def test_a_read_sees_one_moment(store: SqlStore) -> None:
    with store.read() as before:
        assert before.records.counts() == {"accepted": 0}
        with store.begin() as unit:
            unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
        assert before.records.counts() == {"accepted": 0}
    with store.read() as after:
        assert after.records.counts() == {"accepted": 1}


def test_commits_survive_loss_of_power(database: Path) -> None:
    store = SqlStore(f"sqlite:///{database}")
    with store._connection(dialect.READ) as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": dialect.BUSY_MILLISECONDS,
    }
    store.close()


def test_a_killed_writer_leaves_nothing_and_no_lock(url: str, store: SqlStore) -> None:
    code = """
        import os, signal
        with store.begin() as unit:
            unit.records.add("X", Kind.LICENSE, "c", rows("a", 5000), None)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    process = child(url, code)
    process.communicate(timeout=60)
    assert process.returncode == -9
    with store.begin() as unit:
        assert unit.records.counts() == {"accepted": 0}
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
    assert sound(url)


def test_two_processes_writing_at_once_lose_nothing(url: str, store: SqlStore) -> None:
    code = """
        for part in range(20):
            with store.begin() as unit:
                nonce = unit.transactions.next_nonce(b"a" * 20, 0)  # read, then write: must not be torn
                hash_ = sha256(f"{sys.argv[2]} {part}".encode()).digest()
                unit.transactions.add("anchor", nonce, b"a" * 20, nonce, b"raw", hash_)
                unit.records.add("X", Kind.LICENSE, "c", rows(f"{sys.argv[2]} {part}", 50), None)
    """
    for process in [child(url, code, name) for name in "ab"]:
        output(process)
    with store.read() as unit:
        assert unit.records.counts() == {"accepted": 2000}
        assert sorted(t.nonce for t in unit.transactions.in_states(("stored",))) == list(range(40))
    assert sound(url)


def test_a_lease_has_one_holder_at_a_time(store: SqlStore) -> None:
    assert store.take_lease("outbox", "a", 100.0, 10)
    assert not store.take_lease("outbox", "b", 109.9, 10)
    assert store.take_lease("other", "b", 100.0, 10)
    assert store.take_lease("outbox", "a", 105.0, 10)  # renewed
    assert not store.take_lease("outbox", "b", 114.9, 10)
    assert store.take_lease("outbox", "b", 115.0, 10)  # run out
    assert not store.take_lease("outbox", "a", 116.0, 10)
    store.drop_lease("outbox", "a")  # not the holder
    assert not store.take_lease("outbox", "a", 116.0, 10)
    store.drop_lease("outbox", "b")
    assert store.take_lease("outbox", "a", 116.0, 10)


def test_a_lease_is_kept_unless_another_had_it_in_between(store: SqlStore) -> None:
    assert not store.keep_lease("upload 1", "a", 100.0, 10)  # never taken
    assert store.take_lease("upload 1", "a", 100.0, 10)
    assert store.keep_lease("upload 1", "a", 105.0, 10)
    assert not store.take_lease("upload 1", "b", 114.9, 10)
    assert store.keep_lease("upload 1", "a", 200.0, 10)  # run out, and nobody came
    assert store.take_lease("upload 1", "b", 210.0, 10)
    assert not store.keep_lease("upload 1", "a", 211.0, 10)
    store.drop_lease("upload 1", "b")
    assert not store.keep_lease("upload 1", "a", 212.0, 10)
    assert store.take_lease("upload 1", "a", 212.0, 10)


def test_of_processes_asking_for_a_lease_at_once_one_gets_it(url: str) -> None:
    code = """
        print(sum(store.take_lease(f"lease {n}", sys.argv[2], 1000.0, 60) for n in range(40)))
    """
    assert sum(int(output(p)) for p in [child(url, code, name) for name in "ab"]) == 40


def test_a_lock_held_too_long_is_unavailable(url: str, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "BUSY_MILLISECONDS", 50)
    impatient = SqlStore(url)
    with store.begin(), pytest.raises(UnavailableError, match="STORE_LOCKED"), impatient.begin():
        pass
    with impatient.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
    impatient.close()


FULL = """
    {limit}
    try:
        for part in range(1000):
            with store.begin() as unit:
                unit.records.add("X", Kind.LICENSE, "c", rows(part, 500), None)
    except ZhengyinError as error:
        print(error.code, part * 500)
"""


def test_a_full_disk_stops_with_what_was_committed(database: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))"
    code, committed = output(child(f"sqlite:///{database}", FULL.format(limit=limit))).split()
    assert code in ("STORE_FULL", "STORE_FAILED")  # a file-size limit is an input/output error to SQLite
    store = SqlStore(f"sqlite:///{database}")
    with store.begin() as unit:
        assert unit.records.counts() == {"accepted": int(committed)} and int(committed) > 0
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
    store.close()
    assert sound(f"sqlite:///{database}")


def test_a_full_database_is_full_and_works_again(database: Path) -> None:
    store = SqlStore(f"sqlite:///{database}")
    with store._connection(dialect.READ) as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")
    with pytest.raises(UnavailableError, match="STORE_FULL"), store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(5000), None)
    with store.begin() as unit:
        assert unit.records.counts() == {"accepted": 0}
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(1), None)
    store.close()
    assert sound(f"sqlite:///{database}")


def test_flipped_pages_are_damage_not_absence(database: Path) -> None:
    store = SqlStore(f"sqlite:///{database}")
    with store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", rows(2000), None)
    store.close()  # the last connection folds the WAL into the file
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database.write_bytes(data)
    with pytest.raises(IntegrityError, match="STORE_DAMAGED"):
        damaged = SqlStore(f"sqlite:///{database}")
        with damaged.read() as unit:
            unit.records.waiting_rows(ISSUER, Kind.LICENSE)
