"""A process of its own on a data folder: ``ledger_worker.py HOME NOW ACTION …``. Armed by ZHENGYIN_FAULTPOINT.

``NOW`` in seconds UTC; with a plus sign before it the clock runs on from there.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ledger_world import Clock, World

from ledger.core.registries import State
from ledger.errors import ZhengyinError


class RunningClock(Clock):
    """Goes on from an instant in real time: for processes that must agree on it."""

    def __init__(self, now: float) -> None:
        super().__init__(now - time.monotonic())

    def __call__(self) -> float:
        return self.now + time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def main() -> int:
    home, now, action, *rest = sys.argv[1:]
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
    "issue": issue,
    "issue-and-drain": issue_and_drain,
    "revoke": revoke,
    "full-disk": full_disk,
}

if __name__ == "__main__":
    sys.exit(main())
