"""What the council does for the trust list beside listing services: descriptions, qualifications, publication, and a
list for a ledger that was founded before there was one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger.assembly.app import App
from ledger.assembly.council_work import member, members_here
from ledger.assembly.founding import keep_trust_documents
from ledger.assembly.founding_trust import described, listing
from ledger.assembly.trust_work import listed, number_digest, qualify_call, snapshot
from ledger.assembly.trusting import with_listed
from ledger.chain.calls import CouncilCall
from ledger.chain.governance import Proposal
from ledger.chain.transactor import Transactor
from ledger.chain.trust_list import check_trust_list, deploy_trust_list
from ledger.core.trust_documents import QualificationDocument, ServiceDocument, document_id, read_trust_document
from ledger.core.trust_lists import Authority
from ledger.core.trust_services import ListedService, QualificationType, ServiceType
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, ConflictError, NotFoundError
from ledger.ports import Account
from ledger.services.operations import Act
from ledger.store.files import replace_file
from ledger.verification.blocks import find_chain


def describe(app: App, certificate: bytes, der: bytes | None, name: str) -> CouncilCall:
    """Another name for a service; what it is, and whose, never changes. ``der``: its certificate, where neither the
    trust file nor the description in force is here.

    Raises:
        NotFoundError: TRUST_LIST_NONE, TRUST_LIST_SERVICE_UNKNOWN, TRUST_LIST_CERTIFICATE_MISSING.
        ConflictError: RESTORE_UNAUDITED. InputError: SHAPE_….
    """
    app.permit()
    service = listed(app, certificate)
    found = der or _certificate(app, service)
    document = described(name, found, service.listing.provider, service.listing.service_type)
    keep_trust_documents(app, [document])
    return app.trust_list_calls.describe_service(certificate, document_id(document))


def _certificate(app: App, service: ListedService) -> bytes:
    for authority in app.trust.content().authorities:
        if fingerprint(authority.certificate) == service.certificate:
            return authority.certificate
    with app.store.read() as unit:
        kept = unit.chain.document(service.listing.document)
    document = None if kept is None else read_trust_document(kept)
    if isinstance(document, ServiceDocument) and fingerprint(document.certificate) == service.certificate:
        return document.certificate
    raise NotFoundError("TRUST_LIST_CERTIFICATE_MISSING", certificate=service.certificate.hex())


def qualify(app: App, qualification: QualificationDocument) -> CouncilCall:
    """Keep the document; the call that writes it down.

    Raises:
        NotFoundError: TRUST_LIST_NONE. ConflictError: RESTORE_UNAUDITED, TRUST_LIST_QUALIFICATION_KNOWN.
    """
    app.permit()
    if document_id(qualification) in {id_ for id_, _ in snapshot(app).qualifications}:
        raise ConflictError("TRUST_LIST_QUALIFICATION_KNOWN", number=qualification.number)
    keep_trust_documents(app, [qualification])
    return qualify_call(app.trust_list_calls, qualification)


def end_qualification(
    app: App, provider: str, number: str, type_: QualificationType | None = None, until: int = 0
) -> list[CouncilCall]:
    """End what the provider holds under this number (of ``type_`` only, where given); ``until`` 0: with the block that
    executes it.

    Raises:
        NotFoundError: TRUST_LIST_NONE, TRUST_LIST_QUALIFICATION_UNKNOWN for none that has not ended already.
    """
    now = int(app.clock())
    found = [
        id_
        for id_, q in snapshot(app).qualifications
        if (q.provider, q.number) == (provider, number_digest(number))
        and type_ in (None, q.qualification_type)
        and q.until > max(now, until)
    ]
    if not found:
        raise NotFoundError("TRUST_LIST_QUALIFICATION_UNKNOWN", id=number)
    return [app.trust_list_calls.end_qualification(id_, until) for id_ in found]


def publish(app: App) -> CouncilCall:
    """The fingerprint of the trust file in force, under its version, until it expires. Raises NotFoundError
    TRUST_LIST_NONE."""
    content = app.trust.content()
    return app.trust_list_calls.publish(content.version, content.fingerprint(), content.expires)


# ---- a list for a ledger that has none -----------------------------------------------------------------------------


def deploy(app: App, organisation: str | None, address: bytes | None) -> bytes:
    """The address of the trust list, which ``chain.json`` names from then on; ``address``: one that another member
    deployed already. Who opened the folder before must open it anew.

    A crash before ``chain.json`` is written leaves a contract to which nothing refers: deploy again. After that the
    list is found there, and only what is still missing is done. A list that the trust file names already is taken, and
    no other beside it.

    Raises:
        ConfigError: COUNCIL_NO_MEMBER_HERE; CHAIN_NOT_FOUND, CHAIN_CODE_DIFFERS for an address that holds no list of
            this council. ConflictError: TRUST_LIST_DEPLOYED for another one than is named already; RESTORE_UNAUDITED.
    """
    app.permit()
    contracts = app.chain_file.contracts
    known = contracts.trust_list or _pinned(app)
    if known is not None and address not in (None, known):
        raise ConflictError("TRUST_LIST_DEPLOYED", address="0x" + known.hex())
    if contracts.trust_list is not None:
        return contracts.trust_list
    address = known or address
    app.operations.require()
    app.chain.check()
    transactor = Transactor(app.engine, sleep=app.sleep, clock=app.clock, permit=app.permit)
    if address is None:
        address = deploy_trust_list(transactor, _deployer(app, organisation), contracts)
    else:
        check_trust_list(transactor, contracts, address)
    named = replace(app.chain_file, contracts=replace(contracts, trust_list=address))
    replace_file(app.home.chain_file, named.to_bytes())
    app.operations.record(Act("trust.deploy", organisation, address.hex(), None, None))
    return address


def _pinned(app: App) -> bytes | None:
    chain = find_chain(app.trust.content(), app.chain_file.identity)
    return chain.trust_list.address if chain is not None and chain.trust_list is not None else None


def _deployer(app: App, organisation: str | None) -> Account:
    """Whose account it is matters to nobody: the deployer has no right over the list."""
    if organisation is not None:
        return member(app, organisation)
    for account in members_here(app).values():
        return account
    raise ConfigError("COUNCIL_NO_MEMBER_HERE", organisation="–", known="–")


def missing(app: App) -> tuple[list[CouncilCall], list[str]]:
    """(calls that list what the trust file trusts now and the chain does not have, names of those left to ``trust
    add`` because the file does not say whose they are). What is withdrawn, suspended or compromised stays with the
    file: the chain would grant it anew.

    Raises ConflictError RESTORE_UNAUDITED.
    """
    app.permit()
    known = {s.certificate for s in snapshot(app).services}
    lacking = [a for a in app.trust.content().authorities if fingerprint(a.certificate) not in known]
    trusted = [a for a in lacking if _trusted(a, int(app.clock()))]
    documents = [
        described(a.name, a.certificate, a.provider, ServiceType.of_word(a.service, "service"))
        for a in trusted
        if a.provider is not None
    ]
    keep_trust_documents(app, documents)
    calls = [app.trust_list_calls.list_service(fingerprint(d.certificate), listing(d)) for d in documents]
    return calls, [a.name for a in trusted if a.provider is None]


def _trusted(authority: Authority, now: int) -> bool:
    return authority.state_at(now) == "granted" and authority.compromised_since is None


def pending(app: App, calls: Sequence[CouncilCall]) -> Proposal | None:
    """The proposal of exactly these calls that has not come to an end."""
    for number in range(app.council.count(), 0, -1):
        proposal = app.council.proposal(number)
        if not proposal.state.settled and proposal.calls == tuple(calls):
            return proposal
    return None


def is_ahead(app: App) -> bool:
    """Does the chain say more than the trust file, be it only where its list stands?"""
    content = app.trust.content()
    pinned = {c.trust_list for c in content.chains if c.identity == app.chain.identity}
    return pinned != {app.chain_file.contracts.trust_list_pin()} or with_listed(app, content) != content
