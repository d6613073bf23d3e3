"""A kill -9 at each named place: run again, and the ledger proves whole, with nothing twice and nothing lost."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from ledger_world import ROOT, START, World, check_ledger, write_rows

from ledger.assembly.demo_plan import COURT

ANCHORING = (
    "batch.segment",
    "batch.committed",
    "anchor.manifest",
    "anchor.validation",
    "anchor.signed",
    "anchor.stored",
    "anchor.sent",
    "anchor.mined",
    "anchor.final",
    "anchor.receipt",
    "anchor.receipted",
)
IMPORTING = ("import.prepared", "accept.keys", "accept.spooled", "accept.committed", "import.committed")
STATUSES = ("status.stored",)
ACTS = ("act.stored",)
LATER = ("validation.collected",)  # tried in test_services_late_validation
STAMPING = ("anchor.stamped",)  # tried in test_services_timestamps
UPLOADS = ("upload.chunk", "upload.report", "upload.closed")  # tried in test_api_serving
ERASING = ("erase.accepted", "erase.keys", "erase.rows", "erase.published")  # tried in their tests


def test_every_named_place_is_tried() -> None:
    used = set()
    for file in (ROOT / "ledger").rglob("*.py"):
        used |= set(re.findall(r'faultpoint\("([^"]+)"\)', file.read_text("utf-8")))
    assert used == {*ANCHORING, *IMPORTING, *STATUSES, *ACTS, *STAMPING, *LATER, *UPLOADS, *ERASING}


@pytest.mark.parametrize("fault", ANCHORING)
def test_killed_while_anchoring(world: World, fault: str) -> None:
    leaves = [world.issue_seal(f"第{n}枚").leaf for n in range(2)]
    world.worker("drain", fault=fault)
    leaves.append(world.issue_seal("崩溃之后").leaf)  # what comes later must not change what was begun
    world.drain()
    assert check_ledger(world.app, leaves) == 3
    for chunk in (world.home / "spool").iterdir():
        assert fault == "batch.committed"  # the one place that leaves chunks which no row needs
        os.utime(chunk, (START - 4000,) * 2)
    world.app.outbox.sweep()
    assert list((world.home / "spool").iterdir()) == []
    with world.app.store.read() as unit:
        known = {b.root for b in unit.batches.in_states(("receipted",))}
    assert set(world.app.segments.roots()) == known


@pytest.mark.parametrize("fault", [*STATUSES, "batch.committed", "anchor.sent"])
def test_killed_while_a_status_changes(demo: World, fault: str) -> None:
    row = demo.row(demo.ids["plain"])
    demo.worker("revoke", row.leaf.hex(), fault=fault)
    demo.drain()
    with demo.app.store.read() as unit:
        assert len(unit.chain.entries(row.issuer, row.leaf)) == 1
    check_ledger(demo.app, [row.leaf])


@pytest.mark.parametrize("fault", [*ACTS, "batch.committed", "anchor.sent"])
def test_killed_while_a_court_freezes(demo: World, fault: str) -> None:
    row = demo.row(demo.ids["plain"])
    demo.worker("freeze", row.issuer, row.leaf.hex(), fault=fault)
    demo.drain()
    with demo.app.store.read() as unit:
        assert [e.event for e in unit.chain_acts.of_subject(row.issuer, row.leaf)] == ["Frozen"]
    check_ledger(demo.app, [row.leaf])


@pytest.mark.parametrize("fault", ACTS)
def test_killed_while_two_organisations_annul(demo: World, fault: str) -> None:
    """Each half is sent once: a second consent of the same organisation would be refused."""
    row = demo.row(demo.ids["revoked"])
    for actor in (row.issuer, COURT):
        demo.worker("annul", actor, row.issuer, row.leaf.hex(), fault=fault)
        demo.drain()
    with demo.app.store.read() as unit:
        events = [e.event for e in unit.chain_acts.of_subject(row.issuer, row.leaf)]
        assert (events, len(unit.acts.in_states(("done",)))) == (["AnnulmentProposed", "Annulled"], 2)
        assert [e.entry.state.word for e in unit.chain.entries(row.issuer, row.leaf)] == ["revoked", "active"]
    check_ledger(demo.app, [row.leaf])


@pytest.mark.parametrize("fault", IMPORTING)
def test_killed_while_importing_a_renewal(demo: World, tmp_path: Path, fault: str) -> None:
    """The new record, its statement and the change of the old one are accepted together or not at all."""
    old = demo.row(demo.ids["spare"])
    source = write_rows(tmp_path / "renewal.csv", 2, supersedes=demo.ids["spare"])
    demo.worker("import", str(source), fault=fault)
    done = demo.worker("import", str(source))
    assert "'new': 1" in done.stdout
    assert "'existing': 1" in done.stdout
    demo.drain()
    with demo.app.store.read() as unit:
        assert len(unit.chain.entries(old.issuer, old.leaf)) == 1
    check_ledger(demo.app, [old.leaf])
