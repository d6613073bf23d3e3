"""Identifiers: published specimens, single-character errors, one name an organisation, nothing personal."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.identifiers import (
    LicenseIdentifier,
    actor_from_bytes32,
    actor_id,
    check_character,
    make_license_identifier,
    new_urn,
    organisation_bytes32,
    organisation_from_bytes32,
    organisation_id,
    parse_license_identifier,
    require_citizen_number,
    require_record_id,
    require_uscc,
)
from ledger.errors import InputError, ZhengyinError

EXAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "facts" / "standards_examples.json"
TYPE, ISSUER = "11100000MB03271699001", "11430000006122244L"
quick = settings(deadline=None, max_examples=100)


@pytest.fixture(scope="module")
def examples() -> Any:
    if not EXAMPLES.exists():
        pytest.skip("the standards' examples are not beside this repository")
    return json.loads(EXAMPLES.read_text("utf-8"))


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return caught.value.code


def test_published_license_identifiers(examples: Any) -> None:
    for case in examples["e_licence_identifier"]["valid"] + examples["e_licence_identifier"]["generated"]:
        found = parse_license_identifier(case["id"], strict=False)
        assert found.text == case["id"]
        assert "IDENTIFIER_CHECK" not in found.warnings


def test_what_others_issued_is_read_with_warnings_and_kept_verbatim(examples: Any) -> None:
    area = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
    assert parse_license_identifier(area, strict=False).warnings == ("IDENTIFIER_ISSUER_CODE",)
    assert code_of(parse_license_identifier, area) == "IDENTIFIER_ISSUER_CODE"
    wrong = examples["e_licence_identifier"]["known_wrong_in_the_wild"][0]
    found = parse_license_identifier(wrong["id"], strict=False)
    assert (found.warnings, found.text) == (("IDENTIFIER_CHECK",), wrong["id"])
    assert check_character(found.type_code, found.issuer_code, found.serial, "001") == wrong["expected_check"]
    assert code_of(parse_license_identifier, wrong["id"]) == "IDENTIFIER_CHECK"


def test_consecutive_versions() -> None:
    type_code = "11100000000013338W011"
    assert make_license_identifier(type_code, ISSUER, "20230000403").endswith(".001.U")
    assert make_license_identifier(type_code, ISSUER, "20230000403", 2).endswith(".002.S")


@quick
@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=64), st.integers(1, 999))
def test_made_identifiers_are_strict(serial: str, version: int) -> None:
    text = make_license_identifier(TYPE, ISSUER, serial, version)
    found = parse_license_identifier(text)
    assert (found.serial, found.version, found.text, found.warnings) == (serial, version, text, ())
    assert require_record_id(text, strict=True) == text
    assert isinstance(found, LicenseIdentifier)


def test_every_single_substitution_and_transposition_is_noticed() -> None:
    text = make_license_identifier(TYPE, ISSUER, "AB12CD34EF56")
    start = len("1.2.156.3005.2.")
    for at in range(start, len(text) - 2):
        for changed in "07AZ":
            if text[at] not in (".", changed):
                code_of(parse_license_identifier, text[:at] + changed + text[at + 1 :])
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        if swapped != text:
            code_of(parse_license_identifier, swapped)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("11100000MB03271698001", ISSUER, "1"), "IDENTIFIER_TYPE_CODE"),
        (("11100000MB0327169900A", ISSUER, "1"), "IDENTIFIER_TYPE_CODE"),
        (("11100000MB03271699", ISSUER, "1"), "IDENTIFIER_TYPE_CODE"),
        ((TYPE, "340100", "1"), "IDENTIFIER_ISSUER_CODE"),
        ((TYPE, ISSUER, ""), "IDENTIFIER_SERIAL"),
        ((TYPE, ISSUER, "a"), "IDENTIFIER_SERIAL"),
        ((TYPE, ISSUER, "A_1"), "IDENTIFIER_SERIAL"),
        ((TYPE, ISSUER, "１"), "IDENTIFIER_SERIAL"),
        ((TYPE, ISSUER, "1" * 65), "IDENTIFIER_SERIAL"),
        ((TYPE, ISSUER, "1", 0), "IDENTIFIER_VERSION"),
        ((TYPE, ISSUER, "1", 1000), "IDENTIFIER_VERSION"),
    ],
)
def test_what_cannot_be_issued(args: tuple[Any, ...], code: str) -> None:
    assert code_of(make_license_identifier, *args) == code


@pytest.mark.parametrize(
    "text", ["", "1.2.156.3005.2", f"1.2.156.3005.2.{TYPE}.{ISSUER}.1.1.A", f"{TYPE}.{ISSUER}.1.001.A",
             f"1.2.156.3005.2.{TYPE}.{ISSUER}.1.００1.A", f"1.2.156.3005.2.{TYPE}.{ISSUER}.1.001.A\n"]
)  # fmt: skip
def test_another_shape_is_refused_even_leniently(text: str) -> None:
    assert code_of(parse_license_identifier, text, strict=False) == "IDENTIFIER_FORM"


def test_version_zero_is_a_warning() -> None:
    check = check_character(TYPE, ISSUER, "1", "000")
    text = f"1.2.156.3005.2.{TYPE}.{ISSUER}.1.000.{check}"
    assert parse_license_identifier(text, strict=False).warnings == ("IDENTIFIER_VERSION",)


def test_published_credit_codes(examples: Any) -> None:
    for case in examples["uscc_gb32100"]["valid"]:
        assert require_uscc(case["code"]) == organisation_id(case["code"]) == case["code"]
    for code in examples["uscc_gb32100"]["invalid"]:
        assert code_of(require_uscc, code).startswith("USCC_")


def test_the_organisation_code_inside_is_checked_too() -> None:
    # both the outer check and only the inner one wrong: 11100000000013338W with another inner check
    for outer in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        if code_of(require_uscc, "1110000000001333" + "7" + outer) == "USCC_ORGANISATION_CODE":
            return
    pytest.fail("no outer check character fits")


@pytest.mark.parametrize("text", ["DE:HRB12345", "HK:1234567", "FR:732-829-320", "US:" + "9" * 29])
def test_foreign_organisations_travel_through_bytes32(text: str) -> None:
    assert organisation_from_bytes32(organisation_bytes32(text)) == text
    assert len(organisation_bytes32(text)) == 32


@pytest.mark.parametrize("text", ["CN:11430000006122244L", "de:1", "DE:", "DE: 1", "DE:1\n", "US:" + "9" * 30, ":"])
def test_second_names_of_an_organisation_are_refused(text: str) -> None:
    assert code_of(organisation_id, text) == "ORGANISATION_ID"


@pytest.mark.parametrize(
    "data", [b"", bytes(32), b"\xff" * 32, ISSUER.encode(), b"\0" + ISSUER.encode().ljust(31, b"\0"),
             ISSUER.encode().ljust(33, b"\0"), (ISSUER.encode() + b"\0x").ljust(32, b"\0")]
)  # fmt: skip
def test_other_bytes_name_no_organisation(data: bytes) -> None:
    assert code_of(organisation_from_bytes32, data) == "ORGANISATION_BYTES"


def test_published_citizen_numbers(examples: Any) -> None:
    for case in examples["citizen_id_gb11643"]["valid"]:
        assert require_citizen_number(case["id"]) == case["id"]
    for number in examples["citizen_id_gb11643"]["invalid"]:
        with pytest.raises(InputError) as caught:
            require_citizen_number(number)
        shown = f"{caught.value}{caught.value.values}{caught.value.__cause__}"
        assert number[6:14] not in shown and number[:6] not in shown


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 999999).map("{:06d}".format), st.integers(0, 9999_99_99), st.integers(0, 999))
def test_citizen_numbers_are_those_of_gb_11643(region: str, day: int, order: int) -> None:
    body = f"{region}{day:08d}{order:03d}"
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(body))
    try:
        date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
        expected = "CITIZEN_NUMBER_CHECK"
    except ValueError:
        expected = "CITIZEN_NUMBER_DATE"
    for check in "0123456789X":
        right = check == "10X98765432"[total % 11]
        if body[0] == "0":
            assert code_of(require_citizen_number, body + check) == "CITIZEN_NUMBER_FORM"
        elif right and expected == "CITIZEN_NUMBER_CHECK":
            assert require_citizen_number(body + check) == body + check
        else:
            assert code_of(require_citizen_number, body + check) == (expected if right else "CITIZEN_NUMBER_CHECK")


def test_the_29th_of_february_is_born_in_leap_years_only() -> None:
    for year, born in (("1900", False), ("2000", True), ("2023", False), ("2024", True)):
        body = f"440106{year}0229001"
        check = "10X98765432"[sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(body)) % 11]
        if born:
            assert require_citizen_number(body + check)
        else:
            assert code_of(require_citizen_number, body + check) == "CITIZEN_NUMBER_DATE"


def test_an_impossible_birth_date_is_refused() -> None:
    for check in "0123456789X":
        found = code_of(require_citizen_number, "11010519490230002" + check)
        if found == "CITIZEN_NUMBER_DATE":
            return
    pytest.fail("no check character fits")


@pytest.mark.parametrize(
    "text", ["", "11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", "011010519491231002"]
)
def test_other_spellings_of_a_citizen_number_are_refused(text: str) -> None:
    assert code_of(require_citizen_number, text) == "CITIZEN_NUMBER_FORM"


@quick
@given(st.binary(min_size=16, max_size=16))
def test_urns_hold_128_bits(random: bytes) -> None:
    urn = new_urn(random)
    assert len(urn) == len("urn:zhengyin:") + 26
    assert require_record_id(urn) == urn


@pytest.mark.parametrize("tail", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "b", "1" * 26, "a" * 26 + "\n"])
def test_malformed_urns_are_refused(tail: str) -> None:
    assert code_of(require_record_id, "urn:zhengyin:" + tail) == "RECORD_ID"
    assert code_of(require_record_id, "urn:uuid:" + tail) == "RECORD_ID"
    assert code_of(new_urn, bytes(15)) == "URN_RANDOM"


@quick
@given(st.text(max_size=80))
def test_fuzzed_text_raises_only_our_error(text: str) -> None:
    for call in (
        parse_license_identifier,
        require_uscc,
        organisation_id,
        require_citizen_number,
        require_record_id,
    ):
        with pytest.raises(ZhengyinError):
            call(text)


@given(st.one_of(st.binary(min_size=32, max_size=32), st.binary(min_size=20, max_size=20).map(bytes(12).__add__)))
@settings(deadline=None, max_examples=50)
def test_any_actor_has_one_spelling(data: bytes) -> None:
    text = actor_from_bytes32(data)
    assert organisation_bytes32(actor_id(text)) == data


@pytest.mark.parametrize("text", ["SG:T08GB0001A", "114401000700000148"])
def test_an_actor_with_an_id_is_spelled_by_it(text: str) -> None:
    data = organisation_bytes32(text)
    assert actor_from_bytes32(data) == text == actor_id(text)
    assert code_of(actor_id, "0x" + data.hex()) == "ORGANISATION_ID"
    assert code_of(organisation_bytes32, "0x" + data.hex()) == "ORGANISATION_ID"


@pytest.mark.parametrize("text", ["0x", "0x" + "AB" * 32, "0x" + "00" * 31, "0x" + "00" * 33, "0X" + "00" * 32])
def test_no_other_spelling_of_bytes_is_an_actor(text: str) -> None:
    assert code_of(actor_id, text) in ("ORGANISATION_ID", "USCC_FORM")


def test_an_actor_without_an_id_is_no_organisation() -> None:
    assert code_of(organisation_id, "0x" + "00" * 32) == "USCC_FORM"
