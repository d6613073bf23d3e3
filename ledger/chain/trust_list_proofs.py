"""Slots of the trust list, proved against a block; what was proved is kept while the list's storage stays the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ledger.chain import proving
from ledger.chain.node import Node
from ledger.core.trusted_chains import TrustListPin
from ledger.proofs.headers import Header

MOST_KEPT = 4_096
"""Slots whose proofs are kept, about a kilobyte each."""


class TrustListProofs:
    """Of the trust list that stands at ``pin``. One serves all threads; a list changes seldom, so that a question costs
    the account's proof alone."""

    def __init__(self, node: Node, pin: TrustListPin) -> None:
        self._node = node
        self._pin = pin
        self._lock = threading.Lock()
        self._root = b""
        self._kept: dict[bytes, set[bytes]] = {}

    def nodes(self, header: Header, slots: Sequence[bytes]) -> list[bytes]:
        """Trie nodes, ascending, of the account and the slots as of ``header``.

        Raises UnavailableError CHAIN_PROOF_WRONG, CHAIN_ANSWER_GARBLED, ENGINE_….
        """
        wanted = list(dict.fromkeys(slots))
        with self._lock:
            account = self._ask(header, [slot for slot in wanted if slot not in self._kept])
            if not self._kept.keys() >= set(wanted):  # the list has changed, or some had to make room: all anew
                account = self._ask(header, wanted)
            return sorted(account.union(*(self._kept[slot] for slot in wanted)))

    def _ask(self, header: Header, slots: Sequence[bytes]) -> set[bytes]:
        root, account, found = proving.slot_proofs(self._node, header, self._pin.address, self._pin.code, slots)
        if root != self._root or len(self._kept) + len(found) > MOST_KEPT:
            self._root, self._kept = root, {}
        self._kept |= found
        return account
