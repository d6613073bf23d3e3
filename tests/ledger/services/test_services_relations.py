"""Relations: who may say what of a record, what the chain shows of it, and what a report makes of that."""

from __future__ import annotations

import pytest
from ledger_world import World, check_ledger
from services_faults import AFTER, BEFORE, Faulty, replace_port

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import COURT, NOTARY, OFFICE_A, OFFICE_B
from ledger.core.accreditations import ANY, Accreditation
from ledger.core.bundles import Bundle
from ledger.core.canonical import b64
from ledger.core.registries import Kind, Permission, Relation, State
from ledger.core.tombstones import ErasureReason
from ledger.core.verdicts import Finding
from ledger.errors import ConflictError, NotFoundError
from ledger.ports import RelateCall
from ledger.services.acting import RELATING, RecordsAct, related
from ledger.services.acts import ActRequest
from ledger.services.offline import Question
from ledger.services.relations import relations_of

COUNTERSIGN, CUSTODY, DECIDE = RELATING


def leaf_of(world: World, name: str) -> bytes:
    return world.row(world.ids[name]).leaf


def relate(world: World, act: RecordsAct, actor: str, leaf: bytes, issuer: str = OFFICE_A) -> bytes:
    request = ActRequest(act, issuer, leaf, "示范〔2026〕民初1号", content="采信该证据")
    return world.app.acts.request(actor, [request])[0].statement


def said(world: World, leaf: bytes) -> list[tuple[str, str, bool]]:
    found = relations_of(world.app.store, world.app.bundling, OFFICE_A, leaf)
    return [(r.relation, r.actor, r.confirmed) for r in found.known]


def findings(world: World, name: str) -> list[Finding]:
    report = world.app.verifying.by_id(world.ids[name], Question())
    found = [f for step in report.steps for f in step.findings]
    return [f for f in found if "RELAT" in f.code]


def on_chain(world: World, actor: str, call: RelateCall) -> None:
    """Past this program, as any account may."""
    app = world.app
    account = app.account(actor, Permission.RELATE)
    app.chain.send(app.chain.sign_act(account, app.chain.chain_nonce(account.address), call)[0])
    world.clock.sleep(2)
    app.engine.request("eth_blockNumber")
    app.indexing.run()


@pytest.mark.parametrize("act", RELATING)
def test_a_relation_is_a_signed_record_that_the_chain_then_names(demo: World, act: RecordsAct) -> None:
    leaf = leaf_of(demo, "evidence")
    statement = relate(demo, act, COURT, leaf)
    pending = relations_of(demo.app.store, demo.app.bundling, OFFICE_A, leaf)
    assert (pending.known, [a.act for a in pending.asked]) == ((), [act.value])
    demo.drain()
    assert said(demo, leaf) == [(act.value, COURT, True)]
    with demo.app.store.read() as unit:
        row = unit.records.by_leaf(statement)
        (event,) = related(unit, leaf)
    assert row is not None and (row.issuer, row.kind) == (COURT, act.kind)
    opened = demo.app.bundling.open(row)
    assert [r.to_json() for r in opened.record.refs] == [{"relation": act.value, "issuer": OFFICE_A, "leaf": b64(leaf)}]
    assert opened.values == {"reference": "示范〔2026〕民初1号", "content": "采信该证据"}
    assert (event.statement, event.actor, event.relation) == (statement, COURT, act.relation)
    check_ledger(demo.app, [statement])
    assert audit(demo.app)[0].findings == ()


def test_what_the_report_says_is_what_was_read(demo: World) -> None:
    leaf = leaf_of(demo, "evidence")
    statement = relate(demo, DECIDE, COURT, leaf)
    demo.drain()
    (finding,) = findings(demo, "evidence")
    assert (finding.code, finding.values["statement"]) == ("STATUS_RELATED", statement.hex())
    report = demo.app.verifying.by_id(demo.ids["evidence"], Question())
    assert report.exit_code == 0
    for word in (COURT, "裁判", statement.hex()):
        assert word in report.detailed("zh")
    with demo.app.store.read() as unit:
        row = unit.records.by_leaf(statement)
    assert row is not None
    bundle = demo.app.bundling.bundle(row, None, state=True)
    judged = demo.app.verifying.bundle(bundle.to_bytes(), Question())
    (own,) = [f for step in judged.steps for f in step.findings if f.code == "RECORD_RELATES"]
    assert own.values == {"relation": "decidesOn", "issuer": OFFICE_A, "leaf": leaf.hex()}
    assert judged.exit_code == 0
    assert "须另行核验" in judged.detailed("zh")
    assert Bundle.from_bytes(bundle.to_bytes()).record.kind is Kind.DECISION


