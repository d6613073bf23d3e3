"""The one place where adapters meet services. ``App`` opens what a command needs, when it needs it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from functools import cached_property

from ledger.assembly.adapters import Adapters
from ledger.assembly.restored import GuardedAcceptor, rebuilding
from ledger.assembly.revocation import OfficeRevocation
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.outside.revocation_cache import RecentAnswers
from ledger.outside.service_keys import ServiceKeyring
from ledger.services.accepting import Acceptor
from ledger.services.access import Access
from ledger.services.acts import Acts
from ledger.services.anchoring import Anchoring
from ledger.services.batching import Batching
from ledger.services.bundling import Bundling
from ledger.services.changes import Changes
from ledger.services.codes import Codes
from ledger.services.crypto_service import CryptoService
from ledger.services.erasing import Erasing
from ledger.services.importing import Importing
from ledger.services.indexing import Indexing, Rebuilt
from ledger.services.issuing import Issuing
from ledger.services.late_validation import LateValidation
from ledger.services.listed_now import ListedNow
from ledger.services.log_anchoring import LogAnchoring
from ledger.services.login import Login
from ledger.services.login_proof import LoginProver
from ledger.services.operations import Operations
from ledger.services.outbox import Outbox
from ledger.services.seals import Seals
from ledger.services.statuses import Statuses
from ledger.services.uploads import LoggedImporting, Uploads
from ledger.services.verifying import Verifying
from ledger.store.upload_files import UploadFolder

LOGIN_SECONDS = 600
"""How old an authority's answer may be when somebody logs in, though it would stand by it for days."""


class App(Adapters):
    """A ledger in one data folder: the services over its adapters. Use as a context manager.

    Raises (when a part is first used):
        ConfigError: SETTINGS_…, CHAIN_…, KEYS_…, STORE_SCHEMA. IntegrityError: ENGINE_BLOCK_DAMAGED.
    """

    @cached_property
    def acceptor(self) -> Acceptor:
        return GuardedAcceptor(
            self.permit,
            self.store,
            self.vault,
            self.spool,
            self.index_key,
            lambda organisation: self.keys.approval_keys(organisation)[0],
            os.urandom,
            self.suite,
        )

    @cached_property
    def statuses(self) -> Statuses:
        return Statuses(self.store, self.acceptor, self.chain, self.account, self.operations, self.clock, os.urandom)

    @cached_property
    def acts(self) -> Acts:
        return Acts(self.store, self.acceptor, self.chain, self.account, self.operations, self.clock, os.urandom)

    @cached_property
    def changes(self) -> Changes:
        return Changes(self.chain)

    @cached_property
    def operations(self) -> Operations:
        return Operations(self.store, self.clock)

    @cached_property
    def access(self) -> Access:
        return Access(self.store, self.operations, self.clock, os.urandom)

    @cached_property
    def login(self) -> Login:
        recent, trust = RecentAnswers(LOGIN_SECONDS), self.trust.content
        asked = OfficeRevocation(self.home, self.settings, trust, self.serve_demo_authorities, recent)
        named = self.chain_file.contracts.trust_list is not None
        listed = ListedNow(self.chain_file.identity, (lambda: self.chain) if named else None)
        prover = LoginProver(trust, asked, asked.certificates, listed)
        server = self.settings.login_address
        return Login(self.store, self.operations, self.login_key, prover, server, self.clock, os.urandom)

    @cached_property
    def crypto(self) -> CryptoService:
        known = self.revocation.certificates
        return CryptoService(
            self.store,
            ServiceKeyring(self.keys),
            self.timestamps,
            self.trust.content,
            known,
            self.standing.require,
            self.operations,
            self.clock,
            self.suite,
        )

    @cached_property
    def importing(self) -> Importing:
        return Importing(self.store, self.acceptor, self.statuses, self.index_key, self.clock, self.seals)

    @cached_property
    def issuing(self) -> Issuing:
        return Issuing(
            self.store,
            self.acceptor,
            self.statuses,
            self.operations,
            self.index_key,
            self.clock,
            os.urandom,
            self.seals,
        )

    @cached_property
    def seals(self) -> Seals:
        return Seals(self.store, lambda row: self.bundling.open(row), self.index_key, self.clock)

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
        here = sorted({organisation for organisation, _ in self.keys.held("signing")} & able)
        own = self.settings.organisation
        return own if own in here else next(iter(here), None)

    @cached_property
    def indexing(self) -> Indexing:
        return Indexing(self.store, self.chain, self.segments, self.vault, self.index_key)

    @cached_property
    def anchoring(self) -> Anchoring:
        return Anchoring(
            self.store,
            self.segments,
            self.chain,
            self.signers,
            self.account,
            self.clock,
            self.timestamps,
            lambda: self.revocation,
        )

    @cached_property
    def late_validation(self) -> LateValidation:
        return LateValidation(
            self.store,
            self.segments,
            lambda: self.revocation,
            self.settings.revocation_grace,
            self.clock,
            uuid.uuid4().hex,
        )

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
            self.segments,
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
