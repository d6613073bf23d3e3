"""Tables that were sent in: kept in a file, imported by a worker, with a report beside.

Each table is worked under a lease of its own, so that several workers import several tables side by side. Only a table
that names licenses which it replaces waits for its office's earlier ones: those licenses may stand there.

Order of writes, and what a crash after each leaves:
1. the table                        – a file that no row names: swept after a day
2. its row, with the caller's key   – the import is accepted; the worker finds it
3. the import, chunk by chunk       – "running" without a worker: the next one runs the table again, and every row that
   is stored already is found by its id (``services.importing``)
4. the report is whole and the row names the job – the next worker goes on with 5, and runs nothing again: the rows
   would now be "already there"
5. the report under its final name, then the row says "finished"
6. the table is removed: it holds what the ledger keeps encrypted. The report goes some days later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ledger.core.cells import trimmed
from ledger.core.registries import Kind
from ledger.core.spreadsheet import open_csv
from ledger.core.typefiles import TypeDefinition
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError, ZhengyinError
from ledger.ports.access import AnswerRow, ServiceStore, UploadFiles, UploadRow
from ledger.services.faultpoints import faultpoint
from ledger.services.import_reports import ReportFile
from ledger.services.import_rows import EXISTING, NEW, REFUSED, ImportRequest, RowOutcome
from ledger.services.importing import Importing, ImportResult
from ledger.services.leasing import leased
from ledger.services.operations import Act, Operations, by

LEASE = "upload "
"""Before the upload's id."""
ID_BYTES = 16
_OVERTAKEN = ("STORE_DUPLICATE_ID", "STATUS_OVERTAKEN", "STATUS_TRANSITION", "ACT_FROZEN")
"""Another importer, or an official, was quicker by a moment: run again, the rows concerned are refused one by one."""

Report = Callable[[Sequence[RowOutcome]], None]


class LoggedImporting:
    """``Importing.run`` between its two entries in the log of operations."""

    def __init__(self, importing: Importing, operations: Operations) -> None:
        self._importing = importing
        self._operations = operations

    def run(self, request: ImportRequest, report: Report) -> ImportResult:
        """Raises what ``Importing.run`` raises; the log then has the first entry alone."""
        if request.check:
            return self._importing.run(request, report)
        asked = {"type": request.definition.code, "origin": request.origin}
        self._operations.record(Act("import.start", request.issuer, None, None, asked))
        result = self._importing.run(request, report)
        counts = {name: result.counts[name] for name in (NEW, EXISTING, REFUSED)}
        self._operations.record(Act("import.finish", request.issuer, None, None, asked | counts | {"job": result.job}))
        return result


