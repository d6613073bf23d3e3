"""Tables sent in are imported by several workers side by side, each by one, and a killed worker's by another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ledger_world import OFFICE_A, OFFICE_B, World, check_ledger, write_rows

from ledger.errors import IntegrityError, UnavailableError
from ledger.ports.access import AnswerRow, UploadRow
from ledger.services import leasing

REAL_ESTATE = "real-estate-certificate"
ROWS = 5


def send(world: World, table: Path, issuer: str = OFFICE_A) -> bytes:
    """As the interface does, without a caller."""
    app, id_ = world.app, world.app.uploads.new_id()
    with app.upload_files.writer(id_, app.settings.upload_limit) as writer:
        writer.write(table.read_bytes())
        digest = writer.finish()
    now = int(world.clock())
    counts = (None, 0, 0, 0, 0, None)
    asked = UploadRow(0, id_, "t", issuer, REAL_ESTATE, "issued", False, table.name, "waiting", *counts, now, None)
    app.uploads.accept(asked, AnswerRow("t", id_.ljust(32), digest, id_.ljust(32), now))
    return id_


def send_several(world: World, folder: Path, count: int) -> list[bytes]:
    tables = [write_rows(folder / f"{n}.csv", ROWS, first=ROWS * n) for n in range(count)]
    return [send(world, table) for table in tables]


def found(world: World, ids: list[bytes]) -> list[tuple[str, int, int]]:
    shown = [world.app.uploads.find(id_) for id_ in ids]
    return [(u.state, u.new, u.existing) for u in shown if u is not None]


@contextmanager
def colleague(world: World) -> Iterator[World]:
    """Another process' view of the same ledger, at the same time."""
    other = World(world.home, world.clock, {})
    try:
        yield other
    finally:
        other.close()


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("import_rows.CHUNK_ROWS", "importing.WINDOW_ROWS"):
        monkeypatch.setattr(f"ledger.services.{bound}", 2)


def test_while_one_worker_has_a_table_in_hand_another_imports_the_others(
    world: World, tmp_path: Path, small_windows: None
) -> None:
    ids = send_several(world, tmp_path, 3)
    seen: list[Any] = []
    with colleague(world) as other:

        def meanwhile() -> bool:
            if not seen:
                seen.append((other.app.uploads.run_open(), found(world, ids)))
            return True

        assert world.app.uploads.run_open(meanwhile) == 1
    assert seen == [(2, [("running", 2, 0), ("finished", ROWS, 0), ("finished", ROWS, 0)])]
    assert found(world, ids) == [("finished", ROWS, 0)] * 3
    world.drain()
    assert check_ledger(world.app) == 3 * ROWS


def test_a_killed_workers_table_is_taken_over_when_its_lease_has_run_out(world: World, tmp_path: Path) -> None:
    ids = send_several(world, tmp_path, 2)
    killed_at = world.clock()
    world.worker("uploads", fault="upload.chunk")
    world.clock.now = killed_at
    assert world.app.uploads.run_open() == 1  # the other one
    assert found(world, ids) == [("running", ROWS, 0), ("finished", ROWS, 0)]
    world.clock.now += leasing.SECONDS
    assert world.app.uploads.run_open() == 1
    assert found(world, ids) == [("finished", ROWS, 0)] * 2
    report = world.app.uploads.report(ids[0])
    assert report is not None and report.read_text("utf-8-sig").count(",new,") == ROWS
    assert {p.suffixes[0] for p in (world.home / "uploads").iterdir()} == {".report"}
    world.drain()
    assert check_ledger(world.app) == 2 * ROWS


def test_of_two_processes_one_is_killed_and_every_row_is_issued_once(world: World, tmp_path: Path) -> None:
    ids = send_several(world, tmp_path, 6)
    with world.begin("uploads", fault="import.committed:3") as killed:
        # only once the first has begun: a second one that starts faster would leave it nothing to be killed at
        while all(state == "waiting" for state, *_ in found(world, ids)) and killed.poll() is None:
            time.sleep(0.05)
        with world.begin("uploads") as other:
            assert (killed.wait(60), other.wait(60)) == (-9, 0)
    world.clock.now += leasing.SECONDS
    assert world.app.uploads.run_open() <= 1
    assert found(world, ids) == [("finished", ROWS, 0)] * 6
    world.drain()
    assert check_ledger(world.app) == 6 * ROWS


