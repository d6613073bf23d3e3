"""The adapters of one data folder: its keys, trust and types, its chain, its storage; each opened when first used."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Self

from ledger.assembly.chains import open_engine
from ledger.assembly.founding_trust import address_of
from ledger.assembly.home import ChainFile, Home, TrustFolder
from ledger.assembly.restored import require_open
from ledger.assembly.revocation import OfficeRevocation
from ledger.assembly.standing import Standing
from ledger.assembly.time_stamping import independence
from ledger.assembly.types import TypeFolder
from ledger.chain.calls import ConsortiumCalls, RecordsCalls
from ledger.chain.client import EngineChain
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.governance import Council
from ledger.chain.http_engine import HttpEngine
from ledger.chain.transactor import Transactor
from ledger.chain.trust_list import TrustList
from ledger.chain.trust_list_calls import TrustListCalls
from ledger.core.registries import Permission, Suite
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.login_key import LoginKey
from ledger.crypto.suites import SM2_SM3, require_token, takes
from ledger.crypto.timestamps import TimestampToken
from ledger.errors import ConfigError, NotFoundError
from ledger.outside.batch_signer import BatchSigner
from ledger.outside.demo_pki.pki import ABOUT
from ledger.outside.demo_pki.server import ensure_served
from ledger.outside.keystore import KeyStore
from ledger.outside.passphrases import passphrase_from
from ledger.outside.remote_keys import RemoteKey
from ledger.outside.remote_signer import RemoteSigner
from ledger.outside.signing_keys import SigningKey
from ledger.outside.timestamp_client import TimestampClient
from ledger.ports import Account, Signer
from ledger.settings import Settings
from ledger.store.segments import SegmentFolders
from ledger.store.spool import SpoolFolder
from ledger.store.unit import SqlStore
from ledger.store.vault import VaultFile
from ledger.store.vault_table import VaultTable

MAIN = "main"
"""Name of the key that an organisation uses where it has one of a purpose."""


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

    @property
    def suite(self) -> Suite:
        """Of the records made here from now on."""
        return Suite.of_word(self.settings.crypto_profile, "crypto_profile")

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

    @cached_property
    def login_key(self) -> LoginKey:
        return LoginKey(self.keys.secret(self.chain_file.operator, MAIN, "index"))

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
        for signer in self._bound_signers(organisation):
            return signer
        raise ConfigError("SIGNER_NONE", organisation=organisation)

    def signers(self, organisation: str, suite: Suite) -> list[Signer]:
        """Those that sign a manifest of the suite, in its order.

        Raises:
            ConfigError: SIGNER_NONE, SIGNER_NONE_OF_SUITE.
        """
        if suite is Suite.INTL:
            return [self.signer(organisation)]
        found: list[Signer] = []
        bound = list(self._bound_signers(organisation))
        for position in range(suite.signatures[0]):
            for signer in bound:
                if takes(suite, position, algorithm_of(read_certificate(signer.certificate).spki).name):
                    found.append(signer)
                    break
            else:
                raise ConfigError("SIGNER_NONE_OF_SUITE", organisation=organisation, suite=suite.word)
        return found

    def _bound_signers(self, organisation: str) -> Iterator[Signer]:
        now = int(self.clock())
        with self.store.read() as unit:
            bound = {s.certificate for s in unit.chain.signers(organisation) if s.since <= now < s.until}
        held: dict[str, bytes] = {}
        for name in self.keys.names(organisation, "signing"):
            with suppress(NotFoundError):  # a key that still waits for its certificate
                certificate = self.keys.certificate(organisation, name)
                if fingerprint(certificate) in bound:  # no other key is opened: it may lack its passphrase, or SM2
                    held[name] = certificate
        for name in sorted(held, key=lambda name: len(held) > 1 and not self._stands(held[name], now)):
            key = self.keys.signing(organisation, name)
            if isinstance(key.private_key, RemoteKey):  # which checks approvals by its own keys
                yield RemoteSigner(organisation, key.certificate, key.private_key.address, self.revocation)
            else:
                yield BatchSigner(organisation, key, self.keys.approval_keys(organisation), self.revocation)

    def _stands(self, certificate: bytes, now: int) -> bool:
        """Of two bound certificates the one that still may sign comes first: a new one beside the expired or revoked
        one of before."""
        try:
            self.standing.require(certificate, now)
        except ConfigError:
            return False
        return True

    def timestamps(self, issuer: str, urls: Sequence[str] = ()) -> TimestampClient | None:
        """The time-stamp authorities of the settings, or those at ``urls``, as they will do for the issuer; ``None``
        where none are named."""
        urls, policy = urls or self.settings.timestamp_urls, self.settings.timestamp_policy
        if not urls:
            return None
        self.serve_demo_authorities()
        independent = independence(self.trust.content, self.chain_file.identity, issuer)

        def accept(token: TimestampToken) -> None:
            independent(token)
            if token.info.digest == "sm3":  # over a signature by SM2
                require_token(self.suite, SM2_SM3, token.algorithm, "sm3")

        return TimestampClient(urls, self.clock, policy=policy, accept=accept)

    def signing_key(self, organisation: str, name: str) -> SigningKey:
        """A key for files, logins and e-seals, whose certificate is valid and not known to be revoked.

        Raises:
            NotFoundError: KEYS_UNKNOWN. ConfigError: KEYS_…, SIGNER_CERTIFICATE_DATES, SIGNER_CERTIFICATE_REVOKED.
        """
        key = self.keys.signing(organisation, name)
        self.standing.require(key.certificate, int(self.clock()))
        return key

    @cached_property
    def standing(self) -> Standing:
        return Standing(self.revocation, self.revocation.certificates)

    @cached_property
    def revocation(self) -> OfficeRevocation:
        return OfficeRevocation(self.home, self.settings, self.trust.content, self.serve_demo_authorities)

    def serve_demo_authorities(self) -> None:
        """In a ledger with the demonstration's ten authorities, have them answer for as long as this is open, unless
        another process of it does already.

        Raises:
            ConfigError: DEMO_PKI_PORT, DEMO_PKI_UNAVAILABLE.
        """
        if (self.home.authorities / ABOUT).exists():
            server = ensure_served(self.home.authorities, self.clock)
            if server is not None:
                self._opened(server)

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
    def trust_list(self) -> TrustList:
        """Raises NotFoundError TRUST_LIST_NONE."""
        transactor = Transactor(self.engine, sleep=self.sleep, clock=self.clock, permit=self.permit)
        return TrustList(transactor, address_of(self.chain_file.contracts))

    @cached_property
    def trust_list_calls(self) -> TrustListCalls:
        """Raises NotFoundError TRUST_LIST_NONE."""
        return TrustListCalls(address_of(self.chain_file.contracts))

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
