"""Every target under Hypothesis, by the changes that fuzzing makes: a few of each in every test run."""

from __future__ import annotations

import random
import warnings
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.fuzzing.mutators import MUTATORS
from scripts.fuzzing.targets import KEPT, TARGETS, replay


@cache
def kept(target: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((KEPT / target).iterdir()))


def changed(data: bytes, chance: random.Random) -> bytes:
    """Some bytes cut out, and others put in their place."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.randbytes(chance.randrange(4)) + data[start + chance.randrange(4) :]


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=12, deadline=None)
@given(which=st.integers(0, 99), chance=st.randoms(use_true_random=False), times=st.integers(1, 4))
def test_changed_inputs_end_in_our_own_errors(target: str, which: int, chance: random.Random, times: int) -> None:
    data = kept(target)[which % len(kept(target))]
    mutate = MUTATORS[TARGETS[target].form]
    for _ in range(times):
        data = mutate(data, chance, lambda part: changed(part, chance))[: TARGETS[target].most]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries, about files that are not as they should be
        replay(target, data)
