"""Accepted records between acceptance and batch: write-once chunk files with random names.

All integers big-endian; n is the number of records::

    magic      8       "ZYCHUNK1"
    size       u32     n
    leaves     32 × n
    approvals  32 × n
    lengths    u32 × n of the encrypted bodies
    bodies

Of records of the suites with SM3 the magic is "ZYCHUNK2", after the size comes the suite (u8), and after the leaves
come those by SM3.

It needs no digest: approvals vouch for leaves, and each body is authenticated together with its leaf.
"""

from __future__ import annotations

import re
import secrets
import struct
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

from ledger.core.merkle import HASH_BYTES
from ledger.core.registries import Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.errors import InputError, IntegrityError, NotFoundError, ZhengyinError
from ledger.ports import Block
from ledger.store import files
from ledger.store.pieces import PieceReader, pack, unpack

MAGIC, SM3_MAGIC = b"ZYCHUNK1", b"ZYCHUNK2"
_HEAD = struct.Struct(">8sI")
_SM3_HEAD = struct.Struct(">8sIB")
_NAME = re.compile("[0-9a-f]{32}")


class SpoolFolder:
    """``ports.Spool`` in one folder. Several processes may write to it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with files.translated():
            files.make_folder(folder)
            files.sweep(folder)

    def write(self, block: Block) -> str:
        """The chunk is durable when this returns. A crash before the rows that name it are committed
        leaves a chunk that no row uses.

        Raises:
            InputError: SPOOL_SHAPE for no records, or parts of different numbers of them.
            UnavailableError: STORE_FULL, STORE_FAILED.
        """
        size = len(block.lengths)
        second = b"" if block.sm3 is None else block.sm3.leaves
        if not size or {len(block.leaves), len(block.approvals), len(second or block.leaves)} != {HASH_BYTES * size}:
            raise InputError("SPOOL_SHAPE", size=size)
        name = secrets.token_hex(16)
        part = files.temporary(self._folder)
        start = _HEAD.pack(MAGIC, size) if block.sm3 is None else _SM3_HEAD.pack(SM3_MAGIC, size, block.suite)
        head = [start, block.leaves, second, block.approvals, pack("I", block.lengths)]
        with files.translated():
            files.write_synced(part, chain(head, block.bodies()))
            part.rename(self._folder / name)
            files.sync_folder(self._folder)
        return name

    def block(self, chunk: str, ordinal: int, count: int) -> Block:
        """The bodies are read as they are asked for.

        Raises:
            NotFoundError: SPOOL_UNKNOWN. IntegrityError: SPOOL_DAMAGED.
        """
        reader = PieceReader(self._path(chunk), partial(_damaged, chunk))
        with reader.opened() as file:
            magic, size = _HEAD.unpack(reader.pread(file, 0, _HEAD.size))
            if magic not in (MAGIC, SM3_MAGIC) or not 0 <= ordinal < ordinal + count <= size:
                raise _damaged(chunk, "header")
            start, hashes, suite = _HEAD.size, [], Suite.INTL
            if magic == SM3_MAGIC:
                suite, start = _suite(reader.pread(file, start, 1), chunk), _SM3_HEAD.size
            for _ in range(3 if suite.has_sm3 else 2):  # leaves, those by SM3, approvals
                hashes.append(reader.pread(file, start + HASH_BYTES * ordinal, HASH_BYTES * count))
                start += HASH_BYTES * size
            lengths = unpack("I", reader.pread(file, start, 4 * (ordinal + count)))
            bodies = start + 4 * size + sum(lengths[:ordinal])
            del lengths[:ordinal]
            return Block(
                *(hashes[0], hashes[-1], lengths, partial(reader.pieces, bodies, sum(lengths))),
                Sm3Leaves(suite, hashes[1]) if suite.has_sm3 else None,
            )

    def body(self, chunk: str, ordinal: int) -> bytes:
        """Raises NotFoundError SPOOL_UNKNOWN, IntegrityError SPOOL_DAMAGED."""
        return b"".join(self.block(chunk, ordinal, 1).bodies())

    def remove(self, chunks: Iterable[str]) -> None:
        """Chunks that are gone already are fine: a crash may come between any two."""
        with files.translated():
            for chunk in chunks:
                self._path(chunk).unlink(missing_ok=True)
            files.sync_folder(self._folder)

    def names(self, older_than: float) -> list[str]:
        """Chunks last written before ``older_than`` (seconds UTC), so that a sweep spares one whose rows
        are about to be committed."""
        found = []
        with files.translated():
            for path in self._folder.iterdir():
                with suppress(FileNotFoundError):  # another process removed it
                    if _NAME.fullmatch(path.name) and path.stat().st_mtime < older_than:
                        found.append(path.name)
        return sorted(found)

    def _path(self, chunk: str) -> Path:
        if not _NAME.fullmatch(chunk):  # names come from rows: whoever can write rows must not name paths
            raise NotFoundError("SPOOL_UNKNOWN", chunk=chunk[:64])
        return self._folder / chunk


def _suite(number: bytes, chunk: str) -> Suite:
    for suite in Suite:
        if suite.has_sm3 and number == bytes([suite]):
            return suite
    raise _damaged(chunk, "header")


def _damaged(chunk: str, part: str) -> ZhengyinError:
    if part == "missing":
        return NotFoundError("SPOOL_UNKNOWN", chunk=chunk)
    return IntegrityError("SPOOL_DAMAGED", chunk=chunk, part=part)
