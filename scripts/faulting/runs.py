"""Fault runs: a client is killed at a named place or a random instant, or a port fails under it; then all is proved.

Every client is a process of its own, forked from one that has loaded everything, and really killed (SIGKILL).
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.services import faultpoints
from scripts.faulting.acts import Told
from scripts.faulting.client import Client, finish, open_client
from scripts.faulting.history import Violation
from scripts.faulting.office import found_office
from scripts.faulting.ports import AFTER, BEFORE, replace_port

LIMIT_SECONDS = 300.0
"""A client that is not done after so long hangs."""
POINTS = (
    "accept.keys", "accept.spooled", "accept.committed", "import.prepared", "import.committed",
    "batch.segment", "batch.committed", "anchor.manifest", "anchor.stamped", "anchor.validation",
    "anchor.signed", "anchor.stored", "anchor.sent", "anchor.mined", "anchor.final", "anchor.receipt",
    "anchor.receipted", "validation.collected", "status.stored", "act.stored", "upload.chunk", "upload.report",
    "upload.closed", "erase.accepted", "erase.keys", "erase.rows", "erase.published",
)  # fmt: skip
PAIRS = tuple(
    (port, method, when)
    for port, method in (
        ("store", "begin"),
        ("segments", "create"),
        ("chain", "send"),
        ("spool", "write"),
        ("vault", "add"),
        ("vault", "erase"),
    )
    for when in (BEFORE, AFTER)
)
Fault = tuple[str, str, str]
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``hits``: kills or failures suffered; ``recovery``: seconds on the ledger's clock, the dead one's lease included;
    ``records`` in final batches; ``problem``: None where every promise held."""

    hits: int
    recovery: float
    records: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Template:
    home: Path
    now: float

    @classmethod
    def found(cls, folder: Path) -> Template:
        return cls(folder / "home", found_office(folder / "home"))

    def copy(self, folder: Path) -> Path:
        """A folder of a run's own, without what an earlier run left there."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.home, folder / "home")
        return folder / "home"


def killed_at(template: Template, folder: Path, point: str, seed: int) -> Outcome:
    """Killed at a named place, the first or second time it is reached; then started again."""
    for count in (random.Random(seed).randint(1, 2), 1):  # noqa: S311
        home = template.copy(folder)
        first = _start(lambda: _live(home, template.now, seed, point=f"{point}:{count}"))  # noqa: B023
        _end(first)
        if first.exitcode == -signal.SIGKILL:
            break
    hits = int(first.exitcode == -signal.SIGKILL)
    if hits:
        _end(_start(lambda: _live(home, template.now, seed)))
    return _outcome(home, hits)


def killed_anytime(template: Template, folder: Path, typical: float, seed: int) -> Outcome:
    """Killed up to three times at random instants, also while it recovers; ``typical``: seconds of a calm run."""
    chance = random.Random(seed)  # noqa: S311
    home, hits = template.copy(folder), 0
    for _ in range(chance.randint(1, 3)):
        process = _start(lambda: _live(home, template.now, seed))
        process.join(chance.uniform(0.0, typical))
        if process.exitcode is None:
            process.kill()
            hits += 1
        process.join()
    _end(_start(lambda: _live(home, template.now, seed)))
    return _outcome(home, hits)


def failing_once(template: Template, folder: Path, fault: Fault, seed: int) -> Outcome:
    """One call of a port fails: nothing was done, or it was done and reported as failed."""
    home = template.copy(folder)
    _end(_start(lambda: _live(home, template.now, seed, fault=fault)))
    told = Told(home.with_suffix(".told"))
    fired = told.all("fired")
    told.close()
    return _outcome(home, fired[-1][0] if fired else 0)


def undisturbed(template: Template, folder: Path, seed: int) -> tuple[Outcome, float]:
    """What it looks like when nothing goes wrong, and how many seconds it takes."""
    home, began = template.copy(folder), time.monotonic()
    _end(_start(lambda: _live(home, template.now, seed)))
    return _outcome(home, 0), time.monotonic() - began


def _start(act: Callable[[], None]) -> multiprocessing.process.BaseProcess:
    process = _FORK.Process(target=act)
    process.start()
    return process


def _end(process: multiprocessing.process.BaseProcess) -> None:
    process.join(LIMIT_SECONDS)
    if process.exitcode is None:
        process.terminate()
        process.join()


def _live(home: Path, now: float, seed: int, point: str = "", fault: Fault | None = None) -> None:
    faultpoints.arm(point)
    client = open_client(home, now, seed)
    try:
        if fault is None:
            client.run()
        else:
            _run_failing(client, fault, seed)
    except Violation as violation:
        client.told.tell("violation", violation.rule, violation.what)
    except Exception:
        client.told.tell("violation", "exception", traceback.format_exc())
    finally:
        finish(client)


def _run_failing(client: Client, fault: Fault, seed: int) -> None:
    port, method, when = fault
    faulty = replace_port(client.app, port)
    faulty.once, faulty.countdown, faulty.faults = True, random.Random(seed).randint(1, 5), {method: when}  # noqa: S311
    try:
        client.run()
    finally:
        client.told.tell("fired", faulty.fired)


def _outcome(home: Path, hits: int) -> Outcome:
    told = Told(home.with_suffix(".told"))
    try:
        recovered = [seconds for (seconds,) in told.all("recovered")]
        checked, violations = told.all("checked"), told.all("violation")
        problem = None if checked else "it did not come to an end"
        if violations:
            problem = ": ".join(violations[0])
        return Outcome(hits, max(recovered, default=0.0), checked[-1][0] if checked else 0, problem)
    finally:
        told.close()
