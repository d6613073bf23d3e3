"""Encrypted bodies between acceptance and batch: write-once chunk files with random names."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ledger.errors import InputError, NotFoundError
from ledger.store import files

_NAME = re.compile("[0-9a-f]{32}")


class SpoolFolder:
    """``ports.Spool`` in one folder. Several processes may write to it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with files.translated():
            files.make_folder(folder)
            files.sweep(folder)

    def write(self, bodies: Sequence[bytes]) -> str:
        """The chunk is durable when this returns. A crash before the rows that name it are committed
        leaves a chunk that no row uses.

        Raises:
            InputError: SPOOL_EMPTY.
            UnavailableError: STORE_FULL, STORE_FAILED.
        """
        if not bodies:
            raise InputError("SPOOL_EMPTY")
        name = secrets.token_hex(16)
        part = files.temporary(self._folder)
        with files.translated():
            files.write_synced(part, bodies)
            part.rename(self._folder / name)
            files.sync_folder(self._folder)
        return name

    def read(self, chunk: str) -> bytes:
        """Raises NotFoundError SPOOL_UNKNOWN."""
        with files.translated():
            try:
                return self._path(chunk).read_bytes()
            except FileNotFoundError as error:
                raise NotFoundError("SPOOL_UNKNOWN", chunk=chunk) from error

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
