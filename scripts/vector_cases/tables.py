"""Cases of type files, tables and the frozen body of a segment."""

from __future__ import annotations

from typing import Any

from scripts.vector_cases.acts import segment
from scripts.vector_cases.cases import Case
from scripts.vector_cases.values import DEFINER, LICENSE, OFFICE

TYPE = f"""\
code = "{DEFINER}001"
kind = "license"
public = true

[name]
zh = "示范许可证"
en = "Specimen license"

[identifier]
serial = "流水号"

[valid]
rule = "years:5"
from = "issuedOn"

[file]
column = "文件"

[supersedes]
column = "原证照标识"

[[fields]]
name = "holder"
column = "持有人"
aliases = ["姓名"]
label = {{ zh = "持有人", en = "Holder" }}
kind = "text"
required = true
personal = true
separator = "、"

[[fields]]
name = "creditCode"
column = "统一社会信用代码"
label = {{ zh = "统一社会信用代码", en = "Credit code" }}
kind = "uscc"

[[fields]]
name = "unit"
column = "单元号"
label = {{ zh = "单元号", en = "Unit" }}
kind = "code"
length = 4

[[fields]]
name = "count"
column = "数量"
label = {{ zh = "数量", en = "Count" }}
kind = "integer"

[[fields]]
name = "issuedOn"
column = "发证日期"
label = {{ zh = "发证日期", en = "Issued on" }}
kind = "date"
required = true
public = true
"""
HEADER = ["流水号", "姓名", "统一社会信用代码", "单元号", "数量", "发证日期", "文件", "原证照标识", "备注"]
CELLS = ["\u30002027 0001".replace(" ", ""), "张三、李四", OFFICE, "'0012", "３", "2027年2月1日", "a/b.pdf", "", "x"]


MOMENT = {
    "toml": """\
code = "use"
kind = "sealUse"

[name]
zh = "用印"
en = "Use"

[[fields]]
name = "usedAt"
column = "用印时间"
label = { zh = "用印时间", en = "Used at" }
kind = "instant"
required = true
""",
    "header": ["用印时间"],
    "issuer": None,
}
INSTANTS = {
    "an instant in China": "2026年5月1日 9:03",
    "an instant with an offset": "2026-05-01T14:03:22Z",
    "an instant in seconds": "1790000000",
}
NO_INSTANTS = {
    "a day without a time": "2026-05-01",
    "a time that does not exist": "2026-05-01 24:01",
    "before 1970": "1969-12-31 10:00",
}


def type_cases() -> list[Case]:
    faulty = {
        "a misspelt key": (TYPE.replace("personal =", "persona ="), "TYPEFILE_KEY"),
        "personal and public": (
            TYPE.replace("personal = true", "personal = true\npublic = true"),
            "TYPEFILE_PERSONAL_PUBLIC",
        ),
        "a license without identifier": (TYPE.replace('[identifier]\nserial = "流水号"\n', ""), "TYPEFILE_MISSING"),
        "no kind": (TYPE.replace('kind = "license"\n', ""), "TYPEFILE_MISSING"),
        "an unknown kind": (TYPE.replace('kind = "license"', 'kind = "permit"'), "REGISTRY_UNKNOWN"),
        "an unknown kind of field": (TYPE.replace('kind = "uscc"', 'kind = "money"'), "TYPEFILE_VALUE"),
        "a length for a text": (
            TYPE.replace("length = 4", "").replace('kind = "text"', 'kind = "text"\nlength = 4'),
            "TYPEFILE_VALUE",
        ),
        "a column twice": (TYPE.replace('column = "数量"', 'column = "姓名"'), "TYPEFILE_TWICE"),
        "validity from a field that is no date": (
            TYPE.replace('from = "issuedOn"', 'from = "count"'),
            "TYPEFILE_VALUE",
        ),
        "validity from an unknown field": (
            TYPE.replace('from = "issuedOn"', 'from = "begun"'),
            "TYPEFILE_FIELD_UNKNOWN",
        ),
        "years without a beginning": (TYPE.replace('from = "issuedOn"\n', ""), "TYPEFILE_VALUE"),
        "an unknown rule": (TYPE.replace("years:5", "always"), "SHAPE_TEXT"),
        "no TOML": ("code = ", "TYPEFILE_SYNTAX"),
    }
    return [
        Case("a license", "type_file", {"toml": TYPE}),
        *(Case(name, "type_file", {"toml": text}, code) for name, (text, code) in faulty.items()),
    ]


