"""Reading one segment's ``body`` in short pieces, trusting none of them."""

from __future__ import annotations

from array import array
from collections import Counter
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from ledger.core.hashing import SHA256_HASH, SM3_HASH, TreeHash
from ledger.core.merkle import HASH_BYTES, root_from_path
from ledger.core.registries import Kind
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.errors import InputError, IntegrityError
from ledger.ports import Block
from ledger.store import files
from ledger.store import segment_body as form
from ledger.store.pieces import PieceReader, unpack

BODY = "body"


class SegmentBodyReader:
    """What ``ports.Segment`` reads from ``body``. Holds no open file: readers by the thousand are cheap.

    ``name``: the segment's root in hex, as its folder is called. Every method raises IntegrityError
    SEGMENT_DAMAGED (with the name) if the file cannot be what was written.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._file = PieceReader(path, self._damaged)
        self._read = self._file.read
        self._layout = layout = self._header()
        (self._total,) = unpack("Q", self._read(layout.bodies - 8, 8))
        if self._read(layout.levels_sm3 - HASH_BYTES, HASH_BYTES).hex() != name:
            raise self._damaged("root")
        with files.translated():
            found = path.stat().st_size
        if found != layout.bodies + self._total + form.DIGEST_BYTES:
            raise self._damaged("size")

    @property
    def layout(self) -> form.Layout:
        return self._layout

    def issuer(self) -> str:
        return self._layout.issuer

    def kind(self) -> Kind:
        return self._layout.kind

    def levels(self) -> bytes:
        """Every stored node, leaves first, the root last."""
        return self._read(self._layout.levels, self._layout.levels_sm3 - self._layout.levels)

    def levels_sm3(self) -> bytes:
        """The same of the tree by SM3; empty where the batch has none."""
        return self._read(self._layout.levels_sm3, self._layout.offsets - self._layout.levels_sm3)

    def sm3(self) -> Sm3Leaves | None:
        layout = self._layout
        if not layout.suite.has_sm3:
            return None
        return Sm3Leaves(layout.suite, self._read(layout.levels_sm3, HASH_BYTES * self.size()))

    def record_types(self) -> list[str]:
        """The type of each record."""
        names = self._layout.types
        numbers = unpack("H", self._read(self._layout.start, 2 * self.size()))
        if max(numbers) >= len(names):
            raise self._damaged("types")
        return [names[number] for number in numbers]

    def size(self) -> int:
        return self._layout.size

    def root(self) -> bytes:
        return bytes.fromhex(self._name)  # the stored top level was compared with it

    def leaves(self) -> bytes:
        return self._read(self._layout.levels, HASH_BYTES * self.size())

    def approvals(self) -> bytes:
        return self._read(self._layout.approvals, HASH_BYTES * self.size())

    def vault_handles(self) -> tuple[int, ...]:
        return tuple(unpack("Q", self._read(self._layout.handles, 8 * self.size())))

    def types(self) -> tuple[tuple[str, int], ...]:
        counts = Counter(unpack("H", self._read(self._layout.start, 2 * self.size())))
        names = self._layout.types
        if sorted(counts) != list(range(len(names))):
            raise self._damaged("types")
        return tuple((names[number], counts[number]) for number in sorted(counts))

    def type_of(self, index: int) -> str:
        self._require(index)
        (number,) = unpack("H", self._read(self._layout.start + 2 * index, 2))
        if number >= len(self._layout.types):
            raise self._damaged("types")
        return self._layout.types[number]

    def body(self, index: int) -> bytes:
        """The encrypted body; that its bytes are unchanged is for its decryption to say."""
        self._require(index)
        start, end = unpack("Q", self._read(self._layout.offsets + 8 * index, 16))
        if not start <= end <= self._total:
            raise self._damaged("offsets")
        return self._read(self._layout.bodies + start, end - start)

    def block(self) -> Block:
        """What the spool gave; the bodies are read as they are asked for."""
        layout, offsets = self._layout, self._offsets()
        lengths = [end - start for start, end in pairwise(offsets)]
        pieces = partial(self._file.pieces, layout.bodies, self._total)
        return Block(self.leaves(), self.approvals(), lengths, pieces, self.sm3())

    def path(self, index: int) -> list[bytes]:
        """Lowest sibling first, read one by one and then walked up to the root."""
        return self._path(index, self._layout.levels, SHA256_HASH, self.root())

    def path_sm3(self, index: int) -> list[bytes] | None:
        """As ``path`` in the tree by SM3; ``None`` where the batch has none."""
        if not self._layout.suite.has_sm3:
            return None
        root = self._read(self._layout.offsets - HASH_BYTES, HASH_BYTES)
        return self._path(index, self._layout.levels_sm3, SM3_HASH, root)

    def _path(self, index: int, at: int, by: TreeHash, root: bytes) -> list[bytes]:
        self._require(index)
        place, path = index, []
        pread = self._file.pread
        with self._file.opened() as file:
            leaf = pread(file, at + HASH_BYTES * index, HASH_BYTES)
            for nodes in form.level_sizes(self.size())[:-1]:
                if (place ^ 1) < nodes:  # a node without a sibling adds nothing
                    path.append(pread(file, at + HASH_BYTES * (place ^ 1), HASH_BYTES))
                at, place = at + HASH_BYTES * nodes, place >> 1
        if root_from_path(leaf, index, self.size(), path, by) != root:
            raise self._damaged("levels")  # else a flipped bit here becomes a "forged" bundle elsewhere
        return path

    def digest(self) -> bytes:
        """The stored SHA-256 of everything before it; ``verify`` says whether it is true."""
        return self._read(self._layout.bodies + self._total, form.DIGEST_BYTES)

    def verify(self) -> None:
        """Read the whole file and compare its digest: for ``audit``, not for every use."""
        digest = sha256()
        for piece in self._file.pieces(0, self._layout.bodies + self._total):
            digest.update(piece)
        if digest.digest() != self.digest():
            raise self._damaged("digest")
        self._offsets()

    def _offsets(self) -> array[int]:
        offsets = unpack("Q", self._read(self._layout.offsets, 8 * (self.size() + 1)))
        if offsets[0] != 0 or any(start > end for start, end in pairwise(offsets)):
            raise self._damaged("offsets")
        return offsets

    def _header(self) -> form.Layout:
        magic, version, length = form.PREFIX.unpack(self._read(0, form.PREFIX.size))
        if magic != form.MAGIC or length > form.HEADER_LIMITS.size:
            raise self._damaged("header")
        try:
            return form.Layout.parse(self._read(form.PREFIX.size, length), version)
        except InputError as error:
            raise self._damaged("header") from error

    def _require(self, index: int) -> None:
        if not 0 <= index < self.size():
            raise InputError("SEGMENT_INDEX", index=index, size=self.size())

    def _damaged(self, part: str) -> IntegrityError:
        return IntegrityError("SEGMENT_DAMAGED", segment=self._name, part=part)
