"""No question to a node is asked inside of a write transaction: while a slow node is silent, others can write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ledger_world import World, check_ledger
from services_faults import Faulty, FaultyStore, replace_port

from ledger.assembly.demo_plan import COURT, OFFICE_A
from ledger.core.registries import State
from ledger.services.acting import RecordsAct


class Watched(Faulty):
    """An engine that refuses to be asked by a thread that holds the writers' lock. ``asked``: questions it allowed."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.writing = threading.local()
        self.asked = 0

    def request(self, method: str, params: Any = ()) -> Any:
        assert not getattr(self.writing, "now", False), f"{method} inside of a write transaction"
        self.asked += 1
        return self.inner.request(method, params)


class Watching(FaultyStore):
    def __init__(self, inner: Any, engine: Watched) -> None:
        super().__init__(inner)
        self.engine = engine

    @contextmanager
    def begin(self, *values: Any, **named: Any) -> Iterator[Any]:
        with self.inner.begin(*values, **named) as unit:
            self.engine.writing.now = True
            try:
                yield unit
            finally:
                self.engine.writing.now = False


def watch(world: World) -> Watched:
    app: Any = world.app
    engine = Watched(app.engine)
    app.engine, app.store = engine, Watching(app.store, engine)
    return engine


def test_no_act_of_the_outbox_asks_the_chain_while_it_keeps_writers_waiting(world: World) -> None:
    engine = watch(world)
    kept, ended, frozen = (world.issue_seal(name).leaf for name in ("甲", "乙", "丙"))
    world.drain()
    statement = world.change(ended, State.REVOKED)
    order = world.act(RecordsAct.FREEZE, COURT, OFFICE_A, frozen)
    world.drain()
    world.app.rebuild()
    assert engine.asked > 50
    check_ledger(world.app, [kept, ended, frozen, statement, order])


def test_two_drivers_that_were_both_waiting_for_the_node_store_one_transaction(world: World) -> None:
    """The lease runs out while a node is silent: the second driver has stored its bytes when the first hears."""
    accepted, chain = world.issue_seal(), replace_port(world, "chain")
    asked: list[bytes] = []
    real = chain.inner.chain_nonce

    def slow(account: bytes) -> int:
        found: int = real(account)
        if not asked:
            asked.append(account)
            with world.app.store.read() as unit:
                (batch,) = unit.batches.in_states(("signed",))
            world.app.anchoring._broadcast(batch)
        return found

    chain.chain_nonce = slow
    world.drain()
    with world.app.store.read() as unit:
        found = unit.transactions.in_states(("stored", "sent", "mined", "final", "failed", "replaced"))
    assert len(found) == 1
    assert check_ledger(world.app, [accepted.leaf]) == 1
