"""Entries of the log of operations that come many at a time: those that wait together are one transaction.

An entry alone costs a commit, which is a hundred times what encrypting costs, and commits go one after the other.
Whoever writes takes along what others put down meanwhile; each returns when its own entry is durable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ledger.ports import Unit
from ledger.ports.access import ServiceStore
from ledger.services.operations import Act, Operations


@dataclass
class _Entry:
    append: Callable[[Unit], None]
    done: bool = False
    fault: BaseException | None = None


class UseLog:
    def __init__(self, store: ServiceStore, operations: Operations) -> None:
        self._store = store
        self._operations = operations
        self._waiting: list[_Entry] = []
        self._listed = threading.Lock()
        self._writing = threading.Lock()

    def record(self, act: Act) -> None:
        """As ``Operations.record``. Raises UnavailableError STORE_…: then none of those written together is there."""
        entry = _Entry(self._operations.note(act))  # which takes down who acts, and when
        with self._listed:
            self._waiting.append(entry)
        with self._writing:
            if not entry.done:
                self._write()
        if entry.fault is not None:
            raise entry.fault

    def _write(self) -> None:
        with self._listed:
            entries, self._waiting = self._waiting, []
        try:
            with self._store.begin(beside=True) as unit:
                for entry in entries:
                    entry.append(unit)
        except BaseException as error:  # whatever it is: nobody may take his entry for written
            for entry in entries:
                entry.fault = error
        for entry in entries:
            entry.done = True
