"""Tables that were sent in: kept in a file, imported by the worker, with a report beside.

Order of writes, and what a crash after each leaves:
1. the table                        – a file that no row names: swept after a day
2. its row, with the caller's key   – the import is accepted; the worker finds it
3. the import, chunk by chunk       – "running" without a worker: the next one runs the table again, and every row that
   is stored already is found by its id (``services.importing``)
4. the report under its final name, then the row says "finished"
5. the table is removed: it holds what the ledger keeps encrypted. The report goes some days later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ledger.core.registries import Kind
from ledger.core.typefiles import TypeDefinition
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError
from ledger.ports.access import AnswerRow, ServiceStore, UploadFiles, UploadRow
from ledger.services.faultpoints import faultpoint
from ledger.services.import_reports import ReportFile
from ledger.services.importing import EXISTING, NEW, REFUSED, Importing, ImportRequest, ImportResult, RowOutcome
from ledger.services.operations import Act, Operations, by

LEASE = "uploads"
LEASE_SECONDS = 30.0
ID_BYTES = 16

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
        """Import what waits, as the only process that does; returns how many. ``going``: asked between chunks; where
        it says no, the import is left for the next call, which may be another process's.

        Raises:
            UnavailableError: UPLOADS_STOPPED; STORE_…: what was begun goes on at the next call.
        """
        with self._store.read() as unit:
            waiting = unit.access.open_uploads()
        if not waiting or not self._hold():
            return 0
        try:
            with self._store.read() as unit:  # what another worker finished before it let go of the lease is done
                waiting = unit.access.open_uploads()
            for upload in waiting:
                self._run(upload, going)
        finally:
            self._store.drop_lease(LEASE, self._holder)
        return len(waiting)

    def _hold(self) -> bool:
        return self._store.take_lease(LEASE, self._holder, self._clock(), LEASE_SECONDS)

    def _run(self, upload: UploadRow, going: Callable[[], bool]) -> None:
        counted = replace(upload, state="running", rows=0, new=0, existing=0, refused=0)
        self._put(counted)
        draft = self._files.report(upload.id).with_suffix(".part")

        def take(outcomes: Sequence[RowOutcome]) -> None:
            nonlocal counted
            written.write(outcomes)
            counted = _counted(counted, outcomes)
            self._put(counted)
            faultpoint("upload.chunk")
            if not going() or not self._hold():
                raise UnavailableError("UPLOADS_STOPPED")

        try:
            with by(f"token:{upload.token}"), ReportFile(draft) as written:
                job = self._importing.run(self._request(upload), take).job
            self._files.place_report(draft, upload.id)
            faultpoint("upload.report")
            self._close(replace(counted, state="finished", job=job))
        except (InputError, ConflictError, NotFoundError) as e:  # this table will never do; trouble of the house will
            draft.unlink(missing_ok=True)
            self._close(replace(counted, state="failed", problem=e.code))

    def _request(self, upload: UploadRow) -> ImportRequest:
        source = self._files.source(upload.id)
        if not source.is_file():
            raise NotFoundError("UPLOAD_MISSING")
        definition, attachments = self._types(upload.type), self._files.attachments()
        return ImportRequest(upload.issuer, definition, source, attachments, upload.origin, upload.check)

    def _put(self, upload: UploadRow) -> None:
        with self._store.begin() as unit:
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
