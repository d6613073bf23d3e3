"""The trust file from what the chain's trust list says: the file outranks the chain, so nothing of it is undone.

What the file says stays. From the chain come services and recognitions that the file does not have, later statuses,
earlier compromises and earlier ends. Dates of the chain never lie before the block that wrote them, so a file may
grant from earlier on; that is the council's to sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ledger.core.accreditations import JURISDICTION
from ledger.core.identifiers import organisation_id
from ledger.core.trust import FORM, Trust
from ledger.core.trust_documents import (
    QualificationDocument,
    ServiceDocument,
    TrustDocument,
    agreement_reference,
    read_trust_document,
)
from ledger.core.trust_lists import Authority, DatedState, ProviderQualification, Recognition
from ledger.core.trust_services import ListedRecognition, ListedService, TrustSnapshot, purpose_word
from ledger.crypto.certificates import fingerprint
from ledger.errors import InputError

Documents = Callable[[bytes], bytes | None]
"""The bytes of a document by its digest; ``None`` where it is not kept here."""
Qualified = dict[str | None, tuple[ProviderQualification, ...]]
OPEN_END = 2**40 - 1
"""How the contract writes an end that is open (seconds UTC)."""


def merged(old: Trust, snapshot: TrustSnapshot, documents: Documents) -> Trust:
    """``old`` in the newest form, with what the chain adds; version, dates and keys are the caller's.

    A service whose description is not kept here is left out: without its certificate nobody could verify anything.

    Raises:
        InputError: TRUST_AUTHORITY_REPEATED for an old file that lists a certificate twice: which of them holds is the
        council's to say.
    """
    by_certificate = {fingerprint(a.certificate): a for a in old.authorities}
    if len(by_certificate) < len(old.authorities):
        raise InputError("TRUST_AUTHORITY_REPEATED", path="trust.authorities")
    qualified, names = _qualifications(snapshot, documents), _names(snapshot, documents)
    for service in snapshot.services:
        known = by_certificate.get(service.certificate)
        if known is not None:
            made = _continued(known, service, old.form)
            if known.name in names.get(service.certificate, ()) and (newest := _service(documents, service)):
                made = replace(made, name=newest.name)  # it was the chain's before; one of the file's own stays
        elif (description := _service(documents, service)) is not None:
            made = _authority(service, description)
        else:
            continue
        held = _held(made.qualifications, qualified.get(made.provider, ()))
        by_certificate[service.certificate] = replace(made, qualifications=held)
    return replace(
        old,
        form=FORM,
        authorities=tuple(by_certificate.values()),
        recognitions=_recognitions(old.recognitions, snapshot.recognitions, set(by_certificate), documents),
    )


def _names(snapshot: TrustSnapshot, documents: Documents) -> dict[bytes, set[str]]:
    """Every name that a description on chain ever gave to a service, by the SHA-256 of its certificate."""
    found: dict[bytes, set[str]] = {}
    for digest in snapshot.documents:
        document = _read(documents, digest)
        if isinstance(document, ServiceDocument):
            found.setdefault(fingerprint(document.certificate), set()).add(document.name)
    return found


def _authority(service: ListedService, description: ServiceDocument) -> Authority:
    return Authority(
        name=description.name,
        certificate=description.certificate,
        states=_states(service),
        compromised_since=service.compromised_since,
        service=service.listing.service_type.word,
        provider=_organisation(service.listing.provider),
    )


def _continued(known: Authority, service: ListedService, form: int) -> Authority:
    """What the file says of it, with the chain's statuses among its own by date. An old file (form 1) does not say what
    a service does, nor whose it is."""
    compromised = [c for c in (known.compromised_since, service.compromised_since) if c is not None]
    return replace(
        known,
        states=_without_repetition({s.since: s for s in (*_states(service), *known.states)}.values()),
        compromised_since=min(compromised, default=None),
        provider=known.provider or _organisation(service.listing.provider),
        service=known.service if form > 1 else service.listing.service_type.word,
    )


def _states(service: ListedService) -> tuple[DatedState, ...]:
    """Of two statuses in one block the later one holds."""
    newest = {s.since: DatedState(s.status.word, s.since) for s in service.statuses}
    return _without_repetition(newest.values())


def _without_repetition(states: Iterable[DatedState]) -> tuple[DatedState, ...]:
    kept: list[DatedState] = []
    for state in sorted(states, key=lambda s: s.since):
        if not kept or kept[-1].state != state.state:
            kept.append(state)
    return tuple(kept)


def _qualifications(
    snapshot: TrustSnapshot, documents: Documents
) -> dict[str | None, tuple[ProviderQualification, ...]]:
    found: dict[str | None, list[ProviderQualification]] = {}
    for id_, listed in snapshot.qualifications:
        document = _read(documents, id_)
        number, since = listed.number.hex(), listed.since
        if isinstance(document, QualificationDocument):
            number, since = document.number, document.since  # it may have been given before the chain knew of it
        until = None if listed.until >= OPEN_END else listed.until
        if until is not None and until <= since:
            continue  # ended before it began
        made = ProviderQualification(listed.qualification_type.word, number, since, until)
        found.setdefault(_organisation(listed.provider), []).append(made)
    return {provider: tuple(of) for provider, of in found.items()}


def _held(
    old: Iterable[ProviderQualification], listed: Iterable[ProviderQualification]
) -> tuple[ProviderQualification, ...]:
    """By type, number and beginning; the earlier of two ends holds."""
    found: dict[tuple[str, str, int], ProviderQualification] = {}
    for q in (*old, *listed):
        ends = [u for u in (q.until, found[_name(q)].until if _name(q) in found else None) if u is not None]
        found[_name(q)] = replace(q, until=min(ends, default=None))
    return tuple(found.values())


def _name(q: ProviderQualification) -> tuple[str, str, int]:
    return q.type, q.number, q.since


def _recognitions(
    old: Iterable[Recognition], listed: Iterable[ListedRecognition], known: set[bytes], documents: Documents
) -> tuple[Recognition, ...]:
    """Those of the file, which on chain may have ended since, then those that the file has not."""
    on_chain = {_terms(r): r for r in (_recognition(entry, documents) for entry in listed)}
    kept = [_ended(r, on_chain.get(_terms(r))) for r in old]
    terms = {_terms(r) for r in kept}
    return (
        *kept,
        *(
            r
            for name, r in on_chain.items()
            if name not in terms
            and r.authority in known
            and JURISDICTION.fullmatch(r.jurisdiction)
            and (r.until is None or r.until > r.since)
        ),
    )


def _ended(r: Recognition, on_chain: Recognition | None) -> Recognition:
    """The earlier end of two holds."""
    ends = [one.until for one in (r, on_chain) if one is not None and one.until is not None]
    return replace(r, until=min(ends, default=None))


def _recognition(entry: ListedRecognition, documents: Documents) -> Recognition:
    terms = entry.terms
    reference = agreement_reference(terms.agreement, _read(documents, terms.agreement))
    until = None if entry.until >= OPEN_END else entry.until
    purpose = purpose_word(terms.purpose)
    return Recognition(terms.jurisdiction, terms.certificate, purpose, terms.level, entry.since, until, reference)


def _terms(r: Recognition) -> tuple[str, bytes, str, int, str]:
    return r.jurisdiction, r.authority, r.purpose, r.level, r.reference


def _service(documents: Documents, service: ListedService) -> ServiceDocument | None:
    document = _read(documents, service.listing.document)
    if isinstance(document, ServiceDocument) and fingerprint(document.certificate) == service.certificate:
        return document
    return None


def _read(documents: Documents, digest: bytes) -> TrustDocument | None:
    data = documents(digest)
    try:
        return None if data is None else read_trust_document(data)
    except InputError:
        return None


def _organisation(provider: str) -> str | None:
    try:
        return organisation_id(provider)
    except InputError:
        return None
