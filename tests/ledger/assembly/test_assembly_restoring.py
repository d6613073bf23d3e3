"""From a backup that is older than the chain back to an office that issues: what is missing is named, what the second
medium has comes back, and nothing is issued twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_world import World, check_ledger, write_rows

from ledger.assembly.auditing import audit
from ledger.assembly.backups import make_backup
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.restoring import restore_backup
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.ports.login import ChallengeRow, SessionRow


@pytest.fixture
def later(demo: World, tmp_path: Path) -> Iterator[World]:
    """A ledger whose backup has two rows that wait; they were anchored since, together with others."""
    demo.import_rows(write_rows(tmp_path / "waits.csv", 2, first=100))
    make_backup(demo.app, tmp_path / "backups")
    demo.import_rows(write_rows(tmp_path / "later.csv", 3, first=200))
    demo.drain()
    demo.issue_seal()
    demo.drain()
    demo.close()
    yield demo


def restored(world: World, tmp_path: Path, medium: bool) -> World:
    """With the chain as it is now."""
    copy = None
    if medium:
        copy = tmp_path / "medium"
        shutil.copytree(world.home / "segments", copy)
    restore_backup(tmp_path / "backups", tmp_path / "again", int(world.clock()), world.home / "chain.db", copy)
    return World(tmp_path / "again", world.clock, dict(world.ids))


def test_what_is_missing_is_named_and_keeps_the_folder_locked(later: World, tmp_path: Path) -> None:
    other = restored(later, tmp_path, medium=False)
    try:
        found, unlocked = audit(other.app, accept_losses=True)
        missing = [f for f in found.findings if f.code == "AUDIT_SEGMENT_MISSING"]
        assert [(f.what["issuer"], f.what["sequence"]) for f in missing] == [(OFFICE_A, 6), (OFFICE_A, 7)]
        assert (found.exit_code, unlocked) == (1, False)
        assert other.app.rebuild(only_missing=True).batches == 0
        with pytest.raises(ConflictError, match="RESTORE_UNAUDITED"):
            other.issue_seal()
    finally:
        other.close()


def test_segments_of_the_second_medium_bring_the_rows_back(later: World, tmp_path: Path) -> None:
    other = restored(later, tmp_path, medium=True)
    try:
        assert not audit(other.app)[1]  # the rows do not know those batches yet
        adopted = other.app.rebuild(only_missing=True)
        assert (adopted.batches, adopted.records, adopted.missing) == (2, 6, ())
        found, unlocked = audit(other.app)
        assert {f.code for f in found.findings} == {"AUDIT_KEY_MISSING"}  # keys are on no second medium
        assert (found.lost, unlocked) == (4, False)
        assert audit(other.app, accept_losses=True)[1]
        with other.app.store.read() as unit:
            assert unit.records.waiting() == []  # what waited in the backup is anchored: once
        accepted = other.issue_seal()
        other.drain()
        assert other.app.bundling.open(other.row(accepted.id)).record.id == accepted.id
        after, _ = audit(other.app)
        assert {f.code for f in after.findings} == {"AUDIT_KEY_MISSING"} and after.lost == 4
    finally:
        other.close()


def test_a_key_added_after_a_restoration_is_nobody_elses(later: World, tmp_path: Path) -> None:
    """The restored vault counts on from before: its next handles stand in segments of others."""
    other = restored(later, tmp_path, medium=True)
    try:
        other.app.rebuild(only_missing=True)
        handles = {h for root in other.app.segments.roots() for h in other.app.segments.open(root).vault_handles()}
        assert other.app.vault.add([bytes(32)])[0] > max(handles)
    finally:
        other.close()


def test_a_backup_as_new_as_the_chain_is_unlocked_by_its_audit(demo: World, tmp_path: Path) -> None:
    make_backup(demo.app, tmp_path / "backups")
    restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()))
    other = World(tmp_path / "again", demo.clock, dict(demo.ids))
    try:
        found, unlocked = audit(other.app)
        assert (found.findings, unlocked) == ((), True)
        accepted = other.issue_seal()
        other.drain()
        check_ledger(other.app, [accepted.leaf])
        assert audit(other.app)[0].findings == ()
        assert not audit(other.app)[1]
    finally:
        other.close()


def test_nobody_is_logged_in_by_what_a_backup_remembers(demo: World, tmp_path: Path) -> None:
    """Who has logged out since the backup would be back."""
    now = int(demo.clock())
    whose = (b"n" * 32, OFFICE_A, "hall", b"p" * 32, "person", b"a" * 32)
    session = SessionRow("s", b"d" * 32, *whose, "CN", 1, now, now + 3600)
    with demo.app.store.begin() as unit:
        unit.logins.add_challenge(ChallengeRow(b"n" * 32, b"challenge", now + 180))
        unit.logins.add_session(session)
    make_backup(demo.app, tmp_path / "backups")
    with demo.app.store.begin() as unit:
        assert unit.logins.end_session("s", now)
    restore_backup(tmp_path / "backups", tmp_path / "again", now)
    other = World(tmp_path / "again", demo.clock, dict(demo.ids))
    try:
        with other.app.store.read() as unit:
            assert unit.logins.session("s") is None and unit.logins.challenge(b"n" * 32) is None
    finally:
        other.close()


def test_a_token_revoked_since_the_backup_does_not_come_back_with_it(demo: World, tmp_path: Path) -> None:
    """Rows of before know nothing of the revocation: so none of them is good, and the log says why."""
    now = int(demo.clock())
    (stolen, _), (gone, _), (kept, text) = [demo.app.access.add("", [OFFICE_A], ["read"], 86_400) for _ in range(3)]
    demo.app.access.revoke(gone.id)
    make_backup(demo.app, tmp_path / "backups")
    demo.app.access.revoke(stolen.id)
    assert restore_backup(tmp_path / "backups", tmp_path / "again", now + 60).tokens == 2
    other = World(tmp_path / "again", demo.clock, dict(demo.ids))
    try:
        revoked = {row.id: row.revoked for row in other.app.access.tokens()}
        assert revoked == {stolen.id: now + 60, gone.id: now, kept.id: now + 60}
        with pytest.raises(InputError, match="ACCESS_TOKEN_INVALID"):
            other.app.access.authenticate(f"Bearer {text}")
        found, unlocked = audit(other.app)
        assert (found.findings, unlocked) == ((), True)  # each revocation stands in the log
        _, made = other.app.access.add("", [OFFICE_A], ["read"], 86_400)
        assert other.app.access.authenticate(f"Bearer {made}")
    finally:
        other.close()


def test_a_data_key_retired_since_the_backup_encrypts_nothing_before_somebody_looks(
    demo: World, tmp_path: Path
) -> None:
    """Nor does one that encrypted since: nobody knows how often."""
    data = demo.app.keys.data
    for name in ("retired", "used", "before"):
        data.create(OFFICE_A, name, "aes-256-gcm")
    data.retire(OFFICE_A, "before")
    sealed = data.current(OFFICE_A, "used").encrypt(b"file", b"")
    make_backup(demo.app, tmp_path / "backups")
    data.retire(OFFICE_A, "retired")
    assert restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock())).data_keys == 2
    again = World(tmp_path / "again", demo.clock, {}).app.keys.data
    for name, code in (("retired", "KEYS_RESTORED"), ("used", "KEYS_RESTORED"), ("before", "KEYS_RETIRED")):
        with pytest.raises(ConflictError, match=code):
            again.current(OFFICE_A, name).encrypt(b"", b"")
    assert again.version(OFFICE_A, "used", 1).decrypt(sealed, b"") == b"file"
    again.retire(OFFICE_A, "retired")
    assert again.rotate(OFFICE_A, "used") == 2
    assert again.current(OFFICE_A, "used").encrypt(b"", b"")


def test_an_audit_of_a_part_unlocks_nothing(demo: World, tmp_path: Path) -> None:
    make_backup(demo.app, tmp_path / "backups")
    restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()))
    other = World(tmp_path / "again", demo.clock, dict(demo.ids))
    try:
        assert not audit(other.app, since=1)[1]
    finally:
        other.close()


def test_nothing_is_accepted_while_a_rebuild_is_under_way_or_was_interrupted(
    demo: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = demo.app
    real = app.indexing._write_batches

    def write(beat: object, only_missing: bool) -> object:
        with pytest.raises(UnavailableError, match="REBUILD_UNFINISHED"):
            demo.issue_seal()
        raise UnavailableError("STORE_FULL")

    monkeypatch.setattr(app.indexing, "_write_batches", write)
    with pytest.raises(UnavailableError, match="STORE_FULL"):
        app.rebuild()
    with pytest.raises(UnavailableError, match="REBUILD_UNFINISHED"):  # rows are cleared: any id looks new
        demo.issue_seal()
    monkeypatch.setattr(app.indexing, "_write_batches", real)
    app.rebuild()
    demo.issue_seal()
    with pytest.raises(ConflictError, match="REBUILD_OPEN_WORK"):
        app.rebuild()
    demo.issue_seal()  # refused before anything was deleted: nothing is locked


def test_a_rebuild_waits_for_whoever_anchors(demo: World) -> None:
    demo.app.store.take_lease("outbox", "another", demo.clock(), 30)
    with pytest.raises(UnavailableError, match="OUTBOX_LEASE_HELD"):
        demo.app.rebuild()
    demo.issue_seal()
