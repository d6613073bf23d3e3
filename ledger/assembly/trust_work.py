"""What is done to the trust list from this data folder: proposals of the council, and a jurisdiction's own acts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ledger.assembly.app import App
from ledger.assembly.founding import keep_trust_documents
from ledger.assembly.founding_trust import listing
from ledger.chain.calls import OPEN_END, CouncilCall
from ledger.chain.trust_list_calls import TrustListCalls
from ledger.core.registries import Permission
from ledger.core.trust_documents import Agreement, QualificationDocument, ServiceDocument, document_id
from ledger.core.trust_lists import Authority
from ledger.core.trust_services import (
    ListedService,
    RecognitionTerms,
    ServiceStatus,
    ServiceType,
    TrustSnapshot,
    purpose_number,
    purpose_word,
)
from ledger.crypto.certificate_facts import is_authority
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError, ZhengyinError
from ledger.ports import Account
from ledger.services.operations import Act


def snapshot(app: App) -> TrustSnapshot:
    """Raises NotFoundError TRUST_LIST_NONE."""
    found = app.chain.trust_list()
    if found is None:
        raise NotFoundError("TRUST_LIST_NONE")
    return found


def listed(app: App, certificate: bytes) -> ListedService:
    """``certificate``: SHA-256 of its DER. Raises NotFoundError TRUST_LIST_NONE, TRUST_LIST_SERVICE_UNKNOWN."""
    for service in snapshot(app).services:
        if service.certificate == certificate:
            return service
    raise NotFoundError("TRUST_LIST_SERVICE_UNKNOWN", certificate=certificate.hex())


def add(app: App, service: ServiceDocument, qualifications: Sequence[QualificationDocument]) -> list[CouncilCall]:
    """Keep the documents; the calls that list the service and write down what its provider holds.

    Raises:
        ConflictError: TRUST_LIST_SERVICE_KNOWN; RESTORE_UNAUDITED. InputError: CERTIFICATE_SYNTAX;
            TRUST_LIST_NO_AUTHORITY: under the certificate of an office, listed as a CA, nothing could ever pass.
        NotFoundError: TRUST_LIST_NONE.
    """
    app.permit()
    known, calls = snapshot(app), app.trust_list_calls
    if service.service is ServiceType.CA and not is_authority(service.certificate):
        raise InputError("TRUST_LIST_NO_AUTHORITY", certificate=fingerprint(service.certificate).hex())
    if fingerprint(service.certificate) in {s.certificate for s in known.services}:
        raise ConflictError("TRUST_LIST_SERVICE_KNOWN", certificate=fingerprint(service.certificate).hex())
    keep_trust_documents(app, [service, *qualifications])
    written = {id_ for id_, _ in known.qualifications}
    return [
        calls.list_service(fingerprint(service.certificate), listing(service)),
        # of a provider's second service: the chain has it
        *(qualify_call(calls, q) for q in qualifications if document_id(q) not in written),
    ]


def qualify_call(calls: TrustListCalls, q: QualificationDocument) -> CouncilCall:
    until = OPEN_END if q.until is None else q.until
    return calls.qualify(document_id(q), q.provider, q.type, number_digest(q.number), q.since, until)


def number_digest(number: str) -> bytes:
    """How the chain keeps the number of a qualification."""
    return hashlib.sha256(number.encode()).digest()


def set_status(app: App, certificate: bytes, status: ServiceStatus) -> CouncilCall:
    """A suspension is urgent: the council's delay does not hold it up. Raises as `listed`."""
    listed(app, certificate)
    if status is ServiceStatus.SUSPENDED:
        return app.trust_list_calls.bar(certificate)
    return app.trust_list_calls.status(certificate, status)


def compromise(app: App, certificate: bytes, since: int) -> CouncilCall:
    """The key of this certificate, and with it every certificate of that key. Raises as `listed`."""
    return app.trust_list_calls.compromise_key(listed(app, certificate).listing.key, since)


def appoint(app: App, jurisdiction: str, organisation: str) -> CouncilCall:
    """Let the organisation's account write the jurisdiction's recognitions.

    Raises:
        ConfigError: ACCOUNT_NONE. NotFoundError: TRUST_LIST_NONE.
    """
    snapshot(app)
    with app.store.read() as unit:
        able = [a.account for a in unit.chain.accounts(organisation) if a.permissions & Permission.RELATE]
    if not able:
        raise ConfigError("ACCOUNT_NONE", organisation=organisation, permission=Permission.RELATE.name.lower())
    return app.trust_list_calls.authority(jurisdiction, able[0])


