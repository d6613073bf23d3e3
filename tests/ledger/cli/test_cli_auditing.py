"""``backup``, ``restore`` and ``audit`` as people use them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from cli_kit import COUNCIL, OFFICE, Cli, business_licenses, write_csv

NEWCOMER = "11330100700008011Y"


def test_back_up_restore_audit_and_go_on(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    made = ledger("backup", tmp_path / "backups", "--json")
    assert made.code == 0 and made.json["files"] > 10
    again = Cli(tmp_path / "again")
    done = again("restore", tmp_path / "backups", "--json")
    assert (done.code, done.json["fromCopy"]) == (0, 0)
    source = write_csv(tmp_path / "more.csv", business_licenses("0007"))
    locked = again("import", source, "--type", "business-license", "--json", "--lang", "en")
    assert locked.code == 2 and "RESTORE_UNAUDITED" in locked.out
    checked = again("doctor", "--json")
    (lock,) = [line for line in checked.lines if line["check"] == "lock"]
    assert (checked.code, lock["outcome"], lock["code"]) == (4, "failed", "RESTORE_UNAUDITED")
    assert "zhengyin audit" in lock["zh"] and "zhengyin audit" in lock["en"]
    keys = again("key", "list").out
    for act in (
        ("org", "add", NEWCOMER, "--name", "示范新机构", "--jurisdiction", "CN-440100", "--kind", "evidence"),
        ("org", "accredit", OFFICE, "--kind", "evidence", "--jurisdiction", "CN-440100"),
        ("org", "end", OFFICE, "--kind", "license"),
        ("org", "succeed", OFFICE, NEWCOMER),
        ("org", "superior", OFFICE, NEWCOMER),
        ("council", "propose", "bar", OFFICE),
        ("council", "approve", "1", "--org", COUNCIL[0]),
        ("council", "veto", "1", "--org", COUNCIL[0]),
        ("council", "execute", "1", "--org", COUNCIL[0]),
    ):
        assert again(*act, "--json").json["error"]["code"] == "RESTORE_UNAUDITED", act
    assert (again("key", "list").out, again("council", "list").code) == (keys, 0)
    audited = again("audit", "--json")
    assert (audited.code, audited.json["unlocked"], audited.json["records"]) == (0, True, 3)
    assert again("import", source, "--type", "business-license", "--wait").code == 0
    assert again("show", numbers["0001"]).code == 0
    assert again("restore", tmp_path / "backups").code == 2  # the folder is in use


def test_what_was_erased_after_the_backup_is_erased_again_by_a_rebuild(
    ledger: Cli, numbers: dict[str, str], tmp_path: Path
) -> None:
    leaf = ledger("show", numbers["0001"], "--json").json["leaf"]
    assert ledger("backup", tmp_path / "backups").code == 0
    assert ledger("erase", numbers["0001"], "--reason", "ordered", "--yes", "--wait").code == 0
    again = Cli(tmp_path / "again")
    home = ledger.home
    assert again("restore", tmp_path / "backups", "--chain", home / "chain.db", "--copy", home / "segments").code == 0
    assert again("show", numbers["0001"]).code == 0
    listed = tmp_path / "erased.txt"
    listed.write_text("no leaf\n", "utf-8")
    refused = again("rebuild", "--missing", "--erased", listed, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "ERASE_AGAIN_LIST")
    listed.write_text(leaf + "\n", "utf-8")
    made = again("rebuild", "--missing", "--erased", listed, "--json")  # the tombstone names it already
    assert (made.code, made.json["erasedAgain"], made.json["closed"]) == (0, 1, [])
    assert again("show", numbers["0001"], "--json").json["error"]["code"] == "RECORD_UNKNOWN"
    assert again("audit", "--accept-losses", "--json").json["unlocked"] is True
    late = again("rebuild", "--missing", "--erased", listed, "--json")
    assert (late.code, late.json["error"]["code"]) == (2, "ERASE_AGAIN_UNRESTORED")


def test_a_backup_says_how_long_it_keeps_what_is_erased(ledger: Cli, tmp_path: Path) -> None:
    made = ledger("backup", tmp_path / "backups", "--lang", "en")
    assert "stays in this backup until" in made.err
    (manifest,) = (tmp_path / "backups").glob("2*/manifest.json")
    value = json.loads(manifest.read_bytes())
    assert value["expires"] == value["created"] + 30 * 86_400
    assert "erased" in value["notice"]


def test_an_audit_names_what_differs_and_writes_all_of_it_down(ledger: Cli, tmp_path: Path) -> None:
    assert ledger("audit", "--lang", "en").out.endswith("everything agrees\n")
    with closing(sqlite3.connect(ledger.home / "rows.db")) as rows, rows:
        rows.execute("UPDATE batches SET size = size + 1")
    done = ledger("audit", "--report", tmp_path / "report.json", "--lang", "en")
    assert done.code == 1 and "✗ batches/1/size" in done.out and "[AUDIT_ROW_DIFFERS]" in done.out
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert [f["where"] for f in report["findings"]] == ["batches/1/size"]
    assert report["differing"] == 1 and report["findings"][0]["zh"]
    assert ledger("audit", "--json").json["counts"] == {"AUDIT_ROW_DIFFERS": 1}


def test_an_audit_of_nothing_is_undetermined(demo: Cli) -> None:
    done = demo("audit", "--json")
    assert (done.code, done.json["findings"][0]["code"]) == (3, "AUDIT_NOTHING")
    assert demo("audit", "--since", "-1").code == 2
