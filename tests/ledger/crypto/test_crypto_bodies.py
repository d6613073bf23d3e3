"""Digests, encrypted bodies, approvals and the DER that is written here."""

from __future__ import annotations

import hashlib
import hmac
import io
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto import der, digests
from ledger.crypto.approvals import ApprovalKey, approve, check_approvals
from ledger.crypto.envelope import OVERHEAD, decrypt_body, encrypt_body
from ledger.errors import ConfigError, InputError, IntegrityError

LEAF = bytes(range(32))
KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.mark.parametrize("size", [0, 1, digests.CHUNK, digests.CHUNK + 1])
def test_digests_of_a_file(size: int, tmp_path: Path) -> None:
    data = b"x" * size
    (tmp_path / "file").write_bytes(data)
    sm3 = Hash(SM3())
    sm3.update(data)
    found = digests.digest_path(tmp_path / "file")
    assert found == digests.digest_stream(io.BytesIO(data))
    assert (found.size, found.sha256, found.sm3) == (size, hashlib.sha256(data).digest(), sm3.finalize())


def test_digest_of_the_standards_example() -> None:
    sm3 = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905 A.1
    assert digests.digest_stream(io.BytesIO(b"abc")).sm3.hex() == sm3


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="DIGEST_FILE"):
        digests.digest_path(tmp_path / "none")


@given(st.binary(max_size=200))
def test_body_round_trip(body: bytes) -> None:
    encrypted = encrypt_body(KEY, LEAF, body)
    assert len(encrypted) == len(body) + OVERHEAD
    assert decrypt_body(KEY, LEAF, encrypted) == body


def test_body_changed_cut_moved_or_under_another_key() -> None:
    good = encrypt_body(KEY, LEAF, b"body")
    for key, leaf, data in (
        (OTHER, LEAF, good),
        (KEY, LEAF[::-1], good),
        (KEY, LEAF, good[:-1]),
        (KEY, LEAF, b""),
        (KEY, LEAF, bytes([good[0] ^ 1]) + good[1:]),
    ):
        with pytest.raises(InputError, match="BODY_DAMAGED"):
            decrypt_body(key, leaf, data)


def test_body_key_of_another_length_is_not_weaker_encryption() -> None:
    for use in (encrypt_body, decrypt_body):
        with pytest.raises(InputError, match="BODY_KEY"):
            use(bytes(16), LEAF, b"")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_approval_is_the_hmac_of_the_standard(key: bytes, leaf: bytes) -> None:
    expected = hmac.digest(key, b"zhengyin/approval/1" + leaf, "sha256")
    assert approve(key, leaf) == ApprovalKey(key).approve(leaf) == expected


def test_every_leaf_needs_an_approval_of_some_source() -> None:
    leaves = [bytes([n]) * 32 for n in range(4)]
    approvals = [approve(KEY if n % 2 else OTHER, leaf) for n, leaf in enumerate(leaves)]
    check_approvals(b"".join(leaves), b"".join(approvals), [KEY, ApprovalKey(OTHER)])
    with pytest.raises(IntegrityError, match="SIGNER_APPROVAL_MISSING") as caught:
        check_approvals(b"".join(leaves), b"".join(approvals), [OTHER])
    assert caught.value.values == {"index": 1}


def test_row_inserted_by_a_database_administrator() -> None:
    leaves = [bytes([n]) * 32 for n in range(3)]
    good = [approve(KEY, leaf) for leaf in leaves]
    for forged in (bytes(32), good[0], hashlib.sha256(leaves[2]).digest()):
        with pytest.raises(IntegrityError) as caught:
            check_approvals(b"".join(leaves), b"".join([*good[:2], forged]), [KEY])
        assert (caught.value.code, caught.value.values["index"]) == ("SIGNER_APPROVAL_MISSING", 2)


def test_approvals_left_out_or_nothing_to_check() -> None:
    for leaves, approvals in ((LEAF, b""), (b"", b""), (LEAF * 2, approve(KEY, LEAF))):
        with pytest.raises(IntegrityError, match="SIGNER_APPROVAL_MISSING"):
            check_approvals(leaves, approvals, [KEY])
    with pytest.raises(ConfigError, match="APPROVAL_KEYS_EMPTY"):
        check_approvals(LEAF, approve(KEY, LEAF), [])
    with pytest.raises(ConfigError, match="APPROVAL_KEY"):
        ApprovalKey(b"short")


def test_approval_key_does_not_show_itself() -> None:
    assert "k" * 8 not in repr(ApprovalKey(KEY)) and KEY.hex() not in repr(ApprovalKey(KEY))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=300), max_size=4))
def test_der_round_trip(parts: list[bytes]) -> None:
    encoded = b"".join(der.write(der.OCTET_STRING, part) for part in parts)
    assert [element.content for element in der.read_all(encoded)] == parts
    assert "".join(element.outer.hex() for element in der.read_all(encoded)) == encoded.hex()


@pytest.mark.parametrize(
    "hostile",
    ["30", "3080", "308000", "308100", "30817f", "3082007f", "1f0100", "30850000000000", "3001"],
)
def test_second_spellings_of_a_length_are_refused(hostile: str) -> None:
    data = bytes.fromhex(hostile)
    if hostile in ("30817f", "3082007f"):
        data += bytes(127)
    with pytest.raises(InputError, match="DER_"):
        der.read(data, der.SEQUENCE)


@given(st.binary(max_size=24))
def test_der_reader_raises_only_our_error(data: bytes) -> None:
    try:
        assert b"".join(element.outer for element in der.read_all(data)) == data
    except InputError as error:
        assert error.code == "DER_SYNTAX"


@pytest.mark.parametrize("text", [b"260101000000", b"2601010000Z", b"260101000060Z", b"991301000000Z", b"\xff"])
def test_times_in_other_forms(text: bytes) -> None:
    with pytest.raises(InputError, match="DER_TIME"):
        der.read_time(der.read(der.write(der.UTC_TIME, text), der.UTC_TIME))
