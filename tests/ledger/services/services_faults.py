"""Ports that fail on command. Failures come in pairs: before the act, and after it ("reported failed, yet done")."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ledger_world import World

from ledger.errors import UnavailableError

BEFORE, AFTER = "before", "after"
CHAIN = (
    "head",
    "chain_nonce",
    "check_anchor",
    "sign_anchor",
    "send",
    "mined",
    "canonical",
    "anchored",
    "anchor_proof",
    "events",
)
"""What the outbox asks of the chain."""


class Faulty:
    """A port whose methods named in ``faults`` fail before or after they act, at once or after a ``countdown``."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.faults: dict[str, str] = {}
        self.countdown = 1
        self.called: list[str] = []

    def due(self, name: str) -> str | None:
        """The fault that this call suffers: the ``countdown``-th call that could."""
        fault = self.faults.get(name)
        if fault is not None:
            self.countdown -= 1
        return fault if self.countdown <= 0 else None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def act(*values: Any) -> Any:
            self.called.append(name)
            fault = self.due(name)
            if fault == BEFORE:
                raise UnavailableError("STORE_LOST")
            answer = found(*values)
            if fault == AFTER:
                raise UnavailableError("STORE_LOST")
            return answer

        return act


class FaultyStore(Faulty):
    """``faults["begin"]``: the transaction is lost before its commit, or its commit is reported as lost."""

    @contextmanager
    def begin(self) -> Iterator[Any]:
        fault = self.due("begin")
        with self.inner.begin() as unit:
            yield unit
            if fault == BEFORE:
                raise UnavailableError("STORE_LOST")
        if fault == AFTER:
            raise UnavailableError("STORE_LOST")


def replace_port(world: World, name: str) -> Any:
    """Put a faulty port in front of the app's real one; before any service is made from it."""
    faulty = (FaultyStore if name == "store" else Faulty)(getattr(world.app, name))
    setattr(world.app, name, faulty)  # a cached property: what stands in the instance is used
    return faulty
