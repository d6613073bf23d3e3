"""Erasure: after it nobody can read the record, everybody else's proof stands, and a tombstone says what was done."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from ledger_world import Template, World, check_ledger
from services_faults import replace_port

from ledger.assembly.demo_plan import COURT, OFFICE_A, OFFICE_B
from ledger.core import canonical
from ledger.core.registries import Kind, Reason, State
from ledger.core.tombstones import ErasureReason, tombstone_id
from ledger.core.verdicts import Indication
from ledger.crypto.digests import digest_path
from ledger.errors import ConflictError, NotFoundError, UnavailableError, ZhengyinError
from ledger.ports import RecordRow
from ledger.services.acting import RecordsAct
from ledger.services.erasing import Erased
from ledger.services.offline import Question, verify_offline
from ledger.verification.lines import Headline
from scripts import demo_data

WITHDRAWN = ErasureReason.CONSENT_WITHDRAWN
FAULTS = ("erase.accepted", "erase.keys", "erase.rows")
NAME, NUMBER, TOWN = "欧阳霁蘅阿不都热西提", "11010519491231002X", "示范市乙区埋名巷7号"


def erase(world: World, row: RecordRow, reason: ErasureReason = WITHDRAWN, decision: str | None = None) -> Erased:
    return world.app.erasing.erase(row.issuer, row.leaf, reason, decision)


def tombstones(world: World) -> int:
    """How many tombstones there are, in batches and waiting."""
    with world.app.store.read() as unit:
        waiting = sum(n for _, kind, n in unit.records.waiting() if kind is Kind.TOMBSTONE)
        batches = [b for b in unit.batches.in_states(("receipted",)) if b.kind is Kind.TOMBSTONE]
    return waiting + sum(b.size for b in batches)


def headline(world: World, name: str) -> Headline:
    return world.app.verifying.by_id(world.ids[name], Question()).headline


def assert_gone(world: World, name: str, row: RecordRow) -> None:
    """By its number not even the office finds it; by its leaf it is said to be erased, and why."""
    app = world.app
    assert headline(world, name) is Headline.NOT_FOUND
    with app.store.read() as unit:
        left = unit.records.by_leaf(row.leaf)
    assert left is not None
    assert (left.id_hmac, left.type, left.index) == (None, row.type, row.index)
    with pytest.raises(NotFoundError, match="RECORD_ERASED"):
        app.bundling.open(left)
    tombstone = app.erasing.tombstone(left)
    assert tombstone is not None
    assert tombstone.record.id == tombstone_id(row.leaf)
    assert tombstone.values["reason"] == "consentWithdrawn"


def test_an_erased_record_is_gone_and_its_neighbours_are_not(demo: World) -> None:
    row = demo.row(demo.ids["filed"])
    page = demo.home.parent / "real-estate-0.pdf"
    page.write_bytes(b"%PDF-1.7 invented")
    document = digest_path(page)
    assert demo.app.verifying.by_file(document, Question()).indication is Indication.TOTAL_PASSED
    done = erase(demo, row, decision="粤登删〔2027〕1号")
    assert done == Erased(row.leaf, tombstone_id(row.leaf), statements=0, again=False)
    assert_gone(demo, "filed", row)
    assert demo.app.verifying.by_file(document, Question()).headline is Headline.NOT_FOUND
    assert headline(demo, "plain") is headline(demo, "evidence") is Headline.VALID
    demo.drain()
    assert_gone(demo, "filed", row)
    assert headline(demo, "plain") is Headline.VALID
    shown = demo.app.verifying.number(done.tombstone, None, Question())  # public: it names nobody
    assert shown.headline is Headline.VALID
    assert shown.claims == {"reason": "consentWithdrawn", "decision": "粤登删〔2027〕1号"}
    check_ledger(demo.app, [row.leaf])


def test_a_tombstone_names_the_leaf_and_nothing_else(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    erase(demo, row)
    opened = demo.app.erasing.tombstone(row)
    assert opened is not None
    record = opened.record
    assert (record.kind, record.issuer, record.files, record.valid_from) == (Kind.TOMBSTONE, row.issuer, (), None)
    assert [(r.relation.word, r.issuer, r.leaf) for r in record.refs] == [("erases", row.issuer, row.leaf)]
    assert opened.values == {"reason": "consentWithdrawn", "decision": None}


def test_the_holder_s_bundle_stays_true_with_and_without_the_office(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    bundle = demo.app.bundling.bundle(row, None, state=True).to_bytes()
    erase(demo, row)
    demo.drain()
    assert demo.app.verifying.bundle(bundle, Question()).headline is Headline.VALID
    offline = verify_offline(bundle, demo.app.trust.content(), Question(as_of_bundle=True), int(demo.clock()))
    assert offline.headline is Headline.VALID


def test_the_issuer_s_decisions_fall_with_their_record_and_the_holder_s_copy_still_decides(demo: World) -> None:
    row = demo.row(demo.ids["revoked"])
    app = demo.app
    before = app.verifying.by_id(demo.ids["revoked"], Question())
    kept = app.bundling.bundle(row, None, state=True)
    without_state = app.bundling.bundle(row, None, state=False).to_bytes()
    statement = kept.state.statements[0].record.leaf() if kept.state else b""
    assert erase(demo, row).statements == 1
    demo.drain()
    with app.store.read() as unit:
        decision = unit.records.by_leaf(statement)
    assert decision is not None
    assert app.erasing.tombstone(decision) is not None
    with pytest.raises(NotFoundError, match="RECORD_ERASED"):
        app.bundling.open(decision)
    assert app.verifying.bundle(kept.to_bytes(), Question()).cause_code == before.cause_code == "STATUS_REVOKED"
    assert app.verifying.bundle(without_state, Question()).cause_code == "STATUS_UNSIGNED"


def test_a_record_and_a_decision_still_on_their_way_can_be_erased(demo: World) -> None:
    seal = demo.issue_seal("在途")
    pending = demo.row(seal.id)
    assert erase(demo, pending).again is False
    target = demo.row(demo.ids["plain"])
    demo.change(target.leaf, State.SUSPENDED, Reason.DETAINED)
    assert erase(demo, target).statements == 1
    demo.drain()
    with demo.app.store.read() as unit:
        assert [e.entry.state for e in unit.chain.entries(target.issuer, target.leaf)] == [State.SUSPENDED]
    check_ledger(demo.app, [seal.leaf, target.leaf])
    assert tombstones(demo) == 3


def test_asked_for_again_nothing_changes(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    first = erase(demo, row)
    demo.drain()
    again = erase(demo, row, ErasureReason.UNLAWFUL)
    assert (again.tombstone, again.again) == (first.tombstone, True)
    assert tombstones(demo) == 1
    assert_gone(demo, "plain", row)


@pytest.mark.parametrize(("fault", "by_hand"), [*((fault, False) for fault in FAULTS), ("erase.keys", True)])
def test_killed_while_erasing(demo: World, fault: str, by_hand: bool) -> None:
    row = demo.row(demo.ids["revoked"])
    demo.worker("erase", row.leaf.hex(), fault=fault)
    if by_hand:
        assert erase(demo, row).again is (fault != "erase.accepted")
    demo.drain()
    assert_gone(demo, "revoked", row)
    assert tombstones(demo) == 2  # of the record and of the decision that revoked it
    check_ledger(demo.app, [row.leaf])


def test_a_vault_that_fails_holds_the_tombstone_back(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    vault = replace_port(demo, "vault")
    vault.faults = {"erase": "before"}
    with pytest.raises(UnavailableError, match="STORE_LOST"):
        erase(demo, row)
    with pytest.raises(UnavailableError, match="STORE_LOST"):
        demo.app.outbox.run_once()
    assert headline(demo, "plain") is Headline.VALID  # nothing was erased, and nothing anchored that says so
    with demo.app.store.read() as unit:
        assert [kind for _, kind, _ in unit.records.waiting()] == [Kind.TOMBSTONE]
    vault.faults = {}
    demo.drain()
    assert_gone(demo, "plain", row)


def test_a_vault_in_use_is_said_after_everything_else_is_done(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row, vault = demo.row(demo.ids["plain"]), demo.app.vault
    delete = vault.erase

    def busy(handles: Any) -> int:
        delete(handles)
        raise UnavailableError("VAULT_BUSY")

    monkeypatch.setattr(vault, "erase", busy)
    with pytest.raises(UnavailableError, match="VAULT_BUSY"):
        erase(demo, row)
    assert_gone(demo, "plain", row)
    assert [e.code for e in demo.app.outbox.run_once().problems] == ["VAULT_BUSY"]
    monkeypatch.undo()
    demo.drain()
    assert_gone(demo, "plain", row)


def test_only_the_issuer_erases_and_no_decision_or_tombstone_by_itself(demo: World) -> None:
    app, row = demo.app, demo.row(demo.ids["revoked"])
    with pytest.raises(NotFoundError, match="RECORD_UNKNOWN"):
        app.erasing.erase(OFFICE_B, row.leaf, WITHDRAWN)
    with pytest.raises(NotFoundError, match="RECORD_UNKNOWN"):
        app.erasing.erase(OFFICE_A, bytes(32), WITHDRAWN)
    with app.store.read() as unit:
        (entry,) = unit.chain.entries(row.issuer, row.leaf)
    erase(demo, demo.row(demo.ids["plain"]))
    with pytest.raises(ConflictError, match="ERASE_KIND"):
        erase(demo, _by_leaf(demo, entry.entry.statement))
    other = app.erasing.tombstone(_erased(demo))
    assert other is not None
    with pytest.raises(ConflictError, match="ERASE_KIND"):
        erase(demo, other.row)
    assert headline(demo, "revoked") is not Headline.NOT_FOUND


def test_what_a_court_froze_is_not_erased_before_it_lifts_the_freeze(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    demo.act(RecordsAct.FREEZE, COURT, OFFICE_A, row.leaf)
    demo.drain()
    with pytest.raises(ConflictError, match="ERASE_FROZEN"):
        erase(demo, row)
    assert demo.app.bundling.open(row)
    assert tombstones(demo) == 0
    demo.act(RecordsAct.UNFREEZE, COURT, OFFICE_A, row.leaf)
    demo.drain()
    assert erase(demo, row).statements == 0  # what the court decided is the court's
    assert len([demo.app.bundling.open(_by_leaf(demo, s)) for s in _statements_of(demo, row)]) == 2
    assert_gone(demo, "plain", row)


def _statements_of(world: World, row: RecordRow) -> list[bytes]:
    with world.app.store.read() as unit:
        return [a.statement for a in unit.chain_acts.of_subject(row.issuer, row.leaf)]


def test_the_log_of_operations_names_the_leaf_and_the_house_s_copies_go(demo: World) -> None:
    row, uploads = demo.row(demo.ids["plain"]), demo.home / "uploads"
    uploads.mkdir(exist_ok=True)
    for name in ("a" * 32 + ".report.csv", "b" * 32 + ".report.csv"):
        (uploads / name).write_text("1,新签发,new," + demo.ids["plain"], "utf-8")
        os.utime(uploads / name, (demo.clock() - 60,) * 2)
    erase(demo, row)
    assert list(uploads.iterdir()) == []
    with demo.app.store.read() as unit:
        entries = [entry for _, entry, _ in unit.access.all_operations()]
    (logged,) = [canonical.decode(e) for e in entries if b"record.erase" in e]
    assert (logged["organisation"], logged["subject"]) == (row.issuer, row.leaf.hex())
    assert logged["after"] == {"reason": "consentWithdrawn", "tombstones": [tombstone_id(row.leaf)]}
    assert demo.app.operations.verify_chain().entries == len(entries)


def test_the_rows_file_keeps_neither_the_id_s_nor_the_file_s_lookup_key(
    filled_template: Template, tmp_path: Path
) -> None:
    """On SQLite; PostgreSQL's vacuum removes dead rows in its own time."""
    with filled_template.lend(tmp_path / "home") as demo:
        database = demo.home / "rows.db"
        row, sha256 = demo.row(demo.ids["filed"]), hashlib.sha256(b"%PDF-1.7 invented").digest()
        keys = [row.id_hmac or b"", demo.app.index_key.file(sha256)]
        demo.close()
        assert all(key in database.read_bytes() for key in keys)
        erase(demo, row)
        demo.close()  # the write-ahead log is emptied into the file
        assert not any(key in database.read_bytes() for key in keys)


