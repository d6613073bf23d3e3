"""The outbox against a chain that fails in pairs: the act failed, and it was reported failed yet done.

After each fault the whole ledger is proved again: nothing accepted is lost, nothing is anchored twice.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ledger_world import World, check_ledger
from services_faults import AFTER, BEFORE, CHAIN, Faulty, replace_port

from ledger.assembly.demo_plan import COUNCIL, OFFICE_A
from ledger.chain.calls import ConsortiumCalls
from ledger.core.registries import Permission
from ledger.errors import UnavailableError
from ledger.ports import AnchorCall
from ledger.services.outbox import Pass


def states(world: World) -> list[str]:
    with world.app.store.read() as unit:
        return [b.state for b in sorted(unit.batches.newest(100), key=lambda b: b.row)]


def transactions(world: World, *which: str) -> int:
    with world.app.store.read() as unit:
        return len(unit.transactions.in_states(which))


def run_to(world: World, state: str) -> None:
    """Run passes until the newest batch is in ``state``."""
    for _ in range(50):
        world.app.outbox.run_once()
        if states(world)[-1:] == [state]:
            return
        world.clock.sleep(0.5)
    raise AssertionError(states(world))


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize("method", CHAIN)
def test_every_question_to_the_chain_may_fail_or_be_reported_failed_yet_done(
    world: World, method: str, fault: str
) -> None:
    chain: Faulty = replace_port(world, "chain")
    accepted = world.issue_seal()
    chain.faults[method] = fault
    try:
        done = world.app.outbox.drain(2)
        assert method not in chain.called or done.problems
    except UnavailableError as error:
        assert error.code in ("STORE_LOST", "OUTBOX_TIMEOUT")
    chain.faults.clear()
    world.drain()
    assert check_ledger(world.app, [accepted.leaf]) == 1
    assert transactions(world, "stored", "sent", "mined", "final", "failed", "replaced") <= 1


DISK = [("store", "begin"), ("segments", "create"), ("segments", "open"), ("spool", "read"), ("spool", "remove")]


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize(("port", "method"), DISK)
def test_a_disk_that_fails_at_any_write_loses_and_repeats_nothing(
    world: World, port: str, method: str, fault: str
) -> None:
    faulty: Faulty = replace_port(world, port)
    leaves = []
    for countdown in range(1, 10 if port == "store" else 3):
        leaves.append(world.issue_seal().leaf)
        faulty.countdown, faulty.faults = countdown, {method: fault}
        with suppress(UnavailableError):
            world.app.outbox.drain(4)
        faulty.faults = {}
        world.clock.sleep(61)  # a lease that could not be dropped runs out
        world.drain()
        assert check_ledger(world.app, leaves) == len(leaves)


def test_an_engine_that_is_down_keeps_batches_open_and_drains_them_later(world: World) -> None:
    chain: Faulty = replace_port(world, "chain")
    leaves = [world.issue_seal().leaf]
    run_to(world, "broadcast")
    chain.faults |= dict.fromkeys(("mined", "send", "chain_nonce"), BEFORE)
    done = world.app.outbox.drain(30)
    assert done.open == 1
    assert [p.code for p in done.problems] == ["STORE_LOST"]
    leaves.append(world.issue_seal("乙").leaf)  # acceptance needs no chain
    assert check_ledger(world.app, leaves, drained=False) == 0
    chain.faults.clear()
    world.drain()
    assert check_ledger(world.app, leaves) == 2


def test_an_office_whose_device_is_away_does_not_hold_back_the_others(world: World) -> None:
    signer = world.app.signer

    def away(organisation: str) -> Any:
        if organisation == OFFICE_A:
            raise UnavailableError("STORE_LOST")
        return signer(organisation)

    world.app.signer = away  # type: ignore[method-assign]
    leaves = [world.issue_seal().leaf, world.issue_seal("乙", "11320100070001017R").leaf]
    done = world.app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["STORE_LOST"]
    assert sorted(states(world)) == ["receipted"]  # the other record waits, accepted, for its office's signer
    world.close()
    world.drain()
    assert check_ledger(world.app, leaves) == 2


def test_a_nonce_used_elsewhere_is_replaced_once_a_final_block_shows_it(world: World) -> None:
    accepted = world.issue_seal()
    chain: Faulty = replace_port(world, "chain")
    chain.faults["send"] = BEFORE  # stored, never sent
    world.app.outbox.run_once()
    _use_nonce(world)
    chain.faults.clear()
    world.drain()
    assert transactions(world, "replaced") == 1
    assert check_ledger(world.app, [accepted.leaf], drained=False) == 1


def test_a_nonce_used_elsewhere_after_sending_is_replaced_too(world: World) -> None:
    """The engine lost our waiting transaction, and its nonce went to another."""
    accepted = world.issue_seal()
    replace_port(world, "chain")
    world.clock.sleep(1)
    world.app.engine.request("zhengyin_makeBlock", [0])  # this second's block is made: ours must wait
    run_to(world, "broadcast")
    _lose_pending(world)
    _use_nonce(world)
    world.drain()
    assert transactions(world, "replaced") == 1
    assert check_ledger(world.app, [accepted.leaf], drained=False) == 1


def test_a_batch_that_a_forgotten_transaction_anchored_is_recognised(world: World) -> None:
    """A database restored from before the send: the chain already has the very batch."""
    accepted = world.issue_seal()
    chain: Faulty = replace_port(world, "chain")
    chain.faults["check_anchor"] = BEFORE
    world.app.outbox.run_once()  # signed, not stored
    chain.faults.clear()
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("signed",))
    call = world.app.anchoring._call(batch)
    _send_anchor(world, call)
    world.clock.sleep(2)
    world.drain()
    assert transactions(world, "stored", "sent", "mined") == 0
    assert check_ledger(world.app, [accepted.leaf]) == 1


def test_a_batch_anchored_by_another_transaction_while_ours_waits_is_not_anchored_twice(world: World) -> None:
    accepted = world.issue_seal()
    chain: Faulty = replace_port(world, "chain")
    chain.faults["send"] = BEFORE
    world.app.outbox.run_once()
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("signed",))
    _send_anchor(world, world.app.anchoring._call(batch))  # takes our nonce and anchors our batch
    world.clock.sleep(2)
    chain.faults.clear()
    world.drain()
    assert check_ledger(world.app, [accepted.leaf]) == 1


def test_a_root_anchored_with_another_manifest_is_refused_never_taken_for_ours(world: World) -> None:
    accepted = world.issue_seal()
    chain: Faulty = replace_port(world, "chain")
    chain.faults["check_anchor"] = BEFORE
    world.app.outbox.run_once()
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("signed",))
    call = world.app.anchoring._call(batch)
    other = AnchorCall(call.accreditation, call.kind, call.suite, call.size, call.root, bytes(range(32)), call.signers)
    chain.faults.clear()
    _send_anchor(world, other)
    world.clock.sleep(2)
    neighbour = world.issue_seal("乙", "11320100070001017R")
    told: list[str] = []
    # and the other office's batch is not held back by it
    world.app.outbox.drain(60, lambda done: told.extend(p.code for p in done.problems))
    assert told == ["OUTBOX_OTHER_MANIFEST"]
    assert sorted(states(world)) == ["receipted", "refused"]
    assert world.row(neighbour.id).batch is not None
    more = world.issue_seal("丙")  # the same records alone would have the same root
    assert world.app.outbox.retry_refused() == 1
    world.drain()
    assert check_ledger(world.app, [accepted.leaf, more.leaf, neighbour.leaf], drained=False) == 3


def test_what_the_contract_refuses_is_refused_with_its_reason(world: World) -> None:
    accepted = world.issue_seal()
    app = world.app
    calls = ConsortiumCalls(app.chain_file.contracts.consortium)
    app.council.carry([app.keys.account(o, "main") for o in COUNCIL[:2]], [calls.bar(OFFICE_A)])
    assert app.outbox.drain(60).open == 0
    with app.store.read() as unit:
        (batch,) = unit.batches.in_states(("refused",))
    assert batch.problem is not None
    assert batch.problem.startswith("CHAIN_REFUSED")
    assert check_ledger(app, [accepted.leaf], drained=False) == 0
    app.council.carry([app.keys.account(o, "main") for o in COUNCIL[:2]], [calls.unbar(OFFICE_A)])
    assert app.outbox.retry_refused() == 1
    world.drain()
    assert check_ledger(app, [accepted.leaf], drained=True) == 1


def test_what_reverts_in_its_block_is_refused(world: World) -> None:
    """The dry run passed, then the office was barred in an earlier block."""
    accepted = world.issue_seal()
    app = world.app
    chain: Faulty = replace_port(world, "chain")
    chain.faults["send"] = BEFORE
    app.outbox.run_once()
    calls = ConsortiumCalls(app.chain_file.contracts.consortium)
    app.council.carry([app.keys.account(o, "main") for o in COUNCIL[:2]], [calls.bar(OFFICE_A)])
    chain.faults.clear()
    assert app.outbox.drain(60).open == 0
    with app.store.read() as unit:
        (batch,) = unit.batches.in_states(("refused",))
    assert batch.problem is not None
    assert batch.problem.startswith("OUTBOX_REVERTED")
    assert check_ledger(app, [accepted.leaf], drained=False) == 0


def test_a_mined_block_that_is_reorganised_away_sends_the_same_bytes_again(world: World) -> None:
    accepted = world.issue_seal()
    chain: Faulty = replace_port(world, "chain")
    run_to(world, "broadcast")
    world.app.engine.request("eth_blockNumber")
    saved = _save_chain(world)
    world.clock.sleep(1)
    chain.faults["canonical"] = BEFORE
    with world.app.store.read() as unit:
        (before,) = unit.transactions.in_states(("sent",))
    world.app.anchoring.advance()
    assert states(world) == ["mined"]
    _restore_chain(world, saved)
    world.clock.sleep(61)  # the killed process's lease has run out
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("mined",))
    world.app.engine.request("zhengyin_makeBlock", [0])
    assert world.app.chain.canonical(batch.block or 0) != batch.block_hash
    world.drain()
    with world.app.store.read() as unit:
        (after,) = unit.transactions.in_states(("mined",))
    assert (after.raw, after.hash) == (before.raw, before.hash)
    assert check_ledger(world.app, [accepted.leaf]) == 1


def test_only_one_holder_of_the_lease_drives(world: World) -> None:
    accepted = world.issue_seal()
    assert world.app.store.take_lease("outbox", "another process", world.clock(), 60)
    with pytest.raises(UnavailableError) as refused:
        world.app.outbox.drain(10)
    assert refused.value.code == "OUTBOX_LEASE_HELD"
    world.clock.sleep(61)  # it was killed: its lease runs out
    world.drain()
    assert check_ledger(world.app, [accepted.leaf]) == 1


def _use_nonce(world: World) -> None:
    """The office's account key is shared: somebody else uses the nonce that ours was signed with."""
    _send_anchor(world, None)


