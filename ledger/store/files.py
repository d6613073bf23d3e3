"""Write-once files and folders that survive SIGKILL and loss of power.

Everything is written under a temporary name, synced, and only then given its name; the folder is synced
after that. A crash leaves either nothing under the final name or all of it, and at most a temporary that
``sweep`` removes when no writer can still be at work on it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ledger.errors import UnavailableError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STALE_SECONDS = 86_400
_PIECE = 1 << 20


@contextmanager
def translated() -> Iterator[None]:
    """Faults of the file system become ours here.

    Raises:
        UnavailableError: STORE_FULL; STORE_FAILED with the name of the system's error, never a path.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UnavailableError("STORE_FULL") from error
        raise UnavailableError("STORE_FAILED", detail=errno.errorcode.get(error.errno or 0, "?")) from error


def temporary(folder: Path) -> Path:
    """A new name beside the final ones; no final name holds a dot."""
    return folder / f".{secrets.token_hex(16)}"


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its missing parents, each entry synced into the folder above it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of what is at ``path``, if anything: a crash leaves the one or the other, whole.

    Raises UnavailableError STORE_FULL, STORE_FAILED: what was there stays.
    """
    with translated():
        made = temporary(path.parent)
        try:
            with made.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, pieces: Iterable[bytes]) -> None:
    """A new file; it must not exist. Removed again if it cannot be written to the end."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", _PIECE) as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_once(path: Path, data: bytes) -> bool:
    """Give ``data`` the name ``path``; ``False`` if the name is taken (it is never overwritten). The
    caller syncs the folder."""
    part = temporary(path.parent)
    write_synced(part, [data])
    try:
        os.link(part, path)  # unlike a rename, a link never replaces what another writer put there
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True


def place(fresh: Path, folder: Path, medium: Path) -> bool:
    """Give the whole, synced folder ``fresh`` its name below ``medium``; ``False`` if the name is taken."""
    make_folder(folder.parent)
    try:
        fresh.rename(folder)
    except OSError:
        if folder.is_dir():
            return False
        raise
    sync_up(folder, medium)
    return True


def sync_up(folder: Path, medium: Path) -> None:
    """Sync every entry between ``folder`` and ``medium``: a killed process may have left one undone."""
    while folder != medium:
        folder = folder.parent
        sync_folder(folder)


def copy_folder(source: Path, folder: Path, medium: Path) -> None:
    """A durable copy of ``source`` under the name ``folder``, whole or not at all."""
    fresh = temporary(medium)
    try:
        fresh.mkdir(mode=0o700)
        for path in source.glob("[!.]*"):
            with path.open("rb") as file:
                write_synced(fresh / path.name, iter(partial(file.read, _PIECE), b""))
        sync_folder(fresh)
        place(fresh, folder, medium)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove temporaries of a crash: those no writer has touched for a day."""
    for path in folder.glob(".*"):
        try:
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        except FileNotFoundError:  # its writer finished, or another process swept
            continue
