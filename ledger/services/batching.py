"""Closing batches: accepted records of one issuer, kind, suite and accreditation are frozen into a segment.

Order of writes, and what a crash after each leaves:
1. the segment (both media)    – an orphan that no batch names; the same rows give the same segment again
2. batch row and the records' places, one transaction – the batch exists
3. spool chunks that no row needs any more are removed – a chunk is swept later
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ledger.core import canonical, merkle
from ledger.core.accreditations import Accreditation
from ledger.core.manifests import MAX_BATCH
from ledger.core.registries import Kind, Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.errors import ConflictError, IntegrityError, ZhengyinError
from ledger.ports import Block, RunRow, SegmentBody, Segments, Signer, Spool, Store, Unit
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
        accreditation, types = NO_ACCREDITATION, None
        if kind.needs_accreditation:
            covering = self._covering(issuer, kind, now)
            if covering is None:
                return False
            document, types = covering
            accreditation = document.id()
        runs, cuts = self._released(issuer, kind, types, problems)
        if not runs:
            return False
        segment = self._segments.create(issuer, kind, self._body(runs))
        faultpoint("batch.segment")
        with self._store.begin() as unit:
            batch = unit.batches.add(issuer, kind, segment.root(), segment.size(), accreditation, now)
            unit.records.cut(cuts)
            unit.records.place(batch, runs)
        faultpoint("batch.committed")
        with self._store.read() as unit:
            unused = {run.chunk for run in runs} - unit.records.chunks_in_use()
        self._spool.remove(unused)
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

    def refused(self) -> list[tuple[int, int, str]]:
        """(row, records in it, why) of each batch that the contract refused and nobody has released."""
        with self._store.read() as unit:
            return _refused(unit)

    def release_refused(self) -> int:
        """Put the records of refused batches back to accepted, for the next batch; returns how many batches.

        A person asks for this after the cause is mended: done unasked, the same refusal would come back for ever.
        A crash after the rows are released leaves the old segment; the next batch takes its parts over.
        """
        with self._store.read() as unit:
            refused = [unit.batches.get(row) for row, _, _ in _refused(unit)]
        for batch in refused:
            chunk = self._spool.write(self._segments.open(batch.root).block())
            with self._store.begin() as unit:
                unit.records.release(batch.row, chunk)
            self._segments.remove(batch.root)
        return len(refused)

    def _covering(self, issuer: str, kind: Kind, now: int) -> tuple[Accreditation, list[str]] | None:
        """For the type that waits longest of those covered, its accreditation and all the types that this covers: a
        type without accreditation holds back only itself. ``None`` where nothing waits."""
        problem: ConflictError | None = None
        with self._store.read() as unit:
            types = unit.records.waiting_types(issuer, kind)
            for type_ in types:
                try:
                    document = find_accreditation(unit, issuer, kind, type_, now)
                    return document, [t for t in types if document.covers(t)]
                except ConflictError as e:
                    problem = problem or e
        if problem is not None:
            raise problem
        return None

    def _released(
        self, issuer: str, kind: Kind, types: Sequence[str] | None, problems: list[ZhengyinError]
    ) -> tuple[list[RunRow], set[int]]:
        """Runs of up to a batch's records that a source released, all of the suite of the first of them, and the
        records at which a run has to be cut.

        Others were put there by somebody who can only write rows and chunks (why.md F6): inside a batch they would make
        it unsignable for ever, so they stay out and are named. The signer checks again.
        """
        released: list[RunRow] = []
        cuts: set[int] = set()
        room, after = MAX_BATCH, -1
        suite: Suite | None = None
        while room:
            with self._store.read() as unit:
                runs = unit.records.waiting_runs(issuer, kind, types, after, room)
            if not runs:
                break
            after = runs[-1].last
            cuts.add(after + 1)  # the last one may be there in part
            for mine, block in self._by_suite(runs, suite):
                missing = self._signer(issuer).unapproved(block.leaves, block.approvals, block.sm3)
                for run, refused in _shared_out(mine, missing):
                    problems += [IntegrityError("RECORD_UNAPPROVED", row=row) for row in refused]
                    cuts.update(refused, (row + 1 for row in refused))
                    released += _without(run, refused)
                room -= sum(run.size for run in mine) - len(missing)
                if released:
                    suite = block.suite
                    break
        return released, cuts

    def _by_suite(self, runs: Sequence[RunRow], suite: Suite | None) -> Iterator[tuple[list[RunRow], Block]]:
        """The runs of each suite with their records, that of the oldest first; only of ``suite``, where it is given."""
        found: dict[Suite, list[tuple[RunRow, Block]]] = {}
        for run in runs:
            block = self._spool.block(run.chunk, run.ordinal, run.size)
            if suite in (None, block.suite):
                found.setdefault(block.suite, []).append((run, block))
        for some in found.values():
            yield [run for run, _ in some], _joined([block for _, block in some])

    def _body(self, runs: Sequence[RunRow]) -> SegmentBody:
        block = _joined([self._spool.block(run.chunk, run.ordinal, run.size) for run in runs])
        handles = [(run.type, range(run.first, run.last + 1)) for run in runs]
        second = block.sm3.levels() if block.sm3 else ()
        return SegmentBody(merkle.build_levels(block.leaves), block, handles, second)


def _joined(blocks: Sequence[Block]) -> Block:
    """The records of blocks of one suite, one after another."""
    leaves, approvals, second, lengths = bytearray(), bytearray(), bytearray(), array("I")
    for block in blocks:
        leaves += block.leaves
        approvals += block.approvals
        second += block.sm3.leaves if block.sm3 else b""
        lengths.extend(block.lengths)
    suite, read = blocks[0].suite, [block.bodies for block in blocks]
    sm3 = Sm3Leaves(suite, bytes(second)) if suite.has_sm3 else None
    return Block(bytes(leaves), bytes(approvals), lengths, lambda: (piece for each in read for piece in each()), sm3)


def _refused(unit: Unit) -> list[tuple[int, int, str]]:
    counted = [(b, unit.records.number_in(b.row)) for b in unit.batches.in_states(("refused",))]
    return [(b.row, records, b.problem or "") for b, records in counted if records]


def _shared_out(runs: Sequence[RunRow], missing: Sequence[int]) -> Iterator[tuple[RunRow, list[int]]]:
    """Each run with those of its rows that are ``missing``, given by their places in all of the runs together."""
    start = done = 0
    for run in runs:
        until = bisect_left(missing, start + run.size, done)
        yield run, [run.first + at - start for at in missing[done:until]]
        start, done = start + run.size, until


def _without(run: RunRow, rows: Sequence[int]) -> list[RunRow]:
    """What is left of the run between ``rows`` (ascending)."""
    bounds = pairwise([run.first - 1, *rows, run.last + 1])
    return [run.part(before + 1, after - 1) for before, after in bounds if after - before > 1]
