"""The trust file's authorities by their keys: it is a key that is struck off or falls, not a certificate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ledger.core.trust_lists import Authority
from ledger.crypto.certificates import read_certificate
from ledger.errors import InputError


def struck(
    authorities: Sequence[Authority], services: Collection[str], certificates: Iterable[bytes], moment: int
) -> list[Authority]:
    """One authority for each key in ``certificates`` (DER) that is listed for one of ``services`` and was granted at
    ``moment`` (seconds UTC) under none of its certificates: it does not come back as somebody else's subordinate."""
    found: list[Authority] = []
    for key in (read_certificate(der).spki for der in certificates):
        listed = [a for a in authorities if a.service in services and _key(a) == key]
        if listed and not any(a.state_at(moment) == "granted" for a in listed):
            found.append(listed[0])
    return found


def compromised(authorities: Sequence[Authority], certificates: Iterable[bytes]) -> Iterator[tuple[Authority, int]]:
    """Authorities of any service with a key that stands in ``certificates`` (DER), and since when it has fallen."""
    keys = {read_certificate(der).spki for der in certificates}
    for authority in authorities:
        if authority.compromised_since is not None and _key(authority) in keys:
            yield authority, authority.compromised_since


def fallen_keys(authorities: Sequence[Authority]) -> frozenset[bytes]:
    """SubjectPublicKeyInfo (DER) of every authority known to be compromised, whatever its service and since when: what
    none but such a key dates, as a responder does its answers, it may have dated back."""
    keys = (_key(authority) for authority in authorities if authority.compromised_since is not None)
    return frozenset(key for key in keys if key is not None)


def _key(authority: Authority) -> bytes | None:
    try:
        return read_certificate(authority.certificate).spki
    except InputError:
        return None  # ends no path either
