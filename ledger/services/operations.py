"""The log of operations: who did what, when, with what before and after; no personal data.

Each entry is canonical JSON that names the hash of the entry before it; its own hash is SHA-256 of its bytes. Where an
act is a database transaction the entry is part of it (``note``): a crash leaves both or neither. Acts on the chain or
in files are logged right after they succeeded (``record``): a crash between leaves an act without an entry, and the
chain itself still tells of it. A bulk import has an entry before its first row and one after its last: a crash leaves
the first alone, and the run that goes on writes its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from ledger.core import canonical
from ledger.errors import InputError, IntegrityError
from ledger.ports import Unit
from ledger.ports.access import OperationMaker, ServiceStore, ServiceUnit

TAG = "zhengyin/operation/1"
KEYS = {"tag", "row", "previous", "at", "who", "act", "organisation", "subject", "before", "after"}
LOCAL = "local"
"""Who acts when nobody said: a command on this machine."""
ANCHORED = "log.anchor"

_who: ContextVar[str] = ContextVar("operations_who", default=LOCAL)


@contextmanager
def by(who: str) -> Iterator[None]:
    """Everything logged inside was done by ``who``: ``token:<id>``, ``worker``, ``local``."""
    token = _who.set(who)
    try:
        yield
    finally:
        _who.reset(token)


@dataclass(frozen=True, slots=True)
class Act:
    """``subject``: a leaf, id or digest in hexadecimal; ``before`` and ``after``: plain JSON without personal data."""

    act: str
    organisation: str | None = None
    subject: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LoggedHead:
    """An anchored head as the log tells of it: entry ``row`` had ``hash``, ``leaf`` is the record that says so."""

    number: int
    row: int
    hash: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class LogProof:
    """``entries`` are numbered and chained without a gap up to ``head``."""

    entries: int
    head: bytes
    anchored: tuple[LoggedHead, ...]


class Operations:
    def __init__(self, store: ServiceStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def note(self, act: Act) -> Callable[[Unit], None]:
        """Appends ``act`` in the transaction that it is called with."""
        who, now = _who.get(), int(self._clock())

        def append(unit: Unit) -> None:
            # a store of this service gives units that also hold its own tables
            cast(ServiceUnit, unit).access.append_operation(entry_of(act, who, now))

        return append

    def require(self) -> None:
        """Before an act outside of the database: can it be logged afterwards? Raises UnavailableError STORE_…."""
        with self._store.read() as unit:
            unit.access.operations_head()

    def record(self, act: Act) -> None:
        """Log what has been done outside of the database. Whoever appends locks the log's head: that is enough."""
        with self._store.begin(beside=True) as unit:
            self.note(act)(unit)

    def verify_chain(self) -> LogProof:
        """Prove numbering, hashes and chaining of every entry, and that each head it says was anchored is its own.

        Raises:
            IntegrityError: OPERATIONS_ROW (a number is missing or foreign), OPERATIONS_ENTRY (changed bytes),
                OPERATIONS_CHAIN (not the entry that followed), OPERATIONS_HEAD (entries after the last are missing).
        """
        count, hash_ = 0, bytes(32)
        hashes: dict[int, bytes] = {}
        anchored: list[LoggedHead] = []
        with self._store.read() as unit:
            for row, entry, stored in unit.access.all_operations():
                count += 1
                value = _checked(count, hash_, row, entry, stored)
                hash_ = hashes[row] = stored
                if value["act"] == ANCHORED:
                    anchored.append(_logged_head(value, hashes))
            head = unit.access.operations_head()
        if head != (count, hash_):
            raise IntegrityError("OPERATIONS_HEAD", row=head[0], found=count)
        return LogProof(count, hash_, tuple(anchored))


def entry_of(act: Act, who: str, now: int) -> OperationMaker:
    """The entry of ``act`` by ``who`` at ``now``, seconds UTC, wherever in the log it comes to stand."""
    return lambda row, previous: _entry(act, who, now, row, previous)


def _entry(act: Act, who: str, now: int, row: int, previous: bytes) -> tuple[bytes, bytes]:
    value = {
        "tag": TAG,
        "row": row,
        "previous": previous.hex(),
        "at": now,
        "who": who,
        "act": act.act,
        "organisation": act.organisation,
        "subject": act.subject,
        "before": act.before,
        "after": act.after,
    }
    entry = canonical.encode(value)
    return entry, hashlib.sha256(entry).digest()


def _checked(number: int, previous: bytes, row: int, entry: bytes, stored: bytes) -> dict[str, Any]:
    if row != number:
        raise IntegrityError("OPERATIONS_ROW", row=number, found=row)
    if hashlib.sha256(entry).digest() != stored:
        raise IntegrityError("OPERATIONS_ENTRY", row=row)
    value = read_entry(row, entry)
    if (value["row"], value["previous"]) != (row, previous.hex()):
        raise IntegrityError("OPERATIONS_CHAIN", row=row)
    return value


def read_entry(row: int, entry: bytes) -> dict[str, Any]:
    """Raises IntegrityError OPERATIONS_ENTRY where the bytes are no entry."""
    try:
        value = canonical.decode(entry)
    except InputError as e:
        raise IntegrityError("OPERATIONS_ENTRY", row=row) from e
    if not isinstance(value, dict) or value.keys() != KEYS or value["tag"] != TAG:
        raise IntegrityError("OPERATIONS_ENTRY", row=row)
    return value


def _logged_head(value: dict[str, Any], hashes: dict[int, bytes]) -> LoggedHead:
    try:
        after = value["after"]
        found = LoggedHead(after["number"], after["row"], bytes.fromhex(after["hash"]), bytes.fromhex(after["leaf"]))
    except (TypeError, KeyError, ValueError) as e:
        raise IntegrityError("OPERATIONS_ENTRY", row=value["row"]) from e
    if hashes.get(found.row) != found.hash:
        raise IntegrityError("OPERATIONS_CHAIN", row=found.row)
    return found
