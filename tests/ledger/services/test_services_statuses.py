"""Changes of status: refused before anything is signed, recorded only after their statement is final."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_world import World, check_ledger, write_rows
from services_faults import AFTER, BEFORE, Faulty, replace_port

from ledger.assembly.demo_plan import OFFICE_A, OFFICE_B
from ledger.core.registries import Permission, Reason, State
from ledger.errors import ConflictError, InputError, UnavailableError, ZhengyinError
from ledger.ports import StatusCall
from ledger.services import statuses
from ledger.services.offline import Question
from ledger.services.statuses import ChangeRequest

ENDED = {"revoked": "revoked", "old": "superseded"}


def intents(world: World, *states: str) -> int:
    with world.app.store.read() as unit:
        return len(unit.intents.in_states(states))


def accepted_records(world: World) -> int:
    with world.app.store.read() as unit:
        return unit.records.counts()["accepted"]


def request(world: World, leaf: bytes, state: State, **changes: object) -> ChangeRequest:
    values = {"effective": int(world.clock()), "reason": Reason.CANCELLED} | changes
    return ChangeRequest(OFFICE_A, leaf, state, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ENDED)
@pytest.mark.parametrize("state", [State.ACTIVE, State.SUSPENDED, State.REVOKED])
def test_what_has_ended_never_changes_again(demo: World, name: str, state: State) -> None:
    with pytest.raises(ConflictError) as refused:
        demo.change(demo.row(demo.ids[name]).leaf, state)
    assert refused.value.code == "STATUS_TRANSITION"
    assert refused.value.values["before"] == ENDED[name]
    assert accepted_records(demo) == 0


def test_a_change_already_asked_for_counts_before_the_chain_has_it(demo: World) -> None:
    leaf = demo.row(demo.ids["plain"]).leaf
    demo.change(leaf, State.REVOKED)
    with pytest.raises(ConflictError) as refused:
        demo.change(leaf, State.SUSPENDED)
    assert refused.value.code == "STATUS_TRANSITION"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"effective": 2**33}, "STATUS_EFFECTIVE_FUTURE"),
        ({"successor": bytes(32)}, "STATUS_SUCCESSOR"),
    ],
)
def test_a_request_that_the_contract_would_refuse_signs_nothing(
    demo: World, changes: dict[str, object], code: str
) -> None:
    good = request(demo, demo.row(demo.ids["spare"]).leaf, State.REVOKED)
    bad = request(demo, demo.row(demo.ids["plain"]).leaf, State.REVOKED, **changes)
    with pytest.raises(ConflictError) as refused:
        demo.app.statuses.request(OFFICE_A, [good, bad])
    assert refused.value.code == code
    assert accepted_records(demo) == intents(demo, "accepted", "ready", "sent") == 0


def test_superseded_needs_its_successor(demo: World) -> None:
    with pytest.raises(ConflictError) as refused:
        demo.change(demo.row(demo.ids["plain"]).leaf, State.SUPERSEDED)
    assert refused.value.code == "STATUS_SUCCESSOR"


def test_one_record_twice_in_one_request_is_refused_before_anything_is_signed(demo: World) -> None:
    leaf = demo.row(demo.ids["plain"]).leaf
    twice = [request(demo, leaf, State.REVOKED), request(demo, leaf, State.SUSPENDED)]
    with pytest.raises(ConflictError) as refused:
        demo.app.statuses.request(OFFICE_A, twice)
    assert refused.value.code == "STATUS_TWICE"
    assert accepted_records(demo) == 0


def test_no_change_is_sent_before_its_statement_is_final(demo: World) -> None:
    statement = demo.change(demo.row(demo.ids["plain"]).leaf, State.REVOKED)
    chain: Faulty = replace_port(demo, "chain")
    chain.faults["anchor_proof"] = BEFORE  # the statement's batch cannot be receipted
    demo.app.__dict__.pop("statuses"), demo.app.__dict__.pop("issuing", None)
    for _ in range(8):
        demo.app.outbox.run_once()
        demo.clock.sleep(0.5)
        assert intents(demo, "accepted") == 1
        assert "sign_status" not in chain.called
    chain.faults.clear()
    demo.drain()
    assert intents(demo, "accepted", "ready", "sent") == 0
    check_ledger(demo.app, [statement])


def test_a_statement_that_nobody_can_sign_is_told_not_waited_for(demo: World) -> None:
    statement = demo.change(demo.row(demo.ids["plain"]).leaf, State.REVOKED)

    def away(_: str) -> None:
        raise UnavailableError("STORE_LOST")

    demo.app.signer = away  # type: ignore[assignment]
    done = demo.app.outbox.drain(300)
    assert [p.code for p in done.problems] == ["STORE_LOST"]
    demo.close()
    demo.drain()
    check_ledger(demo.app, [statement])


def test_suspended_and_reinstated_and_revoked_follow_each_other(demo: World) -> None:
    name = demo.ids["suspended"]
    leaf = demo.row(name).leaf
    for state, code in ((State.ACTIVE, None), (State.SUSPENDED, "STATUS_SUSPENDED"), (State.REVOKED, "STATUS_REVOKED")):
        demo.clock.sleep(2)
        demo.change(leaf, state)
        demo.drain()
        assert demo.app.verifying.by_id(name, Question()).cause_code == code
    check_ledger(demo.app)


def test_changes_of_one_record_in_a_row_are_recorded_in_their_order(demo: World) -> None:
    leaf = demo.row(demo.ids["plain"]).leaf
    for state in (State.SUSPENDED, State.ACTIVE, State.REVOKED):
        demo.change(leaf, state)
    demo.drain()
    with demo.app.store.read() as unit:
        recorded = [e.entry.state for e in unit.chain.entries(OFFICE_A, leaf)]
    assert recorded == [State.SUSPENDED, State.ACTIVE, State.REVOKED]
    check_ledger(demo.app)


def test_the_contract_refuses_single_items_and_each_is_told(demo: World) -> None:
    """Meanwhile another of the office's programs ended one of them on the chain."""
    leaves = [demo.row(demo.ids[name]).leaf for name in ("plain", "spare", "filed")]
    demo.app.statuses.request(OFFICE_A, [request(demo, leaf, State.REVOKED) for leaf in leaves])
    app = demo.app
    account = app.account(OFFICE_A, Permission.STATUS)
    call = StatusCall(OFFICE_A, ((leaves[1], bytes(range(32))),), State.REVOKED, int(demo.clock()), Reason.LAPSED)
    app.chain.send(app.chain.sign_status(account, app.chain.chain_nonce(account.address), call)[0])
    demo.clock.sleep(2)
    app.engine.request("eth_blockNumber")
    demo.drain()
    with app.store.read() as unit:
        states = [unit.intents.for_leaf(OFFICE_A, leaf)[-1].state for leaf in leaves]
    assert states == ["done", "refused", "done"]
    check_ledger(app)


