"""Signatures under seals, step by step: each attack is caught by one step and by no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ses_kit import (
    CRITICAL,
    DAY,
    DOCUMENT,
    FAILED,
    NAME,
    NOW,
    OID,
    OPEN,
    PASSING,
    PATH,
    TOKEN,
    UNTIL,
    V4,
    V5,
    Attack,
    changed,
    early_seal,
    early_signature,
    examples,
    expected,
    generalized,
    made_by,
    new_seal,
    only,
    party,
    refuse,
    require_sm2,
    resigned,
    seal,
    signature,
    signed_signature,
    tree,
    vector,
    with_token,
)

from ledger.core.verdicts import Indication
from ledger.crypto import der
from ledger.crypto.ses.judging import Expected, Judges
from ledger.crypto.ses.making import make_seal, make_signature
from ledger.crypto.ses.seal_steps import SEAL_STEPS
from ledger.crypto.ses.signature_steps import SIGNATURE_STEPS
from ledger.crypto.ses.values import Version
from ledger.crypto.ses.verifying import verify_signature
from ledger.errors import InputError


@pytest.fixture(scope="module", autouse=True)
def _sm2() -> None:
    require_sm2()


# ---- the signature -----------------------------------------------------------------------------------------------


def resigned_signature(path: tuple[int, ...], value: bytes | None, version: Version = V4) -> bytes:
    return signed_signature(changed(tree(signature(version))[0].outer, path, value))


def stamped_signature() -> bytes:
    signer = party("signer")
    return make_signature(
        seal(),
        DOCUMENT,
        PATH,
        NOW - DAY,
        signer.certificate,
        signer.sign,
        lambda _: TOKEN,
        Judges(token=lambda *_: NOW),
    )


def signed_by(signer: Any) -> bytes:
    """A signature by a signer whom the seal does name."""
    listed = make_seal(new_seal(V4, signer), party("maker").certificate, party("maker").sign)
    return signed_signature(changed(tree(signature())[0].outer, (1,), listed), signer)


def short_lived(signer: Any = None) -> bytes:
    """The seal ended before the signing."""
    over = resigned(V4, UNTIL, generalized(NOW - 2 * DAY))
    return resigned_signature((1,), over)


SIGNATURE_ATTACKS = {
    "cut": Attack(1, "SES_SYNTAX", lambda: signature()[:-1]),
    "trailing byte": Attack(1, "SES_SYNTAX", lambda: signature() + b"\0"),
    "seal changed within": Attack(
        2, "SES_SEAL_SIGNATURE", lambda: resigned_signature((1, 0, *NAME), der.write(0x0C, b"x"))
    ),
    "maker expired at signing": Attack(
        4, "SES_MAKER_PERIOD", lambda: resigned_signature((1,), made_by(party("maker", until=NOW - 2 * DAY)))
    ),
    "signed after the seal's end": Attack(7, "SES_SEAL_EXPIRED", short_lived),
    "time of signing changed": Attack(
        10, "SES_SIGNATURE", lambda: changed(signature(), (0, 2), generalized(NOW - 2 * DAY))
    ),
    "path changed": Attack(
        10, "SES_SIGNATURE", lambda: changed(signature(), (0, 4), der.write(0x16, PATH[1:].encode()))
    ),
    "another algorithm": Attack(
        10, "SES_ALGORITHM", lambda: changed(signature(), (2,), der.write_oid("1.2.840.10045.4.3.2"))
    ),
    "value of another": Attack(10, "SES_SIGNATURE", lambda: changed(signature(), (3,), tree(seal())[3].outer)),
    "signature of 2014 changed": Attack(
        10, "SES_SIGNATURE", lambda: changed(early_signature(), (0, 4), der.write(0x16, PATH[1:].encode()))
    ),
    "a thief with a certificate": Attack(
        11, "SES_SIGNER_NOT_LISTED", lambda: signed_signature(tree(signature())[0].outer, party("thief"))
    ),
    "a renewed certificate of the same key": Attack(
        11,
        "SES_SIGNER_NOT_LISTED",
        lambda: signed_signature(tree(signature())[0].outer, party("signer", until=NOW + 401 * DAY)),
    ),
    "not in the list of digests": Attack(
        11,
        "SES_SIGNER_NOT_LISTED",
        lambda: signed_signature(tree(signature(by_digest=True))[0].outer, party("thief")),
    ),
    "a thief in 2014": Attack(11, "SES_SIGNER_NOT_LISTED", lambda: early_signature(signer=party("thief"))),
    "signer only encrypts": Attack(12, "SES_SIGNER_USAGE", lambda: signed_by(party("weak", usage=b"\x30"))),
    "signer's certificate began later": Attack(
        13, "SES_SIGNER_PERIOD", lambda: signed_by(party("late", since=NOW - 3600))
    ),
    "signer unknown": Attack(14, "SES_SIGNER_NOT_JUDGED", signature, OPEN, replace(PASSING, signer=None)),
    "another document": Attack(15, "SES_DOCUMENT", signature, beside=Expected(bytes(32), PATH)),
    "no document": Attack(15, "SES_DOCUMENT_NOT_GIVEN", signature, OPEN, beside=Expected(None, PATH)),
    "moved to another place": Attack(
        16, "SES_PROPERTY", signature, beside=Expected(DOCUMENT, PATH.replace("_0", "_1"))
    ),
    "another seal beside it": Attack(17, "SES_SEAL_DIFFERS", signature, beside=Expected(DOCUMENT, PATH, b"0\0")),
    "signed in the future": Attack(18, "SES_SIGNED_LATER", lambda: resigned_signature((2,), generalized(NOW + 1))),
    "signed after it is known to have existed": Attack(
        18, "SES_SIGNED_LATER", signature, beside=Expected(DOCUMENT, PATH, None, NOW - 2 * DAY)
    ),
    "back-dated": Attack(18, "SES_TIME_UNPROVED", lambda: signed_by(party("expired", until=NOW - 3600)), OPEN),
    "unknown critical extension": Attack(
        19, "SES_SIGNATURE_EXTENSION", lambda: resigned_signature((5,), der.write(0xA0, CRITICAL)), OPEN
    ),
    "token that nobody judges": Attack(20, "SES_TOKEN_NOT_JUDGED", stamped_signature, OPEN),
    "token refused": Attack(20, "CMS_SYNTAX", stamped_signature, FAILED, with_token(refuse("CMS_SYNTAX"))),
}


@pytest.mark.parametrize("name", SIGNATURE_ATTACKS)
def test_one_step_catches_it_under_a_seal(name: str) -> None:
    attack, beside = SIGNATURE_ATTACKS[name], Expected(DOCUMENT, PATH)
    attack.require(verify_signature(attack.make(), attack.moment, attack.beside or beside, attack.judges))


def test_every_step_of_the_signature_has_its_attack() -> None:
    last = 1 + len(SEAL_STEPS) + len(SIGNATURE_STEPS)
    assert {a.step for a in SIGNATURE_ATTACKS.values()} >= set(range(2 + len(SEAL_STEPS), last + 1))


@pytest.mark.parametrize("make", [signature, lambda: signature(V5), lambda: signature(by_digest=True)])
def test_a_good_signature_passes(make: Callable[[], bytes]) -> None:
    data = make()
    report = verify_signature(data, NOW, expected(data), PASSING)
    assert (report.indication, report.cause_code) == (Indication.TOTAL_PASSED, None)
    assert report.proved["documentSm3"] == DOCUMENT.hex()
    assert [s.number for s in report.steps] == list(range(1, 21))


def test_a_signature_of_2014_passes() -> None:
    assert verify_signature(early_signature(), NOW, Expected(DOCUMENT, PATH), PASSING).exit_code == 0
    assert verify_signature(
        early_signature(generalized(NOW - DAY), early_seal("generalized", 3)), NOW, Expected(DOCUMENT, PATH), PASSING
    ).exit_code == 0  # fmt: skip


def test_nothing_judged_is_never_passed() -> None:
    report = verify_signature(signature(), NOW, Expected(DOCUMENT, PATH))
    assert report.indication is Indication.INDETERMINATE
    assert {s.number for s in report.steps if s.outcome is OPEN} == {5, 14}


def test_an_expired_signer_stands_where_the_signature_is_proved_to_be_older() -> None:
    data = signed_by(party("expired", until=NOW - 3600))
    report = verify_signature(data, NOW, Expected(DOCUMENT, PATH, None, NOW - 7200), PASSING)
    assert report.exit_code == 0


def test_a_signer_revoked_since_may_have_back_dated() -> None:
    def judge(_: bytes, moment: int) -> tuple[()]:
        if moment > NOW - 3600:
            raise InputError("REVOCATION_REVOKED")
        return ()

    judges = replace(PASSING, signer=judge)
    only(verify_signature(signature(), NOW, Expected(DOCUMENT, PATH), judges), 18, "SES_TIME_UNPROVED", OPEN)
    proved = Expected(DOCUMENT, PATH, None, NOW - 7200)
    assert verify_signature(signature(), NOW, proved, judges).exit_code == 0
    data, token = stamped_signature(), replace(judges, token=lambda *_: NOW - 7200)
    assert verify_signature(data, NOW, Expected(DOCUMENT, PATH), token).exit_code == 0


def test_a_token_before_the_signing_is_refused() -> None:
    report = verify_signature(stamped_signature(), NOW, Expected(DOCUMENT, PATH), with_token(lambda *_: NOW - 2 * DAY))
    assert {s.number: s.findings[0].code for s in report.steps if s.outcome is FAILED} == {
        18: "SES_SIGNED_LATER",
        20: "SES_TOKEN_EARLY",
    }


def test_a_token_in_place_of_the_time_of_2014_stays_open_but_hides_no_forgery() -> None:
    token = der.write(der.SEQUENCE, b"")
    data = early_signature(token)
    report = verify_signature(data, NOW, Expected(DOCUMENT, PATH), PASSING)
    assert report.indication is Indication.INDETERMINATE
    assert {s.findings[0].code for s in report.steps if s.outcome is OPEN} == {"SES_TIME_NOT_JUDGED"}
    forged = changed(data, (0, 1), changed(early_seal(), (0, 1), der.write(0x16, b"4402")))
    assert verify_signature(forged, NOW, Expected(DOCUMENT, PATH), PASSING).exit_code == 1
    judged = verify_signature(data, NOW, Expected(DOCUMENT, PATH), with_token(lambda *_: NOW - DAY))
    assert (judged.exit_code, judged.proved["signedAt"]) == (0, NOW - DAY)
    refused = verify_signature(data, NOW, Expected(DOCUMENT, PATH), with_token(refuse("CMS_SYNTAX")))
    assert refused.exit_code == 1


@cache
def good_signatures() -> list[bytes]:
    return [signature(), signature(V5), signature(by_digest=True), early_signature()]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 3), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_no_changed_byte_of_a_signature_passes(which: int, place: float, mask: int) -> None:
    """All of it is covered: by a signature, by the seal's list of signers, or by there being one encoding only."""
    data = bytearray(good_signatures()[which])
    data[int(place * len(data))] ^= mask
    assert verify_signature(bytes(data), NOW, Expected(DOCUMENT, PATH), PASSING).exit_code == 1


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3), st.floats(0, 1, exclude_max=True), st.binary(max_size=12), st.integers(0, 12))
def test_no_cut_or_added_byte_of_a_signature_passes(which: int, place: float, new: bytes, old: int) -> None:
    data = good_signatures()[which]
    at = int(place * len(data))
    other = data[:at] + new + data[at + old :]
    expected_code = 0 if other == data else 1
    assert verify_signature(other, NOW, Expected(DOCUMENT, PATH), PASSING).exit_code == expected_code


# ---- signatures made elsewhere ----


def test_a_seal_signature_made_elsewhere_is_verified() -> None:
    data = vector("SignedValueV4.dat")
    digest = bytes.fromhex(verify_signature(data, NOW).proved["documentSm3"])
    report = verify_signature(data, 1_610_000_000, Expected(digest, PATH, vector("UserV4.esl")), PASSING)
    assert report.exit_code == 0
    for at in range(0, len(data), 997):
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert verify_signature(broken, 1_610_000_000, Expected(digest, PATH), PASSING).exit_code == 1


@pytest.mark.parametrize("name", ["v1", "v4", "v4_cert_digest_list", "v5"])
def test_the_worked_numbers_are_verified(name: str) -> None:
    found = examples()
    beside = Expected(bytes.fromhex(found["document_sm3"]), PATH, bytes.fromhex(found[name]["seal_der_hex"]))
    data = bytes.fromhex(found[name]["signature_der_hex"])
    assert verify_signature(data, NOW, beside, PASSING).exit_code == 0
    assert OID in data
