"""Lengths that a stream left open are closed, and nothing else is changed; what cannot be is refused in little time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto import der
from ledger.crypto.ber import MAX_DEPTH, MAX_ELEMENTS, closed
from ledger.errors import InputError

OID = der.write_oid("1.2.840.113549.1.7.2")


def left_open(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


def test_a_stream_becomes_what_der_says() -> None:
    pieces = left_open(0x24, der.write(4, b"ab"), der.write(4, b"c"))
    streamed = left_open(0x30, OID, left_open(0xA0, pieces, der.write(0x30, b"\x02\x01\x07")))
    assert closed(streamed) == der.write(0x30, OID, der.write(0xA0, der.write(4, b"abc"), b"\x30\x03\x02\x01\x07"))


@given(st.binary(max_size=200))
def test_a_definite_length_is_left_to_its_reader(content: bytes) -> None:
    whole = der.write(0x30, content)
    assert closed(whole) == whole and closed(whole + b"\0") == whole + b"\0"


HOSTILE = {
    "bytes behind the end": left_open(0x30) + b"\0",
    "no end": left_open(0x30, OID)[:-2],
    "half an end": left_open(0x30, OID)[:-1],
    "an open length of what has no parts": left_open(0x30, b"\x04\x80ab\0\0"),
    "a longer child than there is": left_open(0x30, b"\x04\x09ab"),
    "a length longer than the whole": left_open(0x30, b"\x04\x84"),
    "a high tag": left_open(0x30, b"\x3f\x01\x00"),
    "octets in pieces of another kind": left_open(0x30, left_open(0x24, b"\x02\x01\x07")),
    "too deep": b"\x30\x80" * (MAX_DEPTH + 2) + b"\0\0" * (MAX_DEPTH + 2),
    "too many": left_open(0x30, b"\x05\0" * MAX_ELEMENTS),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_streams(case: str) -> None:
    with pytest.raises(InputError, match=r"DER_SYNTAX|DER_SHAPE"):
        closed(HOSTILE[case])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(tail: bytes) -> None:
    try:
        found = closed(b"\x30\x80" + tail)
    except InputError:
        return
    assert der.read(found, 0x30).outer == found, "one element, of a definite length"