def row_cases() -> list[Case]:
    given = {"toml": TYPE, "header": HEADER, "issuer": OFFICE, "cells": CELLS}
    cells: dict[str, tuple[int, str, str]] = {
        "a number in scientific notation": (3, "1.2E+11", "CELL_SCIENTIFIC"),
        "a number of which the end is gone": (2, "914499990000000000", "CELL_PRECISION"),
        "lost zeros in front": (3, "12", "CELL_LEADING_ZERO"),
        "a day as a number": (5, "46054", "CELL_DATE_SERIAL"),
        "a day that does not exist": (5, "2027-02-30", "CELL_DATE"),
        "no holder": (1, "\u3000", "ROW_REQUIRED"),
        "a control character in a name": (1, "张\u202e三", "CELL_CHARACTER"),
        "a separator in a number": (4, "1,000", "CELL_INTEGER"),
        "a file outside the folder": (6, "../b.pdf", "CELL_FILE_NAME"),
        "what it replaces is no license": (7, "20270001", "IDENTIFIER_FORM"),
    }

    def changed(at: int, cell: str) -> list[str]:
        return [*CELLS[:at], cell, *CELLS[at + 1 :]]

    headers: dict[str, tuple[dict[str, Any], str]] = {
        "a column is missing": ({"header": ["流水号", "持有", *HEADER[2:]]}, "ROW_COLUMN_MISSING"),
        "a column stands twice": ({"header": [*HEADER[:8], "持有人"]}, "ROW_COLUMN_TWICE"),
        "nobody to make identifiers": ({"issuer": None}, "ROW_ISSUER"),
        "more cells than headers": ({"cells": [*CELLS, "y"]}, "ROW_CELLS"),
    }
    return [
        Case("what spreadsheets do is undone", "row", given),
        Case("a renewal has the next version", "row", given | {"cells": _renewed(changed)}),
        Case("blank cells at the end", "row", given | {"cells": CELLS[:6]}),
        *(Case(name, "row", MOMENT | {"cells": [cell]}) for name, cell in INSTANTS.items()),
        *(Case(n, "row", MOMENT | {"cells": [cell]}, "CELL_INSTANT") for n, cell in NO_INSTANTS.items()),
        *(Case(n, "row", given | {"cells": changed(at, cell)}, code) for n, (at, cell, code) in cells.items()),
        *(Case(n, "row", given | change, code) for n, (change, code) in headers.items()),
    ]


def _renewed(changed: Any) -> list[str]:
    cells: list[str] = changed(7, LICENSE)
    return ["20270001", *cells[1:]]


def table_cases() -> list[Case]:
    files: dict[str, bytes] = {
        "UTF-8 with a mark": b"\xef\xbb\xbf" + "姓名,号\r\n张三,1\r\n".encode(),
        "GB 18030": "姓名,号\n张三,1\n".encode("gb18030"),
        "a character moved by the 2022 edition": b"\xfe\x59,a\n",
        "quoted line end": b'a,b\n"x\ny",2\n\n',
    }
    faulty: dict[str, tuple[bytes, str]] = {
        "UTF-16": ("a,b\n".encode("utf-16"), "CSV_WIDE"),
        "a NUL": (b"a,b\n\0,1\n", "CSV_NUL"),
        "an open quotation mark": (b'a,b\n"x,1\n', "CSV_QUOTES"),
        "semicolons": (b"a;b\n1;2\n", "CSV_SEPARATOR"),
        "nothing": (b"\n\n", "CSV_EMPTY"),
        "neither encoding": (b"a\n\xff\xff\n", "CSV_ENCODING"),
    }
    return [
        *(Case(name, "table", {"hex": data.hex()}) for name, data in files.items()),
        *(Case(name, "table", {"hex": data.hex()}, code) for name, (data, code) in faulty.items()),
    ]


def segment_cases() -> list[Case]:
    given = {
        "issuer": OFFICE, "kind": "license", "types": ["food-license", "business-license", "food-license"],
        "leaves": [f"{n:02x}" * 32 for n in (1, 2, 3)], "approvals": [f"{n:02x}" * 32 for n in (4, 5, 6)],
        "handles": [11, 12, 13], "bodies": ["aa", "bbbb", "cc"],
    }  # fmt: skip
    made = segment(given)
    good = {"body": made["body"], "root": made["root"]}
    data = bytes.fromhex(made["body"])
    magic, flipped = b"Z" + b"X" + data[2:], data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]
    return [
        Case("three records", "segment", given),
        Case("an approval short", "segment", given | {"approvals": given["approvals"][:2]}, "SEGMENT_SHAPE"),
        Case("no record", "segment", given | {"leaves": [], "bodies": [], "approvals": [], "handles": [], "types": []},
             "MERKLE_EMPTY"),
        Case("read", "read_segment", good),
        Case("named by another root", "read_segment", good | {"root": "00" * 32}, "SEGMENT_DAMAGED"),
        Case("another magic", "read_segment", good | {"body": magic.hex()}, "SEGMENT_DAMAGED"),
        Case("cut short", "read_segment", good | {"body": data[:-1].hex()}, "SEGMENT_DAMAGED"),
        Case("a byte after it", "read_segment", good | {"body": (data + b"\0").hex()}, "SEGMENT_DAMAGED"),
        Case("a bit changed", "read_segment", good | {"body": flipped.hex()}, "SEGMENT_DAMAGED"),
    ]  # fmt: skip
