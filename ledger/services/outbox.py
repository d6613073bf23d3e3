"""Driving the outbox: one lease, one pass over everything that is open, the same code after a crash as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.errors import ConflictError, UnavailableError, ZhengyinError
from ledger.ports import Spool, Store
from ledger.services.acts import Acts
from ledger.services.anchoring import Anchoring
from ledger.services.batching import Batching
from ledger.services.erasing import Erasing
from ledger.services.indexing import Indexing, Rebuilt
from ledger.services.statuses import Statuses

LEASE = "outbox"
LEASE_SECONDS = 15.0
"""A killed process holds everything up for so long at most; a live one renews before each batch."""
ORPHAN_SECONDS = 3600.0
"""A chunk that no row names is an orphan of a crash once it is this old; younger ones may be in use."""
PATIENCE_SECONDS = 10.0
"""Some blocks' time: how long ``drain`` goes on with nothing moving while something is held back."""


@dataclass(frozen=True, slots=True)
class Pass:
    """``open``: batches, changes of status and other acts still on their way, ``held`` of them held back;
    ``problems``: by what. ``refused``: what the contract refused and a person has to see to; not on its way."""

    moved: int
    open: int
    held: int
    problems: tuple[ZhengyinError, ...]
    refused: tuple[ZhengyinError, ...] = ()


class Outbox:
    def __init__(
        self,
        store: Store,
        spool: Spool,
        erasing: Erasing,
        batching: Batching,
        anchoring: Anchoring,
        statuses: Statuses,
        acts: Acts,
        indexing: Indexing,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        holder: str,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._spool = spool
        self._erasing = erasing
        self._batching = batching
        self._anchoring = anchoring
        self._statuses = statuses
        self._acts = acts
        self._indexing = indexing
        self._clock = clock
        self._sleep = sleep
        self._holder = holder
        self._permit = permit

    def run_once(self) -> Pass:
        """One pass.

        Raises:
            UnavailableError: OUTBOX_LEASE_HELD while another process drives; STORE_…, CHAIN_….
            ConflictError: what ``permit`` says against it.
        """
        self._permit()
        self._hold()
        self._indexing.run()
        unfinished = self._erasing.finish()  # before its tombstone is anchored an erasure is done
        closed, problems = self._batching.close_all(self._hold)
        unfinished += self._erasing.publish()
        anchors = self._anchoring.advance(self._hold)
        indexed = self._indexing.run()
        sent = (anchors, self._statuses.advance(self._hold), self._acts.advance(self._hold))
        held = [p for each in sent for p in each.problems]
        return Pass(
            closed + indexed + sum(each.moved for each in sent),
            sum(each.open for each in sent),
            len(held),
            (*unfinished, *problems, *held),
            self._refused(sum(each.refused for each in sent)),
        )

    def _refused(self, waiting: int) -> tuple[ZhengyinError, ...]:
        """The batches that the contract refused, and ``waiting`` changes whose statements are in them."""
        found: list[ZhengyinError] = [
            ConflictError("OUTBOX_BATCH_REFUSED", batch=row, records=records, reason=reason)
            for row, records, reason in self._batching.refused()
        ]
        return (*found, *([ConflictError("OUTBOX_STATEMENTS_REFUSED", changes=waiting)] if waiting else []))

    def drain(self, seconds: float, watch: Callable[[Pass], None] | None = None, idle: bool = False) -> Pass:
        """Run passes until nothing is on its way, nothing can move any more, or the time is over. ``idle``: the time
        begins again with every pass that moved something, so that a long list is waited for."""
        moved = self._clock()
        end = moved + seconds
        try:
            self._hold()
            self.sweep()
            while True:
                done = self.run_once()
                if watch is not None:
                    watch(done)
                if done.moved:
                    moved = self._clock()
                    end = moved + seconds if idle else end
                # what waits for something that is held back is not held itself: after a while it counts as such
                stuck = bool(done.problems) and self._clock() - moved >= PATIENCE_SECONDS
                if done.moved == 0 and (done.open <= done.held or stuck):
                    return done
                if self._clock() >= end:
                    raise UnavailableError("OUTBOX_TIMEOUT", open=done.open)
                if done.moved == 0:
                    self._sleep(0.1)
        finally:
            self._store.drop_lease(LEASE, self._holder)

    def retry_refused(self) -> int:
        """Give refused batches another try, after their cause was mended; returns how many.

        Raises:
            UnavailableError: OUTBOX_LEASE_HELD while another process drives.
        """
        self._permit()
        self._hold()
        return self._batching.release_refused()

    def rebuild(self, only_missing: bool = False) -> Rebuilt:
        """``Indexing.rebuild``, or ``adopt``, with the lease: nobody anchors what is being deleted and written again.

        Raises:
            UnavailableError: OUTBOX_LEASE_HELD while another process drives; otherwise as there.
        """
        try:
            self._hold()
            return self._indexing.adopt(self._hold) if only_missing else self._indexing.rebuild(self._hold)
        finally:
            self._store.drop_lease(LEASE, self._holder)

    def _hold(self) -> None:
        if not self._store.take_lease(LEASE, self._holder, self._clock(), LEASE_SECONDS):
            raise UnavailableError("OUTBOX_LEASE_HELD")

    def release(self) -> None:
        """Let another process drive from now on."""
        self._store.drop_lease(LEASE, self._holder)

    def sweep(self) -> int:
        """Remove what a crash between a write and its commit left behind; returns how many pieces.

        Only the holder of the lease may: nobody else makes segments, and chunks are left alone while they are young.
        """
        before = self._clock() - ORPHAN_SECONDS
        names = set(self._spool.names(before))
        with self._store.read() as unit:
            orphans = names - unit.records.chunks_in_use()
        self._spool.remove(orphans)
        return len(orphans) + self._batching.remove_orphans()
