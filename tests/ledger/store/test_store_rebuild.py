"""Clearing and restoring rows: nothing that exists nowhere else is lost, and no copy on chain is hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_kit import ISSUER, accepted, digest, id_of, waiting_runs

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind, Reason, State
from ledger.errors import ConflictError, IntegrityError
from ledger.ports import AcceptedRun, IntentRow, Unit
from ledger.store.unit import SqlStore

ACCOUNT = b"a" * 20


def row(name: object, id_: object | None = None, *files: object) -> AcceptedRun:
    """``id_``: another than its name, or none for an erased one."""
    return replace(accepted(name, files=(files,)), id_hmacs=[None if id_ is None else id_of(id_)])


def restore(unit: Unit, root: bytes, *rows: AcceptedRun) -> None:
    block = BlockName(7, b"h" * 32)
    placed = [replace(row, ordinal=n) for n, row in enumerate(rows)]
    unit.restore_batch(ISSUER, Kind.LICENSE, root, b"m" * 32, b"d" * 32, 3, block, placed)


def test_a_restored_batch_reads_like_one_that_was_anchored_here(store: SqlStore) -> None:
    with store.begin() as unit:
        restore(unit, b"r" * 32, row(1, 1, "f"), row(2))  # the second was erased
        batch = unit.batches.by_root(b"r" * 32)
        assert batch is not None
        assert (batch.state, batch.size, batch.sequence, batch.block) == ("receipted", 2, 3, 7)
        assert [(r.leaf, r.index) for r in unit.records.in_batch(batch.row)] == [
            (digest("leaf", 1), 0),
            (digest("leaf", 2), 1),
        ]
        assert [r.leaf for r in unit.records.by_file(digest("file", "f"))] == [digest("leaf", 1)]
        assert unit.records.waiting() == [] and unit.records.counts() == {"accepted": 0, "receipted": 2}
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_ROOT"):
            restore(unit, b"r" * 32, row(3))


def test_an_id_that_the_chain_has_twice_is_found_twice_and_still_issued_no_more(store: SqlStore) -> None:
    with store.begin() as unit:
        restore(unit, b"r" * 32, row("first", 1), row("second", 1))
        restore(unit, b"s" * 32, row("third", 1), row("other", 2))
        leaves = [r.leaf for r in unit.records.find_ids(id_of(1))]
        assert leaves == [digest("leaf", name) for name in ("first", "second", "third")]
        first = unit.records.by_id(ISSUER, Kind.LICENSE, id_of(1))
        assert first is not None and first.leaf == digest("leaf", "first")
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_ID"):
            unit.records.add(ISSUER, Kind.LICENSE, "c", [row("fourth", 1)], None)


def anchored(unit: Unit, state: str = "receipted") -> int:
    unit.records.add(ISSUER, Kind.LICENSE, "c", [row(state, state)], None)
    batch = unit.batches.add(ISSUER, Kind.LICENSE, digest("root", state), 1, bytes(32), 1)
    unit.records.place(batch, waiting_runs(unit))
    unit.batches.move(batch, "batched", state)
    return batch


def test_clearing_deletes_what_the_chain_gives_back(store: SqlStore) -> None:
    with store.begin() as unit:
        batch = anchored(unit)
        transaction = unit.transactions.add("anchor", batch, ACCOUNT, 0, b"raw", b"1" * 32)
        unit.transactions.move(transaction, "stored", "mined")
        unit.clear_rows()
        assert unit.batches.newest(9) == [] and unit.records.counts() == {"accepted": 0}
        assert unit.transactions.in_states(("mined",)) == []
        restore(unit, b"r" * 32, row("again", "receipted"))


@pytest.mark.parametrize("state", ["signed", "broadcast", "final", "refused"])
def test_records_not_on_chain_are_not_cleared(store: SqlStore, state: str) -> None:
    with store.begin() as unit:
        anchored(unit, state)
        with pytest.raises(IntegrityError, match="STORE_OPEN_WORK"):
            unit.clear_rows()
        assert unit.records.counts() == {"accepted": 0, state: 1}


def test_a_record_accepted_a_moment_ago_is_not_cleared(store: SqlStore) -> None:
    with store.begin() as unit:
        anchored(unit)
        unit.records.add(ISSUER, Kind.LICENSE, "c", [row("waiting", "waiting")], None)
        with pytest.raises(IntegrityError, match="STORE_OPEN_WORK"):
            unit.clear_rows()
        assert unit.records.counts() == {"accepted": 1, "receipted": 1}


def test_changes_of_status_under_way_survive_with_their_transactions(store: SqlStore) -> None:
    def intent(unit: Unit) -> int:
        leaf, number = digest("leaf", 1), len(unit.intents.for_leaf(ISSUER, digest("leaf", 1)))
        asked = IntentRow(0, ISSUER, ISSUER, leaf, State.REVOKED, 5, Reason.CANCELLED, bytes(32), "accepted", number)
        unit.intents.add([asked], 6)
        return unit.intents.for_leaf(ISSUER, leaf)[-1].row

    with store.begin() as unit:
        accepted, sent, done = intent(unit), intent(unit), intent(unit)
        for nonce, (number, state) in enumerate(((sent, "sent"), (done, "done"))):
            hash_ = digest(nonce)
            transaction = unit.transactions.add("status", number, ACCOUNT, nonce, b"raw", hash_)
            unit.transactions.move(transaction, "stored", "mined")
            unit.intents.move([number], "accepted", state, transaction=transaction)
        unsent = unit.transactions.add("council", 0, ACCOUNT, 9, b"raw", digest(9))
        unit.clear_rows()
        assert [i.row for i in unit.intents.in_states(("accepted", "sent", "done"))] == [accepted, sent]
        assert [t.subject for t in unit.transactions.in_states(("mined",))] == [sent]
        assert [t.row for t in unit.transactions.in_states(("stored",))] == [unsent]
