"""Closing batches: accepted records of one issuer, kind and accreditation are frozen into a segment.

Order of writes, and what a crash after each leaves:
1. the segment (both media)    – an orphan that no batch names; the same rows give the same segment again
2. batch row and the records' places, one transaction – the batch exists
3. spool chunks that no row needs any more are removed – a chunk is swept later
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.core import canonical, merkle
from ledger.core.accreditations import Accreditation
from ledger.core.manifests import MAX_BATCH
from ledger.core.registries import Kind
from ledger.errors import ConflictError, IntegrityError, ZhengyinError
from ledger.ports import RecordRow, SegmentBody, Segments, Signer, Spool, Store, Unit
from ledger.services.collecting import paused_collection
from ledger.services.faultpoints import faultpoint

NO_ACCREDITATION = bytes(32)


def find_accreditation(unit: Unit, organisation: str, kind: Kind, type_: str, now: int) -> Accreditation:
    """The organisation's current accreditation that covers ``type_``.

    Raises:
        ConflictError: ACCREDITATION_NONE. The records stay accepted until the council accredits.
    """
    for row in unit.chain.accreditations(organisation):
        if row.kind is kind and row.since <= now < row.until and row.document is not None:
            document = Accreditation.from_json(canonical.decode(row.document))
            if document.covers(type_):
                return document
    raise ConflictError("ACCREDITATION_NONE", organisation=organisation, kind=kind.word, type=type_)


class Batching:
    def __init__(
        self,
        store: Store,
        segments: Segments,
        spool: Spool,
        signer: Callable[[str], Signer],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._segments = segments
        self._spool = spool
        self._signer = signer
        self._clock = clock

    def close_all(self, beat: Callable[[], None] = lambda: None) -> tuple[int, list[ZhengyinError]]:
        """Close every batch that can be closed: (number closed, what held others back). ``beat`` before each."""
        closed = 0
        problems: list[ZhengyinError] = []
        with self._store.read() as unit:
            waiting = unit.records.waiting()
        for issuer, kind, _ in waiting:
            try:
                beat()
                while self.close_one(issuer, kind, problems):
                    closed += 1
                    beat()
            except ZhengyinError as e:
                # a missing key, chunk or accreditation holds back this office's records of this kind, not the others'
                problems.append(e)
        return closed, problems

    def close_one(self, issuer: str, kind: Kind, problems: list[ZhengyinError]) -> bool:
        """Close one batch of up to 65,536 records; ``False`` when none is waiting that can be in one."""
        with paused_collection():
            return self._close_one(issuer, kind, problems)

    def _close_one(self, issuer: str, kind: Kind, problems: list[ZhengyinError]) -> bool:
        now = int(self._clock())
        with self._store.read() as unit:
            rows = unit.records.next_for_batch(issuer, kind, MAX_BATCH)
            if not rows:
                return False
            accreditation = NO_ACCREDITATION
            if kind.needs_accreditation:
                document = self._covering(unit, issuer, kind, rows, now)
                accreditation = document.id()
                rows = [r for r in rows if document.covers(r.type)]
        rows = self._released(issuer, rows, problems)
        if not rows:
            return False
        segment = self._segments.create(issuer, kind, self._body(rows))
        faultpoint("batch.segment")
        with self._store.begin() as unit:
            batch = unit.batches.add(issuer, kind, segment.root(), len(rows), accreditation, now)
            unit.records.assign(batch, [r.row for r in rows])
        faultpoint("batch.committed")
        self._drop_chunks({r.chunk for r in rows if r.chunk})
        return True

    def remove_orphans(self) -> int:
        """Remove segments that a crash left before their batch was committed.

        A signed segment is never touched: if only the rows were lost, the chain may know it.
        """
        removed = 0
        for root in list(self._segments.roots()):
            with self._store.read() as unit:
                known = unit.batches.by_root(root) is not None
            if not known and self._segments.open(root).get("cms") is None:
                self._segments.remove(root)
                removed += 1
        return removed

    def release_refused(self) -> int:
        """Put the records of refused batches back to accepted, for the next batch; returns how many batches.

        A person asks for this after the cause is mended: done unasked, the same refusal would come back for ever.
        A crash after the rows are released leaves the old segment; the next batch takes its parts over.
        """
        with self._store.read() as unit:
            refused = [b for b in unit.batches.in_states(("refused",)) if unit.records.in_batch(b.row)]
        for batch in refused:
            segment = self._segments.open(batch.root)
            bodies = [segment.body(i) for i in range(batch.size)]
            places, offset = [], 0
            for body in bodies:
                places.append((offset, len(body)))
                offset += len(body)
            chunk = self._spool.write(bodies)
            with self._store.begin() as unit:
                unit.records.release(batch.row, chunk, places)
            self._segments.remove(batch.root)
        return len(refused)

    def _covering(self, unit: Unit, issuer: str, kind: Kind, rows: Sequence[RecordRow], now: int) -> Accreditation:
        """Of the first type that is covered: a type without accreditation holds back only itself."""
        problem: ConflictError | None = None
        for type_ in dict.fromkeys(r.type for r in rows):
            try:
                return find_accreditation(unit, issuer, kind, type_, now)
            except ConflictError as e:
                problem = problem or e
        raise problem or ConflictError("ACCEPT_EMPTY")

    def _released(self, issuer: str, rows: list[RecordRow], problems: list[ZhengyinError]) -> list[RecordRow]:
        """Rows that a source released. Others were put there by somebody who can only write rows (why.md F6): inside a
        batch they would make it unsignable for ever, so they stay out and are named. The signer checks again."""
        leaves, approvals = b"".join(r.leaf for r in rows), b"".join(r.approval for r in rows)
        missing = set(self._signer(issuer).unapproved(leaves, approvals))
        problems += [IntegrityError("RECORD_UNAPPROVED", row=rows[at].row) for at in sorted(missing)]
        return [r for at, r in enumerate(rows) if at not in missing]

    def _body(self, rows: Sequence[RecordRow]) -> SegmentBody:
        chunks = {name: self._spool.read(name) for name in {r.chunk for r in rows if r.chunk}}
        return SegmentBody(
            levels=merkle.build_levels(b"".join(r.leaf for r in rows)),
            bodies=[chunks[r.chunk or ""][r.offset : r.offset + r.length] for r in rows],
            approvals=b"".join(r.approval for r in rows),
            vault_handles=[r.vault for r in rows],
            types=[r.type for r in rows],
        )

    def _drop_chunks(self, names: set[str]) -> None:
        with self._store.read() as unit:
            self._spool.remove(names - unit.records.chunks_in_use())
