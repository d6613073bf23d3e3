"""Backups while the ledger is at work, and what a restored folder may do before it is audited."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest
from ledger_world import World, check_ledger, write_rows

from ledger.assembly import backups
from ledger.assembly.backups import make_backup
from ledger.assembly.restored import restored_mark
from ledger.assembly.restoring import restore_backup
from ledger.core.backup_manifest import BackupManifest
from ledger.core.registries import State
from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError

DAY = 86_400


def again(world: World, home: Path) -> World:
    return World(home, world.clock, dict(world.ids))


def unlocked(world: World) -> World:
    world.app.home.restored.unlink()
    return world


def test_a_backup_restores_to_the_same_ledger(demo: World, tmp_path: Path) -> None:
    demo.issue_seal()  # one that still waits in the spool
    before = check_ledger(demo.app, drained=False)
    made = make_backup(demo.app, tmp_path / "backups")
    done = restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()))
    assert done.manifest == made.manifest and done.head is not None
    other = unlocked(again(demo, tmp_path / "again"))
    try:
        assert check_ledger(other.app, drained=False) == before
        other.drain()
        assert check_ledger(other.app) == before + 1
    finally:
        other.close()


def test_files_of_backup_and_restored_folder_are_for_their_owner_alone(demo: World, tmp_path: Path) -> None:
    make_backup(demo.app, tmp_path / "backups")
    restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()))
    for top in (tmp_path / "backups", tmp_path / "again"):
        open_ = [p for p in [top, *top.rglob("*")] if stat.S_IMODE(p.stat().st_mode) & 0o077]
        assert open_ == []


def test_a_segment_is_copied_once(demo: World, tmp_path: Path) -> None:
    first = make_backup(demo.app, tmp_path / "backups")
    demo.clock.sleep(60)
    demo.issue_seal()
    demo.drain()
    second = make_backup(demo.app, tmp_path / "backups")
    shared = sum(f.size for f in first.manifest.files if f.shared)
    assert first.kept == 0 and second.kept == shared > 0
    assert {f.path for f in first.manifest.files if f.shared} < {f.path for f in second.manifest.files if f.shared}
    (tmp_path / "backups" / "leftover").mkdir()
    assert restore_backup(tmp_path / "backups", tmp_path / "again", 0).manifest == second.manifest  # the newest
    assert restore_backup(first.folder, tmp_path / "older", 0).manifest == first.manifest


def test_a_segment_that_changed_since_is_named_and_not_backed_up(demo: World, tmp_path: Path) -> None:
    first = make_backup(demo.app, tmp_path / "backups")
    body = next(demo.app.home.segments.glob("*/*/*/body"))
    data = bytearray(body.read_bytes())
    data[-40] ^= 1
    body.write_bytes(data)
    (first.folder / "manifest.json").unlink()  # nothing remembers its digest
    with pytest.raises(IntegrityError, match="BACKUP_SEGMENT_DIFFERS"):
        make_backup(demo.app, tmp_path / "backups")


def test_every_file_is_compared_before_anything_is_written(demo: World, tmp_path: Path) -> None:
    made = make_backup(demo.app, tmp_path / "backups")
    for file in made.manifest.files:
        path = (tmp_path / "backups" if file.shared else made.folder) / file.path
        whole = path.read_bytes()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:] if whole else b"x")
        with pytest.raises(IntegrityError, match="RESTORE_DAMAGED") as found:
            restore_backup(made.folder, tmp_path / "again", 0)
        assert found.value.values["file"] == file.path
        assert not (tmp_path / "again").exists()
        path.write_bytes(whole)
    restore_backup(made.folder, tmp_path / "again", 0)


def test_a_folder_in_use_is_never_overwritten(demo: World, tmp_path: Path) -> None:
    make_backup(demo.app, tmp_path / "backups")
    with pytest.raises(ConflictError, match="RESTORE_HOME_USED"):
        restore_backup(tmp_path / "backups", demo.home, 0)
    with pytest.raises(NotFoundError, match="RESTORE_NO_BACKUP"):
        restore_backup(demo.home, tmp_path / "again", 0)


@pytest.mark.parametrize("path", ["../rows.db", "/etc/passwd", "home/../../x", "home//x", "a\\b", "."])
def test_a_manifest_cannot_lead_out_of_its_folder(demo: World, tmp_path: Path, path: str) -> None:
    made = make_backup(demo.app, tmp_path / "backups")
    value = json.loads(made.manifest.to_bytes())
    value["files"] = [{"path": path, "size": 0, "sha256": "0" * 64}]
    with pytest.raises(InputError, match="BACKUP_PATH"):
        BackupManifest.from_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def test_a_restored_folder_accepts_and_anchors_nothing_before_an_audit(demo: World, tmp_path: Path) -> None:
    leaf = demo.row(demo.ids["seal"]).leaf
    make_backup(demo.app, tmp_path / "backups")
    restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()))
    other = again(demo, tmp_path / "again")
    try:
        mark = restored_mark(other.app.home)
        assert mark is not None and mark.at == int(demo.clock())
        for act in (
            other.issue_seal,
            lambda: other.import_rows(write_rows(tmp_path / "more.csv", 2, first=50)),
            lambda: other.change(leaf, State.SUSPENDED),
            lambda: other.app.outbox.drain(5),
            other.app.outbox.retry_refused,
        ):
            with pytest.raises(ConflictError, match="RESTORE_UNAUDITED"):
                act()
        with other.app.store.read() as unit:
            assert unit.records.waiting() == []
    finally:
        other.close()


def test_expired_backups_go_with_the_next_one(demo: World, tmp_path: Path) -> None:
    """What was erased lives on in a backup until then, so then it must really end."""
    first = make_backup(demo.app, tmp_path / "backups")
    assert first.manifest.expires == first.manifest.created + 30 * DAY
    demo.clock.sleep(30 * DAY)
    second = make_backup(demo.app, tmp_path / "backups")
    assert second.removed == 1
    assert [folder for folder, _ in backups.backups_in(tmp_path / "backups")] == [second.folder]
    restore_backup(tmp_path / "backups", tmp_path / "again", 0)


def test_a_killed_backup_is_taken_for_none(demo: World, tmp_path: Path) -> None:
    """It has another name than a whole one, whatever of it there is."""
    made = make_backup(demo.app, tmp_path / "backups")
    made.folder.rename(tmp_path / "backups" / ".4f3c")
    with pytest.raises(NotFoundError, match="RESTORE_NO_BACKUP"):
        restore_backup(tmp_path / "backups", tmp_path / "again", 0)
    again = make_backup(demo.app, tmp_path / "backups")
    assert again.copied > 0
    restore_backup(tmp_path / "backups", tmp_path / "again", 0)


def test_another_ledger_is_not_mixed_in(demo: World, tmp_path: Path) -> None:
    made = make_backup(demo.app, tmp_path / "backups")
    path = made.folder / "manifest.json"
    value = json.loads(path.read_bytes())
    value["chain"]["id"] += 1
    path.write_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "utf-8")
    with pytest.raises(ConflictError, match="BACKUP_OTHER_LEDGER"):
        make_backup(demo.app, tmp_path / "backups")


def test_what_moves_between_the_copies_is_copied_again(
    demo: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker closes a batch, and somebody erases, right after the rows were copied."""
    accepted = demo.issue_seal()
    real, moves = backups.dumps.dump_rows, []

    def moving(url: object, path: Path) -> object:
        named = real(url, path)  # type: ignore[arg-type]
        if not moves:
            moves.append(1)
            demo.drain()
        return named

    monkeypatch.setattr(backups.dumps, "dump_rows", moving)
    make_backup(demo.app, tmp_path / "backups")
    restore_backup(tmp_path / "backups", tmp_path / "again", 0)
    other = unlocked(again(demo, tmp_path / "again"))
    try:
        assert check_ledger(other.app, [accepted.leaf], drained=False) > 0
    finally:
        other.close()


