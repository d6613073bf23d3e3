"""A lease for as long as a piece of work takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ledger.errors import ZhengyinError
from ledger.ports import Store

SECONDS = 15.0
"""A killed process holds up for so long at most what it worked on."""
BEATS = 3
"""How often a lease is renewed before it would run out."""


@contextmanager
def leased(
    store: Store, name: str, holder: str, clock: Callable[[], float], seconds: float = SECONDS
) -> Iterator[Callable[[], bool] | None]:
    """Hold the lease ``name`` inside; ``None`` if another holder has it. A thread renews it, so that no step of the
    work need be short; the work asks the function it is given whether the lease is still its own before it tells of
    what it did: a process that was stopped for a while, or could not reach the database, may have lost it.

    Raises:
        UnavailableError: STORE_….
    """

    if not store.take_lease(name, holder, clock(), seconds):
        yield None
        return

    def renew() -> bool:
        return store.keep_lease(name, holder, clock(), seconds)

    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(renew, over, seconds / BEATS), name="zhengyin-lease", daemon=True)
    thread.start()
    try:
        yield renew
    finally:
        over.set()
        thread.join()
        store.drop_lease(name, holder)


def _beat(renew: Callable[[], bool], over: threading.Event, seconds: float) -> None:
    while not over.wait(seconds):
        with suppress(ZhengyinError):  # the work meets the same trouble, and says so
            if not renew():
                return
