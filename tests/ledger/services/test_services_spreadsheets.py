"""What is left in tables by the habits of spreadsheet users: read rightly, or refused with the remedy in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_world import World

from ledger.errors import InputError
from scripts import demo_data

HEADER = list(demo_data.REAL_ESTATE_HEADER)
ROWS = [list(row) for row in demo_data.real_estate_rows(6)]
DATE, OWNER, NUMBER, PLACE = (HEADER.index(name) for name in ("登记日期", "权利人", "权利人身份证号", "坐落"))


def text(rows: list[list[str]], separator: str = ",", header: list[str] | None = None) -> str:
    return "".join(separator.join(row) + "\r\n" for row in [HEADER if header is None else header, *rows])


def with_cell(row: list[str], place: int, cell: str) -> list[str]:
    return [*row[:place], cell, *row[place + 1 :]]


def check(world: World, tmp_path: Path, data: bytes) -> list[tuple[int, str]]:
    """(line, code of the refusal or "") of each row."""
    source = tmp_path / "table.csv"
    source.write_bytes(data)
    _, outcomes = world.import_rows(source, check=True)
    for o in outcomes:
        if o.problem is not None:
            assert_helpful(o.problem.text("zh"), o.problem.text("en"))
    return [(o.line, o.problem.code if o.problem else "") for o in outcomes]


def assert_helpful(zh: str, en: str) -> None:
    """Words for each language, every value filled in."""
    assert len(zh) > 8
    assert len(en) > 20
    assert "{" not in zh + en


GOOD = [(n, "") for n in range(2, 8)]
WHOLE: dict[str, bytes] = {
    "utf-8": text(ROWS).encode(),
    "utf-8 with a mark": text(ROWS).encode("utf-8-sig"),
    "gb 18030, as Excel saves": text(ROWS).encode("gb18030"),
    "empty columns at the end": text([[*r, "", "", ""] for r in ROWS], header=[*HEADER, "", "", ""]).encode(),
    "empty cells at the end that the header has not": text([[*r, "", " ", "\u3000"] for r in ROWS]).encode(),
    "cells at the end left out": text([r[:13] for r in ROWS]).encode(),
    "blank rows at the end": (text(ROWS) + "," * 14 + "\r\n" + "\r\n" * 3).encode(),
    "every cell quoted": "".join(",".join(f'"{c}"' for c in r) + "\r\n" for r in [HEADER, *ROWS]).encode(),
    "blanks around headings": text(ROWS, header=[f" {h}\u3000" for h in HEADER]).encode(),
    "apostrophes before numbers": text([with_cell(r, NUMBER, "'" + r[NUMBER]) for r in ROWS]).encode(),
    "dates as the office types them": text([with_cell(r, DATE, "2026年4月8日") for r in ROWS]).encode(),
    "columns in another order": text([r[::-1] for r in ROWS], header=HEADER[::-1]).encode(),
    "a remark of one's own beside": text([[*r, "已核对"] for r in ROWS], header=[*HEADER, "备注栏"]).encode(),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_loses_nothing_is_read(world: World, tmp_path: Path, name: str) -> None:
    assert check(world, tmp_path, WHOLE[name]) == GOOD


def test_a_mark_in_the_middle_of_joined_files_is_a_blank(world: World, tmp_path: Path) -> None:
    """Two exports put together by `copy /b`: the second one's mark and header are a refused row; the rest is read."""
    data = text(ROWS[:3]).encode("utf-8-sig") + text(ROWS[3:]).encode("utf-8-sig")
    found = check(world, tmp_path, data)
    assert [line for line, code in found if code] == [5]
    assert len(found) == 7


