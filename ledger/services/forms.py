"""One record from named texts, through the same reader as a row of a CSV: the same checks, the same remedies."""

from __future__ import annotations

from collections.abc import Mapping

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
