"""What was fetched, on disk, one file an address: the next process need not ask again.

Nothing here says how long a file holds: its reader looks into the signed bytes for that, so a file that is old, or
was exchanged, is never handed out as current.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from ledger.errors import UnavailableError
from ledger.outside import private_files


class RevocationCache:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, *key: bytes) -> bytes | None:
        """Whatever was fetched last; a file that cannot be read is as good as none."""
        try:
            return self._path(key).read_bytes()
        except OSError:
            return None

    def put(self, data: bytes, *key: bytes) -> None:
        """Durable, and whole or not at all. Raises UnavailableError ``REVOCATION_CACHE``."""
        try:
            private_files.make_folder(self._folder)
            private_files.replace(self._path(key), data)
        except OSError as error:
            raise UnavailableError("REVOCATION_CACHE", reason=error.strerror or "") from error

    def _path(self, key: tuple[bytes, ...]) -> Path:
        digest = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in key))
        return self._folder / f"{digest.hexdigest()}.der"


class RecentAnswers:
    """The same in memory, for a while: where an answer of yesterday will not do though its authority would stand by it,
    and where what is asked about are people, of whom nothing is to be left on disk. ``seconds``: how long; ``most``:
    how many are kept. Threads may share it."""

    def __init__(self, seconds: float, most: int = 1024, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[tuple[bytes, ...], tuple[float, bytes]] = OrderedDict()

    def get(self, *key: bytes) -> bytes | None:
        at, data = self._kept.get(key, (0.0, None))
        return data if data is not None and self._clock() < at + self._seconds else None

    def put(self, data: bytes, *key: bytes) -> None:
        self._kept.pop(key, None)
        self._kept[key] = self._clock(), data
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


class Rests:
    """Addresses that are left alone for a while, and why. ``most``: how many are remembered; what is forgotten is asked
    again too early, no more. Threads may share it."""

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[bytes, ...], tuple[int, UnavailableError]] = OrderedDict()

    def require_over(self, now: int, *key: bytes) -> None:
        """Raises the UnavailableError of the last try where its time is not over at ``now``, seconds UTC."""
        until, trouble = self._kept.get(key, (0, None))
        if trouble is not None and now < until:
            raise trouble

    def add(self, until: int, trouble: UnavailableError, *key: bytes) -> None:
        self._kept.pop(key, None)
        self._kept[key] = until, trouble
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