def test_a_ledger_that_never_rests_is_said_to(demo: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups._Backup, "_complete", lambda self, named: False)
    with pytest.raises(UnavailableError, match="BACKUP_MOVING"):
        make_backup(demo.app, tmp_path / "backups")
    assert [p for p in (tmp_path / "backups").iterdir() if p.name != "segments"] == []


def test_segments_issued_since_come_back_from_the_second_medium(demo: World, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    make_backup(demo.app, tmp_path / "backups")
    demo.issue_seal()
    demo.drain()
    shutil.copytree(demo.app.home.segments, medium)
    chain = demo.home / "chain.db"
    done = restore_backup(tmp_path / "backups", tmp_path / "again", 0, chain, medium)
    assert done.from_copy == 1
    ours, theirs = (sorted(p.name for p in h.glob("segments/*/*/*")) for h in (demo.home, tmp_path / "again"))
    assert ours == theirs


def test_an_older_file_of_the_chain_is_refused(demo: World, tmp_path: Path) -> None:
    """It would seal other blocks under the numbers of those that receipts name."""
    old = tmp_path / "old.db"
    shutil.copy(demo.home / "chain.db", old)
    for end in ("-wal", "-shm"):
        if demo.home.joinpath(f"chain.db{end}").exists():
            shutil.copy(demo.home / f"chain.db{end}", tmp_path / f"old.db{end}")
    demo.issue_seal()
    demo.drain()
    make_backup(demo.app, tmp_path / "backups")
    with pytest.raises(IntegrityError, match="RESTORE_CHAIN_OTHER"):
        restore_backup(tmp_path / "backups", tmp_path / "again", 0, old)
    assert not (tmp_path / "again").exists()
