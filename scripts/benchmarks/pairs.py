"""How a row is measured: A B A B in one process, CPU time with children, the median of the pairs' ratios.

A is the yardstick (the least work that could give the same result), B what the ledger does. Beside each pair the
yardstick runs once more: the control, A against A. Where its median is off by more than ``TOLERANCE`` the machine was
not steady, and the row gets no ratio at all rather than a wrong one.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

TOLERANCE = 0.10
ATTEMPTS = 4
LEAST_PAIRS = 5

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Sizes:
    """``records``: of one bulk import; ``scale``: of the one that shows how it grows; ``checks``: of one offline
    sample; ``documents``: compared with rfc8785."""

    records: int = 65_536
    checks: int = 5_000
    documents: int = 1_000_000
    pairs: int = 7
    scale: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """One row. ``ratio``: None where the control was unsteady; ``control``: 1.0 is perfect; ``wall``: the ratio by
    the clock on the wall."""

    name: str
    ratio: float | None
    goal: float
    better: str
    pairs: int
    control: float
    wall: float | None = None

    @property
    def reached(self) -> bool:
        if self.ratio is None:
            return False
        return self.ratio >= self.goal if self.better == "higher" else self.ratio <= self.goal

    def to_json(self) -> dict[str, str | float | None]:
        ratio = None if self.ratio is None else round(self.ratio, 4)
        row: dict[str, str | float | None] = {"name": self.name, "ratio": ratio, "goal": self.goal}
        return row | {"better": self.better, "pairs": self.pairs, "control": round(self.control, 4)}


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: ``cpu`` of this process and of its children that have ended, ``wall`` by the clock."""

    cpu: float
    wall: float


def spend(work: Work) -> Spent:
    wall, cpu = time.perf_counter(), _cpu()
    work()
    return Spent(_cpu() - cpu, time.perf_counter() - wall)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def against(name: str, goal: float, yardstick: Work, work: Work, pairs: int, before: Work = lambda: None) -> Result:
    """Share of the yardstick's speed that ``work`` reaches; both do the same number of units. ``before`` each ``work``
    something may be made ready, unmeasured."""
    pairs = max(pairs, LEAST_PAIRS)
    control = 0.0
    before()
    yardstick()
    work()
    for _ in range(ATTEMPTS):
        rounds = []
        for _ in range(pairs):
            before()
            rounds.append((spend(yardstick), spend(work), spend(yardstick)))
        control = median(first.cpu / again.cpu for first, _, again in rounds)
        if abs(control - 1) <= TOLERANCE:
            ratio = median((a.cpu + c.cpu) / 2 / b.cpu for a, b, c in rounds)
            wall = median((a.wall + c.wall) / 2 / b.wall for a, b, c in rounds)
            return Result(name, ratio, goal, "higher", pairs, control, wall)
    return Result(name, None, goal, "higher", pairs, control)


def seconds(name: str, goal: float, work: Work, pairs: int) -> Result:
    """CPU seconds of ``work``; the control is ``work`` against itself."""
    pairs = max(pairs, LEAST_PAIRS)
    work()
    control = 0.0
    for _ in range(ATTEMPTS):
        rounds = [(spend(work), spend(work)) for _ in range(pairs)]
        control = median(a.cpu / b.cpu for a, b in rounds)
        if abs(control - 1) <= TOLERANCE:
            spent = [s for pair in rounds for s in pair]
            return Result(
                name, median(s.cpu for s in spent), goal, "lower", pairs, control, median(s.wall for s in spent)
            )
    return Result(name, None, goal, "lower", pairs, control)