TITLE = ["示范市不动产登记台账", *[""] * (len(HEADER) - 1)]
UPPER = ["证书", "", "权利人", "", "", "不动产", *[""] * (len(HEADER) - 6)]
REFUSED_WHOLE: dict[str, tuple[bytes, str, str]] = {
    "a title in merged cells above": (text([HEADER, *ROWS], header=TITLE).encode(), "ROW_COLUMN_MISSING", "表头"),
    "headings of two rows, the upper merged": (
        text([HEADER, *ROWS], header=UPPER).encode(),
        "ROW_COLUMN_MISSING",
        "表头",
    ),
    "no header": (text(ROWS[1:], header=ROWS[0]).encode(), "ROW_COLUMN_MISSING", "表头"),
    "a sheet that was hidden": ("项目,说明\r\n制表人,甲\r\n".encode(), "ROW_COLUMN_MISSING", "表头"),
    "a heading twice, as after a merge": (
        text([[*r, r[OWNER]] for r in ROWS], header=[*HEADER, "权利人"]).encode(),
        "ROW_COLUMN_TWICE",
        "删去",
    ),
    "semicolons": (text(ROWS, ";").encode(), "CSV_SEPARATOR", "逗号"),
    "tabs": (text(ROWS, "\t").encode(), "CSV_SEPARATOR", "逗号"),
    "Unicode text": (text(ROWS, "\t").encode("utf-16"), "CSV_WIDE", "另存为"),
    "a workbook renamed": (b"PK\x03\x04\x14\x00\x06\x00" + b"\x8f" * 100, "CSV_NUL", "另存为"),
    "an old workbook renamed": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "CSV_NUL", "另存为"),
    "a web page renamed": ("<html><table><tr><td>流水号</td>".encode(), "ROW_COLUMN_MISSING", "表头"),
    "an old Macintosh's line ends": (text(ROWS).replace("\r\n", "\r").encode(), "CSV_LINE_ENDS", "另存为"),
    "rows in GB 18030 below ones in UTF-8": (
        text(ROWS[:3]).encode() + text(ROWS[3:]).encode("gb18030"),
        "CSV_ENCODING",
        "混用",
    ),
    "rows in UTF-8 below ones in GB 18030": (
        text(ROWS[:3]).encode("gb18030") + text(ROWS[3:]).encode(),
        "CSV_ENCODING",
        "混用",
    ),
    "one cell pasted in UTF-8": (
        text(ROWS[:3]).encode("gb18030").replace("号1栋".encode("gb18030"), "示范市乙区".encode()),
        "CSV_ENCODING",
        "混用",
    ),
    "one cell pasted in GB 18030, with a mark before all": (
        text(ROWS).encode("utf-8-sig").replace("单独所有".encode(), "单独所有".encode("gb18030"), 1),
        "CSV_ENCODING",
        "混用",
    ),
    "an open quotation mark": (text(ROWS).replace("单独所有", '"单独所有', 1).encode(), "CSV_QUOTES", "引号"),
}


@pytest.mark.parametrize("name", REFUSED_WHOLE)
def test_what_is_no_such_table_is_refused_as_a_whole(world: World, tmp_path: Path, name: str) -> None:
    data, code, remedy = REFUSED_WHOLE[name]
    with pytest.raises(InputError) as caught:
        check(world, tmp_path, data)
    assert caught.value.code == code
    assert_helpful(caught.value.text("zh"), caught.value.text("en"))
    assert remedy in caught.value.text("zh")


CELLS: dict[str, tuple[Callable[[list[str]], list[str]], str, str]] = {
    "a date as a day number": (lambda r: with_cell(r, DATE, "46140"), "CELL_DATE_SERIAL", "日期格式"),
    "a date with time as a number": (lambda r: with_cell(r, DATE, "46140.5"), "CELL_DATE_SERIAL", "日期格式"),
    "a date too narrow for its column": (lambda r: with_cell(r, DATE, "########"), "CELL_DATE", "日期"),
    "a number rounded to 15 digits": (lambda r: with_cell(r, NUMBER, "449999195101020000"), "CELL_PRECISION", "文本"),
    "a number in scientific form": (lambda r: with_cell(r, NUMBER, "4.5E+17"), "CELL_SCIENTIFIC", "文本"),
    "a formula's error": (lambda r: with_cell(r, NUMBER, "#N/A"), "CITIZEN_NUMBER_FORM", "身份"),
    "cells merged downwards": (lambda r: with_cell(r, OWNER, ""), "ROW_REQUIRED", "必填"),
    "a comma in a text, at the end": (lambda r: [*r[:-1], "甲,乙"], "ROW_CELLS", "逗号"),
    "a comma in a text, which moves what follows": (lambda r: with_cell(r, PLACE, "甲区,乙路"), "CELL_DATE", "日期"),
}


@pytest.mark.parametrize("name", CELLS)
def test_what_lost_its_value_is_refused_by_its_row(world: World, tmp_path: Path, name: str) -> None:
    spoil, code, remedy = CELLS[name]
    source = tmp_path / "table.csv"
    source.write_bytes(text([ROWS[0], spoil(ROWS[1]), *ROWS[2:]]).encode())
    _, outcomes = world.import_rows(source, check=True)
    found = {o.line: o.problem for o in outcomes if o.problem}
    assert {line: problem.code for line, problem in found.items()} == {3: code}
    assert_helpful(found[3].text("zh"), found[3].text("en"))
    assert remedy in found[3].text("zh")
