"""Looks on connections that stay open: as new, as whole and as harmless as any other reading."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from store_kit import ISSUER, accepted, id_of

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.errors import IntegrityError, UnavailableError
from ledger.store import glancing
from ledger.store.unit import SqlStore


def add(store: SqlStore, *names: object) -> None:
    with store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", [accepted(*names)], None)


def found(store: SqlStore, name: object) -> int:
    with store.glance() as unit:
        return len(unit.records.find_ids(id_of(name)))


def test_a_glance_sees_what_another_process_committed_since_the_last(url: str, store: SqlStore) -> None:
    assert found(store, 1) == 0
    other = SqlStore(url)  # nothing is shared with it but the database
    try:
        add(other, 1)
        assert found(store, 1) == 1
        with other.begin() as unit:
            unit.chain.set_cursor(BlockName(7, b"h" * 32))
        with store.glance() as unit:
            assert unit.chain.cursor() == BlockName(7, b"h" * 32)
        with other.begin() as unit:
            unit.chain.clear()
        with store.glance() as unit:
            assert unit.chain.cursor() is None
    finally:
        other.close()


def test_a_glance_at_a_file_sees_one_moment(database: Path) -> None:
    store = SqlStore(f"sqlite:///{database}")
    with store.glance() as before:
        assert before.records.counts() == {"accepted": 0}
        add(store, 1)
        assert before.records.find_ids(id_of(1)) == []
        assert before.records.counts() == {"accepted": 0}
    assert found(store, 1) == 1
    store.close()


def test_writing_in_a_glance_is_refused_and_leaves_nothing(store: SqlStore) -> None:
    for _ in range(2):  # the second time on the connection of the first
        with pytest.raises(UnavailableError, match="STORE_FAILED"), store.glance() as unit:
            unit.chain.set_cursor(BlockName(1, bytes(32)))
    with store.glance() as unit:
        assert unit.chain.cursor() is None
    add(store, 1)


def test_a_fault_inside_ends_the_view(store: SqlStore) -> None:
    with pytest.raises(KeyError), store.glance() as unit:
        assert unit.records.counts() == {"accepted": 0}
        raise KeyError
    add(store, 1)
    assert found(store, 1) == 1


def test_glances_of_many_threads_never_go_back(store: SqlStore) -> None:
    seen: list[list[int]] = [[] for _ in range(8)]

    def look(mine: list[int]) -> None:
        for _ in range(20):
            with store.glance() as unit:
                mine.append(unit.records.counts()["accepted"])

    threads = [threading.Thread(target=look, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    for number in range(10):
        add(store, number)
    for thread in threads:
        thread.join()
    assert all(len(mine) == 20 and mine == sorted(mine) for mine in seen)
    with store.glance() as unit:
        assert unit.records.counts() == {"accepted": 10}


def test_a_connection_that_the_server_ended_is_missed_once_at_most(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqlStore(postgresql_url)
    end = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    try:
        for fresh, lost in ((60.0, 1), (0.0, 0)):  # 0.0: it was quiet for so long that the pool asks
            monkeypatch.setattr(glancing, "FRESH", fresh)
            with store.glance(), store.glance():  # two connections
                pass
            with store._connection("read") as connection:
                connection.execute(end)
            codes = []
            for _ in range(3):
                try:
                    found(store, 1)
                except UnavailableError as error:
                    codes.append(error.code)
            assert codes == ["STORE_LOST"] * lost
    finally:
        store.close()


def test_more_callers_than_connections_wait_for_each_other_and_not_for_ever(store: SqlStore) -> None:
    """SQLAlchemy's pool never sees a connection again that a look keeps: whoever waited there waited in vain."""
    callers = 3 * glancing.TOGETHER
    start = threading.Barrier(callers)

    def look(name: int) -> list[int]:
        start.wait()
        return [found(store, name) for _ in range(3)]

    add(store, 7)
    with ThreadPoolExecutor(callers) as pool:
        assert list(pool.map(look, [7] * callers)) == [[1, 1, 1]] * callers


def test_a_glance_holds_up_no_writer(database: Path) -> None:
    store = SqlStore(f"sqlite:///{database}")
    add(store, 1)
    assert found(store, 1) == 1
    with store._connection("read") as connection:  # the WAL can be cut: nobody is left reading in it
        assert connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0] == 0
    store.close()


def test_flipped_pages_are_damage_to_a_glance_too(database: Path) -> None:
    store = SqlStore(f"sqlite:///{database}")
    with store.begin() as unit:
        unit.records.add(ISSUER, Kind.LICENSE, "c", [accepted(*range(2000))], None)
    store.close()
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database.write_bytes(data)
    with pytest.raises(IntegrityError, match="STORE_DAMAGED"):
        damaged = SqlStore(f"sqlite:///{database}")
        found(damaged, 1)
