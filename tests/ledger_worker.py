"""What a process of its own does on a data folder (``ledger_processes``)."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ledger_world import Clock, World

from ledger.assembly.demo_plan import COURT
from ledger.core.registries import State
from ledger.core.tombstones import ErasureReason
from ledger.errors import ZhengyinError
from ledger.services.acting import RecordsAct
from ledger.services.faultpoints import arm


class RunningClock(Clock):
    """Goes on from an instant in real time: for processes that must agree on it."""

    def __init__(self, now: float) -> None:
        super().__init__(now - time.monotonic())

    def __call__(self) -> float:
        return self.now + time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    wait = sleep  # this one is waited for


def run(words: list[str], fault: str, stdout: str, stderr: str) -> None:
    """``words``: home, now, action, its arguments; ``now`` in seconds UTC, with a plus sign before it the clock runs on
    from there. ``fault``: where the process kills itself. Ends the process."""
    for path, descriptor in ((stdout, 1), (stderr, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    arm(fault)
    sys.exit(_act(*words))


def _act(home: str, now: str, action: str, *rest: str) -> int:
    world = World(Path(home), RunningClock(float(now)) if now.startswith("+") else Clock(float(now)), {})
    try:
        ACTIONS[action](world, *rest)
    except ZhengyinError as error:
        print(error.code)
        return error.exit_code
    finally:
        world.close()
    return 0


def drain(world: World) -> None:
    world.drain()


def import_rows(world: World, source: str) -> None:
    result, outcomes = world.import_rows(Path(source))
    for o in outcomes:
        print(o.line, o.outcome, o.id or "-", o.problem.code if o.problem else "-")
    print(dict(result.counts))


def issue(world: World, count: str) -> None:
    for n in range(int(count)):
        print(world.issue_seal(f"第{n}枚").leaf.hex(), flush=True)


def issue_and_drain(world: World, count: str) -> None:
    """As two clerks at once would: issue, and drive the outbox if nobody else does."""
    for n in range(int(count)):
        print(world.issue_seal(f"第{n}枚").leaf.hex(), flush=True)
        try:
            world.app.outbox.drain(60)
        except ZhengyinError as error:
            if error.code != "OUTBOX_LEASE_HELD":
                raise


def revoke(world: World, leaf: str) -> None:
    world.change(bytes.fromhex(leaf), State.REVOKED)
    world.drain()


def freeze(world: World, issuer: str, leaf: str) -> None:
    world.act(RecordsAct.FREEZE, COURT, issuer, bytes.fromhex(leaf))
    world.drain()


def annul(world: World, actor: str, issuer: str, leaf: str) -> None:
    world.act(RecordsAct.ANNUL, actor, issuer, bytes.fromhex(leaf))
    world.drain()


def erase(world: World, leaf: str) -> None:
    row = bytes.fromhex(leaf)
    with world.app.store.read() as unit:
        found = unit.records.by_leaf(row)
    assert found is not None
    world.app.erasing.erase(found.issuer, row, ErasureReason.CONSENT_WITHDRAWN, "决定 2")


def import_many(world: World, *sources: str) -> None:
    for source in sources:
        import_rows(world, source)


def drive(world: World, stop: str) -> None:
    """Drive the outbox until there is a file named ``stop``, as a worker does."""
    while not Path(stop).exists():
        try:
            world.app.outbox.drain(60)
        except ZhengyinError as error:
            if error.code != "OUTBOX_LEASE_HELD":
                raise
        time.sleep(0.05)


def late_validation(world: World) -> None:
    print(world.app.late_validation.run_due().written)


def uploads(world: World) -> None:
    world.app.uploads.run_open()


def full_disk(world: World, size: str, source: str) -> None:
    """No file may grow beyond ``size`` bytes: as near to a full disk as a process can be brought alone."""
    world.app.outbox.run_once()  # everything open, under the quota of a healthy day
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    import_rows(world, source)
    world.drain()


ACTIONS: dict[str, Callable[..., None]] = {
    "drain": drain,
    "import": import_rows,
    "import-many": import_many,
    "drive": drive,
    "issue": issue,
    "issue-and-drain": issue_and_drain,
    "revoke": revoke,
    "freeze": freeze,
    "annul": annul,
    "erase": erase,
    "uploads": uploads,
    "full-disk": full_disk,
    "late-validation": late_validation,
}
