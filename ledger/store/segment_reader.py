"""Reading one segment's ``body`` in short pieces, trusting none of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from ledger.core.merkle import HASH_BYTES, root_from_path
from ledger.errors import InputError, IntegrityError
from ledger.store import files
from ledger.store import segment_body as form

BODY = "body"

_PIECE = 1 << 20


class SegmentBodyReader:
    """What ``ports.Segment`` reads from ``body``. Holds no open file: readers by the thousand are cheap.

    ``name``: the segment's root in hex, as its folder is called. Every method raises IntegrityError
    SEGMENT_DAMAGED (with the name) if the file cannot be what was written.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._layout = layout = self._header()
        (self._total,) = form.unpack("Q", self._read(layout.bodies - 8, 8))
        if self._read(layout.offsets - HASH_BYTES, HASH_BYTES).hex() != name:
            raise self._damaged("root")
        with files.translated():
            found = path.stat().st_size
        if found != layout.bodies + self._total + form.DIGEST_BYTES:
            raise self._damaged("size")

    @property
    def layout(self) -> form.Layout:
        return self._layout

    def size(self) -> int:
        return self._layout.size

    def root(self) -> bytes:
        return bytes.fromhex(self._name)  # the stored top level was compared with it

    def leaves(self) -> bytes:
        return self._read(self._layout.levels, HASH_BYTES * self.size())

    def approvals(self) -> bytes:
        return self._read(self._layout.approvals, HASH_BYTES * self.size())

    def vault_handles(self) -> tuple[int, ...]:
        return form.unpack("Q", self._read(self._layout.handles, 8 * self.size()))

    def types(self) -> tuple[tuple[str, int], ...]:
        counts = Counter(form.unpack("H", self._read(self._layout.start, 2 * self.size())))
        names = self._layout.types
        if sorted(counts) != list(range(len(names))):
            raise self._damaged("types")
        return tuple((names[number], counts[number]) for number in sorted(counts))

    def body(self, index: int) -> bytes:
        """The encrypted body; that its bytes are unchanged is for its decryption to say."""
        self._require(index)
        start, end = form.unpack("Q", self._read(self._layout.offsets + 8 * index, 16))
        if not start <= end <= self._total:
            raise self._damaged("offsets")
        return self._read(self._layout.bodies + start, end - start)

    def path(self, index: int) -> list[bytes]:
        """Lowest sibling first, read one by one and then walked up to the root."""
        self._require(index)
        at, place, path = self._layout.levels, index, []
        with self._file() as file:
            leaf = self._pread(file, at + HASH_BYTES * index, HASH_BYTES)
            for nodes in form.level_sizes(self.size())[:-1]:
                if (place ^ 1) < nodes:  # a node without a sibling adds nothing
                    path.append(self._pread(file, at + HASH_BYTES * (place ^ 1), HASH_BYTES))
                at, place = at + HASH_BYTES * nodes, place >> 1
        if root_from_path(leaf, index, self.size(), path) != self.root():
            raise self._damaged("levels")  # else a flipped bit here becomes a "forged" bundle elsewhere
        return path

    def digest(self) -> bytes:
        """The stored SHA-256 of everything before it; ``verify`` says whether it is true."""
        return self._read(self._layout.bodies + self._total, form.DIGEST_BYTES)

    def verify(self) -> None:
        """Read the whole file and compare its digest: for ``audit``, not for every use."""
        left, digest = self._layout.bodies + self._total, sha256()
        with self._file() as file:
            at = 0
            while at < left:
                piece = self._pread(file, at, min(_PIECE, left - at))
                digest.update(piece)
                at += len(piece)
        if digest.digest() != self.digest():
            raise self._damaged("digest")
        offsets = form.unpack("Q", self._read(self._layout.offsets, 8 * (self.size() + 1)))
        if offsets[0] != 0 or any(start > end for start, end in pairwise(offsets)):
            raise self._damaged("offsets")

    def _header(self) -> form.Layout:
        magic, version, length = form.PREFIX.unpack(self._read(0, form.PREFIX.size))
        if (magic, version) != (form.MAGIC, form.VERSION) or length > form.HEADER_LIMITS.size:
            raise self._damaged("header")
        try:
            return form.Layout.parse(self._read(form.PREFIX.size, length))
        except InputError as error:
            raise self._damaged("header") from error

    def _require(self, index: int) -> None:
        if not 0 <= index < self.size():
            raise InputError("SEGMENT_INDEX", index=index, size=self.size())

    def _read(self, at: int, length: int) -> bytes:
        with self._file() as file:
            return self._pread(file, at, length)

    def _pread(self, file: int, at: int, length: int) -> bytes:
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
    def _file(self) -> Iterator[int]:
        with files.translated():
            try:
                file = os.open(self._path, os.O_RDONLY)
            except FileNotFoundError as error:
                raise self._damaged("missing") from error
            try:
                yield file
            finally:
                os.close(file)

    def _damaged(self, part: str) -> IntegrityError:
        return IntegrityError("SEGMENT_DAMAGED", segment=self._name, part=part)