def test_a_worker_that_lost_its_table_stops_and_spoils_nothing(
    world: World, tmp_path: Path, small_windows: None
) -> None:
    """As one that the machine suspended for a minute."""
    ids = send_several(world, tmp_path, 1)
    with colleague(world) as other:
        taken: list[int] = []

        def suspended() -> bool:
            world.clock.now += 60
            taken.append(other.app.uploads.run_open())
            return True

        with pytest.raises(UnavailableError, match="UPLOADS_STOPPED"):
            world.app.uploads.run_open(suspended)
    assert taken == [1]
    assert found(world, ids) == [("finished", ROWS, 0)]
    report = world.app.uploads.report(ids[0])
    assert report is not None and report.read_text("utf-8-sig").count("\n") == ROWS + 1
    assert world.app.uploads.run_open() == 0
    world.drain()
    assert check_ledger(world.app) == ROWS


def test_renewals_wait_for_the_table_that_may_hold_what_they_renew(
    world: World, tmp_path: Path, small_windows: None
) -> None:
    first = write_rows(tmp_path / "first.csv", ROWS)
    _, outcomes = world.import_rows(first, check=True)
    renewal = write_rows(tmp_path / "renewal.csv", 1, supersedes=outcomes[-1].id or "")
    ids = [send(world, first), send(world, renewal)]
    with colleague(world) as other:

        def meanwhile() -> bool:
            assert other.app.uploads.run_open() == 0
            return True

        assert world.app.uploads.run_open(meanwhile) == 2
    assert found(world, ids) == [("finished", ROWS, 0), ("finished", 1, 0)]
    world.drain()
    check_ledger(world.app)


def test_trouble_with_one_table_keeps_no_other_waiting(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = send_several(world, tmp_path, 2)
    files = world.app.upload_files
    trouble = IntegrityError("SPOOL_DAMAGED", chunk="", part="")

    def source(id_: bytes) -> Path:
        if id_ == ids[0] and world.clock.now >= 0:
            raise trouble
        return type(files).source(files, id_)

    with monkeypatch.context() as patched:
        patched.setattr(files, "source", source)
        with pytest.raises(IntegrityError, match="SPOOL_DAMAGED"):
            world.app.uploads.run_open()
    assert found(world, ids) == [("running", 0, 0), ("finished", ROWS, 0)]
    assert world.app.uploads.run_open() == 1
    assert found(world, ids) == [("finished", ROWS, 0)] * 2


def test_an_import_that_another_one_overtook_is_run_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look for what is there and the write: the whole window is refused, which no row deserves."""
    world.import_rows(write_rows(tmp_path / "old.csv", 1))
    old = world.import_rows(tmp_path / "old.csv")[1][0].id or ""
    table = write_rows(tmp_path / "renewal.csv", 1, supersedes=old)
    ids = [send(world, table)]
    importing = world.app.importing
    with monkeypatch.context() as patched:
        patched.setattr(importing, "_with_predecessor", overtaken(world, table, importing._with_predecessor))
        with pytest.raises(UnavailableError, match="UPLOADS_STOPPED"):
            world.app.uploads.run_open()
    assert found(world, ids) == [("running", 0, 0)]
    assert world.app.uploads.run_open() == 1
    assert found(world, ids) == [("finished", 0, 1)]
    world.drain()
    check_ledger(world.app)


def overtaken(world: World, table: Path, usual: Any) -> Any:
    """The same table is imported by another one before ours is stored."""

    def run(*asked: Any) -> Any:
        made = usual(*asked)
        with colleague(world) as other:
            other.import_rows(table)
        return made

    return run


def test_lists_of_tables_of_two_offices_do_not_wait_for_each_other(
    world: World, tmp_path: Path, small_windows: None
) -> None:
    first = write_rows(tmp_path / "first.csv", ROWS)
    _, outcomes = world.import_rows(first, check=True)
    renewal = write_rows(tmp_path / "renewal.csv", 1, supersedes=outcomes[-1].id or "")
    ids = [send(world, first), send(world, renewal, OFFICE_B)]
    with colleague(world) as other:
        ran: list[int] = []

        def meanwhile() -> bool:
            if not ran:
                ran.append(other.app.uploads.run_open())
            return True

        assert world.app.uploads.run_open(meanwhile) == 1
    assert ran == [1]
    assert [u[0] for u in found(world, ids)] == ["finished", "finished"]