def recognise(
    app: App, agreement: Agreement, certificate: bytes, purposes: Sequence[str], level: int, window: tuple[int, int]
) -> list[RecognitionTerms]:
    """By the account that the council appointed for the jurisdiction, and by no other.

    ``window``: from (0: the block that writes it) and until, seconds UTC. Returns what was written.

    Raises:
        ConfigError: TRUST_LIST_NOT_OURS. ConflictError: CHAIN_REFUSED; RESTORE_UNAUDITED.
        NotFoundError: TRUST_LIST_NONE, TRUST_LIST_SERVICE_UNKNOWN, TRUST_LIST_AUTHORITY_UNKNOWN.
        InputError: REGISTRY_UNKNOWN for a purpose.
    """
    app.permit()
    listed(app, certificate)
    account, organisation = _voice(app, agreement.jurisdiction)
    terms = _terms(agreement, certificate, purposes, level)
    app.operations.require()
    keep_trust_documents(app, [agreement])
    for one in terms:
        app.trust_list.check_recognise(account, one, *window)
    try:
        app.trust_list.recognise_each(account, terms, *window)
    except ZhengyinError:
        with suppress(ZhengyinError):  # the part that was done is entered as well
            _log(app, "trust.recognise", organisation, [one for one in terms if _written(app, one)], window)
        raise
    _log(app, "trust.recognise", organisation, terms, window)
    return terms


def end_recognition(
    app: App, agreement: Agreement, certificate: bytes, purposes: Sequence[str], level: int, until: int
) -> list[RecognitionTerms]:
    """``until`` 0: the block that writes it. Raises as `recognise`."""
    app.permit()
    account, organisation = _voice(app, agreement.jurisdiction)
    terms = _terms(agreement, certificate, purposes, level)
    app.operations.require()
    for one in terms:
        app.trust_list.end_recognition(account, one, until)
        _log(app, "trust.unrecognise", organisation, [one], (0, until))
    return terms


def _terms(agreement: Agreement, certificate: bytes, purposes: Sequence[str], level: int) -> list[RecognitionTerms]:
    if not purposes:
        raise InputError("REGISTRY_UNKNOWN", path="--purpose", registry="kind")
    return [
        RecognitionTerms(
            agreement.jurisdiction, certificate, purpose_number(p, "--purpose"), level, document_id(agreement)
        )
        for p in dict.fromkeys(purposes)
    ]


def _voice(app: App, jurisdiction: str) -> tuple[Account, str]:
    """The account that writes the jurisdiction's recognitions, if its key lies here, and its organisation."""
    address, organisation = app.trust_list.authority(jurisdiction)
    for holder, name in app.keys.held("account"):
        if (account := app.keys.account(holder, name)).address == address:
            return account, organisation
    raise ConfigError("TRUST_LIST_NOT_OURS", jurisdiction=jurisdiction, organisation=organisation)


def _written(app: App, terms: RecognitionTerms) -> bool:
    try:
        app.trust_list.recognition(terms)
    except NotFoundError:
        return False
    return True


def _log(app: App, act: str, organisation: str, terms: Sequence[RecognitionTerms], window: tuple[int, int]) -> None:
    for one in terms:
        after = {
            "jurisdiction": one.jurisdiction,
            "agreement": one.agreement.hex(),
            "purpose": purpose_word(one.purpose),
            "level": one.level,
            "from": window[0],
            "until": window[1],
        }
        app.operations.record(Act(act, organisation, one.certificate.hex(), None, after))


def found(app: App, text: str) -> bytes:
    """SHA-256 of the certificate of the one service of chain or trust file that goes by this name, or whose digest
    begins so (eight hexadecimal digits at least). Raises NotFoundError TRUST_LIST_SERVICE_UNNAMED for none, or
    several."""
    trust, chain = app.trust.content(), app.chain.trust_list()
    names = {fingerprint(a.certificate): a.name for a in trust.authorities}
    names |= {s.certificate: names.get(s.certificate, "") for s in (chain.services if chain else ())}
    begins = text.lower() if len(text) >= 8 else None
    chosen = [d for d, name in names.items() if name == text or (begins and d.hex().startswith(begins))]
    if len(chosen) != 1:
        raise NotFoundError("TRUST_LIST_SERVICE_UNNAMED", found=len(chosen))
    return chosen[0]


def described(app: App) -> list[dict[str, Any]]:
    """Every service of the trust file in force and of the chain: what either says of it."""
    trust, chain = app.trust.content(), app.chain.trust_list()
    services = {s.certificate: s for s in chain.services} if chain else {}
    ours = {fingerprint(a.certificate): a for a in trust.authorities}
    found = []
    for certificate in dict.fromkeys([*ours, *services]):
        authority, service = ours.get(certificate), services.get(certificate)
        recognised = [
            {key: value for key, value in r.to_json().items() if key != "authority"}
            for r in sorted(trust.recognitions, key=lambda r: (r.jurisdiction, r.purpose, r.level, r.since))
            if r.authority == certificate and (r.until is None or r.until > app.clock())
        ]
        found.append(
            {
                "certificate": certificate.hex(),
                "file": None if authority is None else _in_file(authority, int(app.clock())),
                "chain": None if service is None else _on_chain(service),
                "recognised": recognised,
            }
        )
    return found


def _in_file(authority: Authority, now: int) -> dict[str, Any]:
    told = authority.to_json(2)
    del told["certificate"]
    return told | {"state": authority.state_at(now)}


def _on_chain(service: ListedService) -> dict[str, Any]:
    return {
        "service": service.listing.service_type.word,
        "provider": service.listing.provider,
        "state": service.statuses[-1].status.word,
        "states": [{"state": s.status.word, "since": s.since} for s in service.statuses],
        "compromisedSince": service.compromised_since,
    }