@pytest.mark.parametrize(("actor", "act"), [(OFFICE_A, DECIDE), (OFFICE_B, CUSTODY), (NOTARY, DECIDE)])
def test_nobody_says_what_it_is_not_accredited_for(demo: World, actor: str, act: RecordsAct) -> None:
    with pytest.raises(ConflictError) as refused:
        relate(demo, act, actor, leaf_of(demo, "evidence"))
    assert refused.value.code == "ACT_NOT_ACCREDITED"
    with demo.app.store.read() as unit:
        assert unit.records.counts()["accepted"] == 0


def test_the_reference_names_the_true_issuer(demo: World) -> None:
    """Signed, a reference to another office's record under a wrong name could never be taken back."""
    with pytest.raises(NotFoundError, match="RECORD_UNKNOWN"):
        relate(demo, DECIDE, COURT, leaf_of(demo, "evidence"), issuer=OFFICE_B)


def test_a_record_that_is_kept_elsewhere_can_be_related_to(demo: World) -> None:
    leaf = bytes(range(32))
    statement = relate(demo, COUNTERSIGN, NOTARY, leaf, issuer=OFFICE_B)
    with pytest.raises(ConflictError, match="ACT_UNDER_WAY"):
        relate(demo, COUNTERSIGN, NOTARY, leaf, issuer=OFFICE_B)
    demo.drain()
    found = relations_of(demo.app.store, demo.app.bundling, None, leaf)
    assert [(r.statement, r.confirmed) for r in found.known] == [(statement, True)]
    # to the same leaf under another issuer's name nobody related anything
    assert [r.confirmed for r in relations_of(demo.app.store, demo.app.bundling, OFFICE_A, leaf).known] == [False]


def test_a_claim_without_its_record_is_told_as_a_claim(demo: World) -> None:
    """Attacks: an account names a leaf that is no record of ours; another's true decision as its own; and says of a
    revocation or an erasure that it happened, which only their own roads can do."""
    leaf, true = leaf_of(demo, "evidence"), relate(demo, DECIDE, COURT, leaf_of(demo, "evidence"))
    demo.drain()
    on_chain(demo, NOTARY, RelateCall(leaf, Relation.DECIDES_ON, b"\x07" * 32))
    on_chain(demo, NOTARY, RelateCall(leaf, Relation.DECIDES_ON, true))
    on_chain(demo, COURT, RelateCall(leaf, Relation.COUNTERSIGNS, true))
    for relation in (Relation.ERASES, Relation.CHANGES_STATUS_OF, Relation.SUPERSEDES):
        on_chain(demo, NOTARY, RelateCall(leaf, relation, true))
    claimed = [("decidesOn", NOTARY, False)] * 2 + [("countersigns", COURT, False)]
    assert said(demo, leaf) == [("decidesOn", COURT, True), *claimed]
    codes = [f.code for f in findings(demo, "evidence")]
    assert codes == ["STATUS_RELATED"] + ["STATUS_RELATION_CLAIMED"] * 3
    assert demo.app.verifying.by_id(demo.ids["evidence"], Question()).exit_code == 0
    assert audit(demo.app)[0].findings == ()


def test_an_account_that_names_a_leaf_again_and_again_hides_nothing(demo: World) -> None:
    leaf = leaf_of(demo, "evidence")
    for n in range(22):
        on_chain(demo, NOTARY, RelateCall(leaf, Relation.COUNTERSIGNS, bytes([n + 1]) * 32))
    relate(demo, DECIDE, COURT, leaf)
    demo.drain()
    found = findings(demo, "evidence")
    assert (len(found), found[0].code, found[-1].code) == (21, "STATUS_RELATED", "STATUS_RELATIONS_MORE")
    assert found[-1].values == {"count": 3}


