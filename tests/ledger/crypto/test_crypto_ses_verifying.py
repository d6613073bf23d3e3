"""Seals, step by step: each attack is caught by one step and by no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ses_kit import (
    CREATED,
    CRITICAL,
    DAY,
    DEFAULT,
    FAILED,
    LIST,
    NAME,
    NOW,
    OPEN,
    PASSING,
    SINCE,
    TOKEN,
    UNTIL,
    V4,
    V5,
    Attack,
    changed,
    early_seal,
    extension,
    generalized,
    made_by,
    new_seal,
    only,
    party,
    refuse,
    require_sm2,
    resigned,
    seal,
    signed_seal,
    tree,
    vector,
    with_token,
)

from ledger.core.verdicts import Indication
from ledger.crypto import der
from ledger.crypto.ses.holders import read_holder
from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.making import make_seal
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.seal_steps import SEAL_STEPS
from ledger.crypto.ses.values import Version
from ledger.crypto.ses.verifying import verify_seal
from ledger.errors import ConfigError, InputError, NotFoundError


@pytest.fixture(scope="module", autouse=True)
def _sm2() -> None:
    require_sm2()


# ---- the seal ----------------------------------------------------------------------------------------------------


def stamped_seal() -> bytes:
    maker = party("maker")
    return make_seal(new_seal(V5), maker.certificate, maker.sign, lambda _: TOKEN)


SEAL_ATTACKS = {
    "cut": Attack(1, "SES_SYNTAX", lambda: seal()[:-1]),
    "another name": Attack(2, "SES_SEAL_SIGNATURE", lambda: changed(seal(), (0, *NAME), der.write(0x0C, b"x"))),
    "longer period": Attack(
        2, "SES_SEAL_SIGNATURE", lambda: changed(seal(), (0, *UNTIL), generalized(NOW + 999 * DAY))
    ),
    "another signer listed": Attack(
        2,
        "SES_SEAL_SIGNATURE",
        lambda: changed(seal(), (0, *LIST, 0), der.write(der.OCTET_STRING, party("thief").certificate)),
    ),
    "another picture": Attack(2, "SES_SEAL_SIGNATURE", lambda: changed(seal(), (0, 3, 2), der.write(2, b"\x29"))),
    "another's seal": Attack(
        2, "SES_SEAL_SIGNATURE", lambda: changed(seal(), (1,), der.write(4, party("other").certificate))
    ),
    "another algorithm": Attack(
        2, "SES_ALGORITHM", lambda: changed(seal(), (2,), der.write_oid("1.2.840.10045.4.3.2"))
    ),
    "algorithm within the 2014 signature": Attack(
        2, "SES_SEAL_SIGNATURE", lambda: changed(early_seal(), (0, 1), der.write(0x16, b"4402"))
    ),
    "maker only encrypts": Attack(3, "SES_MAKER_USAGE", lambda: made_by(party("maker", usage=b"\x30"))),
    "maker without usage": Attack(3, "SES_MAKER_USAGE", lambda: made_by(party("maker", usage=None))),
    "maker expired": Attack(4, "SES_MAKER_PERIOD", lambda: made_by(party("maker", until=NOW - DAY))),
    "maker of 2014 expired": Attack(4, "SES_MAKER_PERIOD", lambda: early_seal(maker=party("maker", until=NOW - DAY))),
    "maker later than the seal": Attack(
        4, "SES_MAKER_PERIOD", lambda: made_by(party("maker", since=NOW - 2 * DAY), V5)
    ),
    "maker unknown": Attack(5, "SES_MAKER_NOT_JUDGED", seal, OPEN, Judges()),
    "maker revoked": Attack(5, "PATH_NONE", seal, FAILED, replace(PASSING, maker=refuse("PATH_NONE"))),
    "maker's list missing": Attack(
        5, "REVOCATION_MISSING", seal, OPEN, replace(PASSING, maker=refuse("REVOCATION_MISSING", NotFoundError))
    ),
    "made in the future": Attack(6, "SES_SEAL_CREATED", lambda: resigned(V5, CREATED, generalized(NOW + DAY))),
    "made after its end": Attack(
        6,
        "SES_SEAL_CREATED",
        lambda: signed_seal(
            changed(changed(tree(seal(V5))[0].outer, UNTIL, generalized(NOW)), CREATED, generalized(NOW + 1))
        ),
        moment=NOW,
    ),
    "not begun": Attack(7, "SES_SEAL_NOT_YET", lambda: resigned(V4, SINCE, generalized(NOW + DAY))),
    "over": Attack(7, "SES_SEAL_EXPIRED", lambda: resigned(V4, UNTIL, generalized(NOW - 1))),
    "seal of 2014 over": Attack(7, "SES_SEAL_EXPIRED", lambda: early_seal(until=NOW - 1)),
    "unknown critical extension": Attack(8, "SES_SEAL_EXTENSION", lambda: resigned(V4, (4,), CRITICAL), OPEN),
    "token that nobody judges": Attack(9, "SES_SEAL_TOKEN_NOT_JUDGED", stamped_seal, OPEN),
    "token before the seal": Attack(
        9, "SES_SEAL_TOKEN_EARLY", stamped_seal, FAILED, with_token(lambda *_: NOW - 10 * DAY)
    ),
    "token refused": Attack(9, "CMS_SYNTAX", stamped_seal, FAILED, with_token(refuse("CMS_SYNTAX"))),
}


@pytest.mark.parametrize("name", SEAL_ATTACKS)
def test_one_step_catches_it(name: str) -> None:
    attack = SEAL_ATTACKS[name]
    attack.require(verify_seal(attack.make(), attack.moment, attack.judges))


def test_every_step_of_the_seal_has_its_attack() -> None:
    assert {a.step for a in SEAL_ATTACKS.values()} == set(range(1, 2 + len(SEAL_STEPS)))


@pytest.mark.parametrize("make", [seal, lambda: seal(V5), lambda: seal(by_digest=True), early_seal])
def test_a_good_seal_passes(make: Callable[[], bytes]) -> None:
    report = verify_seal(make(), NOW, PASSING)
    assert (report.indication, report.cause_code, report.exit_code) == (Indication.TOTAL_PASSED, None, 0)
    assert report.to_json()["proved"]["signers"] == 1
    assert [s.number for s in report.steps] == list(range(1, 10))
    assert all(s.words(lang) and "WORD_" not in s.words(lang) for s in report.steps for lang in ("zh", "en"))  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", [NOW - 9 * DAY, NOW + 90 * DAY])
def test_both_ends_of_the_period_are_in_it(moment: int) -> None:
    assert verify_seal(seal(), moment, PASSING).exit_code == 0


def test_a_maker_that_expired_since_is_noted_by_the_rules_of_2025() -> None:
    maker = party("maker", until=NOW - DAY)
    report = verify_seal(made_by(maker, V5), NOW, PASSING)
    assert report.exit_code == 0
    assert [f.code for f in report.steps[3].findings] == ["SES_MAKER_EXPIRED_SINCE"]


@pytest.mark.parametrize(("version", "moment"), [(V4, NOW), (V5, NOW - 9 * DAY)])
def test_the_makers_path_is_asked_for_the_moment_of_the_rules(version: Version, moment: int) -> None:
    asked: list[object] = []

    def judge(*question: object) -> tuple[()]:
        asked.append(question)
        return ()

    verify_seal(seal(version), NOW, Judges(maker=judge))
    assert asked == [(party("maker").certificate, moment)]


def test_a_token_is_judged_over_the_signature() -> None:
    asked: list[Any] = []

    def judge(*question: bytes) -> int:
        asked.append(question)
        return NOW

    data = stamped_seal()
    assert verify_seal(data, NOW, with_token(judge)).exit_code == 0
    assert asked[-1] == (TOKEN, parse_seal(data).signature)


def test_a_default_written_out_is_read_and_the_received_bytes_are_hashed() -> None:
    """Strict DER leaves FALSE away; makers write it, and sign what they wrote."""
    assert verify_seal(resigned(V4, (4,), DEFAULT), NOW, PASSING).exit_code == 0
    assert verify_seal(resigned(V4, (4,), der.write(0xA0, DEFAULT)), NOW, PASSING).exit_code == 0
    assert verify_seal(changed(resigned(V4, (4,), DEFAULT), (0, 4), extension(b"")), NOW, PASSING).exit_code == 1


def test_no_library_is_undetermined_never_forged(monkeypatch: pytest.MonkeyPatch) -> None:
    data = seal()
    monkeypatch.setattr("ledger.crypto.sm2.verify", refuse("SM2_UNAVAILABLE", ConfigError))
    only(verify_seal(data, NOW, PASSING), 2, "SM2_UNAVAILABLE", OPEN)


# ---- certificates ------------------------------------------------------------------------------------------------


def recertified(path: tuple[int, ...], value: bytes | None) -> bytes:
    """A certificate changed and not signed again: the path is not what is looked at here."""
    return changed(party("signer").certificate, path, value)


USAGE = (0, 7, 0, 0)  # the only extension


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("CERTIFICATE_SYNTAX", lambda: b"0\0"),
        ("CERTIFICATE_SYNTAX", lambda: recertified((0, 4, 0), der.write(0x17, b"2601010000Z"))),
        ("CERTIFICATE_SYNTAX", lambda: recertified((0, 4), der.write(0x30, der.write_time(NOW)))),
        ("CERTIFICATE_SYNTAX", lambda: recertified((*USAGE, 2), der.write(4, der.write(3, b"\0")))),
        ("CERTIFICATE_SYNTAX", lambda: recertified((*USAGE, 2), der.write(4, b""))),
        ("CERTIFICATE_SYNTAX", lambda: recertified((0, 7, 0, 1), tree(party("signer").certificate)[0][7][0][0].outer)),
        ("CERTIFICATE_SYNTAX", lambda: recertified((0, 7), der.write(0xA3, b""))),
        ("SM2_KEY", lambda: recertified((0, 6, 0, 1), der.write_oid("1.2.840.10045.3.1.7"))),
    ],
)
def test_a_certificate_of_another_shape_is_refused(code: str, make: Callable[[], bytes]) -> None:
    with pytest.raises(InputError) as caught:
        read_holder(make())
    assert caught.value.code == code


@pytest.mark.parametrize(("bits", "may"), [(b"\x80", True), (b"\x40", True), (b"\x3f", False), (b"\0", False)])
def test_either_signing_usage_will_do(bits: bytes, may: bool) -> None:
    assert read_holder(party("usage", usage=bits).certificate).may_sign is may


# ---- seals made elsewhere ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "moment", "version"), [("UserV1.esl", 1_600_000_000, 1), ("UserV4.esl", 1_600_000_000, 4)]
)
def test_a_seal_made_elsewhere_is_verified(name: str, moment: int, version: int) -> None:
    report = verify_seal(vector(name), moment, PASSING)
    assert (report.exit_code, report.proved["version"]) == (0, version)
    assert verify_seal(vector(name), moment + 4 * 365 * DAY, PASSING).exit_code == 1


def test_a_seal_of_2025_by_a_maker_who_had_expired_is_refused_by_its_own_rule() -> None:
    """Its signature is right; its maker's certificate ended years before the seal was made."""
    only(verify_seal(vector("UserV5.esl"), 1_780_000_000, PASSING), 4, "SES_MAKER_PERIOD", FAILED)
