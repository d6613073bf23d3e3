"""Tables that were sent in, and their reports, as files of one folder."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ledger.errors import InputError
from ledger.store import files

REPORT = ".report.csv"
STRAY_SECONDS = 86_400


class UploadFolder:
    """``ports.access.UploadFiles``. Names are made from random ids: nothing a caller sends becomes part of a path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def writer(self, id_: bytes, limit: int) -> UploadWriter:
        with files.translated():
            files.make_folder(self._folder)
        return UploadWriter(self.source(id_), limit)

    def source(self, id_: bytes) -> Path:
        return self._folder / f"{id_.hex()}.csv"

    def report(self, id_: bytes) -> Path:
        return self._folder / f"{id_.hex()}{REPORT}"

    def attachments(self) -> Path:
        """Where the files lie that a table names: nowhere, none are sent along."""
        return self._folder / "none"

    def place_report(self, draft: Path, id_: bytes) -> None:
        with files.translated():
            draft.replace(self.report(id_))
            files.sync_folder(self._folder)

    def sweep(self, needed: set[bytes], now: float, report_seconds: float) -> int:
        names = {self.source(id_).name for id_ in needed}
        removed = 0
        for path in list(self._folder.iterdir()) if self._folder.is_dir() else []:
            with suppress(FileNotFoundError):
                most = report_seconds if path.name.endswith(REPORT) else STRAY_SECONDS
                if path.name not in names and now - path.stat().st_mtime > most:
                    path.unlink()
                    removed += 1
        return removed


class UploadWriter:
    """A new file, written piece by piece; removed again unless ``finish`` was reached.

    Raises:
        InputError: UPLOAD_TOO_LARGE, UPLOAD_EMPTY. UnavailableError: STORE_FULL, STORE_FAILED.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._size = 0
        self._digest = hashlib.sha256()
        self._done = False
        with files.translated():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._stream = os.fdopen(descriptor, "wb")

    def __enter__(self) -> UploadWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be flushed is removed
            self._stream.close()
        if not self._done:
            self._path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise InputError("UPLOAD_TOO_LARGE", limit=self._limit)
        self._digest.update(piece)
        with files.translated():
            self._stream.write(piece)

    def finish(self) -> bytes:
        """Durable from now on; returns the SHA-256."""
        if self._size == 0:
            raise InputError("UPLOAD_EMPTY")
        with files.translated():
            self._stream.flush()
            os.fsync(self._stream.fileno())
            files.sync_folder(self._path.parent)
        self._done = True
        return self._digest.digest()
