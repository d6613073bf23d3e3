"""Help texts and plain tables: Chinese and English side by side, since help is asked for before a language is known."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def about(zh: str, en: str, example: str, more: str = "") -> str:
    """Help of a command: one line in each language, then an example."""
    middle = f"{more}\n\n" if more else ""
    return f"{zh} · {en}\n\n{middle}\b\n示例 Example:\n  {example}"


def width(text: str) -> int:
    """Columns a terminal gives the text: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table(rows: Sequence[Sequence[object]]) -> str:
    """Aligned columns, two blanks apart; the first row is the header."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells
    )
