"""Erasure of one person's record: its key and those of the decisions about it are deleted, and a tombstone says so.

What stays is what says nothing without the key: leaf, encrypted body, proofs and the history of statuses on chain. So
every other record's proof stays as it was, and a bundle that the holder keeps stays true.

Order of writes, and what a crash after each leaves:
1. tombstones accepted (one a leaf)  – the intent: the outbox does 2 and 3 before it anchors them
2. keys deleted in the vault         – nobody can read the record; a look-up by number finds nothing
3. rows forget ids and file digests  – done; what is left is anchoring, as for every record
   (before their batch is signed its tombstones are written once more, in plain: ``publish``)
4. the house's copies of tables and reports are removed – they go by themselves some days later
Each step may be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.records import Record, Reference
from ledger.core.registries import Kind, Relation
from ledger.core.tombstones import TYPE, ErasureReason, tombstone_id
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, NotFoundError, UnavailableError, ZhengyinError
from ledger.ports import BatchRow, RecordRow, Segments, Store, Unit, Vault
from ledger.services.accepting import Acceptor, Draft
from ledger.services.acting import STATEMENT_KINDS, frozen, related
from ledger.services.bundling import Bundling, Opened
from ledger.services.faultpoints import faultpoint
from ledger.services.indexing import Indexing
from ledger.services.operations import Act, Operations
from ledger.services.tombstone_part import Plain, erased_by, publish, read_part

_NOT_BY_ITSELF = (Kind.STATUS, Kind.TOMBSTONE, Kind.OPERATIONS)
_BUSY = "VAULT_BUSY"


@dataclass(frozen=True, slots=True)
class Erased:
    """``tombstone``: id of the record's tombstone; ``statements``: decisions erased with it; ``again``: everything had
    been erased before."""

    leaf: bytes
    tombstone: str
    statements: int
    again: bool


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """``named``: records that tombstones, or the operator, name; ``erased``: keys that were there; ``closed``: root of
    each batch with tombstones that cannot be read, and how many they are."""

    named: int
    erased: int
    closed: tuple[tuple[bytes, int], ...]


class Erasing:
    """``copies``: removes the house's own copies of tables and reports, which hold what the records held."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        acceptor: Acceptor,
        bundling: Bundling,
        segments: Segments,
        indexing: Indexing,
        operations: Operations,
        index: BlindIndex,
        copies: Callable[[], object],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._vault = vault
        self._acceptor = acceptor
        self._bundling = bundling
        self._segments = segments
        self._indexing = indexing
        self._operations = operations
        self._copies = copies
        self._index = index
        self._clock = clock

    def erase(self, issuer: str, leaf: bytes, reason: ErasureReason, decision: str | None = None) -> Erased:
        """Erase the issuer's record with that leaf, whether it is anchored or still on its way. ``decision``: number of
        the decision behind it, at most 128 characters; it is anchored for everyone to read and must name nobody.

        Asked for again it ends what a crash left open, and else changes nothing: the first reason stays.

        Raises:
            NotFoundError: RECORD_UNKNOWN. ConflictError: ERASE_KIND for a decision or tombstone by itself; ERASE_FROZEN
            while a court's freeze stands. UnavailableError: CHAIN_…: whether one stands cannot be known.
            IntegrityError: BODY_OF_OTHER_LEAF: the row names another record's key; nothing is deleted.
            UnavailableError: STORE_…; VAULT_BUSY: deleted, but another process keeps old bytes of the vault in use.
        """
        self._indexing.run()
        with self._store.read() as unit:
            row = unit.records.by_leaf(leaf)
            if row is None or row.issuer != issuer:
                raise NotFoundError("RECORD_UNKNOWN")
            if row.kind in _NOT_BY_ITSELF:
                raise ConflictError("ERASE_KIND", kind=row.kind.word)
            if (freeze := frozen(unit, issuer, leaf)) is not None:
                raise ConflictError("ERASE_FROZEN", court=freeze.actor)
            targets = [row, *_statements(unit, row)]
        self._require_own_keys(targets)
        asked = self._accept(issuer, targets, {"reason": reason.word, "decision": decision})
        faultpoint("erase.accepted")
        again = not self._destroy(targets) and not asked
        return Erased(leaf, tombstone_id(leaf), len(targets) - 1, again)

    def tombstone(self, row: RecordRow) -> Opened | None:
        """The tombstone of a record, opened; ``None`` if nobody asked for its erasure."""
        with self._store.read() as unit:
            found = self._tombstone(unit, row)
            batches = [b for b in unit.batches.in_states(("receipted",)) if found is None and _of(row.issuer, b)]
        if found is not None:
            return self._bundling.open(found)
        for batch in batches:  # the key of the tombstone was lost since, and with it the row's id
            for leaf, plain in read_part(self._segments.open(batch.root)).items():
                if plain.record.id == tombstone_id(row.leaf):
                    return self._opened(leaf, plain)
        return None

    def _opened(self, leaf: bytes, plain: Plain) -> Opened | None:
        with self._store.read() as unit:
            row = unit.records.by_leaf(leaf)
        return None if row is None else Opened(row, plain.record, plain.values)

    def finish(self) -> list[ZhengyinError]:
        """End the erasures whose tombstones wait for a batch, as a crash left them; returns what stands in the way of
        some of them.

        Raises:
            UnavailableError: STORE_…: nothing may be anchored before it is over.
        """
        problems: list[ZhengyinError] = []
        with self._store.read() as unit:
            offices = [issuer for issuer, kind, _ in unit.records.waiting() if kind is Kind.TOMBSTONE]
            waiting = [row for o in offices for row in unit.records.waiting_rows(o, Kind.TOMBSTONE)]
        named: list[RecordRow] = []
        for tombstone in waiting:
            try:
                named += self._named(tombstone)
            except UnavailableError:
                raise
            except ZhengyinError as e:  # one that cannot be read holds back no other
                problems.append(e)
        try:
            if named:
                self._destroy(named)
        except UnavailableError as e:
            if e.code != _BUSY:
                raise
            problems.append(e)
        return problems

    def _named(self, tombstone: RecordRow) -> list[RecordRow]:
        """What a tombstone erases: leaves of its own issuer, and only the one that its id is made from."""
        return self._targets(self._bundling.open(tombstone).record)

    def _targets(self, tombstone: Record) -> list[RecordRow]:
        with self._store.read() as unit:
            found = [unit.records.by_leaf(leaf) for leaf in erased_by(tombstone)]
        rows = [row for row in found if row is not None and row.issuer == tombstone.issuer]
        self._require_own_keys(rows)
        return rows

    # ---- after a restoration ---------------------------------------------------------------------------------------

    def publish(self) -> list[ZhengyinError]:
        """Write the tombstones of batches that are not signed yet in plain; returns what stands in the way of some."""
        return publish(self._store, self._segments, self._bundling)

    def again(self, named: Sequence[bytes] = ()) -> ErasedAgain:
        """Erase once more what anchored tombstones name: a backup that is older than they brings the keys back.

        ``named``: leaves that the operator knows to be erased, where tombstones of earlier versions cannot be opened
        any more; no more of them than there are such tombstones.

        Raises:
            NotFoundError: RECORD_UNKNOWN for a leaf of ``named``. ConflictError: ERASE_KIND; ERASE_AGAIN_MORE: more
                leaves than tombstones. IntegrityError: TOMBSTONES_PART, BODY_OF_OTHER_LEAF, SEGMENT_….
            UnavailableError: STORE_…, VAULT_BUSY. Nothing is deleted unless all of it can be.
        """
        targets: dict[int, RecordRow] = {}
        closed: list[tuple[bytes, int]] = []
        with self._store.read() as unit:
            batches = [b for b in unit.batches.in_states(("receipted",)) if b.kind is Kind.TOMBSTONE]
        for batch in batches:
            tombstones, unread = self._readable(batch)
            targets |= {row.row: row for t in tombstones for row in self._targets(t)}
            if unread:
                closed.append((batch.root, unread))
        self._add_named(named, targets, sum(count for _, count in closed))
        erased = self._destroy(list(targets.values())) if targets else 0
        return ErasedAgain(len(targets), erased, tuple(closed))

    def _readable(self, batch: BatchRow) -> tuple[list[Record], int]:
        """The batch's tombstones that can be read, and the number of the others."""
        with self._store.read() as unit:
            rows = unit.records.in_batch(batch.row)
        plain = read_part(self._segments.open(batch.root))
        found: list[Record] = []
        for row in rows:
            try:
                found.append(plain[row.leaf].record if row.leaf in plain else self._bundling.open(row).record)
            except NotFoundError as e:
                if e.code != "RECORD_ERASED":
                    raise
        return found, len(rows) - len(found)

    def _add_named(self, named: Sequence[bytes], targets: dict[int, RecordRow], most: int) -> None:
        with self._store.read() as unit:
            rows = {leaf: unit.records.by_leaf(leaf) for leaf in named}
        more = {}
        for leaf, row in rows.items():
            if row is None:
                raise NotFoundError("RECORD_UNKNOWN", leaf=leaf.hex())
            if row.kind in (Kind.TOMBSTONE, Kind.OPERATIONS):
                raise ConflictError("ERASE_KIND", kind=row.kind.word)
            if row.row not in targets:
                more[row.row] = row
        if len(more) > most:
            raise ConflictError("ERASE_AGAIN_MORE", named=len(more), tombstones=most)
        self._require_own_keys(list(more.values()))
        targets |= more

    def _tombstone(self, unit: Unit, row: RecordRow) -> RecordRow | None:
        return unit.records.by_id(row.issuer, Kind.TOMBSTONE, self._index.id(tombstone_id(row.leaf)))

    def _accept(self, issuer: str, rows: Sequence[RecordRow], values: dict[str, Any]) -> int:
        """Tombstones for those that have none; returns how many."""
        for last in (False, True):
            with self._store.read() as unit:
                missing = [r for r in rows if self._tombstone(unit, r) is None]
            if not missing:
                return 0
            drafts = [
                Draft(TYPE, tombstone_id(r.leaf), values, refs=(Reference(Relation.ERASES, r.issuer, r.leaf),))
                for r in missing
            ]
            prepared = self._acceptor.prepare(issuer, Kind.TOMBSTONE, drafts, int(self._clock()))
            after = {"reason": values["reason"], "tombstones": [d.id for d in drafts]}
            logged = self._operations.note(Act("record.erase", issuer, rows[0].leaf.hex(), None, after))
            try:
                self._acceptor.commit([prepared], also=logged)
                return len(missing)
            except ConflictError as e:  # another process asks for the same right now: see what it left to do
                if e.code != "STORE_DUPLICATE_ID" or last:
                    raise
        return 0

    def _require_own_keys(self, rows: Sequence[RecordRow]) -> None:
        """Each row's key opens its own leaf: whoever can only write rows must not have other people's keys deleted."""
        for row in rows:
            try:
                self._bundling.open(row)
            except NotFoundError as e:
                if e.code != "RECORD_ERASED":
                    raise

    def _destroy(self, rows: Sequence[RecordRow]) -> int:
        """Keys, then what rows know; returns how many keys were still there."""
        busy: UnavailableError | None = None
        erased = 0
        try:
            erased = self._vault.erase([r.row for r in rows])
        except UnavailableError as e:
            if e.code != _BUSY:
                raise
            busy = e  # the keys are deleted; their old bytes are overwritten as soon as nobody reads them
        faultpoint("erase.keys")
        with self._store.begin() as unit:
            unit.records.erase([r.leaf for r in rows])
        faultpoint("erase.rows")
        self._copies()
        if busy is not None:
            raise busy
        return erased


def _of(issuer: str, batch: BatchRow) -> bool:
    return (batch.issuer, batch.kind) == (issuer, Kind.TOMBSTONE)


def _statements(unit: Unit, row: RecordRow) -> list[RecordRow]:
    """The issuer's own decisions about a record, as far as this store has them: their text may name whom the record
    named. What a court or a superior decided is theirs to erase."""
    asked = [i.statement for i in unit.intents.for_leaf(row.issuer, row.leaf)]
    asked += [a.statement for a in unit.acts.for_subject(row.issuer, row.leaf)]
    recorded = [e.entry.statement for e in unit.chain.entries(row.issuer, row.leaf)]
    recorded += [a.statement for a in unit.chain_acts.of_subject(row.issuer, row.leaf)]
    recorded += [a.statement for a in related(unit, row.leaf)]
    found = [unit.records.by_leaf(leaf) for leaf in dict.fromkeys([*asked, *recorded])]
    return [s for s in found if s is not None and s.kind in STATEMENT_KINDS and s.issuer == row.issuer]
