"""How the seals stand that a record says it uses, by the chain's events and the seals' own records."""

from __future__ import annotations

from collections.abc import Callable

from ledger.core.records import Record, Reference
from ledger.core.registries import Kind, Relation
from ledger.core.seal_uses import SealStanding, validity
from ledger.errors import NotFoundError
from ledger.ports import RecordRow, Store
from ledger.services.acting import successor
from ledger.services.bundling import Opened
from ledger.services.standing import Standing, Subject
from ledger.verification.facts import UsedSeal


def recorded(found: Standing, subject: Subject, valid: tuple[int | None, int | None]) -> SealStanding:
    """By the chain alone; ``valid``: as in `SealStanding`."""
    changes = tuple((entry.state, entry.effective) for entry in found.entries[subject])
    freeze = found.freeze(subject)
    return SealStanding(*valid, changes, freeze.time if freeze else None)


def used_seals(store: Store, open_: Callable[[RecordRow], Opened], record: Record) -> tuple[UsedSeal, ...]:
    """Raises IntegrityError SEGMENT_…, BODY_OF_OTHER_LEAF: a seal's record that is kept here cannot be read."""
    refs = [ref for ref in record.refs if ref.relation is Relation.USES]
    return tuple(_used(store, open_, record.issuer, ref) for ref in refs)


def _used(store: Store, open_: Callable[[RecordRow], Opened], user: str, ref: Reference) -> UsedSeal:
    holder: str | None = None
    valid: tuple[int | None, int | None] = (None, None)
    with store.read() as unit:
        row = unit.records.by_leaf(ref.leaf)
        found = Standing.of(unit, [(ref.issuer, ref.leaf)])
    if row is not None and (row.issuer, row.kind) == (ref.issuer, Kind.SEAL):
        try:
            opened = open_(row)
            holder = str(opened.values.get("owner"))
            valid = validity(opened.record.valid_from, opened.record.valid_until)
        except NotFoundError:  # erased: who held the seal can no longer be read
            holder = None
    with store.read() as unit:
        holds = holder is not None and user in (holder, successor(unit, holder))
    return UsedSeal(ref.leaf, recorded(found, (ref.issuer, ref.leaf), valid), holder, holds)