class Uploads:
    def __init__(
        self,
        store: ServiceStore,
        files: UploadFiles,
        importing: LoggedImporting,
        types: Callable[[str], TypeDefinition],
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        holder: str,
    ) -> None:
        self._store = store
        self._files = files
        self._importing = importing
        self._types = types
        self._clock = clock
        self._random = random
        self._holder = holder
        self._in_order: dict[bytes, bool] = {}

    # ---- accepting -------------------------------------------------------------------------------------------------

    def new_id(self) -> bytes:
        return self._random(ID_BYTES)

    def accept(self, asked: UploadRow, answer: AnswerRow) -> UploadRow:
        """Store the row, and the answer to the caller's key with it.

        Raises:
            NotFoundError: TYPE_UNKNOWN. InputError: UPLOAD_KIND. ConflictError: ACCESS_KEY_TAKEN. The table is the
            caller's to drop then.
        """
        definition = self._types(asked.type)
        if definition.kind in (Kind.STATUS, Kind.TOMBSTONE, Kind.OPERATIONS):
            raise InputError("UPLOAD_KIND", kind=definition.kind.word)
        with self._store.begin() as unit:
            unit.access.add_answer(answer)
            number = unit.access.add_upload(asked)
        return replace(asked, row=number)

    def drop(self, id_: bytes) -> None:
        """Remove a table that was not accepted."""
        self._files.source(id_).unlink(missing_ok=True)

    def find(self, id_: bytes) -> UploadRow | None:
        with self._store.read() as unit:
            return unit.access.upload(id_)

    def report(self, id_: bytes) -> Path | None:
        """The finished report; ``None`` before, and after it was swept."""
        path = self._files.report(id_)
        return path if path.is_file() else None

    # ---- importing -------------------------------------------------------------------------------------------------

    def run_open(self, going: Callable[[], bool] = lambda: True) -> int:
        """Import what waits and no other worker has in hand; returns how many. ``going``: asked between windows of
        rows; where it says no, the import is left for the next call, which may be another process's.

        Raises:
            UnavailableError: UPLOADS_STOPPED; STORE_…: what was begun goes on at the next call.
            ZhengyinError: trouble of the house with one of them; the others are done.
        """
        done, trouble = 0, None
        for upload in self._open():
            try:
                done += self._run_leased(upload.id, going)
            except UnavailableError:
                raise
            except ZhengyinError as e:
                trouble = trouble or e
        if trouble is not None:
            raise trouble
        return done

    def _open(self) -> list[UploadRow]:
        with self._store.read() as unit:
            return unit.access.open_uploads()

    def _run_leased(self, id_: bytes, going: Callable[[], bool]) -> bool:
        with leased(self._store, LEASE + id_.hex(), self._holder, self._clock) as ours:
            if ours is None:
                return False
            waiting = self._open()  # what another worker finished before it let go of the lease is done
            upload = next((u for u in waiting if u.id == id_), None)
            if upload is None or self._has_to_wait(upload, waiting):
                return False
            self._run(upload, going, ours)
            return True

    def _has_to_wait(self, upload: UploadRow, waiting: Sequence[UploadRow]) -> bool:
        """The answer about its lines is kept: a worker asks every second."""
        self._in_order = {u.id: self._in_order[u.id] for u in waiting if u.id in self._in_order}
        if not any(u.issuer == upload.issuer and u.row < upload.row for u in waiting):
            return False
        if upload.id not in self._in_order:
            column = self._types(upload.type).supersedes_column
            self._in_order[upload.id] = column is not None and _has_cells(self._files.source(upload.id), column)
        return self._in_order[upload.id]

    def _run(self, upload: UploadRow, going: Callable[[], bool], ours: Callable[[], bool]) -> None:
        draft = self._files.report(upload.id).with_suffix(".part")
        if upload.job is not None and (draft.is_file() or self.report(upload.id) is not None):
            self._finish(upload, draft)
            return
        counted = replace(upload, state="running", job=None, rows=0, new=0, existing=0, refused=0)
        self._put(counted)
        draft.unlink(missing_ok=True)  # of a worker that was killed, or thinks that the table is still its own

        def take(outcomes: Sequence[RowOutcome]) -> None:
            nonlocal counted
            written.write(outcomes)
            counted = _counted(counted, outcomes)
            _require(ours())
            self._put(counted)
            faultpoint("upload.chunk")
            _require(going())

        try:
            with by(f"token:{upload.token}"), ReportFile(draft) as written:
                job = self._importing.run(self._request(upload), take).job
            _require(ours())
            counted = replace(counted, job=job)
            self._put(counted)
            self._finish(counted, draft)
        except (InputError, ConflictError, NotFoundError) as e:  # this table will never do; trouble of the house will
            _require(e.code not in _OVERTAKEN)
            draft.unlink(missing_ok=True)
            self._close(replace(counted, state="failed", problem=e.code))

    def _finish(self, upload: UploadRow, draft: Path) -> None:
        if draft.is_file():
            self._files.place_report(draft, upload.id)
        faultpoint("upload.report")
        self._close(replace(upload, state="finished"))

    def _request(self, upload: UploadRow) -> ImportRequest:
        source = self._files.source(upload.id)
        if not source.is_file():
            raise NotFoundError("UPLOAD_MISSING")
        definition, attachments = self._types(upload.type), self._files.attachments()
        return ImportRequest(upload.issuer, definition, source, attachments, upload.origin, upload.check)

    def _put(self, upload: UploadRow) -> None:
        with self._store.begin(beside=True) as unit:
            unit.access.put_upload(upload)

    def _close(self, upload: UploadRow) -> None:
        self._put(replace(upload, finished=int(self._clock())))
        faultpoint("upload.closed")
        self.drop(upload.id)

    def sweep(self, days: int) -> int:
        """Remove tables that nothing waits for any more, and reports older than ``days``; returns how many files."""
        with self._store.read() as unit:
            needed = {u.id for u in unit.access.open_uploads()}
        return self._files.sweep(needed, self._clock(), days * 86_400)


def _counted(upload: UploadRow, outcomes: Sequence[RowOutcome]) -> UploadRow:
    found = [o.outcome for o in outcomes]
    return replace(
        upload,
        rows=upload.rows + len(found),
        new=upload.new + found.count(NEW),
        existing=upload.existing + found.count(EXISTING),
        refused=upload.refused + found.count(REFUSED),
    )


def _require(going_on: bool) -> None:
    if not going_on:
        raise UnavailableError("UPLOADS_STOPPED")


def _has_cells(source: Path, column: str) -> bool:
    """Does any row say something under that heading? What cannot be read says nothing."""
    try:
        with source.open("rb") as stream:
            lines = open_csv(stream)
            _, header = next(lines)
            at = [place for place, name in enumerate(header) if trimmed(name) == column]
            return any(trimmed(cells[place]) for _, cells in lines for place in at if place < len(cells))
    except (InputError, OSError):
        return False
