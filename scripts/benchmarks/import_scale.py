"""How an import grows: memory and speed of a million records beside those of its first hundred thousand.

Each size runs in a process of its own, whose peak of resident memory is what the kernel counted.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ledger.core.manifests import MAX_BATCH
from ledger.core.registries import Kind
from ledger.services.batching import Batching
from ledger.services.import_rows import ImportRequest, RowOutcome
from scripts.benchmarks.office import OFFICE, Office, office
from scripts.benchmarks.pairs import Result, Sizes, spend

MEMORY_GOAL, RATE_GOAL, BATCH_GOAL = 1.1, 0.8, 150.0
STEPS = 10


def run(sizes: Sizes) -> Iterator[Result]:
    step = sizes.scale // STEPS
    small, _ = _apart(partial(_import, step, 1))
    large, seconds = _apart(partial(_import, step, STEPS))
    name = f"peak memory of an import of {sizes.scale:,} / of {step:,} records"
    yield Result(name, large / small, MEMORY_GOAL, "lower", 1, 1.0)
    name = f"records a CPU second, last {step:,} of {sizes.scale:,} / first"
    yield Result(name, seconds[0] / seconds[-1], RATE_GOAL, "higher", 1, 1.0)
    in_batch = min(MAX_BATCH, step)
    (half, _), (whole, _) = (_apart(partial(_close, size)) for size in (in_batch // 2, in_batch))
    name = "bytes a record in an open batch, beyond its bodies"
    yield Result(name, (whole - half) / (in_batch - in_batch // 2), BATCH_GOAL, "lower", 1, 1.0)


def _apart(work: Callable[[], tuple[float, Sequence[float]]]) -> tuple[float, Sequence[float]]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def _import(step: int, steps: int) -> tuple[float, Sequence[float]]:
    """Peak of resident memory, and the CPU seconds of each step."""
    seconds = []
    with office() as place:
        for _ in range(steps):
            place.new_table(step)
            seconds.append(spend(lambda: place.import_table(step)).cpu)
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), seconds


def _close(size: int) -> tuple[float, Sequence[float]]:
    """Peak of what Python allocates while a batch is closed, in bytes; bodies pass through in pieces."""
    with office() as place:
        place.new_table(size)
        _accept(place)
        app = place.app
        batching = Batching(app.store, app.segments, app.spool, app.signer, time.time)
        tracemalloc.start()
        batching.close_one(OFFICE, Kind.LICENSE, [])
        return float(tracemalloc.get_traced_memory()[1]), ()


def _accept(place: Office) -> None:
    def ignore(_: Sequence[RowOutcome]) -> None: ...

    place.app.importing.run(ImportRequest(OFFICE, place.definition, place.table, place.folder), ignore)
