"""The adapters of one data folder: its keys, trust and types, its chain, its storage; each opened when first used."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ledger.assembly.chains import open_engine
from ledger.assembly.home import ChainFile, Home, TrustFolder
from ledger.assembly.restored import require_open
from ledger.assembly.types import TypeFolder
from ledger.chain.calls import ConsortiumCalls, RecordsCalls
from ledger.chain.client import EngineChain
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.governance import Council
from ledger.chain.http_engine import HttpEngine
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
from ledger.settings import Settings
from ledger.store.segments import SegmentFolders
from ledger.store.spool import SpoolFolder
from ledger.store.unit import SqlStore
from ledger.store.vault import VaultFile
from ledger.store.vault_table import VaultTable

MAIN = "main"
"""Name of the key that an organisation uses where it has one of a purpose."""

DAY = 86_400


class Adapters:
    """What a data folder's ledger works with, each part opened when first used. A context manager: closes them.

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self._open):
            part.close()
        self._open.clear()

    def _opened(self, part: Any) -> Any:
        self._open.append(part)
        return part

    def permit(self) -> None:
        """May anything be accepted, anchored or decided here? Raises ConflictError RESTORE_UNAUDITED; UnavailableError
        REBUILD_UNFINISHED."""
        require_open(self.home)

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
        for name in self.keys.names(organisation, "account"):
            account = self.keys.account(organisation, name)
            if account.address in able:
                return account
        raise ConfigError("ACCOUNT_NONE", organisation=organisation, permission=permission.name.lower())

    def signer(self, organisation: str) -> Signer:
        """The organisation's signer whose certificate is bound on chain now."""
        now = int(self.clock())
        with self.store.read() as unit:
            bound = {s.certificate for s in unit.chain.signers(organisation) if s.since <= now < s.until}
        for name in self.keys.names(organisation, "signing"):
            try:
                key = self.keys.signing(organisation, name)
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
    def engine(self) -> EmbeddedEngine | HttpEngine:
        engine: EmbeddedEngine | HttpEngine = self._opened(open_engine(self))
        return engine

    @cached_property
    def chain(self) -> EngineChain:
        file = self.chain_file
        depth = self.settings.engine_depth
        return EngineChain(self.engine, file.identity, file.contracts, file.consensus, depth=depth)

    @cached_property
    def council(self) -> Council:
        transactor = Transactor(self.engine, sleep=self.sleep, clock=self.clock, permit=self.permit)
        return Council(transactor, self.chain_file.contracts)

    @cached_property
    def consortium(self) -> ConsortiumCalls:
        return ConsortiumCalls(self.chain_file.contracts.consortium)

    @cached_property
    def records_calls(self) -> RecordsCalls:
        return RecordsCalls(self.chain_file.contracts.records)

    # ---- storage ---------------------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> SqlStore:
        store: SqlStore = self._opened(SqlStore(self.settings.database_url()))
        return store

    @cached_property
    def vault(self) -> VaultFile | VaultTable:
        """Beside the rows, in the same kind of database; with SQLite in a file of its own."""
        url = self.settings.database_url()
        server = url.get_backend_name() == "postgresql"
        vault: VaultFile | VaultTable = self._opened(
            VaultTable(url, self.home.epochs) if server else VaultFile(self.home.vault)
        )
        return vault

    @cached_property
    def spool(self) -> SpoolFolder:
        return SpoolFolder(self.home.spool)

    @cached_property
    def segments(self) -> SegmentFolders:
        return SegmentFolders(self.home.segments, self.settings.copy_root)
