"""Prepared HMACs: the standard's value for any message, and keys that do not show."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.mac import PreparedMac
from ledger.errors import InputError

KEY = bytes(range(32))


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=1, max_size=64), st.binary(max_size=80), st.binary(max_size=200))
def test_a_prepared_mac_is_hmac_sha256(secret: bytes, prefix: bytes, message: bytes) -> None:
    prepared = PreparedMac(secret, prefix)
    expected = hmac.digest(secret, prefix + message, "sha256")
    assert prepared.of(message) == prepared.of(message) == expected


def test_lookup_keys_of_different_purposes_differ() -> None:
    index, source = BlindIndex(KEY), bytes(32)
    assert index.id("a") == hmac.digest(KEY, b"index/id/a", "sha256")[:16]
    assert index.file(source) == hmac.digest(KEY, b"index/file/" + source, "sha256")
    assert index.row(source, 7) == hmac.digest(KEY, b"index/row/" + bytes(7) + b"\x07" + source, "sha256")[:16]


def test_an_index_key_has_32_bytes_and_does_not_show() -> None:
    assert repr(BlindIndex(KEY)) == "BlindIndex(…)"
    assert repr(PreparedMac(KEY, b"")) == "PreparedMac(…)"
    for length in (0, 31, 33):
        with pytest.raises(InputError, match="KEY_LENGTH"):
            BlindIndex(bytes(length))
