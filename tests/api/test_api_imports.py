"""Tables sent in: streamed to disk, imported by the worker, reported on; hostile names and cells do nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from api_kit import Office
from ledger_world import OFFICE_A, OFFICE_B, check_ledger, write_rows

from api.routes.imports import file_name
from ledger.errors import UnavailableError

REAL_ESTATE = "real-estate-certificate"


def send(office: Office, data: bytes, key: str = "k", name: str = "a.csv", **query: Any) -> Any:
    headers = {"Idempotency-Key": key, "X-File-Name": quote(name), "Content-Type": "text/csv"}
    return office("POST", "/v1/imports", params={"type": REAL_ESTATE} | query, content=data, headers=headers)


@pytest.fixture
def table(tmp_path: Path) -> bytes:
    return write_rows(tmp_path / "table.csv", 5).read_bytes()


def test_a_table_is_accepted_imported_and_reported_on(office: Office, table: bytes) -> None:
    sent = send(office, table)
    assert sent.status_code == 202
    where = sent.headers["location"]
    assert office("GET", where).json()["state"] == "waiting"
    assert office("GET", f"{where}/report").json()["code"] == "UPLOAD_NO_REPORT"
    assert office.world.app.uploads.run_open() == 1
    done = office("GET", where).json()
    assert (done["state"], done["rows"], done["new"], done["refused"]) == ("finished", 5, 5, 0)
    report = office("GET", f"{where}/report")
    assert report.content.startswith(b"\xef\xbb\xbf")
    assert report.text.count("\r\n") == 6
    assert office("GET", f"{where}/report", headers={"If-None-Match": report.headers["etag"]}).status_code == 304
    assert office("GET", "/v1/imports").json()["items"] == [done]
    office.world.drain()
    assert check_ledger(office.world.app) == 5
    acts = [(e["act"], e["after"]) for e in office.log() if e["act"].startswith("import")]
    assert [a for a, _ in acts] == ["import.start", "import.finish"]
    assert acts[1][1]["new"] == 5
    assert list((office.world.home / "uploads").iterdir()) == [
        office.world.app.uploads.report(bytes.fromhex(done["id"]))
    ]


def test_a_check_writes_nothing(office: Office, table: bytes) -> None:
    where = send(office, table, check=1).headers["location"]
    office.world.app.uploads.run_open()
    done = office("GET", where).json()
    assert (done["check"], done["state"], done["new"]) == (True, "finished", 5)
    assert office("GET", f"/v1/records?issuer={OFFICE_A}").json()["items"] == []


def test_the_same_table_again_is_the_same_import_with_the_key_and_finds_its_rows_without(
    office: Office, table: bytes
) -> None:
    first = send(office, table)
    assert send(office, table).json()["id"] == first.json()["id"]
    assert send(office, table + b"\r\n").json()["code"] == "ACCESS_KEY_REUSED"
    other = send(office, table, "other").json()["id"]
    office.world.app.uploads.run_open()
    assert office("GET", f"/v1/imports/{other}").json()["existing"] == 5
    assert {p.suffixes[0] for p in (office.world.home / "uploads").iterdir()} == {".report"}


def test_refused_rows_are_reported_and_formulas_are_inert(office: Office, tmp_path: Path) -> None:
    text = write_rows(tmp_path / "t.csv", 2).read_text("utf-8-sig")
    header, first, _ = text.split("\n", 2)
    hostile = [
        '=HYPERLINK("http://x")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "<script>alert(1)</script>",
        "'; DROP TABLE records",
    ]
    lines = [header.strip(), first.strip()]
    for number, cell in enumerate(hostile):
        cells = first.strip().split(",")
        cells[0] = '"' + cell.replace('"', '""') + '"'
        lines.append(",".join(cells) + f",{number}")
    where = send(office, "\r\n".join(lines).encode()).headers["location"]
    office.world.app.uploads.run_open()
    done = office("GET", where).json()
    assert (done["state"], done["new"], done["refused"]) == ("finished", 1, len(hostile))
    for line in office("GET", f"{where}/report").text.splitlines():
        for cell in line.split(","):
            assert not cell.strip('"').startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00" * 100, b"PK\x03\x04" + b"x" * 50, b"a,b\n1,2\n"])
def test_what_is_no_table_fails_as_a_whole_with_its_code(office: Office, data: bytes) -> None:
    where = send(office, data).headers["location"]
    office.world.app.uploads.run_open()
    done = office("GET", where).json()
    assert done["state"] == "failed"
    assert done["problem"].startswith(("CSV_", "ROW_COLUMN"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/abs/张三.csv", "张三.csv"),
        ("a\x00b\r\nX-Evil: 1.csv", "abX-Evil: 1.csv"),
        ("\u202egpj.csv", "gpj.csv"),
        ("", "table.csv"),
        ("..", ".."),
        ("x" * 400, "x" * 200),
        ("<img src=x onerror=alert(1)>.csv", "<img src=x onerror=alert(1)>.csv"),
    ],
)
def test_names_of_files_are_shown_and_never_lead_anywhere(office: Office, table: bytes, name: str, shown: str) -> None:
    assert file_name(quote(name)) == shown
    sent = send(office, table, name=name)
    assert sent.json()["name"] == shown
    office.world.app.uploads.run_open()
    assert {p.name.partition(".")[0] for p in (office.world.home / "uploads").iterdir()} == {sent.json()["id"]}
    disposition = office("GET", f"{sent.headers['location']}/report").headers["content-disposition"]
    assert disposition == f'attachment; filename="{sent.json()["id"]}.csv"'


def test_what_cannot_be_accepted_leaves_no_file(office: Office, table: bytes) -> None:
    assert send(office, table, type="nothing").json()["code"] == "TYPE_UNKNOWN"
    assert send(office, table, type="status").json()["code"] == "UPLOAD_KIND"
    assert send(office, table, issuer=OFFICE_B).json()["code"] == "ACCESS_ORGANISATION"
    assert send(office, b"").json()["code"] == "UPLOAD_EMPTY"
    folder = office.world.home / "uploads"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_table_beyond_the_limit_is_refused_while_it_arrives(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = office.world.app.settings.model_copy(update={"upload_limit": 1000})
    monkeypatch.setattr(office.world.app, "settings", settings)
    answer = send(office, b"x" * 5000)
    assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_TOO_LARGE")
    assert list((office.world.home / "uploads").iterdir()) == []


def test_a_stopped_import_goes_on_with_the_next_worker(office: Office, tmp_path: Path, monkeypatch: Any) -> None:
    for bound in ("import_rows.CHUNK_ROWS", "importing.WINDOW_ROWS"):
        monkeypatch.setattr(f"ledger.services.{bound}", 4)
    where = send(office, write_rows(tmp_path / "t.csv", 10).read_bytes()).headers["location"]
    answers = iter([True, False])
    with pytest.raises(UnavailableError, match="UPLOADS_STOPPED"):
        office.world.app.uploads.run_open(lambda: next(answers))
    half = office("GET", where).json()
    assert (half["state"], half["rows"]) == ("running", 8)
    office.world.app.uploads.run_open()
    done = office("GET", where).json()
    assert (done["state"], done["new"], done["existing"]) == ("finished", 10, 0)
    office.world.drain()
    assert check_ledger(office.world.app) == 10


def test_old_reports_and_stray_tables_are_swept(office: Office, table: bytes) -> None:
    id_ = bytes.fromhex(send(office, table).json()["id"])
    uploads = office.world.app.uploads
    uploads.run_open()
    stray = office.world.home / "uploads" / ("ab" * 16 + ".csv")
    stray.write_bytes(b"left behind")
    for path in stray.parent.iterdir():
        os.utime(path, (office.world.clock.now, office.world.clock.now))
    office.world.clock.now += 2 * 86_400
    assert (uploads.sweep(7), uploads.report(id_) is None) == (1, False)
    office.world.clock.now += 6 * 86_400
    assert (uploads.sweep(7), uploads.report(id_)) == (1, None)
