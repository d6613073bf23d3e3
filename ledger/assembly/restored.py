"""The marks of a folder in which nothing may be accepted: restored and not audited since, or in the midst of a rebuild.

Why: rows older than the chain do not know the ids of what was issued since, so that the same license could be issued
twice; the same holds for rows that a rebuild has cleared and not yet written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ledger.assembly.home import Home
from ledger.core import canonical, shapes
from ledger.errors import ConflictError, UnavailableError, ZhengyinError
from ledger.ports import Unit
from ledger.services.accepting import Acceptor, Prepared, Staged
from ledger.store import files

TAG = "zhengyin/restored/1"
_NOTHING_DONE = ("OUTBOX_LEASE_HELD", "REBUILD_OPEN_WORK", "STORE_OPEN_WORK")


@dataclass(frozen=True, slots=True)
class Restored:
    """``created``: of the backup; ``at``: of the restoration, seconds UTC; ``head``: block of the embedded chain."""

    created: int
    at: int
    head: int | None

    @classmethod
    def from_bytes(cls, data: bytes) -> Restored:
        created, at, head = shapes.tagged(canonical.decode(data), "restored", TAG, "created", "at", "head")
        return cls(
            shapes.integer(created, "restored.created"),
            shapes.integer(at, "restored.at"),
            shapes.optional(head, "restored.head", shapes.integer),
        )


def write_mark(home: Home, restored: Restored) -> None:
    value = {"tag": TAG, "created": restored.created, "at": restored.at, "head": restored.head}
    files.write_synced(home.restored, [canonical.encode(value)])


def restored_mark(home: Home) -> Restored | None:
    """``None`` where nothing is to be audited. Raises InputError CANONICAL_…, SHAPE_…."""
    try:
        return Restored.from_bytes(home.restored.read_bytes())
    except FileNotFoundError:
        return None


def lift(home: Home) -> bool:
    """Remove the mark of a restoration; ``False`` if there was none."""
    with files.translated():
        if not home.restored.exists():
            return False
        home.restored.unlink()
        files.sync_folder(home.root)
    return True


def require_open(home: Home) -> None:
    """May anything be accepted, anchored or decided by the council in this folder?

    Raises:
        ConflictError: RESTORE_UNAUDITED. UnavailableError: REBUILD_UNFINISHED.
    """
    if home.restored.exists():
        raise ConflictError("RESTORE_UNAUDITED")
    if home.rebuilding.exists():
        raise UnavailableError("REBUILD_UNFINISHED")


@contextmanager
def rebuilding(home: Home) -> Iterator[None]:
    """Nothing is accepted inside. The mark stays where the work inside is not done to the end: only doing it again
    makes the rows whole. What refuses the rebuild before it deleted anything removes the mark."""
    with files.translated():
        fresh = not home.rebuilding.exists()
        home.rebuilding.touch(mode=0o600)
        files.sync_folder(home.root)
    try:
        yield
    except ZhengyinError as e:
        if fresh and e.code in _NOTHING_DONE:
            _remove(home)
        raise
    _remove(home)


def _remove(home: Home) -> None:
    with files.translated():
        home.rebuilding.unlink(missing_ok=True)
        files.sync_folder(home.root)


class GuardedAcceptor(Acceptor):
    """Asks ``permit`` before anything is written, and again inside the transaction: a rebuild marks the folder first
    and then clears the rows, so that whoever comes after it sees the mark, and whoever came before is seen by it."""

    def __init__(self, permit: Callable[[], None], *parts: Any) -> None:
        super().__init__(*parts)
        self._permit = permit

    def stage(self, group: Prepared) -> Staged:
        self._permit()
        return super().stage(group)

    def accept(
        self, staged: Sequence[Staged], job: int | None = None, also: Callable[[Unit], None] | None = None
    ) -> None:
        def checked(unit: Unit) -> None:
            self._permit()
            if also is not None:
                also(unit)

        super().accept(staged, job, checked)
