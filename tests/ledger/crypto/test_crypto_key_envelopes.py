"""Envelopes that name their key: read strictly, bound to organisation and context."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto.envelopes import OVERHEAD
from ledger.crypto.key_envelopes import ALGORITHMS, MAX_HEAD, MAX_VERSION, KeyHead, read_key_envelope
from ledger.errors import InputError

HEADS = st.builds(
    KeyHead,
    st.sampled_from(sorted(ALGORITHMS.values())),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", fullmatch=True),
    st.integers(1, MAX_VERSION),
)


@given(HEADS, st.binary(min_size=OVERHEAD, max_size=64))
@settings(max_examples=60, deadline=None)
def test_a_head_is_read_as_it_was_written(head: KeyHead, envelope: bytes) -> None:
    assert read_key_envelope(head.to_bytes() + envelope) == (head, envelope)
    assert len(head.to_bytes()) <= MAX_HEAD


@given(st.binary(max_size=120))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_is_read_or_refused_with_our_code(data: bytes) -> None:
    for given_ in (data, b"ZYKE\x01" + data):
        try:
            head, envelope = read_key_envelope(given_)
        except InputError as error:
            assert error.code == "KEY_ENVELOPE_FORM"
        else:
            assert head.to_bytes() + envelope == given_


@given(HEADS, HEADS, *[st.text(max_size=8)] * 2, *[st.sampled_from(["114401000700000148", "HK-1"])] * 2)
@settings(max_examples=100, deadline=None)
def test_no_two_places_have_the_same_associated_data(
    one: KeyHead, two: KeyHead, here: str, there: str, mine: str, theirs: str
) -> None:
    same = (one, mine, here) == (two, theirs, there)
    assert (one.associated(mine, here) == two.associated(theirs, there)) is same


@pytest.mark.parametrize(
    ("algorithm", "name", "version"),
    [("aes-128-gcm", "a", 1), ("sm4-gcm", "", 1), ("sm4-gcm", "a.b", 1), ("sm4-gcm", "a" * 65, 1),
     ("sm4-gcm", "张", 1), ("sm4-gcm", "a", 0), ("sm4-gcm", "a", MAX_VERSION + 1)],
)  # fmt: skip
def test_a_head_that_names_no_key_is_refused(algorithm: str, name: str, version: int) -> None:
    with pytest.raises(InputError, match="KEY_ENVELOPE_FORM"):
        KeyHead(algorithm, name, version)
