"""Batches, transactions, intents, jobs and the chain's index: guarded moves and what stays unique."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.core.bundles import StatusEntry
from ledger.core.manifests import BlockName
from ledger.core.registries import Kind, Reason, State
from ledger.errors import ConflictError, IntegrityError, NotFoundError
from ledger.ports import AccountRow, AccreditationRow, ChainEntry, IntentRow, SignerRow, Unit
from ledger.store.unit import SqlStore

ISSUER, COURT = "91110000600037341L", "DE:HRB-1"
ROOT, LEAF, STATEMENT = b"r" * 32, b"l" * 32, b"s" * 32
ACCOUNT = b"a" * 20


class Undo(Exception):
    """Ends a write transaction without keeping it."""


def add_batch(unit: Unit, root: bytes = ROOT) -> int:
    return unit.batches.add(ISSUER, Kind.LICENSE, root, 3, b"d" * 32, 1)


def test_a_batch_moves_with_its_columns(store: SqlStore) -> None:
    with store.begin() as unit:
        row = add_batch(unit)
        unit.batches.move(row, "batched", "signed", manifest_sha256=b"m" * 32)
        unit.batches.move(row, "signed", "mined", block=7, block_hash=b"h" * 32)
    with store.read() as unit:
        batch = unit.batches.get(row)
        assert unit.batches.by_root(ROOT) == batch
        assert unit.batches.in_states(("mined", "final")) == unit.batches.newest(5) == [batch]
        assert unit.batches.in_states(("batched",)) == []
    assert (batch.state, batch.manifest_sha256, batch.block, batch.block_hash) == (
        "mined",
        b"m" * 32,
        7,
        b"h" * 32,
    )
    assert (batch.issuer, batch.kind, batch.size, batch.accreditation) == (ISSUER, Kind.LICENSE, 3, b"d" * 32)


def test_a_root_is_batched_once_unless_refused(store: SqlStore) -> None:
    with store.begin() as unit:
        first = add_batch(unit)
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_ROOT"):
            add_batch(unit)
        unit.batches.move(first, "batched", "refused", problem="no accreditation")
        found = unit.batches.by_root(ROOT)
        assert found is not None and found.row == first
        second = add_batch(unit)
        found = unit.batches.by_root(ROOT)
        assert found is not None and found.row == second


def test_an_unknown_batch_is_not_found(store: SqlStore) -> None:
    with store.read() as unit:
        assert unit.batches.by_root(ROOT) is None
        with pytest.raises(NotFoundError, match="STORE_ROW_UNKNOWN"):
            unit.batches.get(1)


STATES = ("batched", "signed", "broadcast", "mined")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(STATES)), max_size=12))
def test_a_row_only_leaves_the_state_it_is_in(store: SqlStore, moves: list[tuple[str, str]]) -> None:
    with pytest.raises(Undo), store.begin() as unit:
        row, state = add_batch(unit), "batched"
        for before, after in moves:
            if before == state:
                unit.batches.move(row, before, after)
                state = after
            else:
                with pytest.raises(IntegrityError, match="STORE_STATE"):
                    unit.batches.move(row, before, after)
            assert unit.batches.get(row).state == state
        raise Undo


def test_a_live_nonce_is_never_given_twice(store: SqlStore) -> None:
    with store.begin() as unit:
        assert unit.transactions.next_nonce(ACCOUNT, 4) == 4
        row = unit.transactions.add("anchor", 1, ACCOUNT, 4, b"raw", b"1" * 32)
        assert unit.transactions.next_nonce(ACCOUNT, 4) == 5
        assert unit.transactions.next_nonce(ACCOUNT, 9) == 9
        assert unit.transactions.next_nonce(b"b" * 20, 0) == 0
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_NONCE"):
            unit.transactions.add("anchor", 2, ACCOUNT, 4, b"other", b"2" * 32)
        unit.transactions.move(row, "stored", "replaced")
        assert unit.transactions.next_nonce(ACCOUNT, 4) == 4
        assert unit.transactions.live("anchor", 1) is None
        again = unit.transactions.add("anchor", 1, ACCOUNT, 4, b"other", b"2" * 32)
        live = unit.transactions.live("anchor", 1)
        assert live is not None and (live.row, live.raw, live.state) == (again, b"other", "stored")
        assert live.row > row  # keys are never used again
        with pytest.raises(ConflictError, match="STORE_DUPLICATE_NONCE"):
            unit.transactions.add("anchor", 3, ACCOUNT, 77, b"other", b"2" * 32)


def test_a_transaction_moves_once(store: SqlStore) -> None:
    with store.begin() as unit:
        row = unit.transactions.add("status", 1, ACCOUNT, 0, b"raw", b"1" * 32)
        unit.transactions.move(row, "stored", "sent")
        with pytest.raises(IntegrityError, match="STORE_STATE"):
            unit.transactions.move(row, "stored", "sent")
        unit.transactions.move(row, "sent", "mined", block=3, block_hash=b"h" * 32)
        (found,) = unit.transactions.in_states(("mined",))
        assert (found.account, found.nonce, found.block, found.block_hash) == (ACCOUNT, 0, 3, b"h" * 32)


def add_intent(unit: Unit, statement: bytes = STATEMENT, number: int = 1) -> int:
    asked = IntentRow(0, COURT, ISSUER, LEAF, State.REVOKED, 5, Reason.WITHDRAWN, statement, "accepted", number)
    unit.intents.add([asked], 6)
    return unit.intents.for_leaf(ISSUER, LEAF)[-1].row


def test_intents_move_together_or_not_at_all(store: SqlStore) -> None:
    with store.begin() as unit:
        first, second = add_intent(unit), add_intent(unit, b"t" * 32, 2)
        unit.intents.move([second], "accepted", "ready")
        with pytest.raises(IntegrityError, match="STORE_STATE") as caught:
            unit.intents.move([first, second], "accepted", "ready")
        assert caught.value.values["rows"] == [first, second]
        unit.intents.move([first, first], "accepted", "ready")
        assert [i.state for i in unit.intents.for_leaf(ISSUER, LEAF)] == ["ready", "ready"]
        assert unit.intents.for_leaf(COURT, LEAF) == []
        transaction = unit.transactions.add("status", first, ACCOUNT, 0, b"raw", b"1" * 32)
        unit.intents.move([first, second], "ready", "sent", transaction=transaction)
        sent = unit.intents.of_transaction(transaction)
        assert [i.row for i in sent] == [first, second] and sent == unit.intents.in_states(("sent",))
    intent = sent[0]
    assert (intent.actor, intent.change, intent.effective, intent.reason) == (
        COURT,
        State.REVOKED,
        5,
        Reason.WITHDRAWN,
    )
    assert intent.statement == STATEMENT


def test_of_two_changes_with_one_number_the_second_ends_its_transaction(store: SqlStore) -> None:
    with store.begin() as unit:
        add_intent(unit)
    with pytest.raises(ConflictError, match="STATUS_OVERTAKEN"), store.begin() as unit:
        add_batch(unit)
        add_intent(unit, b"t" * 32)
    with store.read() as unit:
        assert (len(unit.intents.for_leaf(ISSUER, LEAF)), unit.batches.newest(1)) == (1, [])


def test_moving_nothing_is_nothing(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.intents.move([], "accepted", "ready")


def test_the_same_source_is_the_same_job(store: SqlStore) -> None:
    with store.begin() as unit:
        job = unit.jobs.start(ISSUER, "license", b"x" * 32, "a.csv", 1)
        unit.jobs.progress(job.row, 100, 90, 8, 2)
    with store.begin() as unit:
        again = unit.jobs.start(ISSUER, "license", b"x" * 32, "renamed.csv", 2)
        assert (again.row, again.rows_done, again.source_name, again.state) == (
            job.row,
            100,
            "a.csv",
            "running",
        )
        unit.jobs.progress(job.row, 50, 50, 0, 0)  # another importer is further on: its totals stay
        assert unit.jobs.start(ISSUER, "license", b"x" * 32, "a.csv", 2).rows_done == 100
        unit.jobs.finish(job.row, 3)
        ended = unit.jobs.newest(1)
        unit.jobs.finish(job.row, 4)
        unit.jobs.progress(job.row, 101, 91, 8, 2)
        assert unit.jobs.newest(1) == ended
        assert unit.jobs.start(ISSUER, "license", b"x" * 32, "a.csv", 5).state == "finished"
        other = unit.jobs.start(ISSUER, "seal", b"x" * 32, "a.csv", 5)
        assert [j.row for j in unit.jobs.newest(9)] == [other.row, job.row]


def entry(count: int, state: State = State.SUSPENDED) -> ChainEntry:
    return ChainEntry(ISSUER, LEAF, StatusEntry(COURT, state, 5, 6, Reason.DETAINED, STATEMENT), count, 9)


def test_entries_read_again_replace_themselves(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.chain.add_entries([entry(2, State.ACTIVE), entry(1)])
        unit.chain.add_entries([entry(2, State.REVOKED), entry(3)])
        unit.chain.add_entries([])
        assert unit.chain.entries(ISSUER, LEAF) == [entry(1), entry(2, State.REVOKED), entry(3)]
        assert unit.chain.entries(COURT, LEAF) == []


def test_the_index_is_cleared_but_documents_stay(store: SqlStore) -> None:
    account = AccountRow(ACCOUNT, ISSUER, 3)
    signer = SignerRow(ISSUER, b"c" * 32, 1, (1 << 40) - 1, None)
    accreditation = AccreditationRow(b"i" * 32, ISSUER, Kind.LICENSE, "CN-11", 1, (1 << 40) - 1, None)
    with store.begin() as unit:
        chain = unit.chain
        chain.put_document(b"i" * 32, b"{}")
        for barred in (False, True):  # later events overwrite earlier ones
            chain.put_organisation(ISSUER, 4, barred)
            chain.put_account(AccountRow(ACCOUNT, ISSUER, 1 + 2 * barred))
            chain.put_signer(signer)
            chain.put_accreditation(accreditation)
            chain.set_cursor(BlockName(8 + barred, b"h" * 32))
        chain.add_entries([entry(1)])
        assert chain.cursor() == BlockName(9, b"h" * 32)
        assert chain.organisations() == [(ISSUER, 4, True)]
        assert chain.accounts() == chain.accounts(ISSUER) == [account]
        assert chain.signers() == chain.signers(ISSUER) == [signer]
        (found,) = chain.accreditations(ISSUER)
        assert chain.accreditations() == [found] and found.document == b"{}" and found.kind is Kind.LICENSE
        assert chain.accounts(COURT) == chain.signers(COURT) == chain.accreditations(COURT) == []
        chain.clear()
        assert chain.cursor() is None and chain.entries(ISSUER, LEAF) == chain.organisations() == []
        assert chain.accounts() == chain.signers() == chain.accreditations() == []
        assert chain.document(b"i" * 32) == b"{}" and chain.document(b"j" * 32) is None


def test_a_compromise_is_kept_with_its_certificate(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.chain.put_signer(SignerRow(ISSUER, b"c" * 32, 1, 9, None))
        unit.chain.put_signer(SignerRow(ISSUER, b"c" * 32, 1, 9, 4))
        assert unit.chain.signers() == [SignerRow(ISSUER, b"c" * 32, 1, 9, 4)]
        unit.chain.put_accreditation(AccreditationRow(b"i" * 32, ISSUER, Kind.SEAL, "CN", 1, 2, b"{1}"))
        assert unit.chain.document(b"i" * 32) == b"{1}"
