"""Ports that fail on command. Failures come in pairs: before the act, and after it ("reported failed, yet done")."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ledger.errors import UnavailableError

BEFORE, AFTER = "before", "after"


class Faulty:
    """A port whose methods named in ``faults`` fail before or after they act, at once or after a ``countdown``; with
    ``once`` only that one call."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.faults: dict[str, str] = {}
        self.countdown = 1
        self.once = False
        self.fired = 0
        self.called: list[str] = []

    def due(self, name: str) -> str | None:
        """The fault that this call suffers: the ``countdown``-th call that could."""
        fault = self.faults.get(name)
        if fault is None:
            return None
        self.countdown -= 1
        if self.countdown > 0:
            return None
        self.fired += 1
        if self.once:
            self.faults = {}
        return fault

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def act(*values: Any, **named: Any) -> Any:
            self.called.append(name)
            fault = self.due(name)
            if fault == BEFORE:
                raise UnavailableError("STORE_LOST")
            answer = found(*values, **named)
            if fault == AFTER:
                raise UnavailableError("STORE_LOST")
            return answer

        return act


class FaultyStore(Faulty):
    """``faults["begin"]``: the transaction is lost before its commit, or its commit is reported as lost."""

    @contextmanager
    def begin(self, *values: Any, **named: Any) -> Iterator[Any]:
        fault = self.due("begin")
        with self.inner.begin(*values, **named) as unit:
            yield unit
            if fault == BEFORE:
                raise UnavailableError("STORE_LOST")
        if fault == AFTER:
            raise UnavailableError("STORE_LOST")


def replace_port(app: Any, name: str) -> Any:
    """Put a faulty port in front of the app's real one; before any service is made from it."""
    faulty = (FaultyStore if name == "store" else Faulty)(getattr(app, name))
    setattr(app, name, faulty)  # a cached property: what stands in the instance is used
    return faulty
