"""The one place where adapters meet services. ``App`` opens what a command needs, when it needs it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ledger.assembly.chains import open_engine
from ledger.assembly.home import ChainFile, Home, TrustFolder
from ledger.assembly.restored import GuardedAcceptor, rebuilding, require_open
from ledger.assembly.types import TypeFolder
from ledger.chain.calls import ConsortiumCalls, RecordsCalls
from ledger.chain.client import EngineChain
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.governance import Council
from ledger.chain.http_engine import HttpEngine
from ledger.chain.transactor import Transactor
from ledger.core.registries import Kind, Permission
from ledger.core.trust import Trust
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, NotFoundError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.keystore import KeyStore, passphrase_from
from ledger.outside.software_signer import SoftwareSigner
from ledger.ports import Account, Signer
from ledger.services.accepting import Acceptor
from ledger.services.access import Access
from ledger.services.acts import Acts
from ledger.services.anchoring import Anchoring
from ledger.services.batching import Batching
from ledger.services.bundling import Bundling
from ledger.services.changes import Changes
from ledger.services.codes import Codes
from ledger.services.erasing import Erasing
from ledger.services.importing import Importing
from ledger.services.indexing import Indexing, Rebuilt
from ledger.services.issuing import Issuing
from ledger.services.log_anchoring import LogAnchoring
from ledger.services.operations import Operations
from ledger.services.outbox import Outbox
from ledger.services.statuses import Statuses
from ledger.services.uploads import LoggedImporting, Uploads
from ledger.services.verifying import Verifying
from ledger.settings import Settings
from ledger.store.segments import SegmentFolders
from ledger.store.spool import SpoolFolder
from ledger.store.unit import SqlStore
from ledger.store.upload_files import UploadFolder
from ledger.store.vault import VaultFile
from ledger.store.vault_table import VaultTable

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
        return Council(Transactor(self.engine, sleep=self.sleep, clock=self.clock), self.chain_file.contracts)

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

    # ---- services --------------------------------------------------------------------------------------------------

    @cached_property
    def acceptor(self) -> Acceptor:
        return GuardedAcceptor(
            self.permit,
            self.store,
            self.vault,
            self.spool,
            self.index_key,
            lambda organisation: self.keys.approval_keys(organisation)[0],
        )

    @cached_property
    def statuses(self) -> Statuses:
        return Statuses(self.store, self.acceptor, self.chain, self.account, self.operations, self.clock, os.urandom)

    @cached_property
    def acts(self) -> Acts:
        return Acts(self.store, self.acceptor, self.chain, self.account, self.operations, self.clock, os.urandom)

    @cached_property
    def changes(self) -> Changes:
        return Changes(self.store, self.chain, self.clock)

    @cached_property
    def operations(self) -> Operations:
        return Operations(self.store, self.clock)

    @cached_property
    def access(self) -> Access:
        return Access(self.store, self.operations, self.clock, os.urandom)

    @cached_property
    def importing(self) -> Importing:
        return Importing(self.store, self.acceptor, self.statuses, self.index_key, self.clock)

    @cached_property
    def issuing(self) -> Issuing:
        return Issuing(
            self.store, self.acceptor, self.statuses, self.operations, self.index_key, self.clock, os.urandom
        )

    @cached_property
    def logged_importing(self) -> LoggedImporting:
        return LoggedImporting(self.importing, self.operations)

    @cached_property
    def upload_files(self) -> UploadFolder:
        return UploadFolder(self.home.uploads)

    @cached_property
    def uploads(self) -> Uploads:
        importing, holder = self.logged_importing, uuid.uuid4().hex
        return Uploads(self.store, self.upload_files, importing, self.types.get, self.clock, os.urandom, holder)

    @cached_property
    def log_anchoring(self) -> LogAnchoring:
        definition = self.types.of_kind(Kind.EVIDENCE)
        return LogAnchoring(
            self.store,
            self.operations,
            self.issuing,
            self.index_key,
            definition,
            self.depositor,
            lambda row: self.bundling.open(row).record,
            self.clock,
        )

    def depositor(self) -> str | None:
        """Who deposits evidence for the house: the organisation of the settings, else the first that may and can."""
        now = int(self.clock())
        with self.store.read() as unit:
            able = {a.organisation for a in unit.chain.accreditations() if a.kind is Kind.EVIDENCE and a.until > now}
        here = sorted({e.organisation for e in self.keys.list() if e.purpose == "signing"} & able)
        own = self.settings.organisation
        return own if own in here else next(iter(here), None)

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
            self.erasing,
            batching,
            self.anchoring,
            self.statuses,
            self.acts,
            self.indexing,
            self.clock,
            self.sleep,
            uuid.uuid4().hex,
            self.permit,
        )

    def permit(self) -> None:
        """May anything be accepted or anchored here? Raises ConflictError RESTORE_UNAUDITED; UnavailableError
        REBUILD_UNFINISHED."""
        require_open(self.home)

    def rebuild(self, only_missing: bool = False) -> Rebuilt:
        """`Outbox.rebuild`, while nothing is accepted."""
        with rebuilding(self.home):
            return self.outbox.rebuild(only_missing)

    @cached_property
    def bundling(self) -> Bundling:
        return Bundling(self.store, self.segments, self.spool, self.vault, self.chain, self.indexing)

    @cached_property
    def codes(self) -> Codes:
        return Codes(self.store, self.vault, self.index_key)

    @cached_property
    def erasing(self) -> Erasing:
        return Erasing(
            self.store,
            self.vault,
            self.acceptor,
            self.bundling,
            self.indexing,
            self.operations,
            self.index_key,
            lambda: self.uploads.sweep(0),
            self.clock,
        )

    @cached_property
    def verifying(self) -> Verifying:
        return self.verifying_by(self.trust.content)

    def verifying_by(self, trust: Callable[[], Trust]) -> Verifying:
        """Verification by a trust file that was brought along."""
        public = self.types.public_fields()  # read once: type files that change are for the next start
        return Verifying(self.store, self.vault, self.bundling, self.index_key, public.get, trust, self.clock)
