"""py-evm's accounts over our storage tries: what a block writes to a contract's storage goes into its trie at once."""

from __future__ import annotations

from typing import Any

from eth.db.account import AccountDB
from eth.db.cache import CacheDB
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup

from ledger.chain.embedded.tries import StorageTrie


class QuickLookup(StorageLookup):  # type: ignore[misc]
    """One object is the trie and the batch of its new nodes; new tries and going back to old ones are py-evm's."""

    _write_trie: Any
    _trie_nodes_batch: Any

    def _get_write_trie(self) -> Any:
        if self._write_trie is None:
            self._write_trie = self._trie_nodes_batch = StorageTrie(self._db, self._starting_root_hash)
        return self._write_trie

    def _get_read_trie(self) -> Any:
        return StorageTrie(self._db, self._starting_root_hash) if self._write_trie is None else self._write_trie


class QuickStorage(AccountStorageDB):  # type: ignore[misc]
    def __init__(self, db: Any, storage_root: bytes, address: bytes) -> None:
        super().__init__(db, storage_root, address)
        self._storage_lookup = QuickLookup(db, storage_root, address)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)


class QuickAccounts(AccountDB):  # type: ignore[misc]
    def __init__(self, db: Any, state_root: bytes) -> None:
        super().__init__(db, state_root)
        self._nodes = db

    def _get_address_store(self, address: bytes) -> Any:
        store = self._account_stores.get(address)
        if store is None:
            store = QuickStorage(self._nodes, self._get_storage_root(address), address)
            self._account_stores[address] = store
        return store
