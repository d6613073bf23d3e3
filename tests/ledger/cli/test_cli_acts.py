"""Courts, successors, superiors and acts of two organisations, through the command line from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_kit import COUNCIL, OFFICE, Cli, Run

COURT, OFFICE_B, NOTARY = "1144010007000201X4", "11320100070001017R", "12440100070003012L"
SUPERIOR = COUNCIL[0]


def verified(ledger: Cli, number: str) -> tuple[int, str | None]:
    done = ledger("verify", "--id", number, "--json")
    cause = done.json["cause"]
    return done.code, cause["code"] if cause else None


def good(done: Run) -> Any:
    assert done.code == 0, done.err
    return done


def test_a_court_freezes_and_lifts_and_verification_says_who(ledger: Cli, numbers: dict[str, str]) -> None:
    number = numbers["0001"]
    frozen = good(
        ledger("--org", COURT, "freeze", number, "--issuer", OFFICE, "--decision", "示范〔2026〕执1号", "--wait")
    )
    assert COURT in frozen.out
    assert verified(ledger, number) == (3, "STATUS_FROZEN")
    said = ledger("verify", "--id", number).out
    assert all(word in said for word in ("互联网法院", COURT, "示范〔2026〕执1号", "冻结"))
    shown = ledger("show", number, "--json").json["status"]
    assert (shown["frozenBy"], [a["event"] for a in shown["acts"]]) == (COURT, ["Frozen"])
    assert "冻结" in ledger("show", number).out
    held = ledger("revoke", number, "--json")
    assert (held.code, held.json["error"]["code"]) == (2, "ACT_FROZEN")
    again = ledger("--org", COURT, "freeze", number, "--issuer", OFFICE, "--json")
    assert (again.code, again.json["error"]["code"]) == (2, "ACT_FROZEN")
    good(ledger("--org", COURT, "unfreeze", number, "--issuer", OFFICE, "--decision", "示范〔2026〕执2号", "--wait"))
    assert verified(ledger, number) == (0, None)
    events = [a["event"] for a in ledger("show", number, "--json").json["status"]["acts"]]
    assert events == ["Frozen", "Unfrozen"]


def test_a_frozen_record_s_bundle_names_the_court_offline(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    number, bundle, trust = numbers["0001"], tmp_path / "frozen.zyb", tmp_path / "trust.json"
    good(ledger("--org", COURT, "freeze", number, "--issuer", OFFICE, "--decision", "示范〔2026〕执1号", "--wait"))
    good(ledger("bundle", number, "--state", "-o", bundle))
    good(ledger("trust", "export", "-o", trust))
    elsewhere = Cli(tmp_path / "nowhere")
    done = elsewhere("verify", bundle, "--trust", trust, "--as-of", "bundle", "--json")
    assert (done.code, done.json["cause"]["code"]) == (3, "STATUS_FROZEN")
    assert done.json["proved"]["status"]["court"] == COURT
    assert "互联网法院" in elsewhere("verify", bundle, "--trust", trust, "--as-of", "bundle").out


def test_only_an_accredited_court_freezes(ledger: Cli, numbers: dict[str, str]) -> None:
    for org in (OFFICE_B, NOTARY, OFFICE):
        done = ledger("--org", org, "freeze", numbers["0001"], "--issuer", OFFICE, "--json")
        assert (done.code, done.json["error"]["code"]) == (2, "ACT_NOT_ENTITLED")
    good(ledger("org", "end", COURT, "--kind", "freeze"))
    done = ledger("--org", COURT, "freeze", numbers["0001"], "--issuer", OFFICE, "--json")
    assert done.json["error"]["code"] == "ACT_NOT_ENTITLED"
    assert verified(ledger, numbers["0001"]) == (0, None)


def test_a_list_is_frozen_together_and_each_fault_is_said(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "ids.csv"
    leaf = ledger("show", numbers["0002"], "--json").json["leaf"]
    source.write_text("标识\n" + "\n".join([numbers["0001"], leaf, "urn:zhengyin:" + "a" * 26]) + "\n", "utf-8")
    done = ledger("--org", COURT, "freeze", "--from", source, "--issuer", OFFICE, "--wait", "--json")
    assert done.code == 5
    assert [r.get("act") for r in done.lines] == ["freeze", "freeze", None]
    assert [verified(ledger, numbers[n])[0] for n in ("0001", "0002", "0003")] == [3, 3, 0]


def test_a_court_decides_on_a_record_and_show_says_so(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    number, words = numbers["0001"], ("--decision", "示范〔2026〕民初1号", "--text", "采信")
    done = good(ledger("--org", COURT, "relate", number, "--issuer", OFFICE, "--as", "decidesOn", *words, "--wait"))
    assert all(word in done.out for word in (COURT, "裁判"))
    (said,) = ledger("show", number, "--json").json["status"]["relations"]
    assert (said["relation"], said["by"], said["confirmed"]) == ("decidesOn", COURT, True)
    assert COURT in ledger("show", number).out and said["statement"] in ledger("show", number).out
    assert verified(ledger, number) == (0, None)
    assert said["statement"] in ledger("verify", "--id", number, "--detailed").out
    shown = ledger("--org", COURT, "show", said["statement"], "--json").json
    assert shown["values"] == {"reference": "示范〔2026〕民初1号", "content": "采信"}
    unknown = ledger("--org", COURT, "relate", number, "--as", "erases", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (2, "CLI_RELATION_UNKNOWN")
    stranger = ledger("--org", NOTARY, "relate", number, "--issuer", OFFICE, "--as", "decidesOn", "--json")
    assert (stranger.code, stranger.json["error"]["code"]) == (2, "ACT_NOT_ACCREDITED")


def test_two_organisations_annul_a_revocation(ledger: Cli, numbers: dict[str, str]) -> None:
    number = numbers["0001"]
    good(ledger("revoke", number, "--reason", "withdrawn", "--wait"))
    good(ledger("org", "superior", OFFICE, SUPERIOR))
    first = good(ledger("annul", number, "--decision", "示范〔2026〕3号", "--wait", "--json")).json
    assert first["waits"] is True
    assert {c["organisation"]: c["as"] for c in first["mayConfirm"]} == {SUPERIOR: "superior", COURT: "court"}
    assert verified(ledger, number) == (1, "STATUS_REVOKED")  # one alone brings nothing back
    alone = ledger("annul", number, "--decision", "示范〔2026〕3号", "--json")
    assert (alone.code, alone.json["error"]["code"]) == (2, "ACT_WAITS_FOR_SECOND")
    assert "第二个机构" in ledger("show", number).out
    stranger = ledger("--org", NOTARY, "annul", number, "--issuer", OFFICE, "--json")
    assert stranger.json["error"]["code"] == "ACT_NOT_ENTITLED"
    second = good(ledger("--org", SUPERIOR, "annul", number, "--issuer", OFFICE, "--wait", "--json")).json
    assert (second["confirms"], second["statement"], second["waits"]) == (OFFICE, first["statement"], False)
    assert verified(ledger, number) == (0, None)
    report = ledger("verify", "--id", number, "--json").json
    (said,) = [f for s in report["steps"] for f in s["findings"] if f["code"] == "STATUS_ANNULLED"]
    assert all(word in said["zh"] for word in (OFFICE, SUPERIOR, "示范〔2026〕3号"))


def test_two_organisations_disown_a_batch(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    number, bundle, trust = numbers["0002"], tmp_path / "disowned.zyb", tmp_path / "trust.json"
    first = good(ledger("disown", number, "--decision", "示范〔2026〕4号", "--wait", "--json")).json
    assert verified(ledger, number) == (0, None)
    good(ledger("--org", COURT, "disown", first["root"], "--issuer", OFFICE, "--wait"))
    for each in numbers.values():
        assert verified(ledger, each) == (1, "STATUS_BATCH_DISOWNED")
    said = ledger("verify", "--id", number).out
    assert all(word in said for word in (OFFICE, COURT, "示范〔2026〕4号"))
    again = ledger("disown", number, "--json")
    assert (again.code, again.json["error"]["code"]) == (2, "ACT_ALREADY_DISOWNED")
    good(ledger("bundle", number, "--state", "-o", bundle))
    good(ledger("trust", "export", "-o", trust))
    done = Cli(tmp_path / "nowhere")("verify", bundle, "--trust", trust, "--as-of", "bundle", "--json")
    assert (done.code, done.json["cause"]["code"]) == (1, "STATUS_BATCH_DISOWNED")
    assert ledger("show", number, "--json").json["status"]["disowned"] is True


def test_the_successor_revokes_and_the_report_says_so(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    number, bundle, trust = numbers["0003"], tmp_path / "revoked.zyb", tmp_path / "trust.json"
    early = ledger("--org", OFFICE_B, "revoke", number, "--issuer", OFFICE, "--json")
    assert (early.code, early.json["error"]["code"]) == (2, "ACT_NOT_ENTITLED")
    good(ledger("org", "succeed", OFFICE, OFFICE_B))
    found = {o["organisation"]: o for o in ledger("org", "list", "--json").lines}
    assert found[OFFICE]["successor"] == OFFICE_B
    order = ("revoke", number, "--issuer", OFFICE, "--reason", "withdrawn", "--decision", "示范乙〔2026〕5号")
    good(ledger("--org", OFFICE_B, *order, "--wait"))
    assert verified(ledger, number) == (1, "STATUS_REVOKED")
    said = ledger("verify", "--id", number).out
    assert all(word in said for word in ("承继机构", OFFICE_B, "示范乙市市场登记中心", "示范乙〔2026〕5号"))
    good(ledger("bundle", number, "--state", "-o", bundle))
    good(ledger("trust", "export", "-o", trust))
    offline = Cli(tmp_path / "nowhere")("verify", bundle, "--trust", trust, "--as-of", "bundle")
    assert (offline.code, "承继机构" in offline.out) == (1, True)


def test_a_superior_suspends_and_the_office_reinstates(ledger: Cli, numbers: dict[str, str]) -> None:
    number = numbers["0001"]
    good(ledger("org", "superior", OFFICE, SUPERIOR))
    good(ledger("--org", SUPERIOR, "suspend", number, "--issuer", OFFICE, "--reason", "detained", "--wait"))
    assert "上级机构" in ledger("verify", "--id", number).out
    good(ledger("reinstate", number, "--reason", "returned", "--wait"))
    assert verified(ledger, number) == (0, None)
    good(ledger("org", "superior", OFFICE, "--none"))
    late = ledger("--org", SUPERIOR, "suspend", number, "--issuer", OFFICE, "--json")
    assert late.json["error"]["code"] == "ACT_NOT_ENTITLED"


def test_the_council_seconds_an_annulment_and_may_retire_the_ledger(ledger: Cli, numbers: dict[str, str]) -> None:
    number = numbers["0001"]
    good(ledger("revoke", number, "--wait"))
    first = good(ledger("annul", number, "--decision", "示范〔2026〕3号", "--wait", "--json")).json
    act = ("annul", OFFICE, "--leaf", first["leaf"], "--statement", first["statement"])
    good(ledger("council", "propose", *act))
    assert verified(ledger, number) == (0, None)
    assert "联盟理事会" in ledger("verify", "--id", number, "--detailed").out
    good(ledger("council", "propose", "retire", "--chain", f"77:{'ab' * 32}:{'cd' * 20}"))
    assert verified(ledger, number) == (3, "STATUS_LEDGER_RETIRED")
    late = ledger("suspend", number, "--wait", "--lang", "en")
    assert late.code == 5, "what no chain takes is said and not waited for"
    assert "[OUTBOX_BATCH_REFUSED]" in late.err and "[OUTBOX_STATEMENTS_REFUSED]" in late.err
    again = ledger("anchor", "--wait", "--json")
    assert (again.code, again.json["open"]) == (5, 0)
    assert [p["code"] for p in again.json["refused"]] == ["OUTBOX_BATCH_REFUSED", "OUTBOX_STATEMENTS_REFUSED"]
    assert "--retry" in again.json["refused"][0]["en"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("org", "succeed", OFFICE, OFFICE), "CHAIN_REFUSED"),
        (("org", "succeed", OFFICE, OFFICE_B, "--since", "2999-01-01"), "CHAIN_REFUSED"),
        (("org", "superior", OFFICE, OFFICE), "CHAIN_REFUSED"),
        (("org", "superior", OFFICE), "CLI_SUPERIOR_OR_NONE"),
        (("council", "propose", "succeed", OFFICE), "CLI_COUNCIL_NEEDS"),
        (("council", "propose", "retire", "--chain", "1:2:3"), "CLI_CHAIN"),
        (("council", "propose", "annul", OFFICE, "--leaf", "ab", "--statement", "cd"), "CLI_DIGEST"),
        (("council", "propose", "disown", OFFICE, "--batch", "ab" * 32, "--statement", "cd" * 32), "CHAIN_REFUSED"),
        (("freeze",), "CLI_ID_OR_LEAF"),
        (("freeze", "--leaf", "ab" * 32), "CLI_ISSUER_NEEDED"),
        (("disown", "ab" * 32), "CLI_ISSUER_NEEDED"),
        (("annul", "--leaf", "AB", "--issuer", OFFICE), "CLI_DIGEST"),
    ],
)
def test_what_makes_no_sense_is_said_before_anybody_signs(
    demo_home: Path, arguments: tuple[str, ...], code: str
) -> None:
    done = Cli(demo_home)(*arguments, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, code)
