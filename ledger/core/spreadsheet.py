"""Reading a CSV file as offices export it, row by row, in constant memory.

The encoding is decided by the first bytes that are not ASCII: UTF-8 (with or without a byte order mark)
or GB 18030; anything else, and a mixture, is refused with the line. GB 18030 is read by the 2022 edition,
so that a rare name from two systems is one string. Sizes are in characters.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import BinaryIO

from ledger.errors import InputError

CHUNK = 1 << 18  # bytes
MAX_CELL = 1 << 16
MAX_ROW = 1 << 20

GB18030_2022 = str.maketrans(
    dict(
        zip(
            # 18 characters that the 2022 edition moved out of the private use area: A6D9–A6DF, A6EC–A6ED,
            # A6F3 (vertical punctuation), FE59, FE61, FE66–FE67, FE6D, FE7E, FE90, FEA0 (ideographs) …
            "\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796"
            "\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864"
            # … and 6 ideographs of plane 2 with an older private position: FE51–FE53, FE6C, FE76, FE91
            "\ue816\ue817\ue818\ue831\ue83b\ue855",
            "\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19"
            "\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb"
            "\U00020087\U00020089\U000200cc\U000215d7\U0002298f\U000241fe",
            strict=True,
        )
    )
)
"""Private-use results of older GB 18030 tables (and of Python's codec) → the characters of GB 18030-2022."""

_PRIVATE = re.compile("[\ue000-\uf8ff]")
_UTF8_WORD = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){4}")
"""Four Chinese characters in UTF-8. Read as GB 18030 they would be six others, of a kind that hardly anybody writes in
a row: the file was pasted together from two."""
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32 little-endian begins like UTF-16


def open_csv(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Rows of ``stream`` as (line on which the row begins, cells), the header row first; blank rows skipped.

    Raises:
        InputError: ``CSV_EMPTY`` for a file without rows; with the line: ``CSV_ENCODING``, ``CSV_WIDE``
            (UTF-16), ``CSV_NUL``, ``CSV_QUOTES``, ``CSV_LINE_ENDS``, ``CSV_CELL_SIZE``,
            ``CSV_ROW_SIZE``, ``CSV_SEPARATOR``.
    """
    lines = _Lines(stream)
    rows = csv.reader(lines, strict=True)
    separated = False  # whether the header row has been read
    while True:
        start = lines.begin_row()
        if separated and (plain := lines.take_plain()):
            yield from _filled(zip(count(start), plain, strict=False))
            continue
        try:
            cells = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            raise InputError(_csv_code(str(error)), line=start) from error
        if lines.quotes & 1:
            raise InputError("CSV_QUOTES", line=start)
        if lines.size > MAX_CELL and max(map(len, cells)) > MAX_CELL:
            raise InputError("CSV_CELL_SIZE", line=start, limit=MAX_CELL)
        for row in _filled([(start, cells)]):
            if not separated and len(cells) == 1 and (";" in cells[0] or "\t" in cells[0]):
                raise InputError("CSV_SEPARATOR", line=start)
            separated = True
            yield row
    if not separated:
        raise InputError("CSV_EMPTY")


def _filled(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank."""
    for row in rows:
        cells = row[1]
        if (cells and cells[0].strip()) or "".join(cells).strip():
            yield row


class _Lines:
    """Lines for ``csv.reader``, and an account of the row it is reading."""

    def __init__(self, stream: BinaryIO) -> None:
        self._blocks = _decoded_blocks(stream)
        self._block: list[str] = []  # lines that were read together
        self._at = 0  # place of the next line in the block
        self._plain = False  # whether each of them is a row, however it is read
        self._line = 0  # lines handed out so far
        self._row = 1  # line on which the row being read begins
        self.size = 0
        self.quotes = 0

    def begin_row(self) -> int:
        self.size = self.quotes = 0
        self._row = self._line + 1
        return self._row

    def take_plain(self) -> list[list[str]]:
        """The rest of a block in which every line is a row of no unusual size, without quotation marks; none where that
        is not so. To be asked for between two rows."""
        if not (self._more() and self._plain):
            return []
        lines = self._block[self._at :]
        self._line += len(lines)
        self._at = len(self._block)
        return [line.rstrip("\r\n").split(",") for line in lines]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._more():
            raise StopIteration
        line = self._block[self._at]
        self._at += 1
        self._line += 1
        self.size += len(line)
        if self.size > MAX_ROW:  # an unclosed quotation mark would swallow the rest of the file
            raise InputError("CSV_ROW_SIZE", line=self._row, limit=MAX_ROW)
        self.quotes += line.count('"')
        return line

    def _more(self) -> bool:
        if self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return False
            self._block, self._at = block, 0
            text = "".join(block)
            ends = text.count("\r") == text.count("\r\n")  # another line end is an error of its row
            self._plain = ends and '"' not in text and max(map(len, block)) <= MAX_CELL
        return True


def _csv_code(message: str) -> str:
    if "field larger" in message:
        return "CSV_CELL_SIZE"
    return "CSV_LINE_ENDS" if "new-line" in message else "CSV_QUOTES"


def _decoded_blocks(stream: BinaryIO) -> Iterator[list[str]]:
    """Lines with their ends, many at once; at most one chunk and one row are in memory."""
    rest, line = "", 0
    for text in _decoded(stream):
        parts = (rest + text).split("\n")
        rest = parts.pop()
        line += len(parts)
        if len(rest) > MAX_ROW:
            raise InputError("CSV_ROW_SIZE", line=line + 1, limit=MAX_ROW)
        if parts:
            yield [part + "\n" for part in parts]
    if rest:
        yield [rest]


def _decoded(stream: BinaryIO) -> Iterator[str]:
    decoder: codecs.IncrementalDecoder | None = None
    gb18030, first, line = False, True, 1
    while True:
        chunk = stream.read(CHUNK)
        if first and chunk.startswith(_WIDE_MARKS):
            raise InputError("CSV_WIDE", line=1)
        if b"\0" in chunk:
            raise InputError("CSV_NUL", line=line + chunk.count(b"\n", 0, chunk.index(b"\0")))
        if decoder is None and not chunk.isascii():
            gb18030 = not _begins_as_utf8(chunk)
            decoder = codecs.getincrementaldecoder("gb18030" if gb18030 else "utf-8")()
        try:
            text = decoder.decode(chunk, final=not chunk) if decoder else chunk.decode("ascii")
        except UnicodeDecodeError as error:
            at = line + error.object.count(b"\n", 0, error.start)
            raise InputError("CSV_ENCODING", line=at) from None  # the cause would carry the file's bytes
        if gb18030 and (mixed := _UTF8_WORD.search(chunk)):
            raise InputError("CSV_ENCODING", line=line + chunk.count(b"\n", 0, mixed.start()))
        if gb18030 and _PRIVATE.search(text):
            text = text.translate(GB18030_2022)
        if first:
            text, first = text.removeprefix("\ufeff"), False
        line += chunk.count(b"\n")
        if text:
            yield text
        if not chunk:
            return


def _begins_as_utf8(chunk: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(chunk)
    except UnicodeDecodeError:
        return False
    return True
