"""Entries that are written together: all are there, once, under who acted; or none is, and everybody is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from ledger_world import World

from ledger.core.canonical import decode
from ledger.errors import UnavailableError
from ledger.services.operations import Act, by
from ledger.services.use_log import UseLog


class Counted:
    """The ledger's store, whose first transaction waits until somebody lets it go."""

    def __init__(self, store: Any, fault: Exception | None = None) -> None:
        self.store, self.fault = store, fault
        self.begun, self.go, self.transactions = threading.Event(), threading.Event(), 0

    @contextmanager
    def begin(self, beside: bool = False) -> Iterator[Any]:
        self.transactions += 1
        self.begun.set()
        assert self.go.wait(20)
        with self.store.begin(beside) as unit:
            yield unit
            if self.fault is not None:
                raise self.fault


def uses(world: World) -> list[Any]:
    with world.app.store.read() as unit:
        found = [decode(entry) for _, entry, _ in unit.access.all_operations()]
    return [entry for entry in found if entry["act"] == "crypto.digest"]


def write(log: UseLog, number: int) -> str:
    try:
        with by(f"token:{number}"):
            log.record(Act("crypto.digest", None, None, None, {"size": number}))
    except (UnavailableError, RuntimeError) as error:
        return str(error)
    return "done"


def test_those_that_wait_together_are_two_transactions(world: World) -> None:
    store = Counted(world.app.store)
    log = UseLog(store, world.app.operations)  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(write, log, 0)
        assert store.begun.wait(20)
        others = [threads.submit(write, log, number) for number in range(1, 8)]
        while len(log._waiting) < 7:
            threading.Event().wait(0.01)
        store.go.set()
        assert {future.result() for future in (first, *others)} == {"done"}
    assert store.transactions == 2
    assert sorted((e["who"], e["after"]["size"]) for e in uses(world)) == [(f"token:{n}", n) for n in range(8)]
    world.app.operations.verify_chain()


@pytest.mark.parametrize("fault", [UnavailableError("STORE_FULL"), RuntimeError("a bug")])
def test_what_was_not_written_is_nobodys_success(world: World, fault: Exception) -> None:
    store = Counted(world.app.store, fault)
    store.go.set()
    log = UseLog(store, world.app.operations)  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: write(log, number), range(12)))
    assert set(answers) == {str(fault)}
    assert uses(world) == []
    store.fault = None
    assert write(log, 99) == "done"
