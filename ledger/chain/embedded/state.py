"""The chain's state as py-evm sees it: a mapping from Keccak-256 to trie node or contract code.

Content-addressed and never deleted from, so old states stay readable and a cache filled by this process
stays right when another process makes blocks.
"""

from __future__ import annotations

from collections import OrderedDict

from eth.db.atomic import AtomicDB
from eth.db.backends.base import BaseDB

from ledger.chain.embedded.hashing import EMPTY_ROOT
from ledger.chain.embedded.store import Store
from ledger.errors import IntegrityError
from ledger.proofs.keccak import keccak

_CACHE_BYTES = 64 * 1024 * 1024
_OVERHEAD = 200  # of one cached entry, roughly


class StateNodes(BaseDB):  # type: ignore[misc]
    """Reads through a bounded cache; writes wait in memory until `flush`, inside a block's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fresh: dict[bytes, bytes] = {}
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0

    def __getitem__(self, key: bytes) -> bytes:
        """Raises KeyError where absent, IntegrityError ENGINE_STATE_DAMAGED where the bytes were changed."""
        if key in self._fresh:
            return self._fresh[key]
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        row = self._store.one("SELECT value FROM state WHERE hash = ?", key)
        if row is None:
            raise KeyError(key)
        value: bytes = row[0]
        if keccak(value) != key:
            raise IntegrityError("ENGINE_STATE_DAMAGED", node=key.hex())
        self._remember(key, value)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._fresh[key] = value

    def __delitem__(self, key: bytes) -> None:
        """Nothing is pruned: proofs and calls at older blocks need every node."""

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def flush(self) -> None:
        """Write what the block added; the caller's transaction commits or forgets it."""
        self._store.write_many("INSERT OR IGNORE INTO state (hash, value) VALUES (?, ?)", list(self._fresh.items()))

    def committed(self) -> None:
        """The transaction stands: its nodes may be served from memory."""
        for key, value in self._fresh.items():
            self._remember(key, value)
        self._fresh = {}

    def forget(self) -> None:
        """The transaction did not stand, or the run was only a call: drop its nodes."""
        self._fresh = {}

    def _remember(self, key: bytes, value: bytes) -> None:
        if key not in self._cache:
            self._size += len(value) + _OVERHEAD
        self._cache[key] = value
        while self._size > _CACHE_BYTES:
            _, old = self._cache.popitem(last=False)
            self._size -= len(old) + _OVERHEAD

    def atomic(self) -> AtomicDB:
        """This mapping as py-evm wants it; every write batch ends in `_fresh`."""
        return AtomicDB(self)

    def has_root(self, root: bytes) -> bool:
        return root == EMPTY_ROOT or root in self
