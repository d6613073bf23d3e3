"""Reports that are asked for again and again: kept for as long as they would come out the same.

A report speaks of the newest final block and says so. It is given again while the chain has said nothing new
(``services.changes``), and for ``SECONDS`` at most: dates, lists of revocation and the trust file may change without
it. Whether the caller may see it is decided anew each time; what is undecided is never kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

MOST = 4096
SECONDS = 30.0
"""Well below the time that a state speaks for "now" (FORMATS, "Clocks")."""


class KeptReports:
    """The newest ``MOST`` of them, in memory only: they hold what a record discloses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, now: float) -> bytes | None:
        found = self._kept.get(key)
        return found[1] if found is not None and found[0] <= now < found[0] + SECONDS else None

    def once(self, key: Hashable, now: float, make: Callable[[], tuple[bytes, bool]]) -> bytes:
        """The kept answer, or a new one: (its bytes, whether it may be kept). Of many that ask at once one makes it."""
        found = self.get(key, now)
        if found is not None:
            return found
        with self._turn(key):
            found = self.get(key, now)
            if found is None:
                found, keep = make()
                if keep:
                    self._put(key, found, now)
        return found

    @contextmanager
    def _turn(self, key: Hashable) -> Iterator[None]:
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._making.pop(key, None)

    def _put(self, key: Hashable, body: bytes, now: float) -> None:
        with self._lock:
            self._kept[key] = now, body
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
