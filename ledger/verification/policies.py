"""What a verifier asks for: tolerances of clocks, and which policy of the trust file applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.records import Record
from ledger.core.registries import Kind
from ledger.core.trust import FORM, Trust
from ledger.core.trust_lists import TOKENS, Policy, Recognition
from ledger.errors import InputError


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Bounds of the clocks, all in seconds.

    ``clock_skew``: how far two honest clocks may differ; ``late``: longest usual way from closing a batch to
    its anchor, beyond which the report says so; ``freshness``: greatest age at which a state speaks for
    "now".
    """

    clock_skew: int = 120
    late: int = 24 * 3600
    freshness: int = 300


TOLERANCES = Tolerances()
_TOKENS = TOKENS[FORM]


def enclosing(jurisdiction: str) -> tuple[str, ...]:
    """The jurisdiction and those around it, nearest first: ``CN-ZJ-HZ``, ``CN-ZJ``, ``CN``."""
    parts = jurisdiction.split("-")
    return tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1))


def policy_for(trust: Trust, jurisdiction: str | None) -> Policy | None:
    """The policy of the nearest enclosing jurisdiction; ``None`` where the file has none for it.

    Where no jurisdiction is named, the strictest answer of all policies to each question: leaving out who
    asks must never make an answer milder.
    """
    if jurisdiction is None:
        return _strictest(trust.policies)
    by_name: dict[str, list[Policy]] = {}
    for policy in trust.policies:
        by_name.setdefault(policy.jurisdiction, []).append(policy)
    for name in enclosing(jurisdiction):
        if name in by_name:
            return _strictest(by_name[name])
    return None


def recognitions_for(
    trust: Trust, authority: bytes, purpose: Kind | str, jurisdiction: str | None, moment: int
) -> tuple[Recognition, ...]:
    """Recognitions of the CA (SHA-256 of its certificate) for records of a kind, or for another purpose by its word
    (``identity``), current at ``moment``.

    A recognition by an enclosing jurisdiction counts (a national one holds in every province). Kinds without
    accreditation name no jurisdiction: where the relying party names none either, that of any jurisdiction
    counts.
    """
    found = _at_any_time(trust, authority, _word(purpose), jurisdiction)
    return tuple(r for r in found if r.since <= moment and (r.until is None or moment < r.until))


def require_recognised(
    trust: Trust, authority: bytes, purpose: Kind | str, jurisdiction: str | None, level: int | None, moment: int
) -> Recognition:
    """Of ``recognitions_for`` the one of the highest level, at least ``level``.

    Raises:
        InputError: ``PATH_NOT_RECOGNISED`` never; ``PATH_RECOGNITION_ENDED``, ``PATH_RECOGNISED_LATER`` at another
            time, with the day; ``PATH_LEVEL_TOO_LOW``.
    """
    values = {"kind": _word(purpose), "jurisdiction": jurisdiction, "authority": authority.hex()}
    current = recognitions_for(trust, authority, purpose, jurisdiction, moment)
    if current:
        best = max(current, key=lambda r: r.level)
        if level is not None and best.level < level:
            raise InputError("PATH_LEVEL_TOO_LOW", level=best.level, wanted=level, **values)
        return best
    others = _at_any_time(trust, authority, _word(purpose), jurisdiction)
    ended = [r.until for r in others if r.until is not None and r.until <= moment]
    if ended:
        raise InputError("PATH_RECOGNITION_ENDED", until=max(ended), at=moment, **values)
    if others:
        raise InputError("PATH_RECOGNISED_LATER", since=min(r.since for r in others), at=moment, **values)
    raise InputError("PATH_NOT_RECOGNISED", **values)


def _at_any_time(trust: Trust, authority: bytes, word: str, jurisdiction: str | None) -> list[Recognition]:
    names = None if jurisdiction is None else enclosing(jurisdiction)
    return [
        r
        for r in trust.recognitions
        if r.authority == authority and r.purpose == word and (names is None or r.jurisdiction in names)
    ]


def _word(purpose: Kind | str) -> str:
    return purpose.word if isinstance(purpose, Kind) else purpose


def is_takeover(record: Record) -> bool:
    """Records taken over from an older system are read leniently: their ids were printed long ago."""
    return record.origin == "takenOver"


def _strictest(policies: Sequence[Policy]) -> Policy | None:
    if not policies:
        return None
    return Policy(
        jurisdiction=policies[0].jurisdiction,
        finality="bft" if any(p.finality == "bft" for p in policies) else "single",
        token=max((p.token for p in policies), key=_TOKENS.index),
        revocation="final" if any(p.revocation == "final" for p in policies) else "provisional",
        level=max(p.level for p in policies),
    )
