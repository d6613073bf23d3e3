"""Has anything happened on chain since? For whoever keeps answers that speak of its newest state."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ledger.core.manifests import BlockName
from ledger.ports import Chain, Store

LOOK = 0.25
"""Seconds for which an answer counts as new."""


class Changes:
    """Blocks without an event of our contracts change nothing: an embedded chain makes them only to date its state."""

    def __init__(self, store: Store, chain: Chain, clock: Callable[[], float]) -> None:
        self._store = store
        self._chain = chain
        self._clock = clock
        self._lock = threading.Lock()
        self._cursor: BlockName | None = None
        self._looked = float("-inf")
        self._epoch = 0

    def epoch(self) -> int:
        """A number that is another one whenever the index has read something new.

        Raises:
            UnavailableError: CHAIN_…, STORE_….
        """
        with self._lock:
            now = self._clock()
            if not self._looked <= now < self._looked + LOOK:
                with self._store.read() as unit:
                    cursor = unit.chain.cursor()
                if cursor != self._cursor and self._happened(self._cursor, cursor):
                    self._epoch += 1
                self._cursor, self._looked = cursor, now
            return self._epoch

    def _happened(self, before: BlockName | None, after: BlockName | None) -> bool:
        if before is None or after is None or after.block <= before.block:
            return True
        if self._chain.canonical(before.block) != before.hash:
            return True
        return any(True for _ in self._chain.events(before.block + 1, after.block))
