"""Short reads of one write-once file, trusting none of them; and runs of integers as its bytes."""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import ZhengyinError
from ledger.store import files

PIECE = 1 << 20


class PieceReader:
    """Holds no open file: readers by the thousand are cheap. ``damaged`` makes the error of a file that cannot be what
    was written, from the name of the part at fault: ``size`` or ``missing``."""

    def __init__(self, path: Path, damaged: Callable[[str], ZhengyinError]) -> None:
        self._path = path
        self._damaged = damaged

    def read(self, at: int, length: int) -> bytes:
        with self.opened() as file:
            return self.pread(file, at, length)

    def pieces(self, at: int, length: int) -> Iterator[bytes]:
        with self.opened() as file:
            for start in range(at, at + length, PIECE):
                yield self.pread(file, start, min(PIECE, at + length - start))

    def pread(self, file: int, at: int, length: int) -> bytes:
        """``pread`` gives less than asked for at the end of the file, and in very long reads."""
        parts: list[bytes] = []
        while length:
            part = os.pread(file, length, at)
            if not part:
                raise self._damaged("size")
            parts.append(part)
            at, length = at + len(part), length - len(part)
        return b"".join(parts)

    @contextmanager
    def opened(self) -> Iterator[int]:
        with files.translated():
            try:
                file = os.open(self._path, os.O_RDONLY)
            except FileNotFoundError as error:
                raise self._damaged("missing") from error
            try:
                yield file
            finally:
                os.close(file)


def pack(code: str, values: Iterable[int]) -> bytes:
    """``H``: u16, ``I``: u32, ``Q``: u64, big-endian."""
    return _swapped(array(code, values)).tobytes()


def unpack(code: str, data: bytes) -> array[int]:
    return _swapped(array(code, data))


def _swapped(values: array[int]) -> array[int]:
    if sys.byteorder == "little":
        values.byteswap()
    return values
