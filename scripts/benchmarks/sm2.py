"""SM2 sign and verify against ``openssl speed`` on the same core: what Python, the digest and the checks cost."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from ledger.crypto import sm2
from scripts.benchmarks.pairs import ATTEMPTS, LEAST_PAIRS, TOLERANCE, Result, Sizes, spend

GOAL = 0.85
TIMES = 2_000
MESSAGE = bytes(300)
"""About as many bytes as the signed attributes of a CMS."""


def run(sizes: Sizes) -> Iterator[Result]:
    key = sm2.generate()
    point, signature = key.public_key().point, key.sign(MESSAGE)
    work = {"sign": lambda: key.sign(MESSAGE), "verify": lambda: sm2.verify(point, MESSAGE, signature)}
    with _one_core():
        for position, (name, one) in enumerate(work.items()):
            yield _row(f"SM2 {name} / openssl speed", position, one, max(LEAST_PAIRS, sizes.pairs))


def _row(name: str, position: int, one: Callable[[], object], pairs: int) -> Result:
    control = 0.0
    for _ in range(ATTEMPTS):
        rounds = [(_openssl()[position], _rate(one), _openssl()[position]) for _ in range(pairs)]
        control = median(before / after for before, _, after in rounds)
        if abs(control - 1) <= TOLERANCE:
            ratio = median(ours / ((before + after) / 2) for before, ours, after in rounds)
            return Result(name, ratio, GOAL, "higher", pairs, control)
    return Result(name, None, GOAL, "higher", pairs, control)


def _rate(one: Callable[[], object]) -> float:
    """A CPU second."""
    return TIMES / spend(lambda: [one() for _ in range(TIMES)]).cpu


def _openssl() -> tuple[float, float]:
    """Signatures made and verified a CPU second, by OpenSSL's own measure."""
    done = subprocess.run(["openssl", "speed", "-seconds", "1", "sm2"], capture_output=True, text=True, check=True)
    found = re.search(r"SM2.*s\s+([\d.]+)\s+([\d.]+)\s*$", done.stdout, re.M)
    assert found, done.stdout  # noqa: S101 - a measurement without its yardstick is none
    return float(found[1]), float(found[2])


@contextmanager
def _one_core() -> Iterator[None]:
    """This process and its children on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
