"""What a new list of trust services would change, service by service, and the trust file with it applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ledger.core.trust import FORM, Trust
from ledger.core.trust_lists import Authority, DatedState, Recognition
from ledger.core.trust_services import ServiceStatus
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConflictError
from ledger.services.trust_lote import TrustedEntities

OTHERS = ("keys", "threshold", "chains", "policies", "compromisedSigners")
ADDED, CHANGED, REMOVED = "added", "changed", "removed"


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """``change``: added, changed or removed; ``fields``: what differs, before and after as in the trust file."""

    change: str
    certificate: bytes
    name: str
    fields: dict[str, tuple[Any, Any]]

    def to_json(self) -> dict[str, Any]:
        fields = {name: {"before": before, "after": after} for name, (before, after) in self.fields.items()}
        return {"change": self.change, "certificate": self.certificate.hex(), "name": self.name, "fields": fields}


def require_newer(found: TrustedEntities, before: TrustedEntities | None, now: int) -> None:
    """``before``: the list of this operator that was applied last.

    Raises:
        ConflictError: LOTE_ROLLBACK an older list, or another under the same number; LOTE_EXPIRED.
    """
    if before is not None and (
        found.sequence < before.sequence or (found.sequence == before.sequence and found != before)
    ):
        raise ConflictError("LOTE_ROLLBACK", sequence=found.sequence, stored=before.sequence)
    if now >= found.next_update:
        raise ConflictError("LOTE_EXPIRED", expires=found.next_update)


def applied(old: Trust, found: TrustedEntities, before: TrustedEntities | None, now: int) -> Trust:
    """``old`` with the services of the list and its territory's recognitions of them.

    A service that the operator's list before had and this one has no more is withdrawn as of ``now``, not struck out:
    what it signed until then is judged as before. A compromise is never taken back, nor dated later.
    """
    by_certificate = {fingerprint(a.certificate): a for a in old.authorities}
    for authority in found.authorities:
        name = fingerprint(authority.certificate)
        by_certificate[name] = _kept_compromise(authority, by_certificate.get(name))
    listed = {a.certificate for a in found.authorities}
    for gone in () if before is None else before.authorities:
        known = by_certificate.get(fingerprint(gone.certificate))
        if known is not None and gone.certificate not in listed:
            by_certificate[fingerprint(gone.certificate)] = _withdrawn(known, now)
    return replace(
        old,
        form=FORM,
        authorities=tuple(by_certificate.values()),
        recognitions=_recognitions(old.recognitions, found, now),
    )


def difference(old: Trust, new: Trust) -> list[ServiceChange]:
    """Service by service; recognitions stand with the service that they recognise."""
    before, after = _described(old), _described(new)
    found = []
    for certificate in sorted(before.keys() | after.keys()):
        one, other = before.get(certificate, {}), after.get(certificate, {})
        fields = {
            name: (one.get(name), other.get(name))
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        }
        if fields:
            change = ADDED if not one else REMOVED if not other else CHANGED
            if change == CHANGED and "states" in fields and _ends(other["states"]) and not _ends(one["states"]):
                change = REMOVED
            found.append(ServiceChange(change, certificate, (other or one)["name"], fields))
    return found


def other_changes(old: Trust, new: Trust) -> list[str]:
    """Members of the content that differ beside services and their recognitions: who signs, which chains and contracts
    are believed, what is asked for."""
    before, after = old.to_json(), new.to_json()
    return [name for name in OTHERS if before[name] != after[name]]


def _ends(states: list[dict[str, Any]]) -> bool:
    return bool(states[-1]["state"] == ServiceStatus.WITHDRAWN.word)


def _described(trust: Trust) -> dict[bytes, dict[str, Any]]:
    found = {}
    for authority in trust.authorities:
        told = authority.to_json(FORM)
        del told["certificate"]
        own = fingerprint(authority.certificate)
        told["recognitions"] = sorted(_in_words(r) for r in trust.recognitions if r.authority == own)
        found[own] = told
    return found


def _in_words(r: Recognition) -> str:
    return f"{r.jurisdiction} {r.purpose} {r.level} {r.since}–{'' if r.until is None else r.until} {r.reference}"


def _kept_compromise(authority: Authority, known: Authority | None) -> Authority:
    dates = [a.compromised_since for a in (authority, known) if a is not None and a.compromised_since is not None]
    return replace(authority, compromised_since=min(dates, default=None))


def _withdrawn(authority: Authority, now: int) -> Authority:
    if authority.states[-1].state == ServiceStatus.WITHDRAWN.word:
        return authority
    before = tuple(s for s in authority.states if s.since < now)
    return replace(authority, states=(*before, DatedState(ServiceStatus.WITHDRAWN.word, now)))


def _recognitions(old: Iterable[Recognition], found: TrustedEntities, now: int) -> tuple[Recognition, ...]:
    """Of the list's own territory and services those of the list, and what it no longer has ends ``now``: records from
    before are judged as before. All others stay."""
    services, said = {fingerprint(a.certificate) for a in found.authorities}, {_terms(r) for r in found.recognitions}
    kept = []
    for r in old:
        if r.authority not in services or r.jurisdiction.split("-")[0] != found.territory:
            kept.append(r)
        elif _terms(r) not in said:
            kept.append(r if r.until is not None and r.until <= now else replace(r, until=now))
    return (*kept, *found.recognitions)


def _terms(r: Recognition) -> tuple[str, bytes, str, int, str]:
    return r.jurisdiction, r.authority, r.purpose, r.level, r.reference
