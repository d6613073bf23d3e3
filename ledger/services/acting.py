"""Who may act on whose records, and which acts stand: read from the index. The contracts decide; this tells before
anything is signed, and says afterwards who did what when."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from ledger.core.identifiers import actor_from_bytes32, organisation_from_bytes32
from ledger.core.registries import Kind, Relation
from ledger.errors import ConflictError, InputError
from ledger.ports import AccreditationRow, ChainAct, OrganisationEvent, Unit

NOTHING = bytes(32)


class RecordsAct(Enum):
    """An act on records that is no change of status, by its word in rows and commands. That of a relation is the
    relation's own."""

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    ANNUL = "annul"
    DISOWN = "disown"
    COUNTERSIGN = Relation.COUNTERSIGNS.word
    TAKE_CUSTODY = Relation.TAKES_CUSTODY_OF.word
    DECIDE = Relation.DECIDES_ON.word

    @property
    def by_court(self) -> bool:
        return self in (RecordsAct.FREEZE, RecordsAct.UNFREEZE)

    @property
    def relation(self) -> Relation | None:
        """What is said of the record, where the act does no more than say it."""
        return Relation.of_word(self.value, "act") if self in _KINDS else None

    @property
    def kind(self) -> Kind:
        """Of the signed record that states it."""
        return _KINDS.get(self, Kind.STATUS)

    @property
    def done(self) -> str:
        """The event that says so."""
        return _DONE.get(self, RELATED)

    @property
    def proposed(self) -> str | None:
        """The event of the first of two."""
        return _PROPOSED.get(self)

    @property
    def states(self) -> str:
        """Word under ``state`` in the statement; of a relation, the word in its reference."""
        return _STATES.get(self, self.value)


RELATED = "Related"
_KINDS = {
    RecordsAct.COUNTERSIGN: Kind.COUNTERSIGNATURE,
    RecordsAct.TAKE_CUSTODY: Kind.CUSTODY,
    RecordsAct.DECIDE: Kind.DECISION,
}
RELATING = tuple(_KINDS)
"""The acts that say a relation."""
STATEMENT_KINDS = (Kind.STATUS, *_KINDS.values())

_DONE = {
    RecordsAct.FREEZE: "Frozen",
    RecordsAct.UNFREEZE: "Unfrozen",
    RecordsAct.ANNUL: "Annulled",
    RecordsAct.DISOWN: "Disowned",
}
_PROPOSED = {RecordsAct.ANNUL: "AnnulmentProposed", RecordsAct.DISOWN: "DisownmentProposed"}
_STATES = {
    RecordsAct.FREEZE: "frozen",
    RecordsAct.UNFREEZE: "unfrozen",
    RecordsAct.ANNUL: "active",
    RecordsAct.DISOWN: "disowned",
}
# event: names of subject, actor and second among its values
_ON_RECORDS = {
    "Frozen": ("leaf", "court", None),
    "Unfrozen": ("leaf", "court", None),
    "FreezeRefused": ("leaf", "frozenBy", None),
    "AnnulmentProposed": ("leaf", "organisation", None),
    "Annulled": ("leaf", "first", "second"),
    "DisownmentProposed": ("root", "organisation", None),
    "Disowned": ("root", "first", "second"),
}
_RELATIONS = {"Succeeded": ("from", "to"), "SuperiorSet": ("organisation", "superior")}


def indexed(block: int, position: int, time: int, event: object) -> ChainAct | None:
    """The row of an event; ``None`` for other events, and where the council named an issuer that is no organisation."""
    if not isinstance(event, OrganisationEvent):
        return None
    v = event.values
    try:
        if event.name in _ON_RECORDS:
            subject, actor, second = _ON_RECORDS[event.name]
            issuer = organisation_from_bytes32(v["issuer"])
            with_ = actor_from_bytes32(v[second]) if second else ""
            who = actor_from_bytes32(v[actor])
            return ChainAct(block, position, time, event.name, issuer, v[subject], v["statement"], who, with_)
        if event.name == RELATED:
            # the event names no issuer: whose leaf the target is, nobody had to prove
            who = organisation_from_bytes32(v["organisation"])
            target, said = v["target"], v["statement"]
            return ChainAct(block, position, time, RELATED, "", target, said, who, relation=v["relation"])
        if event.name in _RELATIONS:
            whose, to = (v[name] for name in _RELATIONS[event.name])
            other = actor_from_bytes32(to) if to != NOTHING else ""
            named = organisation_from_bytes32(whose)
            return ChainAct(block, position, time, event.name, named, NOTHING, NOTHING, other)
    except InputError:
        return None
    return None


def successor(unit: Unit, organisation: str) -> str | None:
    found = [a.actor for a in unit.chain_acts.of_organisation(organisation) if a.event == "Succeeded"]
    return found[-1] if found else None


