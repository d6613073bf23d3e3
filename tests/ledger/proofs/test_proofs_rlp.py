"""The strict codec, held to the common `rlp` package."""

import pytest
import rlp as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.proofs.rlp import MAX_DEPTH, decode_strict, encode, from_int, to_int

ITEMS = st.recursive(st.binary(max_size=70), lambda items: st.lists(items, max_size=5), max_leaves=20)
QUICK = settings(deadline=None, max_examples=150)


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode_strict(data)
    return caught.value.code


@QUICK
@given(ITEMS)
def test_same_bytes_as_the_common_codec_and_back(item):
    data = encode(item)
    assert data == oracle.encode(item)
    assert decode_strict(data) == item


@QUICK
@given(
    st.binary(max_size=90) | ITEMS.map(encode).flatmap(lambda d: st.integers(0, 255).map(lambda b: bytes([b]) + d[1:]))
)
def test_only_the_canonical_encoding_is_accepted(data):
    try:
        item = decode_strict(data)
    except InputError as error:
        assert error.code.startswith("RLP_")
        with pytest.raises(oracle.exceptions.DecodingError):
            oracle.decode(data)
    else:
        assert encode(item) == data
        assert oracle.decode(data) == item


@pytest.mark.parametrize("size", [0, 1, 55, 56, 255, 256, 65535, 65536])
def test_every_length_form(size):
    for item in (b"\xaa" * size, [b"\x01"] * size):
        assert encode(item) == oracle.encode(item)
        assert decode_strict(encode(item)) == item


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "RLP_EMPTY"),
        ("82aa", "RLP_TRUNCATED"),
        ("c2", "RLP_TRUNCATED"),
        ("b8", "RLP_TRUNCATED"),
        ("ffffffffffffffffff", "RLP_TRUNCATED"),
        ("c182aa", "RLP_TRUNCATED"),  # the inner item runs out of its list
        ("c1b838" + "aa" * 56, "RLP_TRUNCATED"),
        ("8000", "RLP_TRAILING"),
        ("c0c0", "RLP_TRAILING"),
        ("8101", "RLP_NOT_CANONICAL"),  # a byte below 0x80 stands for itself
        ("b837" + "aa" * 55, "RLP_NOT_CANONICAL"),  # the long form for 55 bytes
        ("b90038" + "aa" * 56, "RLP_NOT_CANONICAL"),  # a length with a leading zero
        ("f800", "RLP_NOT_CANONICAL"),
    ],
)
def test_malformed_bytes_are_refused_with_their_own_code(data, code):
    assert refused(bytes.fromhex(data)) == code


def test_nesting_bomb_is_refused_before_the_stack_ends():
    item: list = []
    for _ in range(MAX_DEPTH - 1):
        item = [item]
    assert decode_strict(encode(item)) == item
    assert refused(encode([item])) == "RLP_TOO_DEEP"
    bomb = b""
    for _ in range(3000):
        size = len(bomb)
        bomb = (
            bytes([0xC0 + size])
            if size < 56
            else bytes([0xF9]) + size.to_bytes(2, "big")
            if size > 255
            else bytes([0xF8, size])
        ) + bomb
    assert refused(bomb) == "RLP_TOO_DEEP"


@QUICK
@given(st.integers(0, 2**256 - 1))
def test_integers_are_minimal(number):
    assert to_int(from_int(number)) == number
    with pytest.raises(InputError, match="RLP_INTEGER"):
        to_int(b"\0" + from_int(number))
