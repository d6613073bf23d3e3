"""What a second worker process brings: the same tables on PostgreSQL, imported by two of them and by one alone.

Throughput by the clock on the wall, from the first table's start to the last one's end, by turns: one, two, one again
(the control). It says something only on a machine with two cores that do nothing else: server, workers and whatever
else runs share them. Closing and anchoring, which one of them does beside, are waited for after each turn, unmeasured.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from ledger.ports.access import AnswerRow, UploadRow
from scripts.benchmarks.office import OFFICE, TYPE, Office, office, server, type_file
from scripts.benchmarks.pairs import ATTEMPTS, LEAST_PAIRS, TOLERANCE, Result, Sizes

ROOT = Path(__file__).resolve().parents[2]
GOAL = 1.5
TABLES = 8
PATIENCE = 600.0


def run(sizes: Sizes) -> Iterator[Result]:
    """No row where PostgreSQL is not installed."""
    with server() as started:
        if started is None:
            return
        with office(started.url(started.create())) as place:
            (place.app.settings.home / "types" / "benchmark.toml").write_text(type_file(), encoding="utf-8")
            yield measured(place, max(sizes.records // 4, 1), max(sizes.pairs, LEAST_PAIRS))


def measured(place: Office, rows: int, pairs: int) -> Result:
    for _ in range(ATTEMPTS):
        rounds = [tuple(turn(place, rows, workers) for workers in (1, 2, 1)) for _ in range(pairs)]
        control = median(first / again for first, _, again in rounds)
        ratio = median((first + again) / 2 / both for first, both, again in rounds)
        if abs(control - 1) <= TOLERANCE:
            return Result("two workers / one, throughput on PostgreSQL", ratio, GOAL, "higher", pairs, control, ratio)
    return Result("two workers / one, throughput on PostgreSQL", None, GOAL, "higher", pairs, control, ratio)


def turn(place: Office, rows: int, workers: int) -> float:
    """Seconds that so many workers take for ``TABLES`` new tables."""
    with ExitStack() as stack:
        begin = [stack.enter_context(_worker(place.app.settings.home)) for _ in range(workers)]
        ids = [_send(place, rows) for _ in range(TABLES)]
        began = time.perf_counter()
        for process in begin:
            _tell(process)
        until = began + PATIENCE
        while (left := _open(place, ids)) and time.perf_counter() < until:
            time.sleep(0.02)
        spent = time.perf_counter() - began
    done = place.app.outbox.drain(PATIENCE)
    if left or done.open or done.problems or not all(_whole(place, id_, rows) for id_ in ids):
        raise RuntimeError(f"{left} of {TABLES} tables left, {done}")  # a benchmark of less would be a lie
    return spent


@contextmanager
def _worker(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "scripts.benchmarks.working", str(home)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError("the worker did not start")
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait()


def _tell(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.write("begin\n")
        process.stdin.flush()


def _send(place: Office, rows: int) -> bytes:
    place.new_table(rows)
    app = place.app
    id_, now = app.uploads.new_id(), int(app.clock())
    with app.upload_files.writer(id_, app.settings.upload_limit) as writer:
        writer.write(place.table.read_bytes())
        digest = writer.finish()
    counts = (None, 0, 0, 0, 0, None)
    asked = UploadRow(0, id_, "bench", OFFICE, TYPE, "issued", False, "table.csv", "waiting", *counts, now, None)
    app.uploads.accept(asked, AnswerRow("bench", id_.ljust(32), digest, id_.ljust(32), now))
    return id_


def _open(place: Office, ids: list[bytes]) -> int:
    with place.app.store.read() as unit:
        return len({u.id for u in unit.access.open_uploads()}.intersection(ids))


def _whole(place: Office, id_: bytes, rows: int) -> bool:
    found = place.app.uploads.find(id_)
    return found is not None and (found.state, found.new, found.refused) == ("finished", rows, 0)
