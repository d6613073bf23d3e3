"""The trust file: thresholds, versions, expiry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from crypto_kit import NOW, RSA_KEY, p256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from key_kit import software_key

from ledger.core.trust import KeySignature, Trust, TrustFile
from ledger.core.trust_lists import CouncilKey
from ledger.crypto import der
from ledger.crypto.trust_signatures import fingerprint_words, sign_trust, verify_trust_file
from ledger.errors import ZhengyinError
from ledger.outside.key_material import algorithm_name
from ledger.outside.software_keys import SoftwareKey

A = p256()
KEYS = {
    "a": software_key(A),
    "b": SoftwareKey.generate("ed25519"),
    "c": SoftwareKey.generate("ecdsa-p256"),
    "d": SoftwareKey.generate("ed25519"),
    "s": SoftwareKey.generate("sm2"),
    "t": SoftwareKey.generate("sm2"),
}
NAMES = {"ed25519": "Ed25519", "ecdsa-p256": "ES256", "sm2": "SM2"}


def council_key(id_: str, key: SoftwareKey) -> CouncilKey:
    return CouncilKey(id_, NAMES[algorithm_name(key.spki)], key.spki)


def content(version: int = 1, keys: str = "abc", threshold: int = 2, **changes: Any) -> Trust:
    listed = tuple(council_key(id_, KEYS[id_]) for id_ in keys)
    return replace(Trust(version, NOW, NOW + 100, listed, threshold, (), (), (), (), ()), **changes)


def signed(trust: Trust, ids: str) -> TrustFile:
    return TrustFile(trust, tuple(sign_trust(trust, id_, KEYS[id_]) for id_ in ids))


def code_of(file: TrustFile, previous: Trust | None = None, now: int | None = NOW) -> str:
    with pytest.raises(ZhengyinError) as caught:
        verify_trust_file(file, previous, now)
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def test_threshold_of_every_algorithm() -> None:
    verify_trust_file(signed(content(), "ab"), None, NOW)
    verify_trust_file(signed(content(), "abc"), None, None)
    verify_trust_file(signed(content(keys="abs", threshold=3), "abs"), None, NOW)
    verify_trust_file(signed(content(keys="st", threshold=2), "st"), None, NOW)


def test_threshold_not_reached() -> None:
    assert code_of(signed(content(), "a")) == "TRUST_NOT_ENOUGH"
    assert code_of(TrustFile(content(), ())) == "TRUST_NOT_ENOUGH"


def test_one_key_under_two_ids_is_one_voice() -> None:
    twice = (council_key("a", KEYS["a"]), council_key("b", KEYS["a"]), council_key("c", KEYS["c"]))
    trust = replace(content(), keys=twice)
    both = tuple(sign_trust(trust, id_, KEYS["a"]) for id_ in "ab")
    assert code_of(TrustFile(trust, both)) == "TRUST_NOT_ENOUGH"


def test_one_key_written_compressed_and_in_full_is_not_two_voices() -> None:
    full = council_key("a", KEYS["a"])
    algorithm = der.members(der.read(full.spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)[0].outer
    point = A.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    short = CouncilKey("b", "ES256", der.write(der.SEQUENCE, algorithm, der.write(der.BIT_STRING, b"\0" + point)))
    trust = replace(content(), keys=(full, short))
    both = tuple(sign_trust(trust, id_, KEYS["a"]) for id_ in "ab")
    assert code_of(TrustFile(trust, both)) == "TRUST_KEY_ALGORITHM"


def test_one_key_signing_twice() -> None:
    assert code_of(signed(content(), "aa")) == "TRUST_KEY_REPEATED"


def test_unknown_key() -> None:
    assert code_of(signed(content(), "abd")) == "TRUST_KEY_UNKNOWN"


def test_invalid_signature_beside_enough_good_ones() -> None:
    file = signed(content(), "ab")
    broken = replace(file, signatures=(*file.signatures, KeySignature("c", bytes(64))))
    assert code_of(broken) == "TRUST_SIGNATURE"


def test_signature_over_another_content() -> None:
    assert code_of(TrustFile(content(2), signed(content(1), "ab").signatures)) == "TRUST_SIGNATURE"


def test_no_flipped_bit_of_a_signature_verifies() -> None:
    good = signed(content(keys="abs"), "abs")
    for place, step in ((0, 1), (1, 1), (2, 7)):
        for bit in range(0, 512, step):
            value = bytearray(good.signatures[place].value)
            value[bit // 8] ^= 1 << bit % 8
            signatures = list(good.signatures)
            signatures[place] = replace(signatures[place], value=bytes(value))
            assert code_of(TrustFile(good.content, tuple(signatures))) == "TRUST_SIGNATURE"


def test_longer_signature() -> None:
    trust = content(keys="abs")
    good = signed(trust, "abs").signatures
    for place in range(3):
        longer = list(good)
        longer[place] = replace(good[place], value=good[place].value + b"\0")
        assert code_of(TrustFile(trust, tuple(longer))) == "TRUST_SIGNATURE"


def test_key_that_does_not_fit_its_algorithm() -> None:
    wrong = replace(council_key("a", KEYS["a"]), alg="Ed25519")
    trust = replace(content(), keys=(wrong, *content().keys[1:]))
    assert code_of(TrustFile(trust, (sign_trust(trust, "a", KEYS["a"]),))) == "TRUST_KEY_ALGORITHM"
    unreadable = replace(content(), keys=(replace(wrong, spki=b"\x30\x00"), *content().keys[1:]))
    assert code_of(TrustFile(unreadable, (sign_trust(unreadable, "a", KEYS["a"]),))) == "TRUST_KEY_ALGORITHM"
    # an SM2 key listed as one of P-256, and the other way round, says the same point of two curves
    for id_, alg in (("s", "ES256"), ("a", "SM2")):
        trust = replace(content(), keys=(CouncilKey(id_, alg, KEYS[id_].spki), *content().keys[1:]))
        assert code_of(TrustFile(trust, (sign_trust(trust, id_, KEYS[id_]),))) == "TRUST_KEY_ALGORITHM"
    for other in (software_key(RSA_KEY), SoftwareKey.generate("secp256k1"), SoftwareKey.generate("ecdsa-p384")):
        with pytest.raises(ZhengyinError, match="TRUST_SIGNING_KEY"):
            sign_trust(trust, "a", other)


def test_next_version_needs_the_previous_keys_too() -> None:
    old = content(1, "abc")
    verify_trust_file(signed(content(2, "bcd"), "bc"), old, NOW)
    assert code_of(signed(content(2, "bcd"), "bd"), old) == "TRUST_NOT_ENOUGH_PREVIOUS"
    new = content(2, "cd")
    assert code_of(signed(new, "cd"), old) == "TRUST_NOT_ENOUGH_PREVIOUS"
    verify_trust_file(signed(new, "acd"), old, NOW)
    assert code_of(signed(new, "abc"), old) == "TRUST_NOT_ENOUGH"


def test_new_keys_signed_by_both_generations_can_be_read_without_the_old_file() -> None:
    """Nobody who meets the second version first, or reads it again from where it was stored, has the old keys."""
    file = signed(content(2, "cd"), "abcd")
    verify_trust_file(file, content(1, "abc"), NOW)
    verify_trust_file(file, None, NOW)
    verify_trust_file(file, file.content, NOW)


def test_skipped_versions_leave_signatures_that_nobody_here_can_check() -> None:
    old, third = content(1, "ab"), content(3, "cd", 1)
    verify_trust_file(signed(third, "abcd"), old, NOW)
    between = replace(third, keys=(council_key("d", KEYS["d"]),))
    verify_trust_file(signed(between, "abcd"), old, NOW)  # "c" was of version 2


def test_voices_that_cannot_be_checked_are_none() -> None:
    """Attack: whoever stole the old generation's keys, or just makes up ids, fills up a threshold with them."""
    assert code_of(signed(content(2, "cd"), "abc")) == "TRUST_NOT_ENOUGH"
    assert code_of(signed(content(2, "cd"), "ab")) == "TRUST_NOT_ENOUGH"
    made_up = tuple(KeySignature(f"x{n}", bytes(64)) for n in range(5))
    file = signed(content(2, "cd"), "c")
    assert code_of(replace(file, signatures=(*file.signatures, *made_up))) == "TRUST_NOT_ENOUGH"