def _send_anchor(world: World, call: AnchorCall | None) -> None:
    app: Any = world.app
    chain = app.chain.inner  # the real one, behind the faults
    account = app.account(OFFICE_A, Permission.ANCHOR)
    if call is None:
        with app.store.read() as unit:
            (batch,) = unit.batches.in_states(("signed", "broadcast"))
        ours = app.anchoring._call(batch)
        call = AnchorCall(ours.accreditation, ours.kind, 1, 1, b"\x07" * 32, b"\x08" * 32, ours.signers)
    raw, _ = chain.sign_anchor(account, chain.chain_nonce(account.address), call)
    chain.send(raw)
    world.clock.sleep(2)
    app.engine.request("eth_blockNumber")


def _save_chain(world: World) -> Path:
    saved = world.home.parent / "chain-before"
    shutil.rmtree(saved, ignore_errors=True)
    saved.mkdir()
    for file in world.home.glob("chain.db*"):
        shutil.copy(file, saved / file.name)
    return saved


def _restore_chain(world: World, saved: Path) -> None:
    """Back to the chain as it was, with other blocks from here: a real reorganisation."""
    world.close()
    for file in world.home.glob("chain.db*"):
        file.unlink()
    for file in saved.iterdir():
        shutil.copy(file, world.home / file.name)
    _lose_pending(world)


def _lose_pending(world: World) -> None:
    """As a node does that restarts without its queue."""
    with sqlite3.connect(world.home / "chain.db", timeout=20) as connection:
        connection.execute("DELETE FROM pending")
    connection.close()


@pytest.mark.parametrize("idle", [False, True])
def test_what_goes_on_moving_is_waited_for_where_only_idle_time_counts(world: World, idle: bool) -> None:
    leaves = [world.issue_seal().leaf]

    def watch(done: Pass) -> None:
        world.clock.sleep(30)
        if len(leaves) < 5:
            leaves.append(world.issue_seal().leaf)

    if idle:
        assert world.app.outbox.drain(45, watch, idle=True).open == 0
        assert check_ledger(world.app, leaves) == 5
    else:
        with pytest.raises(UnavailableError, match="OUTBOX_TIMEOUT"):
            world.app.outbox.drain(45, watch)


def test_what_stands_still_is_given_up_though_only_idle_time_counts(world: World) -> None:
    chain: Faulty = replace_port(world, "chain")
    world.issue_seal()
    chain.faults["mined"] = BEFORE
    with suppress(UnavailableError):
        assert world.app.outbox.drain(45, idle=True).problems
    assert states(world) == ["broadcast"]
