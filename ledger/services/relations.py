"""What organisations have said on the chain of a record: that they countersigned it, keep it, decided on it.

The chain proves that an organisation said so, and no more: anybody with an account may name any leaf. Whether there is
a signed record that says the same is a question to that record; where it is kept here it is read, else nobody has
looked.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core.registries import Relation
from ledger.errors import NotFoundError
from ledger.ports import ActRow, ChainAct, Store
from ledger.services.acting import RELATING, related
from ledger.services.bundling import Bundling
from ledger.services.sending import OPEN
from ledger.verification.facts import KnownRelation

WORDS = {act.relation: act.value for act in RELATING}


@dataclass(frozen=True, slots=True)
class Relations:
    """``known``: as the chain's events tell, oldest first; ``asked``: still on their way to the chain."""

    known: tuple[KnownRelation, ...]
    asked: tuple[ActRow, ...]


def relations_of(store: Store, bundling: Bundling, issuer: str | None, leaf: bytes) -> Relations:
    """Relations to the record with that leaf; ``issuer``: of the record, ``None`` where it is kept elsewhere and any
    issuer that a statement names will do.

    Raises:
        IntegrityError: SEGMENT_…, BODY_OF_OTHER_LEAF: a record that is kept here cannot be read.
    """
    with store.read() as unit:
        events = related(unit, leaf)
        asked = [a for a in unit.acts.for_leaf(leaf) if a.state in OPEN and issuer in (None, a.issuer)]
    known = [_known(store, bundling, issuer, event) for event in events]
    words = WORDS.values()
    return Relations(tuple(k for k in known if k is not None), tuple(a for a in asked if a.act in words))


def _known(store: Store, bundling: Bundling, issuer: str | None, event: ChainAct) -> KnownRelation | None:
    """``None`` for relations that have a road of their own: an event alone supersedes or erases nothing, and to repeat
    that it does would mislead."""
    relation = next((r for r in WORDS if r == event.relation), None)
    if relation is None:
        return None
    confirmed = _says(store, bundling, relation, issuer, event)
    return KnownRelation(relation.word, event.actor, event.statement, event.time, event.block, confirmed)


def _says(store: Store, bundling: Bundling, relation: Relation, issuer: str | None, event: ChainAct) -> bool:
    """Is the statement a record kept here, of that organisation, whose own bytes say the same?"""
    with store.read() as unit:
        row = unit.records.by_leaf(event.statement)
    if row is None:
        return False
    try:
        record = bundling.open(row).record
    except NotFoundError:  # erased: what it said can no longer be read
        return False
    said = [r for r in record.refs if (r.relation, r.leaf) == (relation, event.subject)]
    return record.issuer == event.actor and any(issuer in (None, r.issuer) for r in said)
