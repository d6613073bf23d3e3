"""CSV files as offices export them: encodings, damage done by spreadsheet programs, bounded memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import cells
from ledger.core.spreadsheet import CHUNK, GB18030_2022, open_csv
from ledger.errors import InputError, ZhengyinError


def rows(data: bytes) -> list[tuple[int, list[str]]]:
    return list(open_csv(io.BytesIO(data)))


def refusal(data: bytes) -> tuple[str, int]:
    with pytest.raises(InputError) as caught:
        rows(data)
    return caught.value.code, caught.value.values.get("line", 0)


TABLE = "姓名,坐落\r\n张三,广州市\r\n,\r\n李四,深圳市\r\n"
PARSED = [(1, ["姓名", "坐落"]), (2, ["张三", "广州市"]), (4, ["李四", "深圳市"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_encodings_of_offices_are_recognised(encoding: str) -> None:
    assert rows(TABLE.encode(encoding)) == PARSED
    assert rows(TABLE.replace("\r\n", "\n").rstrip("\n").encode(encoding)) == PARSED


def test_a_character_may_be_split_between_chunks() -> None:
    for encoding in ("utf-8", "gb18030"):
        for shift in range(4):
            head = "a" * shift + ",b\n"
            line = "x,張三\U00020087\n"
            body = line * (2 * CHUNK // len(line.encode(encoding)) + 2)
            found = rows((head + body).encode(encoding))
            assert {tuple(row) for _, row in found[1:]} == {("x", "張三\U00020087")}


def test_gb18030_is_read_by_its_2022_edition() -> None:
    codes = ("A6D9 A6DA A6DB A6DC A6DD A6DE A6DF A6EC A6ED A6F3 FE59 FE61 FE66 FE67 FE6D FE7E FE90 FEA0 "
             "FE51 FE52 FE53 FE6C FE76 FE91")  # fmt: skip
    text = "".join(rows(b"a\n" + bytes.fromhex(codes))[1][1])
    points = [0xFE10, 0xFE12, 0xFE11, *range(0xFE13, 0xFE1A), *range(0x9FB4, 0x9FBC)]
    points += [0x20087, 0x20089, 0x200CC, 0x215D7, 0x2298F, 0x241FE]
    assert [ord(character) for character in text] == points
    assert len(GB18030_2022) == 24
    assert rows("a\n\u9fb4".encode("gb18030")) == rows(b"a\n" + bytes.fromhex("FE59"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("CSV_EMPTY", 0)),
        (b"\r\n,,\r\n", ("CSV_EMPTY", 0)),
        ("姓名\n".encode("utf-16"), ("CSV_WIDE", 1)),
        ("姓名\n".encode("utf-16-be"), ("CSV_NUL", 1)),
        (b"a,b\n1,\x002\n", ("CSV_NUL", 2)),
        ("姓名\n张三\n".encode() + b"\xff\xff\n", ("CSV_ENCODING", 3)),
        (b"a\nb\n\xff\xff\n", ("CSV_ENCODING", 3)),
        (b'a,b\n1,"2\n3,4\n', ("CSV_QUOTES", 2)),
        (b'a,b\n1,2"\n', ("CSV_QUOTES", 2)),
        (b'a,b\n1,"2"3\n', ("CSV_QUOTES", 2)),
        (b"a,b\r1,2\r", ("CSV_LINE_ENDS", 1)),
        (b"a;b\n1;2\n", ("CSV_SEPARATOR", 1)),
        (b"a\tb\n1\t2\n", ("CSV_SEPARATOR", 1)),
        (b"a,b\n1," + b"x" * 65537 + b"\n", ("CSV_CELL_SIZE", 2)),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", ("CSV_CELL_SIZE", 2)),
        (b"a,b\n" + b"1," * 600_000 + b"\n", ("CSV_ROW_SIZE", 2)),
        (b"x" * (1 << 21), ("CSV_ROW_SIZE", 1)),
    ],
)
def test_damaged_files_are_refused_by_line(data: bytes, expected: tuple[str, int]) -> None:
    assert refusal(data) == expected


def test_utf8_that_turns_into_another_encoding_later_is_refused_by_line() -> None:
    head = "姓名\n".encode() * (CHUNK // 7 + 10)
    code, line = refusal(head + "张三丰".encode("gbk") + b"\n")
    assert (code, line) == ("CSV_ENCODING", head.count(b"\n") + 1)


def test_quoted_cells_keep_commas_quotes_and_line_breaks() -> None:
    assert rows(b'a,b\r\n"1,""x""","2\r\n3"\r\n4,5\r\n') == [
        (1, ["a", "b"]),
        (2, ['1,"x"', "2\r\n3"]),
        (4, ["4", "5"]),
    ]