def test_an_array_has_a_greatest_length(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "MAX_CHANGES", 2)
    leaves = [demo.row(demo.ids[name]).leaf for name in ("plain", "spare", "filed")]
    demo.app.statuses.request(OFFICE_A, [request(demo, leaf, State.SUSPENDED) for leaf in leaves])
    demo.drain()
    with demo.app.store.read() as unit:
        sent = [t for t in unit.transactions.in_states(("mined",)) if t.purpose == "status"]
        assert [len(unit.intents.of_transaction(t.row)) for t in sent][-2:] == [2, 1]
    check_ledger(demo.app)


def test_the_longest_array_fits_one_block(world: World) -> None:
    """Gas by formula: an array that no block takes would wait for ever."""
    assert world.app.chain.gas.of_status(statuses.MAX_CHANGES) <= 60_000_000


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize("method", ["check_status", "sign_status", "send", "mined", "chain_nonce"])
def test_a_chain_that_fails_while_a_change_is_sent_loses_and_repeats_nothing(
    demo: World, method: str, fault: str
) -> None:
    chain: Faulty = replace_port(demo, "chain")
    leaf = demo.row(demo.ids["plain"]).leaf
    statement = demo.change(leaf, State.REVOKED)
    for _ in range(12):
        demo.app.outbox.run_once()
        if intents(demo, "ready", "sent"):
            chain.faults[method] = fault
        demo.clock.sleep(0.3)
    chain.faults.clear()
    demo.clock.sleep(2)
    demo.drain()
    with demo.app.store.read() as unit:
        assert [e.entry.statement for e in unit.chain.entries(OFFICE_A, leaf)] == [statement]
    check_ledger(demo.app)


def test_a_status_transaction_whose_nonce_went_elsewhere_is_made_again(demo: World) -> None:
    chain: Faulty = replace_port(demo, "chain")
    leaf = demo.row(demo.ids["plain"]).leaf
    demo.change(leaf, State.REVOKED)
    chain.faults["check_status"] = BEFORE
    while not intents(demo, "ready"):
        demo.app.outbox.run_once()
        demo.clock.sleep(0.5)
    chain.faults = {"send": BEFORE}
    demo.app.outbox.run_once()  # stored, never sent
    assert intents(demo, "sent") == 1
    app, real = demo.app, chain.inner
    account = app.account(OFFICE_A, Permission.STATUS)
    call = StatusCall(OFFICE_A, ((b"\x09" * 32, bytes(range(32))),), State.SUSPENDED, 1, Reason.LAPSED)
    real.send(real.sign_status(account, real.chain_nonce(account.address), call)[0])
    demo.clock.sleep(2)
    app.engine.request("eth_blockNumber")
    chain.faults.clear()
    demo.drain()
    with app.store.read() as unit:
        assert [e.entry.state for e in unit.chain.entries(OFFICE_A, leaf)] == [State.REVOKED]
        assert len(unit.transactions.in_states(("replaced",))) == 1
    check_ledger(app)


