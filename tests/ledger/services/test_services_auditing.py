"""What an audit proves, and what it names when files, keys or the chain are not what they were."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ledger_world import World

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.tombstones import ErasureReason
from ledger.proofs.events import AnchoredEvent, StatusEvent
from ledger.services import audit_replay, auditing
from ledger.services.audit_batches import PARTS
from ledger.services.audit_findings import Audited
from ledger.settings import load_settings
from ledger.store import segment_body as form
from ledger.store.segment_reader import BODY, SegmentBodyReader


def codes(world: World, since: int = 0) -> dict[str, list[str]]:
    """Where each code was found."""
    found: dict[str, list[str]] = {}
    for finding in audit(world.app, since)[0].findings:
        found.setdefault(finding.code, []).append(finding.where)
    return found


def segment_of(world: World, name: str) -> Path:
    row = world.row(world.ids[name])
    with world.app.store.read() as unit:
        root = unit.batches.get(row.batch or 0).root.hex()
    return world.app.home.segments / root[:2] / root[2:4] / root


def flip(path: Path, at: int, seal: bool = False) -> None:
    """Change one bit; ``seal``: and make the file's own digest fit again, as whoever knows the format would."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    if seal:
        data[-32:] = hashlib.sha256(data[:-32]).digest()
    path.chmod(0o600)
    path.write_bytes(data)


def vault(world: World, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(world.home / "vault.db", isolation_level=None)) as connection:
        connection.execute(statement, values)


def test_a_ledger_at_rest_is_clean_and_says_what_was_proved(demo: World) -> None:
    found, unlocked = audit(demo.app)
    assert (found.findings, found.exit_code, unlocked) == ((), 0, False)
    with demo.app.store.read() as unit:
        assert found.records == sum(unit.records.counts().values())
    assert (found.batches, found.changes, found.since) == (6, 3, 0)
    assert found.operations > 0


def test_an_audit_changes_nothing(demo: World) -> None:
    def content() -> str:
        with closing(sqlite3.connect(demo.home / "rows.db")) as rows:
            return "\n".join(rows.iterdump())

    before = content()
    audit(demo.app)
    assert content() == before


def test_an_empty_ledger_is_not_called_clean(world: World) -> None:
    found, _ = audit(world.app)
    assert ([f.code for f in found.findings], found.exit_code) == (["AUDIT_NOTHING"], 3)
    assert found.whole  # yet nothing speaks against it


def parts_of_body(path: Path) -> Iterator[tuple[str, int]]:
    """A byte in each part of a frozen body."""
    layout = SegmentBodyReader(path, path.parent.name).layout
    inner = layout.levels + 32 * layout.size
    yield from (("magic", 0), ("header", form.PREFIX.size + 2), ("types", layout.start + 1))
    yield from (("handles", layout.handles + 7), ("approvals", layout.approvals), ("leaves", layout.levels + 5))
    yield from (("levels", inner), ("root", layout.offsets - 1), ("offsets", layout.offsets + 15))
    yield from (("bodies", layout.bodies + 3), ("digest", path.stat().st_size - 1))


@pytest.mark.parametrize("seal", [False, True], ids=["plain", "sealed"])
def test_a_changed_bit_anywhere_in_a_frozen_body_is_named(demo: World, seal: bool) -> None:
    path = segment_of(demo, "plain") / BODY
    whole = path.read_bytes()
    for part, at in parts_of_body(path):
        if part == "digest" and seal:
            continue
        flip(path, at, seal)
        found = [f for f in audit(demo.app)[0].findings if not f.undetermined]
        assert any(path.parent.name in f.where or f.where.startswith("records/") for f in found), part
        path.write_bytes(whole)
    assert audit(demo.app)[0].findings == ()


