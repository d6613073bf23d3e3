"""Many documents of one shape: canonical bytes of thousands of records in a few calls.

A frame is what ``canonical.encode`` gives for a sample in which marks stand for what differs from document to document;
its holes are filled with what ``canonical.encode_each`` gives, or with base64url texts. So the road to the bytes stays
one: nothing here knows how JSON is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ledger.core import canonical

_MARK = re.compile(rb'"#([0-9]+)#"|~([0-9]+)~')  # no name, code or identifier holds either character


def value(number: int) -> str:
    """In a sample: the place of the JSON of a value, from column ``number``."""
    return f"#{number}#"


def text(number: int) -> str:
    """In a sample: the place of a text that needs no escape, between quotation marks that are already there."""
    return f"~{number}~"


class Frame:
    """The documents of one unit, each behind ``prefix``; columns are numbered from 0 in the order of their places.

    Raises:
        InputError: ``CANONICAL_…`` for samples outside the grammar.
        ValueError: the marks of the samples are not 0, 1, 2 … in the order of the canonical bytes.
    """

    __slots__ = ("_holes", "_parts")

    def __init__(self, samples: Sequence[Any], prefix: bytes = b"") -> None:
        parts: list[bytes] = []
        holes: list[int] = []
        for sample in samples:
            before, *rest = _MARK.split(canonical.encode(sample))
            parts.append(prefix + before)
            for value_mark, text_mark, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
                if int(value_mark or text_mark) != len(holes):
                    raise ValueError("a mark out of order")
                holes.append(len(parts))
                parts += [b"", after]
            parts[-1] += b"\n"
        self._parts = parts
        self._holes = holes

    def fill(self, units: int, columns: Sequence[Sequence[bytes]]) -> list[bytes]:
        """The documents of all units in order; each column has one piece a unit, without control characters.

        Raises:
            ValueError: another number of columns, or of pieces in one of them.
        """
        parts, stride = self._parts * units, len(self._parts)
        for hole, column in zip(self._holes, columns, strict=True):
            parts[hole::stride] = column
        return b"".join(parts).splitlines()