def test_a_relation_number_without_a_word_stops_no_index(demo: World) -> None:
    call = RelateCall(leaf_of(demo, "evidence"), 200, b"\x07" * 32)  # type: ignore[arg-type]
    on_chain(demo, NOTARY, call)
    assert said(demo, leaf_of(demo, "evidence")) == []
    assert audit(demo.app)[0].findings == ()


def test_two_courts_decisions_both_stand_and_the_index_can_be_read_again(demo: World) -> None:
    leaf = leaf_of(demo, "evidence")
    first = relate(demo, COUNTERSIGN, COURT, leaf)
    second = relate(demo, CUSTODY, NOTARY, leaf)
    demo.drain()
    third = relate(demo, COUNTERSIGN, COURT, leaf)  # once more, as of a later day: what was said stays
    demo.drain()
    expected = sorted([("countersigns", COURT, True), ("takesCustodyOf", NOTARY, True), ("countersigns", COURT, True)])
    assert sorted(said(demo, leaf)) == expected
    demo.app.rebuild()
    assert sorted(said(demo, leaf)) == expected
    check_ledger(demo.app, [first, second, third])


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize("method", ["check_act", "sign_act", "send", "mined", "chain_nonce"])
def test_a_chain_that_fails_on_the_way_loses_and_repeats_nothing(demo: World, method: str, fault: str) -> None:
    chain: Faulty = replace_port(demo, "chain")
    leaf = leaf_of(demo, "evidence")
    statement = relate(demo, DECIDE, COURT, leaf)
    for _ in range(12):
        demo.app.outbox.run_once()
        with demo.app.store.read() as unit:
            if unit.acts.in_states(("ready", "sent")):
                chain.faults[method] = fault
        demo.clock.sleep(0.3)
    chain.faults.clear()
    demo.clock.sleep(2)
    demo.drain()
    with demo.app.store.read() as unit:
        assert [e.statement for e in related(unit, leaf)] == [statement]
    check_ledger(demo.app, [statement])


def test_the_act_is_refused_where_the_right_to_speak_ended_on_the_way(demo: World) -> None:
    chain: Faulty = replace_port(demo, "chain")
    app, leaf = demo.app, leaf_of(demo, "evidence")
    relate(demo, DECIDE, COURT, leaf)
    chain.faults["check_act"] = BEFORE
    while not _states(demo, "ready"):
        app.outbox.run_once()
        demo.clock.sleep(0.5)
    demo.decree(app.consortium.bar(COURT))
    chain.faults.clear()
    app.outbox.drain(60)
    assert said(demo, leaf) == []
    assert _states(demo, "refused") == 1


def _states(world: World, *states: str) -> int:
    with world.app.store.read() as unit:
        return len(unit.acts.in_states(states))


def test_an_office_that_erases_erases_what_it_said_of_the_record_too(demo: World) -> None:
    """A decision of its own names whom the record named; the court's is the court's to erase."""
    leaf = leaf_of(demo, "plain")
    document = Accreditation(OFFICE_A, Kind.DECISION, "CN-440100", (ANY,), "own decisions")
    demo.decree(demo.app.consortium.accredit(document))
    with demo.app.store.begin() as unit:
        unit.chain.put_document(document.id(), document.to_bytes())
    own, courts = relate(demo, DECIDE, OFFICE_A, leaf), relate(demo, DECIDE, COURT, leaf)
    demo.drain()
    done = demo.app.erasing.erase(OFFICE_A, leaf, ErasureReason.ORDERED)
    assert done.statements == 1
    demo.drain()
    assert sorted(said(demo, leaf)) == sorted([("decidesOn", OFFICE_A, False), ("decidesOn", COURT, True)])
    with demo.app.store.read() as unit:
        rows = [unit.records.by_leaf(s) for s in (own, courts)]
    assert [r is not None and r.id_hmac is None for r in rows] == [True, False]
    assert audit(demo.app)[0].findings == ()


def test_a_relation_changes_no_status(demo: World) -> None:
    leaf = leaf_of(demo, "plain")
    relate(demo, DECIDE, COURT, leaf)
    demo.drain()
    with demo.app.store.read() as unit:
        assert unit.chain.entries(OFFICE_A, leaf) == []
    demo.change(leaf, State.REVOKED)
    demo.drain()
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).cause_code == "STATUS_REVOKED"