@pytest.mark.parametrize("part", PARTS)
def test_a_changed_or_missing_part_of_a_segment_is_named(demo: World, part: str) -> None:
    path = segment_of(demo, "plain") / part
    whole = path.read_bytes()
    step = max(1, len(whole) // 12)
    for at in range(step // 2, len(whole), step):
        flip(path, at)
        found = audit(demo.app)[0]
        assert any(path.parent.name in f.where for f in found.findings), at
        path.write_bytes(whole)
    path.unlink()
    assert any(path.parent.name in f.where for f in audit(demo.app)[0].findings)


def test_a_missing_segment_is_named_with_its_number_on_chain(demo: World) -> None:
    folder = segment_of(demo, "business")
    shutil.rmtree(folder)
    found, _ = audit(demo.app)
    (missing,) = [f for f in found.findings if f.code == "AUDIT_SEGMENT_MISSING"]
    assert (missing.where, missing.what["sequence"], found.exit_code) == (f"segments/{folder.name}", 1, 1)


def test_exchanged_keys_open_neither_record(demo: World) -> None:
    one, two = demo.row(demo.ids["plain"]).vault, demo.row(demo.ids["filed"]).vault
    for handle, to in ((one, -1), (two, one), (-1, two)):
        vault(demo, "UPDATE keys SET handle = ? WHERE handle = ?", to, handle)
    assert sorted(w.rpartition("/")[2] for w in codes(demo)["AUDIT_BODY_DAMAGED"]) == ["0", "1"]


def test_a_key_that_is_gone_without_a_tombstone_is_a_loss(demo: World) -> None:
    vault(demo, "DELETE FROM keys WHERE handle = ?", demo.row(demo.ids["plain"]).vault)
    found, _ = audit(demo.app)
    assert "AUDIT_KEY_MISSING" in found.counts and (found.lost, found.erased) == (1, 0)


def test_an_erased_record_is_erased_and_not_missing(demo: World) -> None:
    demo.app.erasing.erase(OFFICE_A, demo.row(demo.ids["plain"]).leaf, ErasureReason.CONSENT_WITHDRAWN)
    waiting, _ = audit(demo.app)
    assert (waiting.findings, waiting.erased) == ((), 1)
    demo.drain()
    found, _ = audit(demo.app)
    assert (found.findings, found.erased, found.lost, found.exit_code) == ((), 1, 0, 0)


def test_a_row_that_remembers_an_erased_record_is_named(demo: World) -> None:
    row = demo.row(demo.ids["filed"])
    demo.app.erasing.erase(OFFICE_A, row.leaf, ErasureReason.CONSENT_WITHDRAWN)
    demo.drain()
    with closing(sqlite3.connect(demo.home / "rows.db")) as rows, rows:
        rows.execute("INSERT INTO record_files VALUES (?, ?)", (b"x" * 32, row.row))
    assert codes(demo) == {"AUDIT_ROW_DIFFERS": [f"records/{row.row}/id_hmac"]}


def test_what_happens_while_an_audit_reads_is_no_difference(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is closed, its chunk goes; a record is erased; another is issued: all after the rows were read."""
    demo.issue_seal()
    real = audit_replay.replay

    def replay(*arguments: Any) -> Any:
        made = real(*arguments)
        demo.app.erasing.erase(OFFICE_A, demo.row(demo.ids["plain"]).leaf, ErasureReason.ORDERED)
        demo.drain()
        demo.issue_seal()
        return made

    monkeypatch.setattr(auditing, "replay", replay)
    found, _ = audit(demo.app)
    assert (found.findings, found.erased) == ((), 1)
    monkeypatch.undo()
    assert audit(demo.app)[0].findings == ()


def test_an_erased_key_that_comes_back_is_named(demo: World) -> None:
    """A vault put back from a backup: what was erased can be read again."""
    row = demo.row(demo.ids["plain"])
    secret = demo.app.vault.get([row.vault])[row.vault]
    demo.app.erasing.erase(OFFICE_A, row.leaf, ErasureReason.CONSENT_WITHDRAWN)
    demo.drain()
    vault(demo, "INSERT INTO keys (handle, key) VALUES (?, ?)", row.vault, secret)
    assert codes(demo)["AUDIT_KEY_OF_ERASED"] == [f"vault/{row.vault}"]


# ---- what waits ------------------------------------------------------------------------------------------------------


def waiting_chunk(world: World) -> Path:
    world.issue_seal("待上链")
    assert audit(world.app)[0].findings == ()
    (name,) = world.app.spool.names(world.clock() * 2)
    return world.app.home.spool / name


def test_a_changed_bit_anywhere_in_a_chunk_is_named(demo: World) -> None:
    """Leaf, approval, length and body of the one record in it."""
    path = waiting_chunk(demo)
    whole = path.read_bytes()
    for at in (0, 11, 12, 44, 79, 80, len(whole) - 1):
        flip(path, at)
        found = audit(demo.app)[0]
        assert found.exit_code == 1 and any(f.where.startswith(("spool/", "records/")) for f in found.findings), at
        path.write_bytes(whole)
    path.unlink()
    assert codes(demo) == {"AUDIT_CHUNK_MISSING": [f"spool/{path.name}"]}


def test_a_record_that_no_source_released_is_named(demo: World) -> None:
    path = waiting_chunk(demo)
    flip(path, 12 + 32)  # the first byte of its approval
    assert codes(demo) == {"AUDIT_RECORD_UNAPPROVED": [f"spool/{path.name}/0"]}


# ---- a node that lies ------------------------------------------------------------------------------------------------


def lying(world: World, monkeypatch: pytest.MonkeyPatch, wanted: type, number: int) -> None:
    """The node withholds the event of that type with that number; the last one for -1."""
    real = type(world.app.chain).events

    def events(chain: Any, since: int, until: int) -> Iterator[Any]:
        found = list(real(chain, since, until))
        places = [at for at, (_, _, event) in enumerate(found) if isinstance(event, wanted)]
        if places:
            del found[places[number]]
        return iter(found)

    monkeypatch.setattr(type(world.app.chain), "events", events)


@pytest.mark.parametrize("number", [0, -1])
def test_a_withheld_batch_leaves_a_gap_in_the_sequence(
    demo: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lying(demo, monkeypatch, AnchoredEvent, number)
    found = codes(demo)
    assert found["AUDIT_SEQUENCE_GAP"]
    assert any(where.startswith("batches/") for where in found["AUDIT_ROW_DIFFERS"])


@pytest.mark.parametrize("number", [0, -1])
def test_a_withheld_change_of_status_contradicts_the_storage(
    demo: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lying(demo, monkeypatch, StatusEvent, number)
    found = codes(demo)
    assert found["AUDIT_ROW_EXTRA"]  # the index knows it
    assert any(where.startswith("intents/") for where in found["AUDIT_ROW_DIFFERS"])


def test_an_older_chain_is_known_by_receipts_that_it_does_not_have(demo: World) -> None:
    demo.close()
    old = demo.home / "chain.db"
    kept = demo.home.parent / "old.db"
    shutil.copy(old, kept)
    demo.issue_seal()
    demo.drain()
    demo.close()
    shutil.copy(kept, old)
    found = codes(demo)
    assert any(where.startswith("chain_cursor/") for where in found["AUDIT_ROW_DIFFERS"])
    assert any(where.startswith("batches/") and where.endswith("/state") for where in found["AUDIT_ROW_DIFFERS"])
    with closing(sqlite3.connect(demo.home / "rows.db")) as rows, rows:
        rows.execute("PRAGMA foreign_keys=OFF")
        rows.execute("DELETE FROM batches WHERE row = (SELECT max(row) FROM batches)")  # as after a restoration
    assert "AUDIT_CHAIN_BEHIND" in codes(demo)


# ---- the second medium, and a part of the ledger ---------------------------------------------------------------------


@pytest.fixture
def copied(demo: World, tmp_path: Path) -> World:
    medium = tmp_path / "medium"
    shutil.copytree(demo.app.home.segments, medium)
    demo.close()
    with (demo.home / "zhengyin.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'segments_copy = "{medium}"\n')
    assert load_settings(demo.home).copy_root == medium
    return demo


def test_both_media_are_proved(copied: World, tmp_path: Path) -> None:
    assert audit(copied.app)[0].findings == ()
    place = segment_of(copied, "plain").relative_to(copied.app.home.segments)
    flip(tmp_path / "medium" / place / "receipt", 30)
    assert codes(copied) == {"AUDIT_COPY_DIFFERS": [f"copy/segments/{place.name}/receipt"]}
    flip(tmp_path / "medium" / place / BODY, -40)
    assert codes(copied) == {"AUDIT_SEGMENT_DAMAGED": [f"copy/segments/{place.name}/body"]}
    shutil.rmtree(tmp_path / "medium" / place)
    assert codes(copied) == {"AUDIT_SEGMENT_MISSING": [f"copy/segments/{place.name}"]}


def test_an_audit_of_what_is_new_looks_at_nothing_older(demo: World) -> None:
    last = audit(demo.app)[0].head.block
    shutil.rmtree(segment_of(demo, "business"))
    demo.issue_seal()
    demo.drain()
    found: Audited = audit(demo.app, last + 1)[0]
    assert (found.findings, found.batches, found.records, found.whole) == ((), 1, 1, False)
    assert audit(demo.app, found.head.block + 1)[0].exit_code == 3  # nothing there: nothing proved
    assert "AUDIT_SEGMENT_MISSING" in codes(demo)
