"""Freezes, annulments and disowned batches: who may, what crosses on the way, and what the index makes of it."""

from __future__ import annotations

import pytest
from ledger_world import World, check_ledger
from services_faults import AFTER, BEFORE, Faulty, replace_port

from ledger.assembly.demo_plan import COUNCIL, COURT, NOTARY, OFFICE_A, OFFICE_B
from ledger.core.accreditations import ANY, Accreditation
from ledger.core.registries import Kind, Permission, Reason, State
from ledger.errors import ConflictError, NotFoundError
from ledger.ports import FreezeCall, PairCall
from ledger.services import acting
from ledger.services.acting import RecordsAct
from ledger.services.acts import ActRequest
from ledger.services.offline import Question
from ledger.services.statuses import ChangeRequest

FREEZE, UNFREEZE, ANNUL, DISOWN, *_ = RecordsAct
SUPERIOR = COUNCIL[0]


def leaf_of(world: World, name: str) -> bytes:
    return world.row(world.ids[name]).leaf


def cause(world: World, name: str) -> str | None:
    return world.app.verifying.by_id(world.ids[name], Question()).cause_code


def states(world: World) -> list[str]:
    with world.app.store.read() as unit:
        return [a.state for a in unit.acts.in_states(("accepted", "ready", "sent", "done", "refused"))]


def code(world: World, act: RecordsAct, actor: str, subject: bytes, **changes: bytes) -> str:
    with pytest.raises((ConflictError, NotFoundError)) as refused:
        world.app.acts.request(actor, [ActRequest(act, OFFICE_A, subject, None, **changes)])
    return refused.value.code


def test_a_freeze_covers_what_lies_beneath_and_lifting_shows_it_again(demo: World) -> None:
    leaf = leaf_of(demo, "suspended")
    demo.act(FREEZE, COURT, OFFICE_A, leaf)
    assert code(demo, FREEZE, COURT, leaf) == "ACT_UNDER_WAY"
    demo.drain()
    assert cause(demo, "suspended") == "STATUS_SUSPENDED"  # what is proved counts before what is open
    assert code(demo, FREEZE, COURT, leaf) == "ACT_FROZEN"
    with pytest.raises(ConflictError) as refused:
        demo.change(leaf, State.ACTIVE)
    assert refused.value.code == "ACT_FROZEN"
    demo.act(UNFREEZE, COURT, OFFICE_A, leaf)
    demo.drain()
    assert code(demo, UNFREEZE, COURT, leaf) == "ACT_NOT_FROZEN"
    assert cause(demo, "suspended") == "STATUS_SUSPENDED"
    check_ledger(demo.app)


def test_another_court_neither_freezes_again_nor_lifts(demo: World) -> None:
    """Its call crosses the first court's on the way: the contract tells it so, and nothing is lost."""
    leaf = leaf_of(demo, "plain")
    demo.act(FREEZE, COURT, OFFICE_A, leaf)
    document = Accreditation(NOTARY, Kind.FREEZE, "CN-440100", (ANY,), "second court")
    demo.decree(demo.app.consortium.accredit(document))
    demo.act(FREEZE, NOTARY, OFFICE_A, leaf)
    demo.drain()
    assert sorted(states(demo)) == ["done", "refused"]
    with demo.app.store.read() as unit:
        holder = acting.frozen(unit, OFFICE_A, leaf)
    assert holder is not None
    other = NOTARY if holder.actor == COURT else COURT
    assert code(demo, UNFREEZE, other, leaf) == code(demo, FREEZE, other, leaf) == "ACT_FROZEN_BY_OTHER"
    report = demo.app.verifying.by_id(demo.ids["plain"], Question())
    assert (report.cause_code, report.proved["status"]["court"]) == ("STATUS_FROZEN", holder.actor)


@pytest.mark.parametrize("actor", [OFFICE_A, OFFICE_B, NOTARY, SUPERIOR])
def test_who_is_no_court_freezes_nothing_on_either_road(demo: World, actor: str) -> None:
    leaf, app = leaf_of(demo, "plain"), demo.app
    assert code(demo, FREEZE, actor, leaf) == "ACT_NOT_ENTITLED"
    with app.store.read() as unit:  # past this program, with the court's own accreditation
        accreditation = acting.freeze_accreditation(unit, COURT, int(demo.clock()))
    assert accreditation is not None
    call = FreezeCall(accreditation.id, OFFICE_A, ((leaf, leaf),), lift=False)
    with pytest.raises(ConflictError) as refused:
        app.chain.check_act(app.account(actor, Permission.STATUS), call)
    assert refused.value.values["name"] == "AccreditationNotOfOrganisation"
    assert cause(demo, "plain") is None


