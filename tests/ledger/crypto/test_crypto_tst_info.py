"""What a time-stamp authority signs: TSTInfo in its forms, and those that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from crypto_kit import NOW
from hypothesis import given, settings
from hypothesis import strategies as st
from timestamp_kit import FALSE, TRUE, integer, tst_info

from ledger.crypto import der
from ledger.crypto.signed_data import NULL, digest_of
from ledger.crypto.tst_info import read_tst_info
from ledger.errors import ConfigError, InputError

DATA = b"the octets of a signature"


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises((InputError, ConfigError)) as caught:
        work()
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def info(**changes: Any) -> bytes:
    return tst_info(digest_of("sha256", DATA), NOW, **changes)


def extension(*critical: bytes) -> bytes:
    return der.write(0xA1, der.write(0x30, der.write_oid("1.2.3.4"), *critical, der.write(4, b"")))


@pytest.mark.parametrize(
    ("accuracy", "seconds"),
    [
        (None, None),
        (b"", 0),
        (integer(2), 2),
        (der.write(0x80, b"\x01"), 1),
        (integer(1) + der.write(0x80, b"\x03\xe7") + der.write(0x81, b"\x03\xe8"), 2),
        (integer(1) + der.write(0x81, b"\x01"), 2),
    ],
)
def test_accuracy_is_rounded_up(accuracy: bytes | None, seconds: int | None) -> None:
    given_ = None if accuracy is None else der.write(0x30, accuracy)
    assert read_tst_info(info(accuracy=given_)).accuracy == seconds


def test_optional_fields_and_fractions() -> None:
    found = read_tst_info(info(fraction=".123", rest=der.write(0xA0, der.write(0x82, b"tsa")) + extension()))
    assert (found.time, found.policy, found.nonce) == (NOW, "1.3.6.1.4.1.99999.1", None)
    assert read_tst_info(info(accuracy=FALSE, nonce=5)).nonce == 5  # an ordering of FALSE, written out
    assert read_tst_info(info(rest=extension(FALSE))).time == NOW


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (info(rest=extension(TRUE)), "TIMESTAMP_EXTENSION"),
        (info(version=2), "TIMESTAMP_SYNTAX"),
        (info(rest=NULL), "TIMESTAMP_SYNTAX"),
        (info(rest=extension() + extension()), "TIMESTAMP_SYNTAX"),
        (info(fraction=".x"), "TIMESTAMP_SYNTAX"),
        (info(accuracy=der.write(0x30, integer(1), integer(1))), "TIMESTAMP_SYNTAX"),
        (info(accuracy=der.write(0x30, der.write(2, b"\xff"))), "TIMESTAMP_SYNTAX"),
        (info(accuracy=der.write(0x30, der.write(2, b"\0\x01"))), "TIMESTAMP_SYNTAX"),
        (tst_info(b"short", NOW), "TIMESTAMP_DIGEST"),
        (b"", "TIMESTAMP_SYNTAX"),
    ],
)
def test_contents_that_are_refused(made: bytes, code: str) -> None:
    assert code_of(lambda: read_tst_info(made)) == code


@pytest.mark.parametrize(
    "text",
    [
        b"20161231235960Z",  # a leap second, which seconds UTC cannot say: the next authority, or the next minute, can
        b"20260931000000Z",
        b"20260920240000Z",
        b"2026092014132Z0",
        b"20260920141320+",
        b"2026092014 320Z",
        b"00000101000000Z",
    ],
)
def test_a_time_has_one_spelling(text: bytes) -> None:
    """RFC 3161 section 2.4.2: a GeneralizedTime to the second at least, in Zulu."""
    whole = info()
    assert code_of(lambda: read_tst_info(whole.replace(b"20260921141320Z", text))) == "TIMESTAMP_SYNTAX"
    for fraction in (".", ",5", ".1234567890", "+0800", ".5+08"):
        assert code_of(lambda f=fraction: read_tst_info(info(fraction=f))) == "TIMESTAMP_SYNTAX"


def test_a_policy_has_one_spelling() -> None:
    sound, padded = der.write_oid("1.2.3.4"), der.write(der.OID, bytes.fromhex("2a038004"))
    whole = info(policy="1.2.3.4.4")
    for odd in (padded, der.write(der.OID, sound[2:] + b"\x84"), der.write(der.OID, b"")):
        made = whole.replace(der.write_oid("1.2.3.4.4"), odd)
        length = len(made) - 2
        assert code_of(lambda m=made, n=length: read_tst_info(b"\x30" + bytes((n,)) + m[2:])) == "TIMESTAMP_SYNTAX"


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 200), st.integers(0, 8), st.binary(max_size=8))
def test_hostile_contents_raise_only_our_error(start: int, length: int, put: bytes) -> None:
    whole = info(nonce=1, rest=extension())
    try:
        read_tst_info(whole[:start] + put + whole[start + length :])
    except InputError as error:
        assert error.code.startswith("TIMESTAMP_")
