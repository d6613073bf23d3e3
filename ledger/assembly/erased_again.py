"""What was erased after a backup is erased again in the folder that was restored from it, before its lock is lifted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ledger.assembly.app import App
from ledger.assembly.restored import restored_mark
from ledger.errors import ConflictError, InputError
from ledger.services.erasing import ErasedAgain
from ledger.services.operations import Act

MOST_LEAVES = 1_000_000
_LEAF = re.compile(r"[0-9a-f]{64}")


def read_leaves(path: Path) -> list[bytes]:
    """Leaves, one a line in hexadecimal; blank lines are nothing. Raises InputError ERASE_AGAIN_LIST."""
    found: list[bytes] = []
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            text = line.strip()
            if text and (not _LEAF.fullmatch(text) or len(found) == MOST_LEAVES):
                raise InputError("ERASE_AGAIN_LIST", file=path.name, line=number)
            if text:
                found.append(bytes.fromhex(text))
    return found


def erase_again(app: App, named: Sequence[bytes] = ()) -> ErasedAgain | None:
    """`Erasing.again` where the folder was restored and not audited since; ``None`` elsewhere: there a tombstone and
    its erasure come together, and leaves that a person names have their own road (``erase``).

    Raises:
        ConflictError: ERASE_AGAIN_UNRESTORED: leaves were named. And as there.
    """
    if restored_mark(app.home) is None:
        if named:
            raise ConflictError("ERASE_AGAIN_UNRESTORED")
        return None
    done = app.erasing.again(named)
    if done.erased:
        app.operations.record(Act("restore.erased", None, None, None, {"keys": done.erased, "named": len(named)}))
    return done
