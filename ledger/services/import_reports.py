"""The report of an import: CSV in UTF-8 with a byte order mark, so that Excel opens it as it is (RFC 4180)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ledger.errors import Language, ZhengyinError, message
from ledger.services.import_rows import RowOutcome

HEADER = ("行号 line", "结果", "outcome", "标识 id", "代码 code", "原因", "reason")
CODE = "核验码 verification code"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width ones run, too
_WORDS = {"new": ("新签发", "new"), "existing": ("已存在", "already there"), "refused": ("未接受", "refused")}


class ReportFile:
    """One line a row, in the order of the source. Each run makes its report anew.

    ``codes``: id → verification code, of some ids. With them the report answers for every person in it: only its owner
    may read the file.
    """

    def __init__(self, path: Path, codes: Callable[[Sequence[str]], Mapping[str, str]] | None = None) -> None:
        self._codes = codes
        self._stream = path.open("w", encoding="utf-8-sig", newline="")
        if codes is not None:
            path.chmod(0o600)
        self._writer = csv.writer(self._stream)
        self._writer.writerow(HEADER if codes is None else (*HEADER, CODE))

    def __enter__(self) -> ReportFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def write(self, outcomes: Sequence[RowOutcome]) -> None:
        if self._codes is None:
            self._writer.writerows(_line(o) for o in outcomes)
            return
        codes = self._codes([o.id for o in outcomes if o.id])
        self._writer.writerows([*_line(o), codes.get(o.id or "", "")] for o in outcomes)


def _line(o: RowOutcome) -> list[str]:
    zh, en = _WORDS[o.outcome]
    code = o.problem.code if o.problem else " ".join(o.warnings)
    cells = [str(o.line), zh, en, o.id or "", code, _reason(o, "zh"), _reason(o, "en")]
    return [inert(cell) for cell in cells]


def _reason(o: RowOutcome, language: Language) -> str:
    if o.problem is None:
        return " ".join(message(code, language, {}) for code in o.warnings)
    return with_column(o.problem, language)


def with_column(problem: ZhengyinError, language: Language) -> str:
    """The words, after the name of the column where the fault lies in one."""
    column, text = problem.values.get("column"), problem.text(language)
    return f"{column}: {text}" if column and str(column) not in text else text


def inert(cell: str) -> str:
    """A spreadsheet runs cells that begin like a formula; names of columns and files come from outside."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