def test_a_court_that_lost_its_accreditation_on_the_way_is_refused(demo: World) -> None:
    leaf = leaf_of(demo, "plain")
    demo.act(FREEZE, COURT, OFFICE_A, leaf)
    with demo.app.store.read() as unit:
        accreditation = acting.freeze_accreditation(unit, COURT, int(demo.clock()))
    assert accreditation is not None
    demo.decree(demo.app.consortium.end_accreditation(accreditation.id))
    demo.drain()
    assert states(demo) == ["refused"]
    assert cause(demo, "plain") is None


def test_one_organisation_alone_annuls_nothing(demo: World) -> None:
    leaf = leaf_of(demo, "revoked")
    statement = demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    demo.drain()
    assert code(demo, ANNUL, OFFICE_A, leaf) == "ACT_WAITS_FOR_SECOND"
    call = PairCall(False, OFFICE_A, leaf, statement)
    with pytest.raises(ConflictError) as refused:
        demo.app.chain.check_act(demo.app.account(OFFICE_A, Permission.STATUS), call)
    assert refused.value.values["name"] == "SecondOrganisationNeeded"
    assert cause(demo, "revoked") == "STATUS_REVOKED"


def test_an_office_and_its_successor_are_one(demo: World) -> None:
    leaf = leaf_of(demo, "revoked")
    demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    demo.drain()
    demo.decree(demo.app.consortium.succeed(OFFICE_A, OFFICE_B))
    assert code(demo, ANNUL, OFFICE_B, leaf) == "ACT_WAITS_FOR_SECOND"
    with demo.app.store.read() as unit:
        offered = [o for o, _ in acting.seconds(unit, OFFICE_A, OFFICE_A, int(demo.clock()))]
    assert offered == [COURT]
    demo.act(ANNUL, COURT, OFFICE_A, leaf)
    demo.drain()
    report = demo.app.verifying.by_id(demo.ids["revoked"], Question())
    assert report.exit_code == 0
    (said,) = [f for s in report.steps for f in s.findings if f.code == "STATUS_ANNULLED"]
    assert (said.values["whoValues"]["first"], said.values["whoValues"]["second"]) == (OFFICE_A, COURT)
    check_ledger(demo.app)


def test_a_second_that_names_another_proposal_confirms_nothing(demo: World) -> None:
    leaf = leaf_of(demo, "revoked")
    demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    demo.drain()
    assert code(demo, ANNUL, COURT, leaf, statement=b"\x01" * 32) == "ACT_PROPOSAL_UNKNOWN"


@pytest.mark.parametrize("name", ["plain", "suspended"])
def test_there_is_nothing_to_annul_of_what_has_not_ended(demo: World, name: str) -> None:
    assert code(demo, ANNUL, OFFICE_A, leaf_of(demo, name)) == "ACT_NOTHING_TO_ANNUL"


def test_what_was_revoked_again_needs_new_consents(demo: World) -> None:
    """A consent belongs to one end of the leaf, not to one that may follow."""
    leaf = leaf_of(demo, "revoked")
    first = demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    demo.drain()
    demo.act(ANNUL, COURT, OFFICE_A, leaf)
    demo.drain()
    demo.clock.sleep(2)
    demo.change(leaf, State.REVOKED, Reason.WITHDRAWN)
    demo.drain()
    with demo.app.store.read() as unit:
        assert acting.waiting(unit, ANNUL, OFFICE_A, leaf) == []
    assert demo.act(ANNUL, COURT, OFFICE_A, leaf) != first
    demo.drain()
    assert cause(demo, "revoked") == "STATUS_REVOKED"


