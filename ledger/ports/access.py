"""What the service keeps beside the ledger: tokens, answered requests, uploads, the log of operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.core.registries import Kind
from ledger.ports.login import Logins
from ledger.ports.tables import Store, Unit


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A caller's right. ``digest``: SHA-256 of the secret; ``revoked``: since when, or ``None``."""

    id: str
    digest: bytes
    label: str
    organisations: tuple[str, ...]
    actions: tuple[str, ...]
    created: int
    until: int
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What a request with an idempotency key made: ``request`` is the digest of what was sent, ``subject`` the leaf
    or id of what there is now."""

    token: str
    key: bytes
    request: bytes
    subject: bytes
    created: int


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A table that was sent in. States: waiting, running, finished, failed. ``problem``: code of what refused it as
    a whole."""

    row: int
    id: bytes
    token: str
    issuer: str
    type: str
    origin: str
    check: bool
    name: str
    state: str
    job: int | None
    rows: int
    new: int
    existing: int
    refused: int
    problem: str | None
    created: int
    finished: int | None


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A record as a list shows it; ``state``: that of its batch, or ``accepted``."""

    row: int
    leaf: bytes
    issuer: str
    kind: Kind
    type: str
    state: str


@dataclass(frozen=True, slots=True)
class ListedBatch:
    row: int
    root: bytes
    issuer: str
    kind: Kind
    state: str
    size: int
    manifest_sha256: bytes | None
    sequence: int | None
    block: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Lag:
    """What is on its way: ``batches`` and ``changes`` open, ``since``: creation of the oldest of them or ``None``."""

    batches: int
    changes: int
    uploads: int
    since: int | None


class Access(Protocol):
    def add_token(self, token: TokenRow) -> None: ...
    def token(self, id_: str) -> TokenRow | None: ...
    def tokens(self) -> list[TokenRow]: ...
    def revoke_token(self, id_: str, now: int) -> bool:
        """``False`` if there is no such token, or it is revoked already."""
        ...

    def add_answer(self, answer: AnswerRow) -> None:
        """Raises ConflictError ACCESS_KEY_TAKEN: another request with this key was first."""
        ...

    def answer(self, token: str, key: bytes) -> AnswerRow | None: ...
    def forget_answers(self, before: int) -> int: ...

    def add_upload(self, upload: UploadRow) -> int: ...
    def upload(self, id_: bytes) -> UploadRow | None: ...
    def uploads(self, issuers: Sequence[str], before: int | None, limit: int) -> list[UploadRow]:
        """Newest first, those with a row below ``before``."""
        ...

    def open_uploads(self) -> list[UploadRow]: ...
    def finished_uploads(self, before: int) -> list[UploadRow]:
        """Finished or failed before that instant."""
        ...

    def put_upload(self, upload: UploadRow) -> None:
        """Write state, job, counts, problem and end."""
        ...

    def append_operation(self, make: OperationMaker) -> int:
        """Number the next entry, let ``make`` write it, and chain it; returns its row. The log's head stays locked
        until the transaction ends."""
        ...

    def operations(self, since: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """(row, entry, hash) of the rows from ``since`` on."""
        ...

    def all_operations(self) -> Iterator[tuple[int, bytes, bytes]]: ...
    def operations_head(self) -> tuple[int, bytes]:
        """(row, hash) of the newest entry; (0, 32 zero bytes) before the first."""
        ...

    def operations_anchor(self) -> tuple[int, bytes]:
        """(row of the entry that tells of the newest anchored head, that record's leaf); (0, zeros) before it."""
        ...

    def set_operations_anchor(self, row: int, leaf: bytes) -> None: ...

    def records(self, issuer: str, after: int, limit: int) -> list[ListedRecord]:
        """The issuer's records with a row above ``after``, in the order of acceptance."""
        ...

    def batches(self, issuers: Sequence[str], before: int | None, limit: int) -> list[ListedBatch]:
        """Newest first, those with a row below ``before``."""
        ...

    def lag(self) -> Lag: ...


class UploadFiles(Protocol):
    """Where tables and their reports lie, by the upload's id."""

    def source(self, id_: bytes) -> Path: ...
    def report(self, id_: bytes) -> Path: ...
    def attachments(self) -> Path: ...
    def place_report(self, draft: Path, id_: bytes) -> None:
        """Give a written report its final name, durably."""
        ...

    def sweep(self, needed: set[bytes], now: float, report_seconds: float) -> int:
        """Remove old reports, and what is a day old and not the table of one of ``needed``; returns how many."""
        ...


class OperationMaker(Protocol):
    def __call__(self, row: int, previous: bytes) -> tuple[bytes, bytes]:
        """(entry, hash) of entry number ``row`` after one with hash ``previous``."""
        ...


class ServiceUnit(Unit, Protocol):
    """A transaction over the tables of ledger and service."""

    @property
    def access(self) -> Access: ...
    @property
    def logins(self) -> Logins: ...


class ServiceStore(Store, Protocol):
    def begin(self, beside: bool = False) -> AbstractContextManager[ServiceUnit]: ...
    def read(self) -> AbstractContextManager[ServiceUnit]: ...
    def glance(self) -> AbstractContextManager[ServiceUnit]: ...
