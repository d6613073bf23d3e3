"""Epoch keys of a vault in a database: the small files outside it whose destruction erases.

A database server keeps deleted rows in its pages, its log and its backups. Record keys lie there only wrapped under
an epoch key, which is one file here; without that file they are noise wherever they lie.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ledger.store import files

KEY_BYTES = 64
"""AES-256-SIV (RFC 5297) takes two 256-bit keys. It needs no nonce, so a database that was restored and goes on
counting from before wraps nothing under a nonce that was used."""


class EpochKeys:
    """Files ``<epoch>`` in a folder, both for the owner alone. Raises UnavailableError STORE_FULL, STORE_FAILED."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with files.translated():
            files.make_folder(folder)
            files.sweep(folder)

    def __repr__(self) -> str:
        return "EpochKeys(…)"

    def new(self) -> int:
        """Make a key, durably, under a name that was never used: of two databases that were one once, neither takes
        the other's. A crash before a row names it leaves a file that opens nothing."""
        epoch = secrets.randbits(63)
        with files.translated():
            if not files.write_once(self._path(epoch), os.urandom(KEY_BYTES)):
                return self.new()
            files.sync_folder(self._folder)
        return epoch

    def read(self, epoch: int) -> AESSIV | None:
        """``None`` if the key is destroyed. Never kept: what a process remembers is not erased."""
        with files.translated():
            try:
                return AESSIV(self._path(epoch).read_bytes())
            except FileNotFoundError:
                return None

    def destroy(self, epoch: int) -> None:
        """Overwrite the key, then remove its name. A crash in between is finished by calling again."""
        with files.translated():
            try:
                with self._path(epoch).open("r+b") as file:
                    file.write(bytes(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                self._path(epoch).unlink()
            except FileNotFoundError:
                return
            files.sync_folder(self._folder)

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{epoch:016x}"