line_texts = st.text("a1张 ,;\t\u3000", max_size=9)


@settings(deadline=None, max_examples=200)
@given(st.lists(line_texts, min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_are_read_the_same_whether_a_quotation_mark_is_near_or_not(
    lines: list[str], end: str, ended: bool
) -> None:
    """Without quotation marks many lines are read at once; a last one with some has them read one by one."""
    table = "a,b" + end + end.join(lines)
    plain, careful = table + (end if ended else ""), table + end + '"x""",y'
    assert [*rows(plain.encode()), (len(lines) + 2, ['x"', "y"])] == rows(careful.encode())


def test_an_unusual_line_among_plain_ones_is_still_refused_by_line() -> None:
    plain = b"a,b\n" + b"1,2\n" * 50
    assert refusal(plain + b"1,2\r3,4\n" + b"1,2\n" * 50) == ("CSV_LINE_ENDS", 52)
    assert refusal(plain + b"1," + b"x" * 65537 + b"\n" + b"1,2\n" * 50) == ("CSV_CELL_SIZE", 52)
    assert rows(plain * (CHUNK // 100))[-1] == (51 * (CHUNK // 100), ["1", "2"])


def test_memory_does_not_grow_with_the_file() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1, /) -> bytes:
            self.given += 1
            return b"1,2\n" * (size // 4)

    source = Endless()
    table = open_csv(source)  # type: ignore[arg-type]
    for _ in range(CHUNK):
        next(table)
    assert source.given <= 5


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
def test_fuzzed_files_raise_only_our_error(data: bytes) -> None:
    with suppress(ZhengyinError):
        assert rows(data)


def convert(converter: Callable[[str], Any], cell: str) -> Any:
    """The value, or the code of the refusal; no refusal may show the cell."""
    try:
        return converter(cells.trimmed(cell))
    except InputError as error:
        assert error.__cause__ is None
        assert len(cell) < 4 or cell not in f"{error.values}"
        return error.code


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026/4/28", "2026-04-28"), ("2026-4-28", "2026-04-28"), ("2026-04-28", "2026-04-28"),
        ("20260428", "2026-04-28"), ("2026年4月28日", "2026-04-28"), ("２０２６/４/２８", "2026-04-28"),
        ("\u3000'2026/4/28\u00a0", "2026-04-28"), ("46140", "CELL_DATE_SERIAL"), ("2026-02-30", "CELL_DATE"),
        ("2026/4-28", "CELL_DATE"), ("26/4/28", "CELL_DATE"), ("2026-4-28 0:00", "CELL_DATE"),
        ("长期", "CELL_DATE"), ("2026-W17-2", "CELL_DATE"), ("0000-01-01", "CELL_DATE"), 
        ("4/28/2026", "CELL_DATE"),
    ],
)  # fmt: skip
def test_dates(cell: str, expected: str) -> None:
    assert convert(cells.date_cell, cell) == expected


def test_a_license_may_have_no_end() -> None:
    for cell in ("长期", "永久", "9999-12-31", "99991231"):
        assert convert(cells.end_date_cell, cell) == cells.INDEFINITE
    assert convert(cells.end_date_cell, "2026/4/28") == "2026-04-28"


@pytest.mark.parametrize(
    ("converter", "cell", "expected"),
    [
        (cells.citizen_number_cell, "11010519491231002x", "11010519491231002X"),
        (cells.citizen_number_cell, "'４４０５２４１８８００１０１００１４", "440524188001010014"),
        (cells.citizen_number_cell, "4.40524E+17", "CELL_SCIENTIFIC"),
        (cells.citizen_number_cell, "440524188001010000", "CELL_PRECISION"),
        (cells.citizen_number_cell, "440524188001010015", "CITIZEN_NUMBER_CHECK"),
        (cells.uscc_cell, "\t11430000006122244l ", "11430000006122244L"),
        (cells.uscc_cell, "1.1E+17", "CELL_SCIENTIFIC"),
        (cells.uscc_cell, "11430000006122244M", "USCC_CHECK"),
        (cells.integer_cell, "０", 0),
        (cells.integer_cell, "9007199254740991", 2**53 - 1),
        (cells.integer_cell, "9007199254740992", "CELL_INTEGER"),
        (cells.integer_cell, "007", "CELL_INTEGER"),
        (cells.integer_cell, "1,000", "CELL_INTEGER"),
        (cells.integer_cell, "-1", "CELL_INTEGER"),
        (cells.integer_cell, "1E+12", "CELL_SCIENTIFIC"),
        (cells.boolean_cell, "是", True),
        (cells.boolean_cell, "false", False),
        (cells.boolean_cell, "也许", "CELL_BOOLEAN"),
        (cells.code_cell(40, 8), "00123456", "00123456"),
        (cells.code_cell(40, 8), "123456", "CELL_LEADING_ZERO"),
        (cells.code_cell(40, 8), "123456789", "CELL_LENGTH"),
        (cells.code_cell(40, 8), "ＧＢ００００－１", "GB0000-1"),
        (cells.code_cell(4, None), "12345", "CELL_LENGTH"),
        (cells.code_cell(40, None), "4.42E+17", "CELL_SCIENTIFIC"),
        (cells.code_cell(40, None), "粤A", "CELL_CODE"),
        (cells.text_cell(20), "Ａ座１０１室", "Ａ座１０１室"),
        (cells.text_cell(20), "'t Hooft", "'t Hooft"),
        (cells.text_cell(20), "\u3000张\u3000三\u3000", "张\u3000三"),
        (cells.text_cell(20), "\uf9dc", "\uf9dc"),
        (cells.text_cell(20), "张\n三", "CELL_CHARACTER"),
        (cells.text_cell(20), "张\ue000", "CELL_CHARACTER"),
        (cells.text_cell(20), "4.42E+17", "CELL_SCIENTIFIC"),
        (cells.text_cell(2), "张三丰", "CELL_LENGTH"),
        (cells.file_cell, "扫描件/0001.pdf", "扫描件/0001.pdf"),
        (cells.file_cell, "../etc/passwd", "CELL_FILE_NAME"),
        (cells.file_cell, "/etc/passwd", "CELL_FILE_NAME"),
        (cells.file_cell, "C:\\a.pdf", "CELL_FILE_NAME"),
        (cells.file_cell, "C:a.pdf", "CELL_FILE_NAME"),
    ],
)
def test_cells(converter: Callable[[str], Any], cell: str, expected: object) -> None:
    assert convert(converter, cell) == expected


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1, max_size=20))
def test_fuzzed_cells_raise_only_our_error(cell: str) -> None:
    for converter in (cells.date_cell, cells.end_date_cell, cells.citizen_number_cell, cells.uscc_cell,
                      cells.integer_cell, cells.boolean_cell, cells.code_cell(9, 5), cells.text_cell(9),
                      cells.file_cell):  # fmt: skip
        convert(converter, cell)