def _by_leaf(world: World, leaf: bytes) -> RecordRow:
    with world.app.store.read() as unit:
        row = unit.records.by_leaf(leaf)
    assert row is not None
    return row


def _erased(world: World) -> RecordRow:
    with world.app.store.read() as unit:
        rows = [r for b in unit.batches.in_states(("receipted",)) for r in unit.records.in_batch(b.row)]
    return next(r for r in rows if r.id_hmac is None)


def test_a_row_that_names_another_s_key_erases_nobody(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write rows only points one record at the key of another and waits for an erasure."""
    mine, other = demo.row(demo.ids["plain"]), demo.row(demo.ids["filed"])
    read = demo.app.vault.get
    monkeypatch.setattr(demo.app.vault, "get", lambda handles: {h: read([other.vault])[other.vault] for h in handles})
    with pytest.raises(ZhengyinError) as refused:
        erase(demo, mine)
    assert refused.value.code in ("BODY_OF_OTHER_LEAF", "BODY_DAMAGED")
    monkeypatch.undo()
    assert headline(demo, "plain") is headline(demo, "filed") is Headline.VALID
    assert tombstones(demo) == 0


def test_two_who_erase_at_once_leave_one_tombstone(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row, acceptor = demo.row(demo.ids["revoked"]), demo.app.acceptor
    prepare, nested = acceptor.prepare, [True]

    def beaten(*values: Any, **named: Any) -> Any:
        made = prepare(*values, **named)
        if nested and nested.pop():
            erase(demo, row)
        return made

    monkeypatch.setattr(acceptor, "prepare", beaten)
    assert erase(demo, row).tombstone == tombstone_id(row.leaf)
    demo.drain()
    assert tombstones(demo) == 2
    check_ledger(demo.app, [row.leaf])


def test_a_rebuild_after_an_erasure_gives_the_same_answers(demo: World) -> None:
    app, row = demo.app, demo.row(demo.ids["revoked"])
    bundle = app.bundling.bundle(row, None, state=True).to_bytes()
    done = erase(demo, row)
    demo.drain()

    def answers() -> list[Any]:
        tombstone = app.verifying.number(done.tombstone, None, Question())
        with app.store.read() as unit:
            left = unit.records.by_leaf(row.leaf)
        assert left is not None
        place = (left.id_hmac, left.type, left.leaf, left.vault, left.index)
        held = app.verifying.bundle(bundle, Question()).cause_code
        return [place, tombstone.claims, held, [headline(demo, name) for name in demo.ids]]

    before = answers()
    rebuilt = app.indexing.rebuild()
    assert (rebuilt.erased, rebuilt.missing) == (2, ())
    assert answers() == before
    assert_gone(demo, "revoked", row)
    assert erase(demo, row).again
    check_ledger(app, [row.leaf])


def test_an_erased_number_is_free_again_and_has_another_code(demo: World) -> None:
    """Rows keep no mark of it: whoever imports the table once more issues the record once more."""
    row = demo.row(demo.ids["plain"])
    before = demo.app.codes.of([row])
    erase(demo, row)
    source = demo.home.parent / "again.csv"
    rows = [r for r in demo_data.real_estate_rows(6)][1:2]
    demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, iter(rows))
    result, outcomes = demo.import_rows(source)
    assert (dict(result.counts), outcomes[0].id) == ({"new": 1}, demo.ids["plain"])
    assert demo.app.codes.of([demo.row(demo.ids["plain"])]) != before
    assert demo.app.erasing.tombstone(row) is not None
    demo.drain()
    assert headline(demo, "plain") is Headline.VALID