def superior(unit: Unit, organisation: str) -> str | None:
    found = [a.actor for a in unit.chain_acts.of_organisation(organisation) if a.event == "SuperiorSet"]
    return (found[-1] or None) if found else None


def heir(unit: Unit, organisation: str) -> str:
    """Who stands for the organisation today. An organisation and its successor are one, where two are needed."""
    return successor(unit, organisation) or organisation


def freeze_accreditation(unit: Unit, organisation: str, now: int) -> AccreditationRow | None:
    """What makes the organisation a court now."""
    rows = unit.chain.accreditations(organisation)
    return next((r for r in rows if r.kind is Kind.FREEZE and r.since <= now < r.until), None)


def accredited(unit: Unit, organisation: str, kind: Kind, now: int) -> bool:
    """May the organisation anchor records of that kind now?"""
    rows = unit.chain.accreditations(organisation)
    return any(r.kind is kind and r.since <= now < r.until for r in rows)


def capacities(unit: Unit, actor: str, issuer: str, now: int) -> list[str]:
    """As what ``actor`` acts on records of ``issuer``: issuer, successor, superior, court; nearest first."""
    found = {
        "issuer": actor == issuer,
        "successor": actor == successor(unit, issuer),
        "superior": actor == superior(unit, issuer),
        "court": freeze_accreditation(unit, actor, now) is not None,
    }
    return [role for role, held in found.items() if held]


def require_capacity(unit: Unit, actor: str, issuer: str, now: int, allowed: Sequence[str]) -> str:
    """Raises ConflictError ACT_NOT_ENTITLED unless ``actor`` acts as one of ``allowed``."""
    found = [role for role in capacities(unit, actor, issuer, now) if role in allowed]
    if not found:
        raise ConflictError("ACT_NOT_ENTITLED", organisation=actor, issuer=issuer, allowed=", ".join(allowed))
    return found[0]


def seconds(unit: Unit, issuer: str, first: str, now: int) -> list[tuple[str, str]]:
    """(organisation, capacity) of those who may confirm what ``first`` began; the council may always, as well.

    An organisation and its successor are one and cannot second each other.
    """
    courts = [r.organisation for r in unit.chain.accreditations() if r.kind is Kind.FREEZE]
    offered = [issuer, successor(unit, issuer), superior(unit, issuer), *courts]
    barred = {name for name, _, is_barred in unit.chain.organisations() if is_barred}
    own, found = heir(unit, first), {}
    for name in offered:
        if name is None or name in barred or heir(unit, name) == own:
            continue
        if roles := capacities(unit, name, issuer, now):
            found[name] = roles[0]
    return list(found.items())


def waiting(unit: Unit, act: RecordsAct, issuer: str, subject: bytes) -> list[ChainAct]:
    """Proposals of a two-party act on ``subject`` that wait for their second organisation, oldest first."""
    found: dict[bytes, ChainAct] = {}
    changed = [e.block for e in unit.chain.entries(issuer, subject)][-1:] if act is RecordsAct.ANNUL else []
    for event in unit.chain_acts.of_subject(issuer, subject):
        if event.event == act.proposed and event.block >= max(changed, default=0):
            found[event.statement] = event
        elif event.event == act.done:
            found.clear() if act is RecordsAct.DISOWN else found.pop(event.statement, None)
    return list(found.values())


def frozen(unit: Unit, issuer: str, leaf: bytes) -> ChainAct | None:
    """The freeze that stands."""
    return last_freeze(unit.chain_acts.of_subject(issuer, leaf))


def related(unit: Unit, leaf: bytes) -> list[ChainAct]:
    """What organisations said on the chain of the record with that leaf, oldest first."""
    return unit.chain_acts.of_subject("", leaf)


def disowned(unit: Unit, issuer: str, root: bytes) -> ChainAct | None:
    """The disowning of the batch."""
    return next(
        (e for e in unit.chain_acts.of_subject(issuer, root) if e.event == "Disowned"),
        None,
    )


def standing(unit: Unit, issuer: str, leaf: bytes, root: bytes, block: int) -> list[ChainAct]:
    """The acts as of ``block`` whose statements belong into a state proof beside those of the changes, in their order
    there: the freeze that stands, the disowning of the batch."""
    events = [e for e in unit.chain_acts.of_subject(issuer, leaf, root) if e.block <= block]
    found = [last_freeze([e for e in events if e.subject == leaf])]
    found += [e for e in events if e.event == "Disowned"]
    return [a for a in found if a is not None]


def last_freeze(events: Sequence[ChainAct]) -> ChainAct | None:
    last = next((e for e in reversed(events) if e.event in ("Frozen", "Unfrozen")), None)
    return last if last is not None and last.event == "Frozen" else None