def test_what_the_stored_version_stops_it_still_stops() -> None:
    """Attacks by one who holds the new keys, or the old, alone: a next version of one's own, an older file put back,
    a second truth under one version, a stranger beside the voices of the version that follows the stored one."""
    old = content(1, "abc")
    assert code_of(signed(content(2, "d", 1), "d"), old) == "TRUST_NOT_ENOUGH_PREVIOUS"
    assert code_of(signed(content(3, "d", 1), "d"), old) == "TRUST_NOT_ENOUGH_PREVIOUS"
    assert code_of(signed(content(2, "bcd"), "abcd"), content(3, "d", 1)) == "TRUST_ROLLBACK"
    assert code_of(signed(content(2, "cd", expires=NOW + 9), "abcd"), content(2, "cd")) == "TRUST_FORKED"
    file = signed(content(2, "ab"), "ab")
    stranger = replace(file, signatures=(*file.signatures, KeySignature("z", bytes(64))))
    assert code_of(stranger, old) == "TRUST_KEY_UNKNOWN"


def test_an_old_key_under_an_id_that_the_new_file_gives_to_another_is_refused_alone() -> None:
    renamed = replace(content(2, "bc"), keys=(council_key("a", KEYS["d"]), council_key("c", KEYS["c"])))
    file = TrustFile(renamed, tuple(sign_trust(renamed, i, KEYS[i]) for i in "ac"))
    assert code_of(file) == "TRUST_SIGNATURE"


def test_old_file_does_not_come_back() -> None:
    assert code_of(signed(content(1), "ab"), content(2)) == "TRUST_ROLLBACK"


def test_same_version_again_only_with_the_same_content() -> None:
    verify_trust_file(signed(content(), "ab"), content(), NOW)
    assert code_of(signed(content(expires=NOW + 999), "ab"), content()) == "TRUST_FORKED"


def test_versions_may_be_skipped() -> None:
    verify_trust_file(signed(content(7), "ab"), content(2), NOW)


def test_expiry_is_judged_only_with_a_clock() -> None:
    verify_trust_file(signed(content(), "ab"), None, NOW + 99)
    assert code_of(signed(content(), "ab"), None, NOW + 100) == "TRUST_EXPIRED"
    verify_trust_file(signed(content(), "ab"), None, None)


def test_fingerprint_for_the_gazette() -> None:
    words = fingerprint_words(bytes(30) + b"\xff\xff")
    assert words == "00000 " * 15 + "65535 / " + f"{98 - 6553500 % 97:02}"
    digits = words.replace(" / ", "").replace(" ", "")
    assert int(digits) % 97 == 1
    with pytest.raises(ZhengyinError, match="TRUST_FINGERPRINT"):
        fingerprint_words(b"")
