"""What the council does from this data folder: proposing, approving, executing, with the keys that lie here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ledger.assembly.adapters import MAIN
from ledger.assembly.app import App
from ledger.assembly.file_acts import install_trust, keys_logged
from ledger.assembly.founding import CERTIFICATE_DAYS, keep_documents
from ledger.assembly.trusting import renewed_trust
from ledger.chain.calls import OPEN_END, CouncilCall, describe
from ledger.chain.governance import Proposal, ProposalState
from ledger.core.accreditations import Accreditation
from ledger.core.registries import Kind
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, ConflictError, NotFoundError, ZhengyinError
from ledger.outside.demo_pki.member import choose_authority
from ledger.outside.key_material import DEFAULTS, algorithm_name
from ledger.ports import Account, AccreditationRow
from ledger.services.operations import Act


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An organisation to be added. ``authority``: folder of the test CA that certifies it, or ``certificate`` (DER) of
    a key that lies here already; ``kinds``: what it may anchor."""

    organisation: str
    name: str
    jurisdiction: str
    kinds: tuple[Kind, ...]
    authority: str | None = None
    certificate: bytes | None = None


def members_here(app: App) -> dict[str, Account]:
    """Council members whose account lies in this data folder, by organisation."""
    found: dict[str, Account] = {}
    for organisation, name in app.keys.held("account"):
        account = app.keys.account(organisation, name)
        try:
            found.setdefault(app.council.organisation_of(account.address), account)
        except NotFoundError:
            continue
    return found


def member(app: App, organisation: str | None) -> Account:
    """The account of the named member, or of the only one here.

    Raises:
        ConfigError: COUNCIL_NO_MEMBER_HERE, COUNCIL_MEMBER_NEEDED with those that there are.
    """
    here = members_here(app)
    if organisation is not None:
        if organisation not in here:
            raise ConfigError("COUNCIL_NO_MEMBER_HERE", organisation=organisation, known=", ".join(here) or "–")
        return here[organisation]
    if len(here) != 1:
        raise ConfigError("COUNCIL_MEMBER_NEEDED", known=", ".join(here) or "–")
    return next(iter(here.values()))


def decide(app: App, calls: Sequence[CouncilCall], organisation: str | None) -> Proposal:
    """Propose; approve by the named member, or by as many as are needed and lie here; execute if that is enough.

    Raises:
        ConfigError: COUNCIL_NO_MEMBER_HERE. ConflictError: RESTORE_UNAUDITED; CHAIN_REFUSED, also for what would only
        fail when executed.
    """
    app.permit()
    if organisation is not None:
        voices = [member(app, organisation)]
    else:
        voices = list(members_here(app).values())[: app.council.rules()["threshold"]]
    if not voices:
        raise ConfigError("COUNCIL_NO_MEMBER_HERE", organisation="–", known="–")
    if len(calls) == 1:  # of several, one may make the next possible
        app.council.check(calls[0])
    id_ = app.council.propose(voices[0], calls)
    with _logged(app, "council.propose", organisation, id_, None):
        for voice in voices:
            app.council.approve(voice, id_)
        if app.council.state(id_) in (ProposalState.WAITING, ProposalState.READY):
            _execute(app, voices[0], id_)
    return app.council.proposal(id_)


def speak(app: App, organisation: str | None, id_: int, veto: bool) -> Proposal:
    """Approve or veto as a member.

    Raises:
        NotFoundError: COUNCIL_PROPOSAL_UNKNOWN. ConfigError: as ``member``. ConflictError: RESTORE_UNAUDITED,
        CHAIN_REFUSED.
    """
    app.permit()
    before, account = app.council.proposal(id_), member(app, organisation)
    with _logged(app, "council.veto" if veto else "council.approve", organisation, id_, before):
        (app.council.veto if veto else app.council.approve)(account, id_)
    return app.council.proposal(id_)


def execute(app: App, organisation: str | None, id_: int) -> Proposal:
    """Wait out the delay, execute as the named member or as any that lies here, and take the result over into the
    index. Raises as ``speak``."""
    app.permit()
    before = app.council.proposal(id_)
    account = member(app, organisation or next(iter(members_here(app)), None))
    with _logged(app, "council.execute", organisation, id_, before):
        _execute(app, account, id_)
    return app.council.proposal(id_)


def _execute(app: App, account: Account, id_: int) -> None:
    app.council.wait_ready(id_)
    app.council.execute(account, id_)
    app.indexing.run()


@contextmanager
def _logged(app: App, act: str, organisation: str | None, id_: int, before: Proposal | None) -> Iterator[None]:
    """An entry in the log of operations for what is done inside, and also where only a part of it was done: the chain
    has that part."""
    try:
        yield
    except ZhengyinError:
        with suppress(ZhengyinError):
            _log(app, act, organisation, id_, before)
        raise
    _log(app, act, organisation, id_, before)


