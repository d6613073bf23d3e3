"""What `make fuzz` starts from and what it once found goes through every parser: our errors only, soon, in little
memory."""

from __future__ import annotations

import time
import tracemalloc
import warnings

import pytest

from scripts.fuzzing.targets import KEPT, TARGETS, replay

SECONDS = 1.0  # of the processor, for one input
MEMORY = 64 << 20
WHOLE = 2 << 20
FILES = sorted(path for path in KEPT.glob("*/*") if path.is_file())


def test_every_target_has_its_inputs_and_none_is_left_over() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)
    assert sum(path.stat().st_size for path in FILES) <= WHOLE
    assert [path.name for path in FILES if path.stat().st_size > TARGETS[path.parent.name].most] == []


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_kept_ends_in_our_own_errors(target: str) -> None:
    warnings.simplefilter("ignore")  # of the libraries, about files that are not as they should be
    kept = [path for path in FILES if path.parent.name == target]
    replay(target, kept[0].read_bytes())  # what is loaded once is loaded
    for path in kept:
        data = path.read_bytes()
        assert _seconds(target, data) < SECONDS, path
        assert _peak(target, data) < MEMORY, path


def _seconds(target: str, data: bytes) -> float:
    began = time.process_time()
    replay(target, data)
    return time.process_time() - began


def _peak(target: str, data: bytes) -> int:
    tracemalloc.start()
    try:
        replay(target, data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
