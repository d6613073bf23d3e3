"""From the row of a table to the identifier, values and validity of a record, by the type's definition.

A ``RowReader`` is prepared once for a header row and then reads rows: every field has its converter and
its position, so a row costs a few microseconds.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, NoReturn, TypeVar

from ledger.core import cells
from ledger.core.identifiers import (
    LicenseIdentifier,
    make_license_identifier,
    make_license_identifiers,
    parse_license_identifier,
)
from ledger.core.typefiles import FieldDefinition, TypeDefinition
from ledger.errors import InputError

T = TypeVar("T")

_KINDS: dict[str, cells.Converter] = {
    "integer": cells.integer_cell,
    "date": cells.date_cell,
    "instant": cells.instant_cell,
    "boolean": cells.boolean_cell,
    "uscc": cells.uscc_cell,
    "citizenNumber": cells.citizen_number_cell,
}


class ParsedRow(NamedTuple):
    """One row; a tuple, because tables have millions. ``identifier`` is None where the record gets a URN;
    ``values`` has every field of the type, None where the cell is empty; dates ``YYYY-MM-DD`` in
    Asia/Shanghai, ``valid_until`` inclusive.
    ``warnings``: codes of what is wrong with an identifier another system made, and is kept as it is.
    """

    identifier: str | None
    values: dict[str, Any]
    valid_from: str | None
    valid_until: str | None
    file: str | None
    supersedes: str | None
    warnings: tuple[str, ...] = ()


_make_row = ParsedRow._make


class _Field(NamedTuple):
    """``position``: of its column in a row, ``None`` where the table has none."""

    name: str
    position: int | None
    required: bool
    convert: Callable[[str], Any]
    unchanged: cells.Unchanged


class _Unlike(Exception):
    pass


class RowReader:
    """Reads rows under one header row.

    ``issuer``: credit code of the issuing office, needed where identifiers are made from serials.
    ``unused``: headers no field of the type uses, for a warning: a column forgotten is data lost.

    Raises:
        InputError: ``ROW_COLUMN_MISSING`` (with the nearest header), ``ROW_COLUMN_TWICE``, ``ROW_ISSUER``.
    """

    def __init__(self, definition: TypeDefinition, header: Sequence[str], issuer: str | None = None) -> None:
        if definition.serial_column is not None and issuer is None:
            raise InputError("ROW_ISSUER")
        self._header = [cells.trimmed(name) for name in header]
        self._definition = definition
        self._issuer = issuer
        self._used: set[int] = set()
        self._identifier = self._position(definition.identifier_column, needed=True)
        self._serial = self._position(definition.serial_column, needed=True)
        self._file = self._position(definition.file_column)
        self._supersedes = self._position(definition.supersedes_column)
        self._fields = [
            _Field(
                field.name,
                self._position(*field.columns, needed=field.required),
                field.required,
                *_converters(field, end=field.name == definition.valid.end),
            )
            for field in definition.fields
        ]
        self._names = [field.name for field in self._fields]
        self.unused = tuple(name for at, name in enumerate(self._header) if name and at not in self._used)

    def read(self, row: Sequence[str]) -> ParsedRow:
        """The record's content in one row.

        Raises:
            InputError: with the column: ``CELL_…``, ``USCC_…``, ``CITIZEN_NUMBER_…``, ``IDENTIFIER_…``,
                ``ROW_REQUIRED``, ``ROW_TYPE``; for the row: ``ROW_CELLS``, ``ROW_VALIDITY``. Values of
                errors never show what a cell holds.
        """
        width = len(self._header)
        if len(row) > width and any(map(cells.trimmed, row[width:])):
            raise InputError("ROW_CELLS", count=len(row), expected=width)
        if len(row) < width:  # Excel leaves out blank cells at the end of a row
            row = [*row, *[""] * (width - len(row))]
        values: dict[str, Any] = {}
        for name, position, required, convert, _ in self._fields:
            cell = "" if position is None else row[position].strip(cells.BLANKS)
            if cell:
                try:
                    values[name] = convert(cell)
                except InputError as error:
                    self._refuse(error, position)
            elif required:
                self._refuse(InputError("ROW_REQUIRED"), position)
            else:
                values[name] = None
        return self._row(row, values)

    def read_all(self, rows: Sequence[Sequence[str]]) -> list[ParsedRow | InputError]:
        """``read`` of each row, or what it raises. Rows without a fault, most of all, are read by columns."""
        try:
            return list(self._read_columns(rows))
        except (InputError, _Unlike):
            return [self._read_or_refuse(row) for row in rows]

    def _read_or_refuse(self, row: Sequence[str]) -> ParsedRow | InputError:
        try:
            return self.read(row)
        except InputError as error:
            return error

    def _read_columns(self, rows: Sequence[Sequence[str]]) -> list[ParsedRow]:
        if set(map(len, rows)) != {len(self._header)}:
            raise _Unlike
        columns = list(zip(*rows, strict=True))
        content: list[Sequence[Any]] = []
        for _, position, required, convert, unchanged in self._fields:
            column = [""] * len(rows) if position is None else _trimmed(columns[position])
            if "" in column:
                if required:
                    raise _Unlike
                content.append([convert(cell) if cell else None for cell in column])
            else:
                content.append(column if unchanged(column) else [convert(cell) for cell in column])
        values = [dict(zip(self._names, row, strict=True)) for row in zip(*content, strict=True)]
        if self._serial is None or self._file is not None or self._supersedes is not None:
            return list(map(self._row, rows, values))
        serials = _trimmed(columns[self._serial])
        issued = make_license_identifiers(self._definition.code, self._issuer or "", serials)
        terms = map(self._validity, values)
        return [_make_row((*row, *term, None, None, ())) for *row, term in zip(issued, values, terms, strict=True)]

    def _row(self, row: Sequence[str], values: dict[str, Any]) -> ParsedRow:
        file = None if self._file is None else self._convert(row, self._file, cells.file_cell)
        old = None if self._supersedes is None else self._convert(row, self._supersedes, _license_identifier)
        identifier, warnings = self._identify(row, old)
        start, end = self._validity(values)
        return _make_row((identifier, values, start, end, file, old.text if old else None, warnings))

    def _position(self, *names: str | None, needed: bool = False) -> int | None:
        found = [at for at, header in enumerate(self._header) if header and header in names]
        if len(found) > 1:
            raise InputError("ROW_COLUMN_TWICE", column=self._header[found[0]])
        wanted = next((name for name in names if name), None)
        if not found and needed and wanted is not None:
            near = difflib.get_close_matches(wanted, self._header, n=1, cutoff=0.3)
            raise InputError("ROW_COLUMN_MISSING", column=wanted, near=near[0] if near else "–")
        self._used.update(found)
        return found[0] if found else None

    def _convert(self, row: Sequence[str], position: int | None, convert: Callable[[str], T]) -> T | None:
        cell = "" if position is None else cells.trimmed(row[position])
        if not cell:
            return None
        try:
            return convert(cell)
        except InputError as error:
            self._refuse(error, position)

    def _identify(self, row: Sequence[str], old: LicenseIdentifier | None) -> tuple[str | None, tuple[str, ...]]:
        if self._serial is not None:
            cell = cells.trimmed(row[self._serial])
            if not cell:
                self._refuse(InputError("ROW_REQUIRED"), self._serial)
            try:
                return self._make_identifier(cell, old), ()
            except InputError as error:
                self._refuse(error, self._serial)
        if self._identifier is None:
            return None, ()
        found = self._convert(row, self._identifier, _license_identifier)
        if found is None:
            self._refuse(InputError("ROW_REQUIRED"), self._identifier)
        if found.type_code != self._definition.code:
            self._refuse(InputError("ROW_TYPE", type=self._definition.code), self._identifier)
        return found.text, found.warnings

    def _make_identifier(self, cell: str, old: LicenseIdentifier | None) -> str:
        code, serial = self._definition.code, cells.narrowed(cell)
        issuer = self._issuer or ""
        renews = old is not None and (old.type_code, old.issuer_code, old.serial) == (code, issuer, serial)
        version = old.version + 1 if old is not None and renews else 1  # GB/T 36904: +1 on change or renewal
        return make_license_identifier(code, issuer, serial, version)

    def _validity(self, values: dict[str, Any]) -> tuple[str | None, str | None]:
        rule = self._definition.valid
        start = values[rule.start] if rule.start else None
        if not rule.end and not rule.years:
            return start, None
        end = values[rule.end] if rule.end else None
        if end == cells.INDEFINITE:
            end = None
        if rule.years and start:
            end = _last_day(start, rule.years)
        if start and end and end < start:
            raise InputError("ROW_VALIDITY")
        return start, end

    def _refuse(self, error: InputError, position: int | None) -> NoReturn:
        column = "" if position is None else self._header[position]
        raise InputError(error.code, **(error.values | {"column": column})) from None


def _converters(field: FieldDefinition, *, end: bool) -> tuple[Callable[[str], Any], cells.Unchanged]:
    unchanged: cells.Unchanged = _never
    if field.kind == "text":
        one, unchanged = cells.text_cell(field.max_length), cells.plain_text(field.max_length)
    elif field.kind == "code":
        one = cells.code_cell(field.max_length, field.length)
        unchanged = cells.plain_code(field.max_length, field.length)
    else:
        one = cells.end_date_cell if end else _KINDS[field.kind]
    separator = field.separator
    if not separator:
        return one, unchanged

    def several(cell: str) -> list[cells.Value]:
        return [one(part) for part in map(cells.trimmed, cell.split(separator)) if part]

    return several, _never


def _trimmed(column: Sequence[str]) -> list[str]:
    blanks = cells.BLANKS  # ``cells.trimmed`` for a whole column
    return [cell.strip(blanks) for cell in column]


def _never(column: Sequence[str]) -> bool:
    return False


def _license_identifier(cell: str) -> LicenseIdentifier:
    return parse_license_identifier(cells.narrowed(cell), strict=False)


def _last_day(start: str, years: int) -> str:
    """Last day of a term of ``years`` from ``start``: the day before its anniversary, inclusive."""
    first = date.fromisoformat(start)
    try:
        anniversary = first.replace(year=first.year + years)
    except ValueError:  # 29 February, or a year past 9999
        if first.year + years > date.max.year:
            raise InputError("ROW_VALIDITY") from None
        anniversary = date(first.year + years, 3, 1)
    return (anniversary - timedelta(days=1)).isoformat()
