"""A backup is older than an erasure: what the tombstones of the chain name is erased again before the folder opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_world import World

from ledger.assembly.auditing import audit
from ledger.assembly.backups import make_backup
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.erased_again import erase_again, read_leaves
from ledger.assembly.restoring import restore_backup
from ledger.core.canonical import b64, encode
from ledger.core.registries import Kind
from ledger.core.tombstones import ErasureReason, tombstone_id
from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError
from ledger.services import tombstone_part
from ledger.services.offline import Question

ERASED = ("plain", "revoked")


@pytest.fixture
def later(demo: World, tmp_path: Path) -> Iterator[World]:
    """Two records were erased after the backup, one of them with the decision that ended it."""
    make_backup(demo.app, tmp_path / "backups")
    for name in ERASED:
        demo.app.erasing.erase(OFFICE_A, demo.row(demo.ids[name]).leaf, ErasureReason.CONSENT_WITHDRAWN)
    demo.drain()
    assert audit(demo.app)[0].findings == ()
    demo.close()
    yield demo


def restored(world: World, tmp_path: Path) -> World:
    """With the chain and the second medium as they are now."""
    copy = tmp_path / "medium"
    shutil.copytree(world.home / "segments", copy)
    restore_backup(tmp_path / "backups", tmp_path / "again", int(world.clock()), world.home / "chain.db", copy)
    return World(tmp_path / "again", world.clock, dict(world.ids))


def keys(world: World) -> int:
    """Of the records that were erased."""
    rows = [world.row(world.ids[name]) for name in ERASED if found(world, name)]
    return len(world.app.vault.get([r.vault for r in rows]))


def found(world: World, name: str) -> bool:
    with world.app.store.read() as unit:
        return bool(unit.records.find_ids(world.app.index_key.id(world.ids[name])))


def test_what_tombstones_name_is_erased_again_before_the_lock_is_lifted(later: World, tmp_path: Path) -> None:
    other = restored(later, tmp_path)
    try:
        assert keys(other) == 2  # as the backup has them
        other.app.rebuild(only_missing=True)
        report, unlocked = audit(other.app, accept_losses=True)
        assert "AUDIT_KEY_OF_ERASED" in report.counts and not unlocked
        done = erase_again(other.app)
        assert done is not None and (done.named, done.erased, done.closed) == (3, 3, ())
        assert not any(found(other, name) for name in ERASED)
        report, unlocked = audit(other.app)
        # the tombstones' own keys are younger than the backup: lost, and what they say is known all the same
        assert (set(report.counts), report.erased, report.lost, unlocked) == ({"AUDIT_KEY_MISSING"}, 3, 3, False)
        assert audit(other.app, accept_losses=True)[1]
        assert other.app.verifying.by_id(other.ids["plain"], Question()).headline.value == "notFound"
        accepted = other.issue_seal()
        other.drain()
        with other.app.store.read() as unit:
            rows = {leaf: unit.records.by_leaf(leaf) for leaf in erased_leaves(other)}
        for leaf, row in rows.items():
            tombstone = other.app.erasing.tombstone(row) if row else None
            assert tombstone is not None and tombstone.record.id == tombstone_id(leaf)
            assert tombstone.values["reason"] == "consentWithdrawn"
        assert len(rows) == 3
        with other.app.store.read() as unit:
            assert unit.records.by_leaf(accepted.leaf) is not None
    finally:
        other.close()


def erased_leaves(world: World) -> list[bytes]:
    with world.app.store.read() as unit:
        roots = [b.root for b in unit.batches.in_states(("receipted",)) if b.kind is Kind.TOMBSTONE]
    parts = [tombstone_part.read_part(world.app.segments.open(root)) for root in roots]
    return [leaf for part in parts for t in part.values() for leaf in tombstone_part.erased_by(t.record)]


def test_asked_again_it_finds_nothing_more_to_delete(later: World, tmp_path: Path) -> None:
    other = restored(later, tmp_path)
    try:
        other.app.rebuild(only_missing=True)
        assert erase_again(other.app) is not None
        again = erase_again(other.app)
        assert again is not None and (again.named, again.erased) == (3, 0)
    finally:
        other.close()


def test_a_crash_between_keys_and_rows_is_taken_up_again(
    later: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = restored(later, tmp_path)
    try:
        other.app.rebuild(only_missing=True)
        vault = other.app.vault
        real = vault.erase

        def crash(handles: list[int]) -> int:
            real(handles)
            raise KeyboardInterrupt

        monkeypatch.setattr(vault, "erase", crash)
        with pytest.raises(KeyboardInterrupt):
            erase_again(other.app)
        monkeypatch.setattr(vault, "erase", real)
        assert found(other, "plain")  # rows still know the number
        assert erase_again(other.app) is not None
        assert not found(other, "plain")
    finally:
        other.close()


def without_part(world: World) -> None:
    """As an earlier version anchored tombstones."""
    (path,) = world.home.glob(f"segments/*/*/*/{tombstone_part.PART}")
    path.unlink()


def test_tombstones_that_cannot_be_read_are_counted_and_the_operator_names_the_leaves(
    later: World, tmp_path: Path
) -> None:
    without_part(later)
    other = restored(later, tmp_path)
    try:
        leaves = [other.row(other.ids[name]).leaf for name in ERASED]
        other.app.rebuild(only_missing=True)
        done = erase_again(other.app)
        assert done is not None and (done.named, done.erased) == (0, 0)
        assert [count for _, count in done.closed] == [3]
        report, unlocked = audit(other.app)
        assert report.counts["AUDIT_TOMBSTONE_CLOSED"] == 1 and not unlocked
        words = tmp_path / "erased.txt"
        words.write_text("\n".join(leaf.hex() for leaf in leaves) + "\n\n", "utf-8")
        done = erase_again(other.app, read_leaves(words))
        assert done is not None and (done.named, done.erased) == (2, 2)
        assert not any(found(other, name) for name in ERASED)
        assert audit(other.app, accept_losses=True)[1]
    finally:
        other.close()


def test_a_list_deletes_no_more_than_the_chain_has_tombstones_for(later: World, tmp_path: Path) -> None:
    """Attack, or slip: a list with the leaves of everyone."""
    without_part(later)
    other = restored(later, tmp_path)
    try:
        names = (*ERASED, "filed", "spare")
        rows = [other.row(other.ids[name]) for name in names]
        other.app.rebuild(only_missing=True)
        with pytest.raises(ConflictError) as refused:
            erase_again(other.app, [r.leaf for r in rows])
        assert (refused.value.code, refused.value.values) == ("ERASE_AGAIN_MORE", {"named": 4, "tombstones": 3})
        with pytest.raises(NotFoundError, match="RECORD_UNKNOWN"):
            erase_again(other.app, [rows[0].leaf, bytes(32)])
        assert len(other.app.vault.get([r.vault for r in rows])) == 4
    finally:
        other.close()


def test_a_part_that_tells_of_others_deletes_nothing(later: World, tmp_path: Path) -> None:
    """Attack: whoever writes the medium puts in a tombstone that nobody anchored."""
    (path,) = later.home.glob(f"segments/*/*/*/{tombstone_part.PART}")
    victim = later.row(later.ids["filed"]).leaf
    value = json.loads(path.read_bytes())
    value["tombstones"][0]["record"]["refs"][0]["leaf"] = b64(victim)
    value["tombstones"][0]["record"]["id"] = tombstone_id(victim)
    path.write_bytes(encode(value, tombstone_part.LIMITS))
    other = restored(later, tmp_path)
    try:
        other.app.rebuild(only_missing=True)
        with pytest.raises(IntegrityError, match="TOMBSTONES_PART"):
            erase_again(other.app)
        assert keys(other) == 2
        assert other.app.vault.get([other.row(other.ids["filed"]).vault])
        report, unlocked = audit(other.app, accept_losses=True)
        assert "AUDIT_PART_DIFFERS" in report.counts and not unlocked
    finally:
        other.close()


def test_a_changed_byte_of_the_tombstones_in_plain_is_named(later: World) -> None:
    (path,) = later.home.glob(f"segments/*/*/*/{tombstone_part.PART}")
    whole = path.read_bytes()
    for at in range(20, len(whole), len(whole) // 12):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert any(path.parent.name in f.where for f in audit(later.app)[0].findings), at
    path.write_bytes(whole)
    assert audit(later.app)[0].findings == ()


def test_a_folder_that_was_not_restored_has_its_own_road(demo: World, tmp_path: Path) -> None:
    assert erase_again(demo.app) is None
    with pytest.raises(ConflictError, match="ERASE_AGAIN_UNRESTORED"):
        erase_again(demo.app, [demo.row(demo.ids["plain"]).leaf])
    for text in ("zz", "ab" * 31, "AB" * 32, "a,b"):
        (tmp_path / "bad.txt").write_text(f"\n{text}\n", "utf-8")
        with pytest.raises(InputError) as refused:
            read_leaves(tmp_path / "bad.txt")
        assert (refused.value.code, refused.value.values["line"]) == ("ERASE_AGAIN_LIST", 2)


def test_no_tombstone_is_signed_before_it_stands_in_plain_beside_its_batch(demo: World) -> None:
    """Whenever the process is killed: the part is there before the manifest is, and what waited is made up for."""
    leaf = demo.row(demo.ids["spare"]).leaf
    demo.worker("erase", leaf.hex())
    demo.worker("drain", fault="erase.published")
    (path,) = demo.home.glob(f"segments/*/*/*/{tombstone_part.PART}")
    assert not (path.parent / "cms").exists()
    path.unlink()  # as if it had been killed a moment earlier
    demo.drain()
    with demo.app.store.read() as unit:
        (batch,) = [b for b in unit.batches.in_states(("receipted",)) if b.kind is Kind.TOMBSTONE]
    (tombstone,) = tombstone_part.read_part(demo.app.segments.open(batch.root)).values()
    assert tombstone_part.erased_by(tombstone.record) == [leaf]
    assert tombstone.values == {"reason": "consentWithdrawn", "decision": "决定 2"}
    assert audit(demo.app)[0].findings == ()