def _log(app: App, act: str, organisation: str | None, id_: int, before: Proposal | None) -> None:
    proposal = app.council.proposal(id_)
    after = _standing(proposal) | {"calls": call_names(app, proposal)}
    app.operations.record(Act(act, organisation, str(id_), _standing(before) if before else None, after))


def _standing(proposal: Proposal) -> dict[str, Any]:
    return {"state": proposal.state.name.lower(), "approvals": proposal.approvals, "vetoes": proposal.vetoes}


def call_names(app: App, proposal: Proposal) -> list[str]:
    """What the proposal calls: ``Contract.function``, with a question mark for what is not known here."""
    found = [describe(call, app.chain_file.contracts) for call in proposal.calls]
    return [f"{each.contract or '?'}.{each.function or '?'}" for each in found]


def add_organisation(app: App, newcomer: Newcomer) -> list[CouncilCall]:
    """Keys and certificate of a new organisation, its accreditation documents, and the calls that register it.

    Keys that are there already are used, so a proposal that was lost can be made again.

    Raises:
        ConflictError: ORGANISATION_EXISTS; RESTORE_UNAUDITED. ConfigError: KEYS_…, AUTHORITY_NONE.
    """
    app.permit()
    with app.store.read() as unit:
        if newcomer.organisation in {o for o, _, _ in unit.chain.organisations()}:
            raise ConflictError("ORGANISATION_EXISTS", organisation=newcomer.organisation)
    with keys_logged(app, "key.new", newcomer.organisation):
        if MAIN not in app.keys.names(newcomer.organisation, "account"):
            app.keys.create(newcomer.organisation, MAIN, "account")
        if not any(app.keys.names(newcomer.organisation, "approval")):
            app.keys.create_secret(newcomer.organisation, MAIN, "approval")
        certificate = newcomer.certificate or certify(
            app, newcomer.organisation, newcomer.name, MAIN, newcomer.authority
        )
    address = app.keys.account(newcomer.organisation, MAIN).address
    documents = [
        Accreditation(newcomer.organisation, kind, newcomer.jurisdiction, ("*",), "council") for kind in newcomer.kinds
    ]
    keep_documents(app, documents)
    return [
        app.consortium.register(newcomer.organisation),
        app.consortium.account(address, newcomer.organisation),
        app.consortium.bind_signer(newcomer.organisation, fingerprint(certificate)),
        *(app.consortium.accredit(d) for d in documents),
    ]


def certify(
    app: App,
    organisation: str,
    name: str,
    key: str,
    authority: str | None,
    purpose: str = "signing",
    algorithm: str | None = None,
) -> bytes:
    """The certificate (DER) of a signing key, made with its key (``algorithm``) where there is none yet, by a test CA
    of this folder: the one named, or one for such keys.

    Raises:
        ConfigError, before there is a key: AUTHORITY_NONE with those that there are; KEYS_TEST_CA for a key that they
            do not certify.
    """
    try:
        return app.keys.signing(organisation, key, purpose).certificate
    except NotFoundError:
        pass
    known = [folder for folder in app.home.authority_folders() if (folder / "keys").is_dir()]
    folders = [folder for folder in known if authority in (None, folder.name)]
    if not folders:
        raise ConfigError("AUTHORITY_NONE", known=", ".join(folder.name for folder in known) or "–")
    try:
        spki = app.keys.public(organisation, key, purpose)  # a key that a crash, or a CA, left without certificate
        issuer = choose_authority(folders, algorithm_name(spki))
    except NotFoundError:
        chosen = algorithm or DEFAULTS[purpose]
        issuer = choose_authority(folders, chosen)
        spki = app.keys.create(organisation, key, purpose, chosen)
    certificate = issuer.certify(spki, name, organisation, int(app.clock()), CERTIFICATE_DAYS)
    app.keys.put_certificate(organisation, key, certificate, purpose)
    return certificate


def accredit(app: App, document: Accreditation, until: int | None) -> list[CouncilCall]:
    """Keep the document and return the call that accredits. Raises ConflictError RESTORE_UNAUDITED."""
    app.permit()
    keep_documents(app, [document])
    return [app.consortium.accredit(document, until=OPEN_END if until is None else until)]


def current_accreditations(app: App, organisation: str, kind: Kind) -> list[AccreditationRow]:
    """Raises NotFoundError ACCREDITATION_UNKNOWN if the organisation has none of the kind now."""
    now = int(app.clock())
    with app.store.read() as unit:
        rows = [r for r in unit.chain.accreditations(organisation) if r.kind is kind and r.since <= now < r.until]
    if not rows:
        raise NotFoundError("ACCREDITATION_UNKNOWN", organisation=organisation, kind=kind.word)
    return rows


def renew_trust(app: App, jurisdictions: Sequence[str]) -> bool:
    """Take new jurisdictions and authorities over into the trust file; ``False`` where other members must sign it."""
    file = renewed_trust(app, jurisdictions)
    if len(file.signatures) < file.content.threshold:
        return False
    install_trust(app, file)
    return True
