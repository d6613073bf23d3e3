"""The one place where adapters meet services. ``App`` opens what a command needs, when it needs it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ledger.assembly.home import ChainFile, Home, TrustFolder
from ledger.assembly.types import TypeFolder
from ledger.chain.calls import ConsortiumCalls
from ledger.chain.client import EngineChain
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.governance import Council
from ledger.chain.transactor import Transactor
from ledger.core.registries import Permission
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, NotFoundError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.keystore import KeyStore, passphrase_from
from ledger.outside.software_signer import SoftwareSigner
from ledger.ports import Account, Signer
from ledger.services.accepting import Acceptor
from ledger.services.anchoring import Anchoring
from ledger.services.batching import Batching
from ledger.services.bundling import Bundling
from ledger.services.importing import Importing
from ledger.services.indexing import Indexing
from ledger.services.issuing import Issuing
from ledger.services.outbox import Outbox
from ledger.services.statuses import Statuses
from ledger.services.verifying import Verifying
from ledger.settings import Settings
from ledger.store.segments import SegmentFolders
from ledger.store.spool import SpoolFolder
from ledger.store.unit import SqlStore
from ledger.store.vault import VaultFile

MAIN = "main"
"""Name of the key that an organisation uses where it has one of a purpose."""


DAY = 86_400


class App:
    """A ledger in one data folder. Use as a context manager.

    Raises (when a part is first used):
        ConfigError: SETTINGS_…, CHAIN_…, KEYS_…, STORE_SCHEMA. IntegrityError: ENGINE_BLOCK_DAMAGED.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self.clock = clock
        self.sleep = sleep
        self._open: list[Any] = []

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self._open):
            part.close()
        self._open.clear()

    def _opened(self, part: Any) -> Any:
        self._open.append(part)
        return part

    # ---- keys, trust, types ----------------------------------------------------------------------------------------

    @cached_property
    def chain_file(self) -> ChainFile:
        return ChainFile.read(self.home.chain_file)

    @cached_property
    def keys(self) -> KeyStore:
        return KeyStore(self.home.keys, passphrase_from(os.environ))

    @cached_property
    def trust(self) -> TrustFolder:
        return TrustFolder(self.home.trust, self.clock)

    @cached_property
    def types(self) -> TypeFolder:
        return TypeFolder(self.home.types)

    @cached_property
    def index_key(self) -> BlindIndex:
        return BlindIndex(self.keys.secret(self.chain_file.operator, MAIN, "index"))

    def account(self, organisation: str, permission: Permission) -> Account:
        """The organisation's chain account that holds the permission."""
        with self.store.read() as unit:
            able = {a.account for a in unit.chain.accounts(organisation) if a.permissions & permission}
        for entry in self.keys.list():
            if entry.organisation == organisation and entry.purpose == "account":
                account = self.keys.account(organisation, entry.name)
                if account.address in able:
                    return account
        raise ConfigError("ACCOUNT_NONE", organisation=organisation, permission=permission.name.lower())

    def signer(self, organisation: str) -> Signer:
        """The organisation's signer whose certificate is bound on chain now."""
        now = int(self.clock())
        with self.store.read() as unit:
            bound = {s.certificate for s in unit.chain.signers(organisation) if s.since <= now < s.until}
        for entry in self.keys.list():
            if entry.organisation != organisation or entry.purpose != "signing":
                continue
            try:
                key = self.keys.signing(organisation, entry.name)
            except NotFoundError:
                continue  # a key that still waits for its certificate
            if fingerprint(key.certificate) in bound:
                approvals = self.keys.approval_keys(organisation)
                return SoftwareSigner(organisation, key.private_key, key.certificate, approvals, self.revocation)
        raise ConfigError("SIGNER_NONE", organisation=organisation)

    @cached_property
    def revocation(self) -> FileRevocation:
        folders = self.home.authority_folders()
        for folder in folders:
            self._refresh(folder)
        return FileRevocation(*folders)

    def _refresh(self, folder: Path) -> None:
        """A test CA of this folder publishes new lists daily; a real CA's are put there by its own means."""
        if (folder / "keys").is_dir():
            lists = list((folder / "crls").iterdir())
            if not lists or min(p.stat().st_mtime for p in lists) < self.clock() - DAY:
                DemoAuthority(folder).crls(int(self.clock()))

    # ---- chain -----------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> EmbeddedEngine:
        operator = self.chain_file.operator
        try:
            node_key: bytes | None = self.keys.node(operator, MAIN).reveal()
        except NotFoundError:
            node_key = None  # a reader beside the sealing node
        engine: EmbeddedEngine = self._opened(EmbeddedEngine.open(self.home.chain, node_key=node_key, clock=self.clock))
        return engine

    @cached_property
    def chain(self) -> EngineChain:
        file = self.chain_file
        return EngineChain(self.engine, file.identity, file.contracts, file.consensus)

    @cached_property
    def council(self) -> Council:
        return Council(Transactor(self.engine, sleep=self.sleep, clock=self.clock), self.chain_file.contracts)

    @cached_property
    def consortium(self) -> ConsortiumCalls:
        return ConsortiumCalls(self.chain_file.contracts.consortium)

    # ---- storage ---------------------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> SqlStore:
        store: SqlStore = self._opened(SqlStore(f"sqlite:///{self.settings.database}"))
        return store

    @cached_property
    def vault(self) -> VaultFile:
        vault: VaultFile = self._opened(VaultFile(self.home.vault))
        return vault

    @cached_property
    def spool(self) -> SpoolFolder:
        return SpoolFolder(self.home.spool)

    @cached_property
    def segments(self) -> SegmentFolders:
        return SegmentFolders(self.home.segments, self.settings.copy_root)

    # ---- services --------------------------------------------------------------------------------------------------

    @cached_property
    def acceptor(self) -> Acceptor:
        return Acceptor(
            self.store,
            self.vault,
            self.spool,
            self.index_key,
            lambda organisation: self.keys.approval_keys(organisation)[0],
        )

    @cached_property
    def statuses(self) -> Statuses:
        return Statuses(self.store, self.acceptor, self.chain, self.account, self.clock, os.urandom)

    @cached_property
    def importing(self) -> Importing:
        return Importing(self.store, self.acceptor, self.statuses, self.index_key, self.clock)

    @cached_property
    def issuing(self) -> Issuing:
        return Issuing(self.store, self.acceptor, self.statuses, self.index_key, self.clock, os.urandom)

    @cached_property
    def indexing(self) -> Indexing:
        return Indexing(self.store, self.chain, self.segments, self.vault, self.index_key)

    @cached_property
    def anchoring(self) -> Anchoring:
        return Anchoring(self.store, self.segments, self.chain, self.signer, self.account, self.clock)

    @cached_property
    def outbox(self) -> Outbox:
        batching = Batching(self.store, self.segments, self.spool, self.signer, self.clock)
        return Outbox(
            self.store,
            self.spool,
            batching,
            self.anchoring,
            self.statuses,
            self.indexing,
            self.clock,
            self.sleep,
            uuid.uuid4().hex,
        )

    @cached_property
    def bundling(self) -> Bundling:
        return Bundling(self.store, self.segments, self.spool, self.vault, self.chain, self.indexing)

    @cached_property
    def verifying(self) -> Verifying:
        return Verifying(self.store, self.bundling, self.index_key, self.trust.content, self.clock)
