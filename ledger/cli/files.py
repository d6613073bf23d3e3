"""Files that a command is given: read up to a limit, and named in every complaint about what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import InputError, ZhengyinError


def read_file(path: Path, most: int) -> bytes:
    """At most ``most`` bytes: one more than the rule of what is in it allows, so that a longer one breaks that rule.

    Raises:
        InputError: CLI_FILE_MISSING.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise InputError("CLI_FILE_MISSING", file=str(path)) from error


def read_all(files: Sequence[Path] | None, read: Callable[[bytes], Iterable[bytes]], most: int) -> tuple[bytes, ...]:
    """What ``read`` finds in the files, in their order and each once. Raises as it does, naming the file."""
    found: list[bytes] = []
    for file in files or ():
        with naming(file):
            found += read(read_file(file, most))
    return tuple(dict.fromkeys(found))


def require_new(path: Path) -> None:
    """Evidence that is there is not written over, least of all by what was made from it. To be asked before anything
    is signed or sent for; ``write_new`` asks again.

    Raises:
        InputError: CLI_FILE_EXISTS; CLI_FOLDER_MISSING.
    """
    if path.exists():
        raise InputError("CLI_FILE_EXISTS", file=str(path))
    if not path.parent.is_dir():
        raise InputError("CLI_FOLDER_MISSING", folder=str(path.parent))


def write_new(path: Path, data: bytes) -> None:
    """Raises InputError CLI_FILE_EXISTS."""
    try:
        with path.open("xb") as stream:
            stream.write(data)
    except FileExistsError as error:
        raise InputError("CLI_FILE_EXISTS", file=str(path)) from error


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Whatever is wrong inside is said to be wrong with ``file``: of ten given, a person wants to know which."""
    try:
        yield
    except ZhengyinError as error:
        error.values.setdefault("file", str(file))
        raise
