"""Rows of a table as drafts of records, chunk by chunk, with what is wrong with the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ledger.core.identifiers import new_urn
from ledger.core.records import FileDigest
from ledger.core.rows import ParsedRow, RowReader
from ledger.core.spreadsheet import open_csv
from ledger.core.typefiles import TypeDefinition
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.digests import digest_path
from ledger.errors import InputError, ZhengyinError
from ledger.services.accepting import Draft

CHUNK_ROWS = 8192
"""Rows of which all is in memory at once."""
ROWS_TOGETHER = 256
"""Rows that are read by columns."""
NEW, EXISTING, REFUSED = "new", "existing", "refused"


class RowOutcome(NamedTuple):
    """One line of the report; a tuple, because tables have millions.
    ``line``: of the source file, from 1; ``problem``: why refused."""

    line: int
    outcome: str
    id: str | None = None
    problem: ZhengyinError | None = None
    warnings: tuple[str, ...] = ()


_make_draft = Draft._make


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """``source`` is read twice (digest, then rows); ``files``: folder of the attached files; ``origin``: issued or
    takenOver; ``check``: write nothing."""

    issuer: str
    definition: TypeDefinition
    source: Path
    files: Path
    origin: str = "issued"
    check: bool = False


@dataclass(slots=True)
class Chunk:
    """Rows of the source that were read together. By line: the licenses that some replace, and warnings. ``outcomes``:
    of the rows that became no draft."""

    drafts: list[Draft] = field(default_factory=list)
    supersedes: dict[int, str] = field(default_factory=dict)
    warnings: dict[int, tuple[str, ...]] = field(default_factory=dict)
    outcomes: list[RowOutcome] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.drafts) + len(self.outcomes)


class TableReader:
    """Reads the table of ``request``. ``source``: SHA-256 of ``stream``, by which rows without a number are named;
    ``unused``: headers that no field uses.

    Raises:
        InputError: CSV_…, ROW_COLUMN_…: the table as a whole cannot be read.
    """

    def __init__(self, request: ImportRequest, stream: BinaryIO, source: bytes, index: BlindIndex) -> None:
        self._request = request
        self._source = source
        self._index = index
        self._lines = open_csv(stream)
        _, header = next(self._lines)
        self._reader = RowReader(request.definition, header, request.issuer)
        self.unused = self._reader.unused

    def chunks(self, seen: dict[str, int]) -> Iterator[Chunk]:
        """``seen``: id → line of the rows that are not stored yet."""
        chunk = Chunk()
        while True:
            while some := list(islice(self._lines, min(ROWS_TOGETHER, CHUNK_ROWS - len(chunk)))):
                for (line, _), parsed in zip(some, self._reader.read_all([cells for _, cells in some]), strict=True):
                    try:
                        draft = self._draft(parsed, line, chunk)
                        if seen.setdefault(draft.id, line) != line:
                            raise InputError("IMPORT_TWICE", line=seen[draft.id])
                        chunk.drafts.append(draft)
                    except ZhengyinError as e:
                        chunk.outcomes.append(RowOutcome(line, REFUSED, None, e))
            if not len(chunk):
                return
            yield chunk
            chunk = Chunk()

    def _draft(self, parsed: ParsedRow | InputError, line: int, chunk: Chunk) -> Draft:
        if isinstance(parsed, InputError):
            raise parsed
        id_, values, since, until, file, supersedes, warnings = parsed
        if id_ is None:
            id_ = new_urn(self._index.row(self._source, line))
        if supersedes is not None:
            chunk.supersedes[line] = supersedes
        if warnings:
            chunk.warnings[line] = warnings
        request = self._request
        files = () if file is None else (attached_file(request.files, file),)
        return _make_draft((request.definition.code, id_, values, since, until, files, (), request.origin, line))


def attached_file(folder: Path, name: str) -> FileDigest:
    """Digest of the file a row names, below ``folder``.

    Raises:
        InputError: IMPORT_FILE_MISSING, IMPORT_FILE_OUTSIDE (a name that leaves the folder).
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError("IMPORT_FILE_OUTSIDE")
    if not path.is_file():
        raise InputError("IMPORT_FILE_MISSING", file=name)
    return digest_path(path)
