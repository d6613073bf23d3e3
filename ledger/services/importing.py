"""Bulk import of a CSV: streamed, checked row by row, resumable, with one report line a row.

A row's identity is its record id (made from the source file and line where the type has no number), so running the
same file again finds every row that is already stored: killed anywhere, nothing is issued twice and nothing is lost.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ledger.core.identifiers import new_urn
from ledger.core.records import FileDigest, Reference
from ledger.core.registries import Kind, Reason, Relation, State
from ledger.core.rows import ParsedRow, RowReader
from ledger.core.spreadsheet import open_csv
from ledger.core.typefiles import TypeDefinition
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.digests import digest_path
from ledger.errors import InputError, ZhengyinError
from ledger.ports import Store
from ledger.services.accepting import Acceptor, Draft
from ledger.services.collecting import paused_collection
from ledger.services.faultpoints import faultpoint
from ledger.services.statuses import ChangeRequest, Statuses

CHUNK_ROWS = 8192
NEW, EXISTING, REFUSED = "new", "existing", "refused"


class RowOutcome(NamedTuple):
    """One line of the report; a tuple, because tables have millions.
    ``line``: of the source file, from 1; ``problem``: why refused."""

    line: int
    outcome: str
    id: str | None = None
    problem: ZhengyinError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """``source`` is read twice (digest, then rows); ``files``: folder of the attached files; ``origin``: issued or
    takenOver; ``check``: write nothing."""

    issuer: str
    definition: TypeDefinition
    source: Path
    files: Path
    origin: str = "issued"
    check: bool = False


@dataclass
class ImportResult:
    """``unused``: headers of the CSV that no field uses."""

    counts: Counter[str] = field(default_factory=Counter)
    unused: tuple[str, ...] = ()
    job: int | None = None


class _Row(NamedTuple):
    line: int
    id: str
    draft: Draft
    supersedes: str | None
    warnings: tuple[str, ...]


class Importing:
    def __init__(
        self,
        store: Store,
        acceptor: Acceptor,
        statuses: Statuses,
        index: BlindIndex,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
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
        result, running, rows_done = ImportResult(), False, 0
        with request.source.open("rb") as stream:
            source = hashlib.file_digest(stream, "sha256").digest()
            stream.seek(0)
            if not request.check:
                with self._store.begin() as unit:
                    definition = request.definition
                    job = unit.jobs.start(
                        request.issuer, definition.code, source, request.source.name, int(self._clock())
                    )
                result.job = job.row
                running, rows_done = job.state == "running", job.rows_done
            chunks = self._chunks(request, stream, source, result)
            while True:
                with paused_collection():  # a chunk at a time
                    chunk = next(chunks, None)
                    if chunk is None:
                        break
                    rows, refused = chunk
                    outcomes = self._store_chunk(request, rows, result.job, running)
                outcomes += refused
                outcomes.sort(key=lambda o: o.line)
                result.counts.update(o.outcome for o in outcomes)
                c = result.counts
                # a killed import's first rows are looked at again: until then its progress stays as it was
                if running and result.job is not None and c.total() >= rows_done:
                    with self._store.begin() as unit:
                        unit.jobs.progress(result.job, c.total(), c[NEW], c[EXISTING], c[REFUSED])
                report(outcomes)
        if running and result.job is not None:
            with self._store.begin() as unit:
                unit.jobs.finish(result.job, int(self._clock()))
        return result

    def _chunks(
        self, request: ImportRequest, stream: BinaryIO, source: bytes, result: ImportResult
    ) -> Iterator[tuple[list[_Row], list[RowOutcome]]]:
        lines = open_csv(stream)
        _, header = next(lines)
        reader = RowReader(request.definition, header, request.issuer)
        result.unused = reader.unused
        rows: list[_Row] = []
        refused: list[RowOutcome] = []
        seen: dict[str, int] = {}
        for line, cells in lines:
            try:
                row = self._row(request, reader.read(cells), line, source)
                if row.id in seen:
                    raise InputError("IMPORT_TWICE", line=seen[row.id])
                seen[row.id] = line
                rows.append(row)
            except ZhengyinError as e:
                refused.append(RowOutcome(line, REFUSED, None, e))
            if len(rows) + len(refused) >= CHUNK_ROWS:
                yield rows, refused
                rows, refused = [], []
                if not request.check:  # stored rows are found in the store; a check stores none
                    seen = {}
        if rows or refused:
            yield rows, refused

    def _row(self, request: ImportRequest, parsed: ParsedRow, line: int, source: bytes) -> _Row:
        id_ = parsed.identifier
        if id_ is None:
            id_ = new_urn(self._index.row(source, line))
        files: tuple[FileDigest, ...] = ()
        if parsed.file is not None:
            files = (attached_file(request.files, parsed.file),)
        draft = Draft(
            request.definition.code,
            id_,
            parsed.values,
            parsed.valid_from,
            parsed.valid_until,
            files,
            (),
            request.origin,
            line,
        )
        return _Row(line, id_, draft, parsed.supersedes, parsed.warnings)

    def _store_chunk(
        self, request: ImportRequest, rows: Sequence[_Row], job: int | None, running: bool
    ) -> list[RowOutcome]:
        """Store the rows that are not known yet, all in one transaction."""
        kind, outcomes, fresh = request.definition.kind, [], []
        index_id = self._index.id
        hmacs = {index_id(r.id): r for r in rows}
        with self._store.read() as unit:
            known = unit.records.known_lines(request.issuer, kind, list(hmacs))
        for id_hmac, row in hmacs.items():
            if id_hmac not in known:
                fresh.append((id_hmac, row))
                continue
            earlier_job, earlier_line = known[id_hmac]
            if job is not None and earlier_job == job and earlier_line != row.line:
                problem = InputError("IMPORT_TWICE", line=earlier_line)
                outcomes.append(RowOutcome(row.line, REFUSED, row.id, problem))
            else:
                # a job that was killed goes on: its own rows are new; a finished one's are already there
                outcome = NEW if running and earlier_job == job else EXISTING
                outcomes.append(RowOutcome(row.line, outcome, row.id, None, row.warnings))
        accepted: list[Draft] = []
        id_hmacs: list[bytes] = []
        changes: list[tuple[int, bytes]] = []
        for id_hmac, row in fresh:
            try:
                accepted.append(self._with_predecessor(request.issuer, row, changes))
                id_hmacs.append(id_hmac)
                outcomes.append(RowOutcome(row.line, NEW, row.id, None, row.warnings))
            except ZhengyinError as e:
                outcomes.append(RowOutcome(row.line, REFUSED, row.id, e))
        if accepted and not request.check:
            self._commit(request, accepted, id_hmacs, changes, job)
        return outcomes

    def _with_predecessor(self, issuer: str, row: _Row, changes: list[tuple[int, bytes]]) -> Draft:
        if row.supersedes is None:
            return row.draft
        draft, old = superseding(self._store, self._index, self._statuses, issuer, row.draft, row.supersedes)
        if any(leaf == old for _, leaf in changes):  # one license has one successor
            raise InputError("SUPERSEDES_TWICE")
        changes.append((row.line, old))
        return draft

    def _commit(
        self,
        request: ImportRequest,
        drafts: Sequence[Draft],
        id_hmacs: Sequence[bytes],
        changes: Sequence[tuple[int, bytes]],
        job: int | None,
    ) -> None:
        now = int(self._clock())
        prepared = self._acceptor.prepare(request.issuer, request.definition.kind, drafts, now, id_hmacs)
        groups, also = [prepared], None
        if changes:
            leaf_of = {d.line: leaf for d, leaf in zip(drafts, prepared.leaves, strict=True)}
            requests = [
                ChangeRequest(request.issuer, old, State.SUPERSEDED, now, Reason.RENEWED, None, leaf_of[line])
                for line, old in changes
            ]
            statements, also = self._statuses.prepare(request.issuer, requests)
            groups.append(statements)
        faultpoint("import.prepared")
        self._acceptor.commit(groups, job, also)
        faultpoint("import.committed")


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


def attached_file(folder: Path, name: str) -> FileDigest:
    """Digest of the file a row names, below ``folder``.

    Raises:
        InputError: IMPORT_FILE_MISSING, IMPORT_FILE_OUTSIDE (a name that leaves the folder).
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError("IMPORT_FILE_OUTSIDE")
    if not path.is_file():
        raise InputError("IMPORT_FILE_MISSING", file=name)
    return digest_path(path)
