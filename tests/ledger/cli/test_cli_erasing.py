"""Erasing, and the codes beside numbers, as an office does both at a terminal."""

from __future__ import annotations

import csv
import io
import stat
import sys
from pathlib import Path

import pytest
from cli_kit import Cli, business_licenses, write_csv

from ledger.core.verification_code import parse_code

ERASE = ("--reason", "consentWithdrawn", "--decision", "粤登删〔2027〕1号")
WRONG = "0123-4567-89AB-CDEF"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def code_of(ledger: Cli, number: str) -> str:
    found: str = ledger("show", number, "--code", "--json").json["code"]
    return found


def test_a_record_is_erased_for_good_and_says_so_by_its_leaf(ledger: Cli, numbers: dict[str, str]) -> None:
    number, code = numbers["0002"], code_of(ledger, numbers["0002"])
    leaf = ledger("show", number, "--json").json["leaf"]
    done = ledger("erase", number, *ERASE, "--yes", "--wait", "--json")
    assert done.code == 0, done.err
    assert (done.json["leaf"], done.json["statements"], done.json["again"]) == (leaf, 0, False)
    assert "备份" in done.err
    for asked in ((), ("--code", code)):
        assert ledger("verify", "--id", number, *asked, "--json").json["headline"]["name"] == "notFound"
    assert ledger("show", number).code == 3
    erased, error = ledger("show", leaf, "--json").lines
    assert erased["erased"] == {
        "tombstone": done.json["tombstone"], "erased": erased["erased"]["erased"], "reason": "consentWithdrawn",
        "decision": "粤登删〔2027〕1号",
    }  # fmt: skip
    assert error["error"]["code"] == "RECORD_ERASED"
    assert "个人撤回同意" in ledger("show", leaf).out
    assert ledger("verify", "--id", done.json["tombstone"]).code == 0
    assert ledger("verify", "--id", numbers["0001"]).code == 0
    again = ledger("erase", leaf, "--reason", "ordered", "--yes", "--json")
    assert (again.code, again.json["again"], again.json["tombstone"]) == (0, True, done.json["tombstone"])
    assert ledger("rebuild", "--json").json["erased"] == 1


@pytest.mark.parametrize("typed", ["", "y\n", "yes\n", "001Y\n"])
def test_without_a_clear_yes_nothing_is_erased(
    ledger: Cli, numbers: dict[str, str], monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(typed))
    refused = ledger("erase", numbers["0001"], *ERASE, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "CLI_ERASE_UNCONFIRMED")
    assert ledger("verify", "--id", numbers["0001"]).code == 0


def test_a_script_must_say_yes_and_a_person_types_the_end_of_the_number(
    ledger: Cli, numbers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = numbers["0001"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(number[-4:] + "\n"))  # a pipe, nobody there
    assert ledger("erase", number, *ERASE).code == 2
    monkeypatch.setattr(sys, "stdin", _Terminal(number[-4:] + "\n"))
    asked = ledger("erase", number, *ERASE)
    assert asked.code == 0
    assert number[-4:] in asked.err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "error"),
    [
        (("urn:zhengyin:" + "a" * 26, *ERASE), 3, "RECORD_UNKNOWN"),
        (("0" * 64, *ERASE), 3, "RECORD_UNKNOWN"),
        (("1.2.3", "--reason", "because"), 2, "REGISTRY_UNKNOWN"),
        (("1.2.3", "--reason", "ordered", "--decision", "长" * 129), 2, "CLI_ERASE_DECISION"),
    ],
)
def test_what_cannot_be_erased_is_refused_with_its_code(
    furnished_home: Path, arguments: tuple[str, ...], exit_code: int, error: str
) -> None:
    refused = Cli(furnished_home)("erase", *arguments, "--yes", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (exit_code, error)


def test_number_and_code_verify_as_the_public_asks(furnished_home: Path, numbers: dict[str, str]) -> None:
    here, number = Cli(furnished_home), numbers["0001"]
    code = code_of(here, number)
    assert len(parse_code(code)) == 10
    assert here("verify", "--id", number, "--code", code.lower().replace("-", " ")).code == 0
    wrong, unknown = (here("verify", "--id", n, "--code", WRONG, "--json") for n in (number, number[:-1] + "0"))
    assert wrong.code == unknown.code == 3
    assert wrong.json | {"file": ""} == unknown.json | {"file": ""}
    assert here("verify", "--id", number, "--code", "ABC", "--json").json["error"]["code"] == "CODE_LENGTH"
    assert here("verify", "--code", code, "--json").json["error"]["code"] == "CLI_VERIFY_CODE_ALONE"


def test_the_code_goes_with_the_bundle_and_is_shown_only_when_asked_for(
    furnished_home: Path, numbers: dict[str, str], tmp_path: Path
) -> None:
    here, number = Cli(furnished_home), numbers["0001"]
    code = code_of(here, number)
    written = here("bundle", number, "-o", tmp_path / "a.zyb", "--json")
    assert written.json["code"] == code
    assert code not in (tmp_path / "a.zyb").read_text("utf-8")  # whoever is shown the bundle does not get the code
    streamed = here("bundle", number)
    assert code in streamed.err
    assert code not in streamed.out
    assert code in here("show", number, "--code").out
    assert here("show", number, "--code", "--json").json["fragment"] == f"i={number}&k={code}"
    assert code not in here("show", number).out


def test_an_import_reports_codes_when_asked_and_again_when_run_again(demo: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "t.csv", [*business_licenses("0001", "0002"), ("",) * 8])
    report = tmp_path / "report.csv"
    arguments = ("import", source, "--type", "business-license", "--report", report)
    assert demo(*arguments, "--codes").code in (0, 5)
    first = list(csv.DictReader(report.read_text("utf-8-sig").splitlines()))
    codes = {row["标识 id"]: row["核验码 verification code"] for row in first if row["outcome"] == "new"}
    assert codes == {number: code_of(demo, number) for number in codes}
    assert len(set(codes.values())) == 2
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert demo(*arguments, "--codes").code in (0, 5)
    again = list(csv.DictReader(report.read_text("utf-8-sig").splitlines()))
    assert {row["标识 id"]: row["核验码 verification code"] for row in again if row["标识 id"]} == codes
    assert demo(*arguments).code in (0, 5)
    assert "核验码" not in report.read_text("utf-8-sig")
    assert demo(*arguments[:-2], "--codes", "--json").json["error"]["code"] == "CLI_CODES_REPORT"
