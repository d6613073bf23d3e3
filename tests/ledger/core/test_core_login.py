"""The challenge: one value, one spelling, and nothing else passes for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import canonical
from ledger.core.login import SESSION_SECONDS, SUBJECTS, Audience, Challenge
from ledger.errors import InputError

CHALLENGE = Challenge(
    *("https://ledger.example", Audience("114401000700000148", "hall"), "CN-440100", 2),
    *("person", 3600, 1_790_000_000, 1_790_000_180, bytes(32)),
)
CHALLENGES = st.builds(
    Challenge,
    st.sampled_from(("https://ledger.example", "http://127.0.0.1:8080", "http://[::1]:1")),
    st.builds(Audience, st.sampled_from(("114401000700000148", "HK:BR-1")), st.from_regex(r"\A[a-z0-9.-]{1,9}\Z")),
    st.sampled_from(("CN", "CN-440100", "HK")),
    st.integers(1, 4),
    st.sampled_from(SUBJECTS),
    st.integers(SESSION_SECONDS[0], SESSION_SECONDS[-1]),
    st.integers(0, 2**32),
    st.integers(2**32 + 1, 2**40),
    st.binary(min_size=32, max_size=32),
).filter(lambda c: c.audience.system[0] not in ".-")


@settings(max_examples=60, deadline=None)
@given(CHALLENGES)
def test_a_challenge_is_read_as_it_was_written(challenge: Challenge) -> None:
    assert Challenge.from_bytes(challenge.to_bytes()) == challenge


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.integers(0, 400).map(lambda n: CHALLENGE.to_bytes()[:n]))
def test_other_bytes_are_refused_with_an_error_of_ours(data: bytes) -> None:
    if data != CHALLENGE.to_bytes():
        with pytest.raises(InputError):
            Challenge.from_bytes(data)


WRONG: list[dict[str, Any]] = [
    {"tag": "zhengyin/manifest/1"},
    {"server": "https://ledger.example/path"},
    {"server": "https://user@ledger.example"},
    {"server": "ftp://ledger.example"},
    {"server": "https://Ledger.example"},
    {"audience": {"organisation": "114401000700000148", "system": "Hall"}},
    {"audience": {"organisation": "114401000700000149", "system": "hall"}},
    {"audience": {"organisation": "114401000700000148"}},
    {"level": 0},
    {"level": 5},
    {"level": True},
    {"session": SESSION_SECONDS[0] - 1},
    {"session": SESSION_SECONDS[-1] + 1},
    {"subject": "somebody"},
    {"jurisdiction": "gz"},
    {"expires": CHALLENGE.issued},
    {"nonce": "AAAA"},
    {"more": 1},
]


@pytest.mark.parametrize("changed", WRONG, ids=str)
def test_what_is_not_a_challenge_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Challenge.from_bytes(canonical.encode(CHALLENGE.to_json() | changed))


def test_other_spellings_are_refused() -> None:
    with pytest.raises(InputError, match="CANONICAL"):
        Challenge.from_bytes(CHALLENGE.to_bytes().replace(b":2,", b": 2,"))
