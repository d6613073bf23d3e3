"""What a verifier asks for: tolerances of clocks, and which policy of the trust file applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.records import Record
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_lists import Policy, Recognition


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
    trust: Trust, authority: bytes, kind: Kind, jurisdiction: str | None, moment: int
) -> tuple[Recognition, ...]:
    """Recognitions of the CA (SHA-256 of its certificate) for records of ``kind``, current at ``moment``.

    A recognition by an enclosing jurisdiction counts (a national one holds in every province). Kinds without
    accreditation name no jurisdiction: where the relying party names none either, that of any jurisdiction
    counts.
    """
    names = enclosing(jurisdiction) if jurisdiction else None
    return tuple(
        r
        for r in trust.recognitions
        if r.authority == authority
        and r.purpose == kind.word
        and (names is None or r.jurisdiction in names)
        and r.since <= moment
        and (r.until is None or moment < r.until)
    )


def is_takeover(record: Record) -> bool:
    """Records taken over from an older system are read leniently: their ids were printed long ago."""
    return record.origin == "takenOver"


def _strictest(policies: Sequence[Policy]) -> Policy | None:
    if not policies:
        return None
    return Policy(
        jurisdiction=policies[0].jurisdiction,
        finality="bft" if any(p.finality == "bft" for p in policies) else "single",
        token="required" if any(p.token == "required" for p in policies) else "optional",  # noqa: S105 - a policy word
        revocation="final" if any(p.revocation == "final" for p in policies) else "provisional",
        level=max(p.level for p in policies),
    )
