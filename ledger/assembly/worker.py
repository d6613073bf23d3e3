"""The worker: drives what is accepted to its receipt, imports what was sent in, runs audits that were asked for, and
does the daily chores.

Four threads, so that neither a long import nor an audit nor a silent authority holds up a license: one for the outbox
and the chores, one for uploads, one for audits, one for revocation data after the grace period. Each works under a
lease, for uploads one a table, so several processes may run workers. Trouble is logged by its code and tried again
after a pause.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ledger.assembly.app import App
from ledger.assembly.audit_runs import AuditRuns
from ledger.errors import ZhengyinError
from ledger.services.operations import by
from ledger.services.outbox import Pass

BUSY, IDLE, TROUBLE = 0.05, 1.0, 3.0
"""Seconds to the next look: while something is on its way, when nothing is, after trouble."""
CHORES = 60.0
"""Seconds between looks at what is due daily."""
WHO = "worker"
_OTHERS = ("OUTBOX_LEASE_HELD", "UPLOADS_STOPPED", "AUDIT_STOPPED")

_log = logging.getLogger("zhengyin.worker")


class Worker:
    """``start`` and ``stop`` from one thread; ``wake`` from any."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = threading.Event()
        steps = {
            "outbox": self._outbox,
            "uploads": self._uploads,
            "audits": self._audits,
            "validation": self._validation,
        }
        self._wakes = {name: threading.Event() for name in steps}
        self._threads = [
            threading.Thread(target=self._drive, args=step, name=f"zhengyin-{step[0]}") for step in steps.items()
        ]
        self._next_chores = 0.0
        self._next_validation = 0.0
        self._unvalidated: set[str] = set()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something was accepted: look now."""
        for event in self._wakes.values():
            event.set()

    def stop(self) -> None:
        """Finish the step in hand, let go of the leases, and return when every thread has ended."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _drive(self, name: str, step: Callable[[], float]) -> None:
        wake, said = self._wakes[name], ""
        with by(WHO):
            while not self._stopping.is_set():
                wake.clear()
                try:
                    pause, trouble = step(), ""
                except ZhengyinError as e:
                    pause, trouble = TROUBLE, "" if e.code in _OTHERS else e.code
                except Exception as e:  # a bug in one step must not end the work of the others
                    pause, trouble = TROUBLE, type(e).__name__
                if trouble and trouble != said:
                    _log.error("%s: %s", name, trouble)
                said = trouble
                wake.wait(pause)
        if name == "outbox":
            self._release()

    def _outbox(self) -> float:
        done = self._app.outbox.run_once()
        now = self._app.clock()
        if now >= self._next_chores:
            self._next_chores = now + CHORES
            self._chores()
        return _pause(done)

    def _chores(self) -> None:
        app = self._app
        app.outbox.sweep()
        app.log_anchoring.anchor_due()
        app.uploads.sweep(app.settings.report_days)
        app.access.forget(app.settings.answer_days)

    def _uploads(self) -> float:
        return BUSY if self._app.uploads.run_open(lambda: not self._stopping.is_set()) else IDLE

    def _audits(self) -> float:
        return BUSY if AuditRuns(self._app).run_open(lambda: not self._stopping.is_set()) else IDLE

    def _validation(self) -> float:
        """Not at each wake: nothing that was just accepted is due."""
        now = self._app.clock()
        if now < self._next_validation:
            return self._next_validation - now
        self._next_validation = now + CHORES
        found = self._app.late_validation.run_due(lambda: not self._stopping.is_set())
        codes = {problem.code for problem in found.problems}
        for code in sorted(codes - self._unvalidated):
            _log.warning("validation: %s", code)
        self._unvalidated = codes
        return CHORES

    def _release(self) -> None:
        try:
            self._app.outbox.release()
        except ZhengyinError as e:
            _log.error("outbox: %s", e.code)


def _pause(done: Pass) -> float:
    if done.moved or done.open > done.held:
        return BUSY
    return TROUBLE if done.problems else IDLE
