"""Has anything happened on chain since? For whoever keeps answers that speak of its newest state."""

from __future__ import annotations

import threading

from ledger.core.manifests import BlockName
from ledger.ports import Chain


class Changes:
    """Blocks without an event of our contracts change nothing: an embedded chain makes them only to date its state."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._last: tuple[BlockName | None, int] = None, 0

    def known(self, cursor: BlockName | None) -> int | None:
        """``epoch`` where it is no question to the chain, which may take its time; else ``None``."""
        before, epoch = self._last
        return epoch if cursor == before else None

    def epoch(self, cursor: BlockName | None) -> int:
        """A number that is another one whenever the index has read something new. ``cursor``: as far as it has read,
        from the view in which the asker looked.

        Raises:
            UnavailableError: CHAIN_….
        """
        with self._lock:
            before, epoch = self._last
            if cursor != before:
                epoch += self._happened(before, cursor)
                self._last = cursor, epoch
            return epoch

    def _happened(self, before: BlockName | None, after: BlockName | None) -> bool:
        if before is None or after is None or after.block <= before.block:
            return True
        if self._chain.canonical(before.block) != before.hash:
            return True
        return any(True for _ in self._chain.events(before.block + 1, after.block))
