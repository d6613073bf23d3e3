"""Audits that auditors ask for over HTTP: run by a worker, one at a time, each kept in a file with what it found.

Order of writes, and what a crash after each leaves:
1. the file, "waiting"            – an audit that nobody was told of: it is run all the same, and changes nothing
2. the caller's key and the entry in the log of operations, in one transaction: the audit is accepted
3. the file, "running"            – without a worker the next one begins anew: an audit remembers nothing
4. the file, "finished", then the second entry
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from ledger.assembly.app import App
from ledger.assembly.auditing import audit
from ledger.errors import ConflictError, UnavailableError, ZhengyinError
from ledger.ports.access import AnswerRow
from ledger.services.audit_findings import Audited
from ledger.services.operations import Act, by
from ledger.store import files

LEASE = "audit"
LEASE_SECONDS = 60.0
ID_BYTES = 16
KEPT = 32
"""Finished audits kept; the oldest go."""
SHOWN = 500
"""Findings kept with their words; ``zhengyin audit --report`` writes down all."""
PULSE = 2.0
"""Seconds between what is written of an audit at work."""
WAITING, RUNNING, FINISHED, FAILED = "waiting", "running", "finished", "failed"
OUTCOMES = {0: "clean", 1: "differs", 3: "undetermined"}

_log = logging.getLogger("zhengyin.audits")


@dataclass(frozen=True, slots=True)
class AuditRun:
    """``organisation``: for which office, which alone sees it; ``records``: proved so far; ``problem``: code of what
    kept it from its end; ``result``: figures of the whole ledger, and the findings about the office's own and about
    what is nobody's own, with the number of those about ``others``."""

    id: str
    token: str
    organisation: str
    since: int
    state: str
    created: int
    records: int = 0
    finished: int | None = None
    problem: str | None = None
    result: dict[str, Any] | None = None

    @property
    def open(self) -> bool:
        return self.state in (WAITING, RUNNING)


class _Stopped(Exception):
    """Out of the midst of an audit, which would take one of ours for something that it could not read."""


class AuditRuns:
    def __init__(self, app: App) -> None:
        self._app = app
        self._folder = app.home.audits

    # ---- asking ----------------------------------------------------------------------------------------------------

    def ask(self, token: str, organisation: str, since: int, answer: AnswerRow) -> bytes:
        """Accept an audit and remember it for the caller's key; returns its id.

        Raises:
            ConflictError: AUDIT_UNDER_WAY where the office has one already; ACCESS_KEY_TAKEN.
            UnavailableError: STORE_….
        """
        if any(run.open for run in self.of([organisation])):
            raise ConflictError("AUDIT_UNDER_WAY")
        id_ = os.urandom(ID_BYTES)
        run = AuditRun(id_.hex(), token, organisation, since, WAITING, int(self._app.clock()))
        self._put(run)
        try:
            with by(f"token:{token}"), self._app.store.begin() as unit:
                unit.access.add_answer(replace(answer, subject=id_))
                self._app.operations.note(Act("audit.start", organisation, run.id, None, {"since": since}))(unit)
        except BaseException:
            self._path(run.id).unlink(missing_ok=True)
            raise
        return id_

    def find(self, id_: str) -> AuditRun | None:
        try:
            return AuditRun(**json.loads(self._path(id_).read_bytes()))
        except FileNotFoundError:
            return None

    def of(self, organisations: Collection[str]) -> list[AuditRun]:
        """Theirs, newest first."""
        found = [run for run in self._all() if run.organisation in organisations]
        return sorted(found, key=lambda run: (run.created, run.id), reverse=True)

    def _all(self) -> list[AuditRun]:
        names = [path.stem for path in self._folder.glob("*.json")] if self._folder.is_dir() else []
        return [run for run in map(self.find, names) if run is not None]

    # ---- running ---------------------------------------------------------------------------------------------------

    def run_open(self, going: Callable[[], bool] = lambda: True) -> int:
        """Run what waits, as the only process that does; returns how many. ``going``: asked while one is at work;
        where it says no, the audit is left for the next call, which may be another process's.

        Raises:
            UnavailableError: AUDIT_STOPPED; STORE_….
        """
        waiting = sorted((run for run in self._all() if run.open), key=lambda run: run.created)
        holder = uuid.uuid4().hex
        if not waiting or not self._hold(holder):
            return 0
        try:
            for run in waiting:
                self._run(run, holder, going)
        finally:
            self._app.store.drop_lease(LEASE, holder)
        self._sweep()
        return len(waiting)

    def _hold(self, holder: str) -> bool:
        return self._app.store.take_lease(LEASE, holder, self._app.clock(), LEASE_SECONDS)

    def _run(self, run: AuditRun, holder: str, going: Callable[[], bool]) -> None:
        run = replace(run, state=RUNNING, records=0)
        self._put(run)
        said = time.monotonic()

        def watch(count: int) -> None:
            nonlocal run, said
            run = replace(run, records=run.records + count)
            if not going():
                raise _Stopped
            if time.monotonic() - said >= PULSE:
                said = time.monotonic()
                self._put(run)
                if not self._hold(holder):
                    raise _Stopped

        try:
            with by(f"token:{run.token}"):
                found, unlocked = audit(self._app, run.since, watch=watch)
                self._close(replace(run, state=FINISHED, result=_result(found, run.organisation, unlocked)))
        except _Stopped as e:
            raise UnavailableError("AUDIT_STOPPED") from e
        except ZhengyinError as e:
            self._close(replace(run, state=FAILED, problem=e.code))
        except Exception as e:  # a fault of ours: it would come back for ever
            _log.error("%s: %s", run.id, type(e).__name__)
            self._close(replace(run, state=FAILED, problem="AUDIT_FAULT"))

    def _close(self, run: AuditRun) -> None:
        run = replace(run, finished=int(self._app.clock()))
        self._put(run)
        result = run.result or {}
        after = {"state": run.state, "outcome": result.get("outcome"), "problem": run.problem}
        with by(f"token:{run.token}"):
            self._app.operations.record(Act("audit.finish", run.organisation, run.id, None, after))

    def _sweep(self) -> None:
        finished = sorted((run for run in self._all() if not run.open), key=lambda run: run.created)
        for run in finished[:-KEPT]:
            self._path(run.id).unlink(missing_ok=True)

    # ---- files -----------------------------------------------------------------------------------------------------

    def _path(self, id_: str) -> Any:
        return self._folder / f"{id_}.json"

    def _put(self, run: AuditRun) -> None:
        """Raises UnavailableError STORE_FULL, STORE_FAILED."""
        with files.translated():
            files.make_folder(self._folder)
            draft = files.temporary(self._folder)
            files.write_synced(draft, [json.dumps(asdict(run), ensure_ascii=False).encode()])
            draft.replace(self._path(run.id))
            files.sync_folder(self._folder)


def _result(found: Audited, organisation: str, unlocked: bool) -> dict[str, Any]:
    own = [f.to_json() for f in found.findings if f.organisation in (None, organisation)]
    total = found.differing + found.undetermined
    return found.figures() | {
        "outcome": OUTCOMES[found.exit_code],
        "unlocked": unlocked,
        "findings": own[:SHOWN],
        "others": sum(f.organisation not in (None, organisation) for f in found.findings),
        "more": max(0, len(own) - SHOWN) + total - len(found.findings),
    }