def test_a_decision_out_of_a_disowned_batch_counts_as_absent(demo: World) -> None:
    """The office's key was stolen: two organisations disown the batch that holds the false decision."""
    leaf = leaf_of(demo, "plain")
    statement = demo.change(leaf, State.REVOKED)
    demo.drain()
    with demo.app.store.read() as unit:
        row = unit.records.by_leaf(statement)
        assert row is not None and row.batch is not None
        root = unit.batches.get(row.batch).root
    for actor in (OFFICE_A, COURT):
        demo.act(DISOWN, actor, OFFICE_A, root)
        demo.drain()
    report = demo.app.verifying.by_id(demo.ids["plain"], Question())
    assert (report.exit_code, report.cause_code) == (3, "STATUS_STATEMENT_DISOWNED")
    for actor in (OFFICE_A, COURT):  # and they set the revocation aside: then it holds up nobody
        demo.act(ANNUL, actor, OFFICE_A, leaf)
        demo.drain()
    report = demo.app.verifying.by_id(demo.ids["plain"], Question())
    assert report.exit_code == 0
    assert "STATUS_STATEMENT_DISOWNED" in {f.code for s in report.steps for f in s.findings}
    check_ledger(demo.app)


def test_a_successor_changes_nothing_before_it_succeeds(demo: World) -> None:
    leaf, now = leaf_of(demo, "plain"), int(demo.clock())
    wanted = ChangeRequest(OFFICE_A, leaf, State.REVOKED, now, Reason.WITHDRAWN, "决定 9")
    with pytest.raises(ConflictError):
        demo.decree(demo.app.consortium.succeed(OFFICE_A, OFFICE_B, now + 10_000))
    with pytest.raises(ConflictError) as refused:
        demo.app.statuses.request(OFFICE_B, [wanted])
    assert refused.value.code == "ACT_NOT_ENTITLED"
    demo.decree(demo.app.consortium.succeed(OFFICE_A, OFFICE_B))
    demo.app.statuses.request(OFFICE_B, [wanted])
    demo.drain()
    report = demo.app.verifying.by_id(demo.ids["plain"], Question())
    change = report.proved["status"]["change"]
    assert (report.cause_code, change["actor"], change["who"]) == ("STATUS_REVOKED", OFFICE_B, "DECIDED_BY_SUCCESSOR")


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize("method", ["check_act", "sign_act", "send", "mined", "chain_nonce"])
def test_a_chain_that_fails_while_an_act_is_sent_loses_and_repeats_nothing(
    demo: World, method: str, fault: str
) -> None:
    chain: Faulty = replace_port(demo, "chain")
    leaf = leaf_of(demo, "revoked")
    statement = demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    for _ in range(12):
        demo.app.outbox.run_once()
        if {"ready", "sent"} & set(states(demo)):
            chain.faults[method] = fault
        demo.clock.sleep(0.3)
    chain.faults.clear()
    demo.clock.sleep(2)
    demo.drain()
    with demo.app.store.read() as unit:
        events = unit.chain_acts.of_subject(OFFICE_A, leaf)
    assert [(e.event, e.statement) for e in events] == [("AnnulmentProposed", statement)]
    assert states(demo) == ["done"]
    check_ledger(demo.app)


def test_a_restored_database_does_not_send_again_what_the_chain_shows(demo: World) -> None:
    leaf = leaf_of(demo, "revoked")
    demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    demo.drain()
    with demo.app.store.begin() as unit:  # as a backup from before the call has it
        (act,) = unit.acts.in_states(("done",))
        unit.acts.move([act.row], "done", "ready")
    demo.drain()
    assert states(demo) == ["done"]


def test_a_rebuild_tells_the_same(demo: World) -> None:
    leaf = leaf_of(demo, "revoked")
    demo.act(FREEZE, COURT, OFFICE_A, leaf_of(demo, "plain"))
    demo.act(ANNUL, OFFICE_A, OFFICE_A, leaf)
    demo.drain()
    demo.decree(demo.app.consortium.succeed(OFFICE_B, OFFICE_A))
    demo.decree(demo.app.consortium.superior(OFFICE_A, SUPERIOR))

    def told() -> object:
        with demo.app.store.read() as unit:
            subjects = [unit.chain_acts.of_subject(OFFICE_A, leaf_of(demo, n)) for n in ("plain", "revoked")]
            return (
                subjects,
                acting.superior(unit, OFFICE_A),
                acting.seconds(unit, OFFICE_A, OFFICE_A, int(demo.clock())),
            )

    before = told(), cause(demo, "plain"), cause(demo, "revoked")
    demo.app.indexing.rebuild()
    assert (told(), cause(demo, "plain"), cause(demo, "revoked")) == before
    demo.act(ANNUL, SUPERIOR, OFFICE_A, leaf)
    demo.drain()
    assert cause(demo, "revoked") is None
    check_ledger(demo.app)
