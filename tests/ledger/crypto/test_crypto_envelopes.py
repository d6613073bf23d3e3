"""Envelopes by AES-256-GCM and SM4-GCM."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import VECTORS

from ledger.crypto import envelopes
from ledger.crypto.envelopes import ENCRYPTIONS, NONCE_BYTES, OVERHEAD, decrypt, encrypt, encrypt_with_nonce
from ledger.errors import InputError

KEYS = {name: bytes(range(encryption.key_bytes)) for name, encryption in ENCRYPTIONS.items()}
algorithms = st.sampled_from(sorted(KEYS))
quick = settings(deadline=None, max_examples=80)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        work()
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def test_sm4_gcm_of_rfc_8998() -> None:
    """Appendix A.1."""
    key, nonce = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes.fromhex("00001234567800000000ABCD")
    plaintext = b"".join(bytes([value]) * 8 for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    associated = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    expected = (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert encrypt_with_nonce("sm4-gcm", key, nonce, plaintext, associated).hex().upper() == expected
    assert decrypt("sm4-gcm", key, nonce + bytes.fromhex(expected), associated) == plaintext


def test_aes_256_gcm_of_the_gcm_specification() -> None:
    """McGrew and Viega, test case 14: a key of zeros, one block of zeros."""
    found = encrypt_with_nonce("aes-256-gcm", bytes(32), bytes(12), bytes(16), b"")
    assert found.hex() == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


def test_sm4_gcm_of_wycheproof() -> None:
    groups = json.loads((VECTORS / "wycheproof" / "sm4_gcm_test.json").read_text("utf-8"))["testGroups"]
    seen = set()
    for group in groups:
        if group["ivSize"] != 8 * NONCE_BYTES:
            continue  # envelopes have one size of nonce
        for test in group["tests"]:
            key, nonce, associated, plaintext, body, tag = (
                bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            seen.add(test["result"])
            if test["result"] == "valid":
                assert encrypt_with_nonce("sm4-gcm", key, nonce, plaintext, associated) == body + tag
                assert decrypt("sm4-gcm", key, nonce + body + tag, associated) == plaintext
            else:
                refused = code_of(lambda given=(key, nonce + body + tag, associated): decrypt("sm4-gcm", *given))
                assert refused == "ENVELOPE_DAMAGED", test["tcId"]
    assert seen == {"valid", "invalid"}


@quick
@given(algorithms, st.binary(max_size=200), st.binary(max_size=40), st.integers(0, 2**16))
def test_any_changed_bit_closes_the_envelope(algorithm: str, plaintext: bytes, associated: bytes, place: int) -> None:
    key = KEYS[algorithm]
    envelope = encrypt(algorithm, key, plaintext, associated)
    assert len(envelope) == len(plaintext) + OVERHEAD
    assert decrypt(algorithm, key, envelope, associated) == plaintext
    assert encrypt(algorithm, key, plaintext, associated)[:NONCE_BYTES] != envelope[:NONCE_BYTES]
    at, forged = place % (8 * len(envelope)), bytearray(envelope)
    forged[at // 8] ^= 1 << at % 8
    other = bytes([key[0] ^ 1]) + key[1:]
    for given_ in (
        (key, bytes(forged), associated),
        (key, envelope, associated + b"\0"),
        (other, envelope, associated),
    ):
        assert code_of(lambda given=given_: decrypt(algorithm, *given)) == "ENVELOPE_DAMAGED"


@quick
@given(algorithms, st.binary(max_size=60))
def test_hostile_envelopes(algorithm: str, data: bytes) -> None:
    assert code_of(lambda: decrypt(algorithm, KEYS[algorithm], data, b"")) == "ENVELOPE_DAMAGED"


def test_keys_of_another_length_algorithm_or_size(monkeypatch: pytest.MonkeyPatch) -> None:
    # 16 bytes would silently be AES-128
    assert code_of(lambda: encrypt("aes-256-gcm", bytes(16), b"", b"")) == "ENVELOPE_KEY"
    assert code_of(lambda: decrypt("sm4-gcm", bytes(32), bytes(28), b"")) == "ENVELOPE_KEY"
    assert code_of(lambda: encrypt("aes-256-cbc", bytes(32), b"", b"")) == "ENVELOPE_ALGORITHM"
    monkeypatch.setattr(envelopes, "MAX_BYTES", 10)
    assert code_of(lambda: encrypt("sm4-gcm", bytes(16), bytes(11), b"")) == "ENVELOPE_SIZE"
    assert code_of(lambda: decrypt("sm4-gcm", bytes(16), bytes(39), b"")) == "ENVELOPE_SIZE"


def test_one_algorithm_s_envelope_is_not_the_other_s() -> None:
    envelope = encrypt("sm4-gcm", KEYS["sm4-gcm"], b"text", b"")
    assert code_of(lambda: decrypt("aes-256-gcm", KEYS["aes-256-gcm"], envelope, b"")) == "ENVELOPE_DAMAGED"
