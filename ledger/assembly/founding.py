"""Founding a ledger: chain, contracts, council, organisations, keys, trust file.

Everything is made in a folder beside the data folder and renamed at the end: a crash leaves a ``.founding-…`` folder
that nothing refers to, never half a ledger.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger.assembly.adapters import MAIN
from ledger.assembly.app import App
from ledger.assembly.chains import found_engine
from ledger.assembly.founding_seals import SealPlan, make_sealing
from ledger.assembly.founding_trust import FirstList, described, voices
from ledger.assembly.home import ChainFile, Home
from ledger.assembly.trusting import first_trust
from ledger.chain.calls import ConsortiumCalls, CouncilCall
from ledger.chain.client import EngineChain
from ledger.chain.contracts import Contracts
from ledger.chain.deploy import CouncilRules, Member, deploy, identity_of
from ledger.chain.governance import Council
from ledger.chain.transactor import Transactor
from ledger.chain.trust_list import deploy_trust_list
from ledger.core.accreditations import ANY, Accreditation
from ledger.core.registries import Kind
from ledger.core.trust_documents import TrustDocument, document_bytes, document_id
from ledger.core.trust_services import ServiceType
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, UnavailableError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.demo_pki.member import PkiMember
from ledger.outside.demo_pki.pki import DemoPki
from ledger.outside.demo_pki.plan import TIME_STAMPING
from ledger.outside.demo_pki.server import free_port
from ledger.outside.keystore import KeyStore
from ledger.outside.passphrases import passphrase_from
from ledger.ports import Account
from ledger.settings import SettingValue, load_settings, write_settings
from ledger.store.files import translated
from ledger.store.schema import upgrade

CERTIFICATE_DAYS = 730


@dataclass(frozen=True, slots=True)
class Founder:
    """An organisation from the first day. ``kinds``: what it may anchor; ``authority``: the CA it uses."""

    organisation: str
    name: str
    jurisdiction: str
    authority: str
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorityPlan:
    """A test CA to be made: folder, name in its certificates, key algorithm (its own and its offices'), country, and
    the organisation that offers it; ``None``: the one that operates the chain. ``recognised_in``: the jurisdictions
    that recognise it; ``None``: all."""

    folder: str
    name: str
    algorithm: str
    country: str = "CN"
    provider: str | None = None
    recognised_in: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """``council``: members' organisations, the first one operates the embedded chain; ``delay``: seconds.

    On a network, whose nodes ``settings["engine"]`` names, ``consensus`` says by which rules it seals. ``pki``: the
    authorities are of the demonstration PKI, with all their services on this machine; ``seals``: with a seal maker.
    """

    founders: tuple[Founder, ...]
    authorities: tuple[AuthorityPlan, ...]
    council: tuple[str, ...]
    threshold: int
    delay: int
    settings: dict[str, SettingValue] = field(default_factory=dict)
    consensus: str = "embedded"
    pki: bool = False
    seals: SealPlan | None = None

    @property
    def operator(self) -> str:
        return self.council[0]

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        return tuple(sorted({f.jurisdiction for f in self.founders}))

    @property
    def recognised(self) -> dict[str, tuple[str, ...]]:
        """By authority, where fewer than all jurisdictions recognise it."""
        return {a.folder: a.recognised_in for a in self.authorities if a.recognised_in is not None}


def found(
    root: Path,
    plan: Plan,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Make the data folder ``root``.

    Raises:
        ConfigError: SETTINGS_EXISTS if there is one already. UnavailableError: ENGINE_STORAGE, STORE_….
    """
    if root.exists() and any(root.iterdir()):
        raise ConfigError("SETTINGS_EXISTS", home=str(root))
    building = root.parent / f".founding-{root.name}-{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    try:
        with translated():
            building.mkdir(parents=True, mode=0o700)
            _build(building, plan, clock, sleep, say)
            if root.exists():
                root.rmdir()
            building.rename(root)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _build(
    root: Path,
    plan: Plan,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> None:
    home, now = Home(root), int(clock())
    keys = KeyStore(home.keys, passphrase_from(os.environ))
    say("keys")
    authorities = _make_authorities(home, plan, now)
    accounts = _make_keys(keys, plan)
    keys.create_secret(plan.operator, MAIN, "index")
    algorithms = {a.folder: a.algorithm for a in plan.authorities}
    certificates = {
        f.organisation: _certify(keys, authorities[f.authority], f, now, algorithms[f.authority]) for f in plan.founders
    }
    maker = make_sealing(keys, authorities, plan.seals, now, CERTIFICATE_DAYS, algorithms) if plan.seals else None
    write_settings(root, _time_stamping(authorities) | plan.settings)
    settings = load_settings(root)
    say("store")
    # a crash after this leaves tables in a server's database: the next founding names them and stops
    before, _ = upgrade(settings.database_url())
    if before != "none":
        raise ConfigError("STORE_TAKEN", found=before)
    say("chain")
    engine = found_engine(settings, home.chain, keys, plan.operator, clock)
    try:
        transactor = Transactor(engine, sleep=sleep, clock=clock)
        members = tuple(Member(o, accounts[o].address) for o in plan.council)
        contracts = deploy(transactor, accounts[plan.operator], CouncilRules(members, plan.threshold, plan.delay))
        address = deploy_trust_list(transactor, accounts[plan.operator], contracts)
        contracts = replace(contracts, trust_list=address)
        identity = identity_of(transactor, contracts)
        home.chain_file.write_bytes(ChainFile(identity, contracts, plan.consensus, plan.operator).to_bytes())
        say("council")
        documents = accreditations(plan.founders)
        trusted = _first_list(plan, accounts, home, authorities, maker)
        calls = founding_calls(contracts, plan.founders, accounts, certificates, documents) + trusted.calls(contracts)
        Council(transactor, contracts).carry([accounts[o] for o in plan.council[: plan.threshold]], calls)
        trusted.recognise(transactor, contracts)
        chain = EngineChain(engine, identity, contracts, plan.consensus, depth=settings.engine_depth)
        _await_finality(transactor, chain)
    finally:
        engine.close()
    for folder in (home.spool, home.segments, home.types):
        folder.mkdir()
    with App(settings, clock, sleep) as app:
        keep_documents(app, documents)
        keep_trust_documents(app, trusted.documents())
        app.indexing.run()
        app.trust.install(first_trust(app, plan.jurisdictions, plan.council, plan.threshold, plan.recognised))


def _make_authorities(home: Home, plan: Plan, now: int) -> dict[str, DemoAuthority | PkiMember]:
    if plan.pki:
        pki = DemoPki.create(home.authorities, now, free_port(), tuple(a.folder for a in plan.authorities))
        return {a.folder: PkiMember(pki, a.folder) for a in plan.authorities}
    return {
        a.folder: DemoAuthority.create(home.authorities / a.folder, a.name, a.algorithm, now, a.country)
        for a in plan.authorities
    }


def _time_stamping(authorities: Mapping[str, DemoAuthority | PkiMember]) -> dict[str, SettingValue]:
    """Where the ledger gets its time-stamps, as a setting."""
    members = [authorities.get(label) for label in TIME_STAMPING]
    urls = tuple(member.time_stamping_url for member in members if isinstance(member, PkiMember))
    return {"timestamp_urls": urls} if urls else {}


def _first_list(
    plan: Plan,
    accounts: dict[str, Account],
    home: Home,
    authorities: Mapping[str, DemoAuthority | PkiMember],
    maker: bytes | None,
) -> FirstList:
    """Council members speak for their jurisdiction before others. ``maker``: certificate (DER) of the seal maker."""
    first = sorted(plan.founders, key=lambda f: f.organisation not in plan.council)
    services = []
    for made in plan.authorities:
        provider, authority = made.provider or plan.operator, authorities[made.folder]
        services.append(described(made.folder, home.authority_root(made.folder), provider))
        if isinstance(authority, PkiMember) and made.folder in TIME_STAMPING:
            services.append(described(f"{made.folder}-tsa", authority.time_stamping, provider, ServiceType.TSA))
    if plan.seals is not None and maker is not None:
        services.append(described(plan.seals.maker_name, maker, plan.seals.maker, ServiceType.SEAL_MAKER))
    speakers = voices([(f.jurisdiction, f.organisation) for f in first], accounts)
    return FirstList(tuple(services), speakers, plan.recognised)


def _await_finality(transactor: Transactor, chain: EngineChain) -> None:
    """What the council did must be final before anyone relies on it. Raises UnavailableError CHAIN_NOT_FINAL."""
    last = transactor.node.head().number
    if transactor.until(lambda: True if chain.head()[0].block >= last else None) is None:
        raise UnavailableError("CHAIN_NOT_FINAL", block=last)


def _make_keys(keys: KeyStore, plan: Plan) -> dict[str, Account]:
    accounts = {}
    for organisation in dict.fromkeys([f.organisation for f in plan.founders] + list(plan.council)):
        keys.create(organisation, MAIN, "account")
        accounts[organisation] = keys.account(organisation, MAIN)
        keys.create_secret(organisation, MAIN, "approval")
    for number, organisation in enumerate(plan.council, 1):
        # a trust file's key ids are unique across the council, so each key carries its member's number
        keys.create(organisation, f"council-{number}", "council")
    return accounts


def _certify(keys: KeyStore, authority: DemoAuthority | PkiMember, founder: Founder, now: int, algorithm: str) -> bytes:
    spki = keys.create(founder.organisation, MAIN, "signing", algorithm)
    certificate = authority.certify(spki, founder.name, founder.organisation, now, CERTIFICATE_DAYS)
    keys.put_certificate(founder.organisation, MAIN, certificate)
    return certificate


def accreditations(founders: Sequence[Founder]) -> list[Accreditation]:
    """One document for each founder and kind, for every type of that kind."""
    return [
        Accreditation(f.organisation, kind, f.jurisdiction, (ANY,), "founding") for f in founders for kind in f.kinds
    ]


def founding_calls(
    contracts: Contracts,
    founders: Sequence[Founder],
    accounts: dict[str, Account],
    certificates: dict[str, bytes],
    documents: Sequence[Accreditation],
) -> list[CouncilCall]:
    """One proposal for everything: organisations, accounts, signing certificates, accreditations."""
    consortium = ConsortiumCalls(contracts.consortium)
    calls = [consortium.register(f.organisation) for f in founders]
    calls += [consortium.account(accounts[f.organisation].address, f.organisation) for f in founders]
    calls += [consortium.bind_signer(f.organisation, fingerprint(certificates[f.organisation])) for f in founders]
    calls += [consortium.accredit(d) for d in documents]
    return calls


def keep_documents(app: App, documents: Sequence[Accreditation]) -> None:
    """Store accreditation documents: the chain has only their digests, bundles carry them."""
    with app.store.begin() as unit:
        for document in documents:
            unit.chain.put_document(document.id(), document.to_bytes())


def keep_trust_documents(app: App, documents: Sequence[TrustDocument]) -> None:
    """Store what the trust list names by digest: the trust file is made from it."""
    with app.store.begin() as unit:
        for document in documents:
            unit.chain.put_document(document_id(document), document_bytes(document))
