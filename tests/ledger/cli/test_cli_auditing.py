"""``backup``, ``restore`` and ``audit`` as people use them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from cli_kit import Cli, business_licenses, write_csv


def test_back_up_restore_audit_and_go_on(ledger: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    made = ledger("backup", tmp_path / "backups", "--json")
    assert made.code == 0 and made.json["files"] > 10
    again = Cli(tmp_path / "again")
    done = again("restore", tmp_path / "backups", "--json")
    assert (done.code, done.json["fromCopy"]) == (0, 0)
    source = write_csv(tmp_path / "more.csv", business_licenses("0007"))
    locked = again("import", source, "--type", "business-license", "--json", "--lang", "en")
    assert locked.code == 2 and "RESTORE_UNAUDITED" in locked.out
    assert "RESTORE_UNAUDITED" in again("doctor", "--json").out
    audited = again("audit", "--json")
    assert (audited.code, audited.json["unlocked"], audited.json["records"]) == (0, True, 3)
    assert again("import", source, "--type", "business-license", "--wait").code == 0
    assert again("show", numbers["0001"]).code == 0
    assert again("restore", tmp_path / "backups").code == 2  # the folder is in use


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
