"""``import``: reports, damaged tables, checks that write nothing, and going on after kill -9."""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import HEADER, OFFICE, Cli, business_licenses, write_csv

from ledger.services.import_reports import inert

ROOT = Path(__file__).resolve().parents[3]
TYPE = ("--type", "business-license")


def rows_of(home: Path) -> int:
    with sqlite3.connect(home / "rows.db") as database:
        count = database.execute("select count(*) from records").fetchone()[0]
    database.close()
    return int(count)


def read_report(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "Excel opens UTF-8 only with a byte order mark"
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_every_row_is_new_and_then_already_there(demo: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0001", "0002"))
    first = demo("import", source, *TYPE, "--report", tmp_path / "r1.csv", "--json")
    assert first.code == 0
    assert {k: first.json[k] for k in ("new", "existing", "refused", "check")} == {
        "new": 2, "existing": 0, "refused": 0, "check": False,
    }  # fmt: skip
    report = read_report(tmp_path / "r1.csv")
    assert [(r["行号 line"], r["结果"], r["outcome"]) for r in report] == [
        ("2", "新签发", "new"),
        ("3", "新签发", "new"),
    ]
    assert all(OFFICE in r["标识 id"] for r in report)
    other = write_csv(tmp_path / "b.csv", business_licenses("0002", "0003"))
    again = demo("import", other, *TYPE, "--json")
    assert (again.code, again.json["new"], again.json["existing"]) == (0, 1, 1)
    assert rows_of(demo.home) == 3


def test_a_finished_import_run_again_issues_nothing_twice(demo: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0001", "0002"))
    assert demo("import", source, *TYPE).code == 0
    again = demo("import", source, *TYPE, "--json")
    assert again.code == 0
    assert again.json["refused"] == 0
    assert rows_of(demo.home) == 2


def test_check_writes_nothing(demo: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0001"))
    done = demo("import", source, *TYPE, "--check")
    assert done.code == 0
    assert rows_of(demo.home) == 0
    assert demo("jobs", "--json").json["imports"] == []


def test_a_table_damaged_by_a_spreadsheet_gets_remedies_by_line(demo: Cli, tmp_path: Path) -> None:
    good = business_licenses("0001")[0]
    damaged = [
        ("0002", "1.144E+17", *good[2:]),
        ("0003", "11440100070000014", *good[2:]),
        ("0004", *good[1:5], "2020-02-30", *good[6:]),
        ("0005", *good[1:5], "２０２０/４/２８", *good[6:]),
        ("0006", OFFICE + "  ", *good[2:]),
        good,
    ]
    source = write_csv(tmp_path / "a.csv", [good, *damaged])
    done = demo("import", source, *TYPE, "--report", tmp_path / "r.csv", "--lang", "en")
    assert done.code == 5
    assert "3 new, 0 already there, 4 refused" in done.out
    report = {r["行号 line"]: r for r in read_report(tmp_path / "r.csv")}
    assert report["3"]["代码 code"] == "CELL_SCIENTIFIC"
    assert "文本" in report["3"]["原因"]
    assert "as text" in report["3"]["reason"]
    assert report["4"]["outcome"] == report["5"]["outcome"] == "refused"
    assert report["6"]["outcome"] == report["7"]["outcome"] == "new"
    assert report["8"]["代码 code"] == "IMPORT_TWICE"
    assert all(r["原因"] and r["reason"] for r in report.values() if r["outcome"] == "refused")


def test_neither_report_nor_screen_repeats_what_a_refused_cell_holds(demo: Cli, tmp_path: Path) -> None:
    bad = ("0001", "110101199003070000", *business_licenses("0001")[0][2:])
    done = demo("import", write_csv(tmp_path / "a.csv", [bad]), *TYPE, "--report", tmp_path / "r.csv", "--json")
    assert done.code == 5
    for shown in (done.out, done.err, (tmp_path / "r.csv").read_text("utf-8-sig")):
        assert "110101199003070000" not in shown
        assert "张三丰" not in shown


def test_gb18030_is_read_and_other_encodings_are_refused_by_line(demo: Cli, tmp_path: Path) -> None:
    good = demo("import", write_csv(tmp_path / "gb.csv", business_licenses("0001"), "gb18030"), *TYPE)
    assert good.code == 0
    assert demo("import", write_csv(tmp_path / "wide.csv", business_licenses("0002"), "utf-16"), *TYPE).code == 2
    broken = tmp_path / "broken.csv"
    broken.write_bytes(
        write_csv(tmp_path / "x.csv", business_licenses("0002"), "gb18030").read_bytes() + b"0003,\xff\xff\xff\r\n"
    )
    refused = demo("import", broken, *TYPE, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "CSV_ENCODING")
    assert refused.json["error"]["values"]["line"] == 3


def test_the_report_never_overwrites_the_table(demo: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0001"))
    before = source.read_bytes()
    done = demo("import", source, *TYPE, "--report", source, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "CLI_REPORT_IS_SOURCE")
    assert source.read_bytes() == before


def test_a_missing_column_names_the_nearest_header(demo: Cli, tmp_path: Path) -> None:
    header = ("流水号", "统一社会信用代碼", *HEADER[2:])
    done = demo("import", write_csv(tmp_path / "a.csv", business_licenses("0001"), header=header), *TYPE)
    assert done.code == 2
    assert "统一社会信用代碼" in done.err


def test_attached_files_are_found_and_names_that_lead_outside_are_refused(demo: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "pdf"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 a")
    (tmp_path / "secret.pdf").write_bytes(b"x")
    names = ["a.pdf", "../secret.pdf", "none.pdf"]
    rows = [(*row, name) for row, name in zip(business_licenses("0001", "0002", "0003"), names, strict=True)]
    source = write_csv(tmp_path / "a.csv", rows, header=(*HEADER, "文件"))
    done = demo("import", source, *TYPE, "--files", folder, "--json")
    assert done.code == 5
    assert [p["code"] for p in done.json["problems"]] == ["CELL_FILE_NAME", "IMPORT_FILE_MISSING"]
    assert demo("anchor", "--wait").code == 0
    assert demo("verify", folder / "a.pdf").code == 0


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"])
def test_no_cell_of_the_report_can_run_as_a_formula(cell: str) -> None:
    assert inert(cell) == "'" + cell
    assert inert("a" + cell) == "a" + cell


@pytest.mark.parametrize("point", ["import.prepared", "import.committed"])
def test_killed_in_the_middle_it_goes_on_where_it_stopped(demo: Cli, tmp_path: Path, point: str) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses(*[f"{n:04}" for n in range(1, 41)]))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ZHENGYIN_FAULTPOINT": point}
    command = [sys.executable, "-m", "ledger.cli", "--home", str(demo.home), "import", str(source), *TYPE]
    killed = subprocess.run(command, env=environment, capture_output=True)
    assert killed.returncode == -9
    assert rows_of(demo.home) == (0 if point == "import.prepared" else 40)
    done = demo("import", source, *TYPE, "--json", "--wait")
    assert (done.code, done.json["new"] + done.json["existing"], done.json["refused"]) == (0, 40, 0)
    assert rows_of(demo.home) == 40
    assert demo("jobs", "--json").json["batches"][0]["size"] == 40


@pytest.mark.parametrize(
    "point", ["batch.segment", "batch.committed", "anchor.signed", "anchor.stored", "anchor.sent", "anchor.receipt"]
)
def test_killed_while_anchoring_nothing_is_lost_and_nothing_anchored_twice(
    ledger: Cli, tmp_path: Path, point: str
) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0101", "0102"))
    assert ledger("import", source, *TYPE).code == 0
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ZHENGYIN_FAULTPOINT": point}
    command = [sys.executable, "-m", "ledger.cli", "--home", str(ledger.home), "anchor", "--wait"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == -9
    _end_lease(ledger.home)
    assert ledger("anchor", "--wait").code == 0
    batches = ledger("jobs", "--json").json["batches"]
    assert [(b["state"], b["size"]) for b in batches] == [("receipted", 2), ("receipted", 3)]


def test_a_refused_batch_is_tried_again_when_its_cause_is_mended(ledger: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0101", "0102"))
    assert ledger("import", source, *TYPE).code == 0
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ZHENGYIN_FAULTPOINT": "batch.committed"}
    command = [sys.executable, "-m", "ledger.cli", "--home", str(ledger.home), "anchor", "--wait"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == -9
    _end_lease(ledger.home)
    assert ledger("org", "end", OFFICE, "--kind", "license").code == 0
    told = ledger("anchor", "--wait", "--lang", "en")
    assert told.code == 5 and "[OUTBOX_BATCH_REFUSED]" in told.err
    (refused, *_) = ledger("jobs", "--json").json["batches"]
    assert refused["state"] == "refused" and "has not begun or has ended" in refused["problem"]
    assert ledger("org", "accredit", OFFICE, "--kind", "license", "--jurisdiction", "CN-440100").code == 0
    assert ledger("anchor", "--retry", "--wait").code == 0
    assert ledger("jobs", "--json").json["batches"][0]["state"] == "receipted"


def _end_lease(home: Path) -> None:
    """A killed process leaves its lease, which ends by itself half a minute later."""
    database = sqlite3.connect(home / "rows.db")
    with database:
        database.execute("update leases set until = 0")
    database.close()
