"""Files that only their owner may read, written whole or not at all and never over another file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ledger.errors import ConfigError, ConflictError, NotFoundError

_OTHERS = 0o077  # any right of group or world


def make_folder(folder: Path) -> None:
    """Create ``folder`` for its owner alone; one that exists must already be so.

    Raises:
        ConfigError: ``KEYS_PERMISSIONS``.
    """
    for level in (*reversed(folder.parents), folder):
        if not level.exists():
            level.mkdir(mode=0o700, exist_ok=True)
    require_private(folder)


def require_private(path: Path) -> None:
    """Raises ConfigError ``KEYS_PERMISSIONS`` if group or world may read, write or enter ``path``."""
    if path.stat().st_mode & _OTHERS:
        raise ConfigError("KEYS_PERMISSIONS", file=str(path))


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, durably; its folder is made if need be.

    A crash leaves the whole file, or none and perhaps a temporary one beside it, which nothing reads. The
    last step is a link, not a rename, since a rename would silently replace a key that another process has
    just made.

    Raises:
        ConflictError: ``KEYS_EXISTS``; ConfigError: ``KEYS_PERMISSIONS``.
    """
    make_folder(path.parent)
    temporary = _write_temporary(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise ConflictError("KEYS_EXISTS", file=path.name) from error
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Write ``path`` durably, in the place of what was there; a crash leaves the old or the new file
    whole."""
    _write_temporary(path, data).replace(path)
    sync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """The content of a private file.

    Raises:
        NotFoundError: ``KEYS_UNKNOWN``.
        ConfigError: ``KEYS_PERMISSIONS``.
    """
    try:
        require_private(path)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError("KEYS_UNKNOWN", file=path.name) from error


def _write_temporary(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return temporary


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
