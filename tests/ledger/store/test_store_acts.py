"""Rows of freezes, annulments and disowned batches: what a rebuild may forget of them, and what not."""

from __future__ import annotations

from ledger.ports import ChainAct
from ledger.store.unit import SqlStore

OFFICE, COURT = "114401000700000148", "1144010007000201X4"
LEAF, ROOT, STATEMENT = (bytes([n]) * 32 for n in range(1, 4))


def test_a_rebuild_forgets_settled_acts_and_keeps_those_on_their_way(store: SqlStore) -> None:
    with store.begin() as unit:
        rows = [unit.acts.add("freeze", COURT, OFFICE, bytes([n]) * 32, STATEMENT, "ready", 5) for n in range(4)]
        dead = unit.transactions.add("act", rows[0], bytes(20), 0, b"raw", b"\x01" * 32)
        live = unit.transactions.add("act", rows[1], bytes(20), 1, b"raw", b"\x02" * 32)
        unit.acts.move([rows[0]], "ready", "sent", transaction=dead)
        unit.transactions.move(dead, "stored", "replaced")
        unit.acts.move([rows[0]], "sent", "ready")
        unit.acts.move([rows[1]], "ready", "sent", transaction=live)
        unit.acts.move([rows[2]], "ready", "refused", problem="ACT_REFUSED")
        unit.clear_rows()
    with store.read() as unit:
        kept = {a.row: a.state for a in unit.acts.in_states(("accepted", "ready", "sent", "done", "refused"))}
        assert kept == {rows[0]: "ready", rows[1]: "sent", rows[3]: "ready"}
        assert [a.row for a in unit.acts.of_transaction(live)] == [rows[1]]


def test_events_read_again_replace_themselves(store: SqlStore) -> None:
    event = ChainAct(7, 2, 50, "Frozen", OFFICE, LEAF, STATEMENT, COURT)
    later = ChainAct(9, 0, 60, "Disowned", OFFICE, ROOT, STATEMENT, OFFICE, COURT)
    for _ in range(2):
        with store.begin() as unit:
            unit.chain_acts.add([later, event])
    with store.read() as unit:
        assert unit.chain_acts.of_subject(OFFICE, LEAF) == [event]
        assert unit.chain_acts.of_subject(COURT, LEAF) == []
        assert unit.chain_acts.of_subject(OFFICE, ROOT) == [later]
    with store.begin() as unit:
        unit.chain.clear()
        assert unit.chain_acts.of_subject(OFFICE, LEAF) == []


def test_relations_are_told_in_the_order_of_the_chain(store: SqlStore) -> None:
    nothing = bytes(32)
    told = [
        ChainAct(3, 0, 30, "SuperiorSet", OFFICE, nothing, nothing, COURT),
        ChainAct(3, 1, 30, "SuperiorSet", OFFICE, nothing, nothing, ""),
        ChainAct(4, 0, 40, "Succeeded", COURT, nothing, nothing, OFFICE),
    ]
    with store.begin() as unit:
        unit.chain_acts.add(told[::-1])
    with store.read() as unit:
        assert unit.chain_acts.of_organisation(OFFICE) == told[:2]
        assert unit.chain_acts.of_organisation(COURT) == told[2:]
