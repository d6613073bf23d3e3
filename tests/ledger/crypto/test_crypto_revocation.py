"""Revocation at a moment in the past, from CRLs."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from crypto_kit import DAY, NOW, Chain, at, certificate, crl, entry, p256, usage
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.bundles import ValidationData
from ledger.crypto import der
from ledger.crypto.paths import CertificatePath, build_path
from ledger.crypto.revocation import RevocationVerdict, judge
from ledger.crypto.revocation_info import RevocationInfo, read_subject
from ledger.errors import InputError, message

CHAIN = Chain()
PATH = build_path(CHAIN.leaf, [CHAIN.issuing], [CHAIN.root], NOW)
ROOT_CRL = crl("Root", CHAIN.root_key)
LATER = NOW + DAY
ROOT_LATER = crl("Root", CHAIN.root_key, taken=LATER)


def issuing_crl(**changes: Any) -> bytes:
    return crl("Issuing", CHAIN.issuing_key, **changes)


GOOD = issuing_crl()


def verdict(*crls: bytes, moment: int = NOW, path: CertificatePath = PATH, ocsps: tuple[bytes, ...] = ()) -> Any:
    found = judge(path, ValidationData((), crls, ocsps), moment)
    for language in ("zh", "en"):
        assert "{" not in message(found.code, language, found.values)  # type: ignore[arg-type]
    return found


def test_current_lists_are_good_but_provisional() -> None:
    found = verdict(ROOT_CRL, GOOD)
    assert found == RevocationVerdict("good", True, NOW - 100, "REVOCATION_PROVISIONAL", {"asOf": NOW - 100})


def test_lists_taken_later_are_final() -> None:
    found = verdict(ROOT_LATER, issuing_crl(taken=LATER))
    assert (found.outcome, found.provisional, found.as_of) == ("good", False, LATER)
    assert found.code == "REVOCATION_GOOD"


def test_one_authority_without_a_later_list_stays_provisional() -> None:
    assert verdict(ROOT_CRL, issuing_crl(taken=LATER), GOOD).provisional


def test_the_newest_data_of_each_certificate_settle_it_and_the_oldest_of_these_dates_it() -> None:
    found = verdict(ROOT_LATER, issuing_crl(taken=LATER + 9), GOOD)
    assert (found.outcome, found.provisional, found.as_of) == ("good", False, LATER)
    assert verdict(ROOT_LATER, crl("Root", CHAIN.root_key), issuing_crl(taken=LATER)).as_of == LATER


def test_a_list_taken_in_the_very_second_is_not_later() -> None:
    found = verdict(ROOT_LATER, issuing_crl(taken=NOW))
    assert (found.outcome, found.provisional) == ("good", True)


def test_how_long_silence_about_an_expired_certificate_says_something() -> None:
    taken = RevocationInfo(b"", 10, 0, 10, None)
    assert (taken.is_later(5, 10), taken.is_later(5, 9), taken.is_later(10, 10)) == (True, False, False)


def test_a_certificate_directly_below_the_anchor_needs_a_list_as_well() -> None:
    leaf = certificate("Office", CHAIN.key.public_key(), "Root", CHAIN.root_key)
    path = build_path(leaf, [], [CHAIN.root], NOW)
    assert verdict(path=path).code == "REVOCATION_MISSING"
    assert verdict(ROOT_CRL, path=path).outcome == "good"


def test_empty_data_is_never_good() -> None:
    assert verdict() == RevocationVerdict("unknown", False, None, "REVOCATION_MISSING", {"position": 0})


def test_path_without_an_issuer_is_never_good() -> None:
    with pytest.raises(InputError, match="REVOCATION_PATH_EMPTY"):
        verdict(path=CertificatePath((CHAIN.root,), b"", ()))


def test_list_of_the_root_alone_leaves_the_office_unknown_and_the_other_way_round() -> None:
    assert verdict(ROOT_CRL).values == {"position": 0}
    assert verdict(GOOD).values == {"position": 1}


def test_expired_list() -> None:
    found = verdict(ROOT_CRL, issuing_crl(taken=NOW - 2 * DAY, until=NOW))
    assert (found.outcome, found.code) == ("unknown", "REVOCATION_EXPIRED")


def test_list_taken_after_the_certificate_expired_says_nothing_by_silence() -> None:
    silent = issuing_crl(taken=NOW + 400 * DAY, until=NOW + 407 * DAY)
    assert verdict(ROOT_CRL, silent).code == "REVOCATION_EXPIRED"


def test_list_signed_by_the_wrong_authority() -> None:
    for forged in (crl("Issuing", CHAIN.root_key), crl("Issuing", p256())):
        with pytest.raises(InputError, match="REVOCATION_CRL_SIGNATURE"):
            verdict(ROOT_CRL, forged)


def test_list_of_a_stranger_is_unused() -> None:
    stranger = crl("Stranger", p256())
    assert verdict(ROOT_CRL, GOOD, stranger).unused == (stranger,)


def test_authority_that_may_not_sign_lists() -> None:
    root = certificate(
        "Root", CHAIN.root_key.public_key(), "Root", CHAIN.root_key, ca=True, key_usage=usage("key_cert_sign")
    )
    path = build_path(CHAIN.leaf, [CHAIN.issuing], [root], NOW)
    with pytest.raises(InputError, match="REVOCATION_CRL_SIGNATURE"):
        verdict(ROOT_CRL, GOOD, path=path)


def test_unreadable_list_and_flipped_bits() -> None:
    with pytest.raises(InputError, match="REVOCATION_CRL_SYNTAX"):
        verdict(b"\x30\x00")
    for position in range(0, len(GOOD) * 8, 3):
        flipped = bytearray(GOOD)
        flipped[position // 8] ^= 1 << position % 8
        try:
            found = verdict(ROOT_CRL, bytes(flipped))
        except InputError:
            continue
        assert found.unused == (bytes(flipped),) and found.outcome == "unknown"  # another issuer's name


@pytest.mark.parametrize("moment", [NOW, NOW + 1])
def test_revoked_before(moment: int) -> None:
    reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
    listed = issuing_crl(taken=LATER, revoked=(entry(CHAIN.leaf, NOW, reason),))
    found = verdict(ROOT_LATER, listed, moment=moment)
    assert (found.outcome, found.code) == ("revoked", "REVOCATION_REVOKED")
    assert found.values == {"position": 0, "revoked": NOW, "reason": "keyCompromise"}
    assert not found.provisional


def test_revoked_after_does_not_touch_the_signature() -> None:
    listed = issuing_crl(taken=LATER, revoked=(entry(CHAIN.leaf, NOW + 1),))
    assert verdict(ROOT_LATER, listed).outcome == "good"


def test_key_stolen_before_and_reported_after() -> None:
    stolen = entry(CHAIN.leaf, NOW + 500, x509.InvalidityDate(at(NOW - 500)))
    found = verdict(ROOT_LATER, issuing_crl(taken=LATER, revoked=(stolen,)))
    assert (found.outcome, found.values["revoked"]) == ("revoked", NOW - 500)


def test_revoked_authority() -> None:
    found = verdict(crl("Root", CHAIN.root_key, revoked=(entry(CHAIN.issuing, NOW - 5),)), GOOD)
    assert (found.outcome, found.values["position"]) == ("revoked", 1)


def test_revoked_wins_over_missing_data_of_another_certificate() -> None:
    assert verdict(issuing_crl(revoked=(entry(CHAIN.leaf, NOW - 5),))).outcome == "revoked"


def test_expired_list_still_proves_a_revocation_but_not_a_hold() -> None:
    hold = x509.CRLReason(x509.ReasonFlags.certificate_hold)
    old = {"taken": NOW - 3 * DAY, "until": NOW - 2 * DAY}
    dead = issuing_crl(revoked=(entry(CHAIN.leaf, NOW - 4 * DAY),), **old)
    assert verdict(ROOT_CRL, dead).outcome == "revoked"
    held = issuing_crl(revoked=(entry(CHAIN.leaf, NOW - 4 * DAY, hold),), **old)
    assert verdict(ROOT_CRL, held).outcome == "unknown"
    assert verdict(ROOT_CRL, held, GOOD).outcome == "good"
    assert verdict(ROOT_CRL, issuing_crl(revoked=(entry(CHAIN.leaf, NOW - 5, hold),))).outcome == "revoked"


def test_a_hold_that_proves_nothing_hides_no_revocation() -> None:
    hold = x509.CRLReason(x509.ReasonFlags.certificate_hold)
    old = {"taken": NOW - 3 * DAY, "until": NOW - 2 * DAY}
    held = issuing_crl(revoked=(entry(CHAIN.leaf, NOW - 4 * DAY, hold),), **old)
    assert verdict(ROOT_CRL, held, issuing_crl(revoked=(entry(CHAIN.leaf, NOW - 5),))).outcome == "revoked"


@pytest.mark.parametrize("milder", ["certificate_hold", "superseded"])
def test_a_theft_is_not_hidden_behind_a_milder_reason_reported_before_it(milder: str) -> None:
    def told(since: int, reason: str, taken: int) -> bytes:
        why = x509.CRLReason(x509.ReasonFlags[reason])
        return issuing_crl(taken=taken, revoked=(entry(CHAIN.leaf, since, why),))

    first, theft = told(NOW + 5, milder, LATER), told(NOW + 9, "key_compromise", LATER + 9)
    for lists in ((first, theft), (theft, first)):
        (found,) = verdict(ROOT_LATER, *lists).afterwards
        assert (found["revoked"], found["reason"]) == (NOW + 9, "keyCompromise")


def test_of_two_reports_after_the_moment_the_first_is_told() -> None:
    lists = [issuing_crl(taken=LATER + n, revoked=(entry(CHAIN.leaf, NOW + 9 - n),)) for n in (0, 1)]
    assert [each["revoked"] for each in verdict(ROOT_LATER, *lists).afterwards] == [NOW + 8]


@pytest.mark.parametrize("number", [b"\x00", b"\xff", b""])
def test_a_certificate_without_a_positive_number_is_not_looked_up(number: bytes) -> None:
    """RFC 5280 section 4.1.2.2; a library's mere warning is switched off."""
    signed, *frame = der.read(CHAIN.leaf, der.SEQUENCE).children()
    fields = [field.outer for field in signed.children()]
    fields[1] = der.write(der.INTEGER, number)
    odd = der.write(der.SEQUENCE, der.write(der.SEQUENCE, *fields), *(part.outer for part in frame))
    with warnings.catch_warnings(), pytest.raises(InputError, match="REVOCATION_CERTIFICATE"):
        warnings.simplefilter("ignore")
        read_subject(odd)


def test_revocation_after_the_moment_is_told() -> None:
    listed = issuing_crl(
        taken=LATER, revoked=(entry(CHAIN.leaf, NOW + 1, x509.CRLReason(x509.ReasonFlags.superseded)),)
    )
    found = verdict(ROOT_LATER, listed)
    assert found.afterwards == ({"position": 0, "revoked": NOW + 1, "reason": "superseded"},)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=8))
def test_hostile_lists_are_refused_or_say_nothing(place: int, written: bytes) -> None:
    data = GOOD[:place] + written + GOOD[place + len(written) :]
    try:
        found = verdict(ROOT_CRL, data)
    except InputError:
        return
    assert data == GOOD or (found.outcome, found.unused) == ("unknown", (data,))


def test_unreadable_responses_are_not_passed_over_in_silence() -> None:
    with pytest.raises(InputError, match="REVOCATION_OCSP_SYNTAX"):
        verdict(ROOT_CRL, GOOD, ocsps=(b"\x30\x00",))
