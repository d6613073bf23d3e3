"""One record from named texts, through the same reader as a row of a CSV: the same checks, the same remedies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ledger.core.rows import ParsedRow, RowReader
from ledger.core.typefiles import TypeDefinition
from ledger.errors import InputError


def read_form(
    definition: TypeDefinition,
    issuer: str,
    texts: Mapping[str, str],
    number: str | None = None,
    supersedes: str | None = None,
) -> ParsedRow:
    """``texts``: field name → text; ``number``: the serial or the whole identifier, whichever the type asks for.

    Raises:
        InputError: ISSUE_FIELD_UNKNOWN; CELL_…, ROW_…, IDENTIFIER_… as in a bulk import.
    """
    unknown = sorted(texts.keys() - {f.name for f in definition.fields})
    if unknown:
        raise InputError("ISSUE_FIELD_UNKNOWN", fields=unknown, type=definition.code)
    cells = {f.columns[0]: texts.get(f.name, "") for f in definition.fields}
    for column, text in (
        (definition.identifier_column or definition.serial_column, number),
        (definition.supersedes_column, supersedes),
    ):
        if column is not None and text is not None:
            # a field may stand under the same header as the number
            cells[column] = text
    if definition.identifier_column or definition.serial_column:
        cells.setdefault(definition.identifier_column or definition.serial_column or "", "")
    return RowReader(definition, list(cells), issuer).read(list(cells.values()))


def parse(
    definition: TypeDefinition,
    named: dict[str, str],
    issuer: str,
    *,
    id_: str | None = None,
    serial: str | None = None,
    supersedes: str | None = None,
    prefix: str = "--",
) -> ParsedRow:
    """Values through the same reader as a table's row: one set of rules, whatever road a record comes by.

    A field goes by its name, its label or any of its column headers. ``prefix``: of ``id``, ``serial`` and
    ``supersedes`` where an error names them as a column.

    Raises:
        InputError: ISSUE_FIELD_UNKNOWN, ISSUE_FIELD_MISSING, CLI_ID_OR_SERIAL, CELL_…, ROW_….
    """
    by_word = {w: f.name for f in definition.fields for w in (f.label.en, f.label.zh, *f.columns, f.name)}
    unknown = [name for name in named if name not in by_word]
    if unknown:
        raise InputError("ISSUE_FIELD_UNKNOWN", fields=", ".join(unknown), type=definition.code)
    texts = {by_word[name]: value for name, value in named.items()}
    missing = [f.name for f in definition.fields if f.required and f.name not in texts]
    if missing:
        raise InputError("ISSUE_FIELD_MISSING", fields=", ".join(missing), type=definition.code)
    numbered = bool(definition.identifier_column or definition.serial_column)
    if (id_ is not None and serial is not None) or numbered != bool(id_ or serial):
        raise InputError("CLI_ID_OR_SERIAL", type=definition.code)
    asked = replace(
        definition,
        identifier_column=f"{prefix}id" if id_ else None,
        serial_column=f"{prefix}serial" if serial else None,
        supersedes_column=f"{prefix}supersedes",
        file_column=None,
    )
    return read_form(asked, issuer, texts, id_ or serial, supersedes)