def test_a_restored_database_does_not_call_refused_what_the_chain_shows(demo: World) -> None:
    done, head = intents(demo, "done"), demo.app.chain.head()[0].block
    with demo.app.store.begin() as unit:  # as a backup from before the call has them
        unit.intents.move([i.row for i in unit.intents.in_states(("done",))], "done", "ready")
    demo.drain()
    assert (intents(demo, "done"), intents(demo, "refused")) == (done, 0)
    assert demo.app.chain.head()[0].block == head, "something was sent again"


def test_an_office_changes_only_its_own_records(demo: World) -> None:
    """Another office signs nothing about them; and where its right ended on the way, the contract refuses."""
    row = demo.row(demo.ids["plain"])
    stranger = ChangeRequest(OFFICE_A, row.leaf, State.REVOKED, int(demo.clock()), Reason.CANCELLED)
    with pytest.raises(ConflictError) as refused:
        demo.app.statuses.request(OFFICE_B, [stranger])
    assert (refused.value.code, accepted_records(demo)) == ("ACT_NOT_ENTITLED", 0)
    demo.decree(demo.app.consortium.superior(OFFICE_A, OFFICE_B))
    demo.app.statuses.request(OFFICE_B, [stranger])
    demo.decree(demo.app.consortium.superior(OFFICE_A, None))
    demo.app.outbox.drain(60)
    assert intents(demo, "refused") == 1
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).exit_code == 0
    check_ledger(demo.app)


# ---- supersession ---------------------------------------------------------------------------------------------------


def test_a_renewal_ends_the_old_and_names_it(demo: World) -> None:
    old, new = demo.row(demo.ids["old"]), demo.app.bundling.open(demo.row(demo.ids["new"]))
    assert [r.leaf for r in new.record.refs] == [old.leaf]
    assert demo.app.verifying.by_id(demo.ids["old"], Question()).cause_code == "STATUS_SUPERSEDED"
    assert demo.app.verifying.by_id(demo.ids["new"], Question()).exit_code == 0


def test_a_renewal_issued_singly_ends_the_old_in_the_same_transaction(demo: World) -> None:
    old = demo.app.bundling.open(demo.row(demo.ids["plain"]))
    definition = demo.app.types.get("real-estate-certificate")
    source = write_rows(demo.home.parent / "x.csv", 1, first=77)
    _, outcomes = demo.import_rows(source, check=True)
    store: Faulty = replace_port(demo, "store")
    demo.app.__dict__.pop("issuing", None)
    for name in ("acceptor", "statuses", "importing"):
        demo.app.__dict__.pop(name, None)
    values = dict(old.values)
    new = outcomes[0].id
    store.faults["begin"] = BEFORE
    with pytest.raises(ZhengyinError):
        demo.app.issuing.issue(OFFICE_A, definition, values, id_=new, supersedes=demo.ids["plain"])
    store.faults.clear()
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).exit_code == 0
    demo.app.issuing.issue(OFFICE_A, definition, values, id_=new, supersedes=demo.ids["plain"])
    demo.drain()
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).cause_code == "STATUS_SUPERSEDED"
    assert demo.app.verifying.by_id(outcomes[0].id or "", Question()).exit_code == 0
    check_ledger(demo.app)


def test_what_ended_or_is_unknown_has_no_successor(demo: World, tmp_path: Path) -> None:
    with pytest.raises((ConflictError, InputError)):
        demo.app.issuing.issue(
            OFFICE_A,
            demo.app.types.get("seal"),
            {"name": "章", "owner": OFFICE_A, "sealType": "章", "certificate": "x"},
            supersedes=demo.ids["revoked"],
        )
    for n, name in enumerate(("revoked", "unknown")):
        source = write_rows(tmp_path / f"{name}.csv", 1 + n, supersedes=demo.ids.get(name, "no such number"))
        result, outcomes = demo.import_rows(source)
        problems = [o.problem.code if o.problem else None for o in outcomes]
        assert set(result.counts) <= {"refused", "existing"}, problems
    assert accepted_records(demo) == 0


def test_two_rows_of_one_file_cannot_both_succeed_one_license(demo: World, tmp_path: Path) -> None:
    source = tmp_path / "twins.csv"
    write_rows(source, 3, supersedes=demo.ids["plain"])
    _, outcomes = demo.import_rows(source)
    # the first serial number is that of the demonstration's own renewal
    assert [o.outcome for o in outcomes] == ["existing", "new", "refused"]
    assert outcomes[2].problem is not None
    assert outcomes[2].problem.code == "SUPERSEDES_TWICE"
    demo.drain()
    check_ledger(demo.app)
