"""One cell of an office's table, cleaned: what spreadsheet programs do to data, undone or refused.

Undone, because nothing can be lost by it: blanks around (also U+3000 and no-break), an apostrophe in
front of a number, full-width digits and letters in numbers and codes (never in names or addresses),
``2026/4/28``, ``20260428`` and ``2026年4月28日`` for a date. Refused, with the remedy in words, because
the true value is gone: ``4.42E+17``, a number rounded to 15 digits, lost leading zeros, day numbers.
Values never appear in errors: they may be personal. Text is never normalised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

from ledger.core.canonical import FORBIDDEN, MAX_INTEGER
from ledger.core.identifiers import require_citizen_number, require_uscc
from ledger.errors import InputError

Value = str | int | bool
Converter = Callable[[str], Value]
Unchanged = Callable[[Sequence[str]], bool]
"""A look at many cells of one column at once, none of them empty: whether the converter would give each as it is.
``False``: ask it."""

SHANGHAI = timezone(timedelta(hours=8))
INDEFINITE = "长期"
"""What a license prints for "no end"; ``永久`` and 9999-12-31 are read as this."""

BLANKS = " \t\u00a0\u2007\u202f\u3000\ufeff"
_NARROW = str.maketrans({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})  # full-width ASCII
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{2}")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,15}")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._/()-]*")
_CODES = re.compile(rf"{_CODE.pattern}(?:\n{_CODE.pattern})*")
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日|([0-9]{2})([0-9]{2}))"
)
_INSTANT = re.compile(
    r"(?P<day>[0-9][^ T:]*)[ T](?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DAY_NUMBER = re.compile(r"[0-9]{5}(?:\.[0-9]{1,15})?")
_BOOLEANS = dict.fromkeys(("是", "TRUE", "Y", "1"), True) | dict.fromkeys(("否", "FALSE", "N", "0"), False)


def trimmed(cell: str) -> str:
    """The cell without the blanks around it; an empty text means "no value"."""
    return cell.strip(BLANKS)


def narrowed(cell: str) -> str:
    """Cell of a number, code or date: no apostrophe in front ("text, not number"), full-width made ASCII."""
    if cell[:1] in "'‘’＇":
        cell = trimmed(cell[1:])
    return cell if cell.isascii() else cell.translate(_NARROW)


def text_cell(max_length: int) -> Converter:
    """Free text, kept character by character: names, addresses, printed numbers."""

    def convert(cell: str) -> str:
        if not cell.isprintable() and FORBIDDEN.search(cell):
            raise InputError("CELL_CHARACTER")
        if len(cell) > max_length:
            raise InputError("CELL_LENGTH", length=len(cell), expected=f"≤{max_length}")
        if "E+" in cell:
            _refuse_scientific(cell)
        return cell

    return convert


def plain_text(max_length: int) -> Unchanged:
    """Beside ``text_cell``."""

    def unchanged(column: Sequence[str]) -> bool:
        together = "".join(column)
        allowed = together.isprintable() or not FORBIDDEN.search(together)
        return allowed and "E+" not in together and max(map(len, column)) <= max_length

    return unchanged


def code_cell(max_length: int, length: int | None) -> Converter:
    """A number that is not counted with: letters, digits and ``. - _ / ( )``, perhaps of known ``length``."""

    def convert(cell: str) -> str:
        cell = narrowed(cell)
        _refuse_scientific(cell)
        if not _CODE.fullmatch(cell):
            raise InputError("CELL_CODE")
        if length is not None and len(cell) != length:
            code = "CELL_LEADING_ZERO" if len(cell) < length and cell.isdecimal() else "CELL_LENGTH"
            raise InputError(code, length=len(cell), expected=length)
        if len(cell) > max_length:
            raise InputError("CELL_LENGTH", length=len(cell), expected=f"≤{max_length}")
        return cell

    return convert


def plain_code(max_length: int, length: int | None) -> Unchanged:
    """Beside ``code_cell``."""

    def unchanged(column: Sequence[str]) -> bool:
        lengths = set(map(len, column))
        if lengths != {length} if length is not None else max(lengths) > max_length:
            return False
        together = "\n".join(column)
        # a line feed inside a cell would make two of it, each of which may be a code
        return together.count("\n") == len(column) - 1 and _CODES.fullmatch(together) is not None

    return unchanged


def integer_cell(cell: str) -> int:
    """A whole number 0 … 2^53-1 without separators."""
    cell = narrowed(cell)
    _refuse_scientific(cell)
    if not _INTEGER.fullmatch(cell) or (value := int(cell)) > MAX_INTEGER:
        raise InputError("CELL_INTEGER")
    return value


def boolean_cell(cell: str) -> bool:
    """是/否, true/false, Y/N, 1/0."""
    try:
        return _BOOLEANS[narrowed(cell).upper()]
    except KeyError:
        raise InputError("CELL_BOOLEAN") from None  # the cause would show the cell


def uscc_cell(cell: str) -> str:
    """A unified social credit code (``USCC_…`` if it is not one)."""
    return _checked(cell, require_uscc)


def citizen_number_cell(cell: str) -> str:
    """A citizen number (``CITIZEN_NUMBER_…`` if it is not one); a lower-case x is read as X."""
    return _checked(cell, require_citizen_number)


def _checked(cell: str, require: Callable[[str], str]) -> str:
    try:
        return require(cell)  # as it is: most need no cleaning
    except InputError:
        cell = narrowed(cell).upper()
    try:
        return require(cell)
    except InputError:
        _refuse_scientific(cell)
        if len(cell) == 18 and cell.isdecimal() and cell.endswith("000"):
            raise InputError("CELL_PRECISION") from None  # spreadsheets keep 15 digits and write zeros
        raise


def _refuse_scientific(cell: str) -> None:
    if _SCIENTIFIC.fullmatch(cell):
        raise InputError("CELL_SCIENTIFIC")


def file_cell(cell: str) -> str:
    """Name of a file beside the table, sub-folders with ``/``; nothing that leads out of the folder."""
    outward = not {"", ".", ".."}.isdisjoint(cell.split("/"))
    if outward or "\\" in cell or ":" in cell or FORBIDDEN.search(cell):
        raise InputError("CELL_FILE_NAME")
    return cell


@lru_cache(8192)
def date_cell(cell: str) -> str:
    """A calendar date as ``YYYY-MM-DD``."""
    match = _DATE.fullmatch(narrowed(cell))
    if not match:
        raise InputError("CELL_DATE_SERIAL" if _DAY_NUMBER.fullmatch(narrowed(cell)) else "CELL_DATE")
    year, month, day = (int(group) for group in match.groups() if group)
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise InputError("CELL_DATE") from None  # the cause would show part of the date


def instant_cell(cell: str) -> int:
    """A date with a time of day, in China's time unless an offset stands behind it, as seconds UTC; also such seconds
    themselves."""
    text = narrowed(cell)
    if _INTEGER.fullmatch(text) and len(text) >= 9:
        return integer_cell(text)
    match = _INSTANT.fullmatch(text)
    if not match:
        raise InputError("CELL_INSTANT")
    try:
        found = datetime.fromisoformat(f"{date_cell(match['day'])}T{match['time'].zfill(5)}{match['zone'] or ''}")
        seconds = int((found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).timestamp())
    except (ValueError, OverflowError, InputError):
        raise InputError("CELL_INSTANT") from None  # the cause would show part of the cell
    if seconds < 0:
        raise InputError("CELL_INSTANT")
    return seconds


def end_date_cell(cell: str) -> str:
    """A date, or ``INDEFINITE`` for a license without end."""
    if cell in (INDEFINITE, "永久", "长期有效"):
        return INDEFINITE
    found = date_cell(cell)
    return INDEFINITE if found == "9999-12-31" else found
