"""Bulk import of a CSV: streamed, checked row by row, resumable, with one report line a row.

A row's identity is its record id (made from the source file and line where the type has no number), so running the
same file again finds every row that is already stored: killed anywhere, nothing is issued twice and nothing is lost.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from ledger.core.records import Reference
from ledger.core.registries import Kind, Reason, Relation, State
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, InputError, ZhengyinError
from ledger.ports import JobRow, Store, Unit
from ledger.services.accepting import Acceptor, Draft, Staged
from ledger.services.collecting import paused_collection
from ledger.services.faultpoints import faultpoint
from ledger.services.import_rows import EXISTING, NEW, REFUSED, Chunk, ImportRequest, RowOutcome, TableReader
from ledger.services.seals import Seals
from ledger.services.statuses import ChangeRequest, Statuses

WINDOW_ROWS = 65_536
"""Rows accepted in one transaction."""
SAMPLE = 16
"""Ids of a chunk that are looked up before its rows are offered as new."""
RUNNING = "running"

_make_outcome = RowOutcome._make

Known = dict[bytes, tuple[int | None, int | None]]
"""Of ids that are stored: the job and the line that brought them."""


@dataclass
class ImportResult:
    """``unused``: headers of the CSV that no field uses."""

    counts: Counter[str] = field(default_factory=Counter)
    unused: tuple[str, ...] = ()
    job: int | None = None


@dataclass(slots=True)
class _Window:
    """Rows that are accepted together. ``seen``: id → line; ``replaced``: leaves of licenses that have a successor
    among them; ``replacing``: lines of such rows; ``also``: writes their changes of status; ``uses``: of seals."""

    seen: dict[str, int] = field(default_factory=dict)
    replaced: set[bytes] = field(default_factory=set)
    staged: list[Staged] = field(default_factory=list)
    replacing: set[int] = field(default_factory=set)
    also: list[Callable[[Unit], None]] = field(default_factory=list)
    uses: list[Draft] = field(default_factory=list)
    outcomes: list[RowOutcome] = field(default_factory=list)


class Importing:
    def __init__(
        self,
        store: Store,
        acceptor: Acceptor,
        statuses: Statuses,
        index: BlindIndex,
        clock: Callable[[], float],
        seals: Seals,
    ) -> None:
        self._store = store
        self._seals = seals
        self._acceptor = acceptor
        self._statuses = statuses
        self._index = index
        self._clock = clock

    def run(self, request: ImportRequest, report: Callable[[Sequence[RowOutcome]], None]) -> ImportResult:
        """Import, or check, every row; ``report`` gets the outcomes in the order of the lines, chunk by chunk.

        Raises:
            InputError: CSV_…, ROW_COLUMN_…: the file as a whole cannot be read; rows before that stay imported.
            UnavailableError: STORE_…: run again to go on.
        """
        with request.source.open("rb") as stream:
            source = hashlib.file_digest(stream, "sha256").digest()
            stream.seek(0)
            job = None if request.check else self._start(request, source)
            result = ImportResult(job=job.row if job else None)
            window = _Window()
            table = TableReader(request, stream, source, self._index)
            result.unused = table.unused
            chunks = table.chunks(window.seen)
            while self._read_and_take(request, chunks, job, window):
                if len(window.outcomes) >= WINDOW_ROWS:
                    report(self._accept(request, window, job, result.counts))
                    window = _Window(window.seen, window.replaced)
                    if job is not None:  # stored rows are found in the store; a check stores none
                        window.seen.clear()
                        window.replaced.clear()
            report(self._accept(request, window, job, result.counts))
        if job is not None and job.state == RUNNING:
            with self._store.begin(beside=True) as unit:
                unit.jobs.finish(job.row, int(self._clock()))
        return result

    def _read_and_take(
        self, request: ImportRequest, chunks: Iterator[Chunk], job: JobRow | None, window: _Window
    ) -> bool:
        """``False`` at the end of the source."""
        with paused_collection():
            chunk = next(chunks, None)
            if chunk is not None:
                self._take(request, chunk, job, window)
                chunk.drafts.clear()  # before the next search for cycles looks at every cell
            return chunk is not None

    def _start(self, request: ImportRequest, source: bytes) -> JobRow:
        with self._store.begin() as unit:
            code, name = request.definition.code, request.source.name
            return unit.jobs.start(request.issuer, code, source, name, int(self._clock()))

    def _take(self, request: ImportRequest, chunk: Chunk, job: JobRow | None, window: _Window) -> None:
        """Sort out the rows of a chunk, and stage those that seem to be new.

        Most imports bring nothing but new rows. Where a few ids from all over the chunk are new, all are taken for new:
        the unique key has the last word.
        """
        if request.definition.kind is Kind.SEAL_USE:
            self._take_uses(request, chunk)
        id_hmacs = [self._index.id(draft.id) for draft in chunk.drafts]
        sure = job is None or bool(chunk.supersedes)
        known = self._known(request, id_hmacs if sure else id_hmacs[:: len(id_hmacs) // SAMPLE + 1])
        if known and not sure:
            known = self._known(request, id_hmacs)
        changes: list[tuple[int, bytes]] = []
        if known or chunk.supersedes:
            drafts, id_hmacs = self._sort_out(request, chunk, id_hmacs, known, job, window.replaced, changes)
        else:
            drafts, warnings = chunk.drafts, chunk.warnings
            chunk.outcomes += [_make_outcome((d.line, NEW, d.id, None, warnings.get(d.line or 0, ()))) for d in drafts]
        if len(drafts) < len(chunk.outcomes):
            chunk.outcomes.sort(key=itemgetter(0))
        window.outcomes += chunk.outcomes
        if drafts and job is not None:
            self._stage(request, drafts, id_hmacs, changes, window)

    def _take_uses(self, request: ImportRequest, chunk: Chunk) -> None:
        """Leave the uses that their seals allow; what is wrong with the others stands in the report."""
        found = self._seals.use_each(request.issuer, request.definition, chunk.drafts)
        lines = [draft.line or 0 for draft in chunk.drafts]
        chunk.drafts = [draft for draft in found if isinstance(draft, Draft)]
        chunk.outcomes += [
            RowOutcome(line, REFUSED, None, problem)
            for line, problem in zip(lines, found, strict=True)
            if isinstance(problem, ZhengyinError)
        ]

    def _sort_out(
        self,
        request: ImportRequest,
        chunk: Chunk,
        id_hmacs: Sequence[bytes],
        known: Known,
        job: JobRow | None,
        replaced: set[bytes],
        changes: list[tuple[int, bytes]],
    ) -> tuple[list[Draft], list[bytes]]:
        """The rows of the chunk that are new, with the lookup keys of their ids; ``changes`` gets line and leaf of each
        license that has a successor among them."""
        drafts: list[Draft] = []
        fresh: list[bytes] = []
        outcomes, warnings = chunk.outcomes, chunk.warnings
        for id_hmac, draft in zip(id_hmacs, chunk.drafts, strict=True):
            line = draft.line or 0
            if id_hmac in known:
                outcomes.append(_already_there(line, draft.id, known[id_hmac], job, warnings.get(line, ())))
                continue
            if line in chunk.supersedes:
                try:
                    draft, old = self._with_predecessor(request.issuer, draft, chunk.supersedes[line], replaced)
                    changes.append((line, old))
                except ZhengyinError as e:
                    outcomes.append(RowOutcome(line, REFUSED, draft.id, e))
                    continue
            drafts.append(draft)
            fresh.append(id_hmac)
            outcomes.append(_make_outcome((line, NEW, draft.id, None, warnings.get(line, ()))))
        return drafts, fresh

    def _known(self, request: ImportRequest, id_hmacs: Sequence[bytes]) -> Known:
        with self._store.read() as unit:
            return unit.records.known_lines(request.issuer, request.definition.kind, id_hmacs)

    def _with_predecessor(self, issuer: str, draft: Draft, old_id: str, replaced: set[bytes]) -> tuple[Draft, bytes]:
        draft, old = superseding(self._store, self._index, self._statuses, issuer, draft, old_id)
        if old in replaced:  # one license has one successor; those accepted before are refused by their status
            raise InputError("SUPERSEDES_TWICE")
        replaced.add(old)
        return draft, old

    def _stage(
        self,
        request: ImportRequest,
        drafts: Sequence[Draft],
        id_hmacs: Sequence[bytes],
        changes: Sequence[tuple[int, bytes]],
        window: _Window,
    ) -> None:
        now = int(self._clock())
        prepared = self._acceptor.prepare(request.issuer, request.definition.kind, drafts, now, id_hmacs)
        window.staged.append(self._acceptor.stage(prepared))
        if request.definition.kind is Kind.SEAL_USE:
            window.uses += drafts
        if changes:
            leaf_of = {d.line: leaf for d, leaf in zip(drafts, prepared.leaves, strict=True)}
            requests = [
                ChangeRequest(request.issuer, old, State.SUPERSEDED, now, Reason.RENEWED, None, leaf_of[line])
                for line, old in changes
            ]
            statements, intents = self._statuses.prepare(request.issuer, requests)
            window.staged.append(self._acceptor.stage(statements))
            window.replacing.update(line for line, _ in changes)
            window.also.append(intents)
        faultpoint("import.prepared")

    def _accept(
        self, request: ImportRequest, window: _Window, job: JobRow | None, counts: Counter[str]
    ) -> list[RowOutcome]:
        """Accept the rows of a window, all in one transaction with the job's progress: the larger it is, the less often
        each page of the indexes is written."""
        if job is not None:
            self._store_what_can_be(request, window, job, counts)
        counts.update(map(itemgetter(1), window.outcomes))
        faultpoint("import.committed")
        return window.outcomes

    def _store_what_can_be(self, request: ImportRequest, window: _Window, job: JobRow, counts: Counter[str]) -> None:
        self._drop_stopped(window)
        for more in (True, True, False):
            try:
                return self._store_rows(window, job, counts)
            except ConflictError as e:
                if more and e.code == "STORE_DUPLICATE_ID":
                    self._drop_known(request, window, job)
                elif more and e.code == "SEAL_NOT_IN_FORCE":  # since it was looked at
                    self._drop_stopped(window)
                else:
                    raise

    def _store_rows(self, window: _Window, job: JobRow, counts: Counter[str]) -> None:
        total = counts + Counter(map(itemgetter(1), window.outcomes))

        def also(unit: Unit) -> None:
            for error in self._seals.stopped(unit, window.uses).values():
                raise error
            for write in window.also:
                write(unit)
            # a killed import's first rows are looked at again: until then its progress stays as it was
            if job.state == RUNNING and total.total() >= job.rows_done:
                unit.jobs.progress(job.row, total.total(), total[NEW], total[EXISTING], total[REFUSED])

        self._acceptor.accept(window.staged, job.row, also)

    def _drop_stopped(self, window: _Window) -> None:
        """Uses of seals that were stopped since their rows were looked at, which may be many thousand rows ago, are
        refused."""
        if not window.uses:
            return
        with self._store.read() as unit:
            stopped = self._seals.stopped(unit, window.uses)
        if not stopped:
            return
        for group in window.staged:
            group.runs[:] = [
                part
                for run in group.runs
                for part in run.without({i for i, line in zip(run.id_hmacs, run.lines, strict=True) if line in stopped})
            ]
        window.uses = [draft for draft in window.uses if draft.line not in stopped]
        window.outcomes = [
            RowOutcome(o.line, REFUSED, None, stopped[o.line]) if o.line in stopped else o for o in window.outcomes
        ]

    def _drop_known(self, request: ImportRequest, window: _Window, job: JobRow) -> None:
        """Some were there already: their rows are left out. Their keys and bodies stay, and nothing names them.

        Raises:
            ConflictError: STORE_DUPLICATE_ID if one of them replaces a license: another importer was quicker.
        """
        own = [group for group in window.staged if group.kind is request.definition.kind]
        lines: dict[int | None, tuple[int | None, int | None]] = {}
        for group in own:
            ids = [id_hmac for run in group.runs for id_hmac in run.id_hmacs if id_hmac is not None]
            known = self._known(request, ids)
            line_of = {i: line for run in group.runs for i, line in zip(run.id_hmacs, run.lines, strict=True)}
            lines |= {line_of[id_hmac]: earlier for id_hmac, earlier in known.items()}
            group.runs[:] = [part for run in group.runs for part in run.without(known)]
        if not window.replacing.isdisjoint(lines):
            raise ConflictError("STORE_DUPLICATE_ID", issuer=request.issuer, kind=request.definition.kind.word)
        window.outcomes = [
            _already_there(o.line, o.id, lines[o.line], job, o.warnings) if o.line in lines else o
            for o in window.outcomes
        ]


def _already_there(
    line: int, id_: str | None, earlier: tuple[int | None, int | None], job: JobRow | None, warnings: tuple[str, ...]
) -> RowOutcome:
    earlier_job, earlier_line = earlier
    own = job is not None and earlier_job == job.row
    if own and earlier_line != line:
        return RowOutcome(line, REFUSED, id_, InputError("IMPORT_TWICE", line=earlier_line))
    # a job that was killed goes on: its own rows are new; a finished one's are already there
    outcome = NEW if own and job is not None and job.state == RUNNING else EXISTING
    return RowOutcome(line, outcome, id_, None, warnings)


def superseding(
    store: Store, index: BlindIndex, statuses: Statuses, issuer: str, draft: Draft, old_id: str
) -> tuple[Draft, bytes]:
    """The draft with its reference to the record it replaces, and that record's leaf.

    Raises:
        InputError: SUPERSEDES_UNKNOWN. ConflictError: STATUS_TRANSITION when the old one has already ended.
    """
    with store.read() as unit:
        old = unit.records.by_id(issuer, Kind.LICENSE, index.id(old_id))
    if old is None:
        raise InputError("SUPERSEDES_UNKNOWN")
    statuses.check(ChangeRequest(issuer, old.leaf, State.SUPERSEDED, 0, Reason.RENEWED, None, bytes(32)))
    reference = Reference(Relation.SUPERSEDES, issuer, old.leaf)
    return draft._replace(refs=(*draft.refs, reference)), old.leaf
