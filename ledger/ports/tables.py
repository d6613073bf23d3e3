"""The tables of one database, and transactions over them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.ports.acts import Acts, ChainActs
from ledger.ports.values import (
    AcceptedRun,
    AccountRow,
    AccreditationRow,
    BatchRow,
    ChainEntry,
    IntentRow,
    JobRow,
    RecordRow,
    RunRow,
    SignerRow,
    TransactionRow,
)


class Records(Protocol):
    def add(self, issuer: str, kind: Kind, chunk: str, runs: Sequence[AcceptedRun], job: int | None) -> None:
        """Records of ``chunk``."""
        ...

    def known_lines(
        self, issuer: str, kind: Kind, id_hmacs: Sequence[bytes]
    ) -> dict[bytes, tuple[int | None, int | None]]:
        """Which of the ids the issuer already has, each with the (job, line) that brought it."""
        ...

    def by_id(self, issuer: str, kind: Kind, id_hmac: bytes) -> RecordRow | None: ...
    def by_rows(self, rows: Sequence[int]) -> list[RecordRow]:
        """Those of these rows that are there, ascending."""
        ...

    def find_ids(self, id_hmac: bytes) -> list[RecordRow]:
        """Every record with that id, whoever issued it."""
        ...

    def by_leaf(self, leaf: bytes) -> RecordRow | None: ...
    def batch_states(self, leaves: Sequence[bytes]) -> dict[bytes, str]:
        """State of the batch of each leaf that is in one."""
        ...

    def newest_leaves(self, issuer: str, id_hmacs: Sequence[bytes]) -> dict[bytes, bytes]:
        """Of each id the leaf of the issuer's newest record."""
        ...

    def by_file(self, file_hmac: bytes) -> list[RecordRow]: ...
    def waiting(self) -> list[tuple[str, Kind, int]]:
        """(issuer, kind, number) of accepted records without a batch."""
        ...

    def waiting_types(self, issuer: str, kind: Kind) -> list[str]:
        """Types of the records without a batch, those of the oldest first."""
        ...

    def waiting_runs(
        self, issuer: str, kind: Kind, types: Collection[str] | None, after: int, limit: int
    ) -> list[RunRow]:
        """Up to ``limit`` records behind the row ``after`` that wait (``None``: of all types), the oldest first; the
        last run may be given in part."""
        ...

    def waiting_rows(self, issuer: str, kind: Kind) -> list[RecordRow]: ...
    def cut(self, rows: Collection[int]) -> None:
        """Let a run begin at each of these records that waits."""
        ...

    def place(self, batch: int, runs: Sequence[RunRow]) -> None:
        """Give whole runs their batch, and their records an index in it, in the order of ``runs``."""
        ...

    def release(self, batch: int, chunk: str) -> None:
        """Put a refused batch's records back to accepted: they are in ``chunk``, in the order of their indexes."""
        ...

    def number_in(self, batch: int) -> int: ...
    def in_batch(self, batch: int) -> list[RecordRow]: ...
    def erase(self, leaves: Sequence[bytes]) -> int:
        """Forget ids, file digests and origins of records whose keys were erased; their leaves stay in their places.
        Returns how many still had an id."""
        ...

    def chunks_in_use(self) -> set[str]: ...
    def counts(self) -> dict[str, int]: ...


class SealUses(Protocol):
    """Uses of e-seals as the index counts them; ``seal``: leaf of the seal's record. Days: `core.seal_uses.day_of`."""

    def counts(self, seal: bytes, first: int | None = None, last: int | None = None) -> list[tuple[int, int]]:
        """(day, uses) of the days from ``first`` to ``last`` that have any, ascending."""
        ...

    def of_day(self, seal: bytes, day: int, after: int, limit: int) -> list[int]:
        """Rows of the records of that day behind the row ``after``, ascending."""
        ...


class Batches(Protocol):
    def add(self, issuer: str, kind: Kind, root: bytes, size: int, accreditation: bytes, now: int) -> int: ...
    def get(self, row: int) -> BatchRow: ...
    def by_root(self, root: bytes) -> BatchRow | None: ...
    def in_states(self, states: Sequence[str]) -> list[BatchRow]: ...
    def move(self, row: int, before: str, after: str, **columns: Any) -> None:
        """Guarded transition; raises IntegrityError STORE_STATE if the row is not in ``before``."""
        ...

    def newest(self, limit: int) -> list[BatchRow]: ...
    def receipted_after(self, row: int, limit: int) -> list[BatchRow]:
        """Receipted batches of higher numbers, ascending."""
        ...


class Transactions(Protocol):
    def next_nonce(self, account: bytes, chain_nonce: int) -> int:
        """The one allocator: max(chain_nonce, highest stored live nonce + 1)."""
        ...

    def add(self, purpose: str, subject: int, account: bytes, nonce: int, raw: bytes, hash_: bytes) -> int: ...
    def live(self, purpose: str, subject: int) -> TransactionRow | None:
        """The newest transaction for the subject that is not failed or replaced."""
        ...

    def in_states(self, states: Sequence[str]) -> list[TransactionRow]: ...
    def move(self, row: int, before: str, after: str, **columns: Any) -> None: ...


class Intents(Protocol):
    def add(self, asked: Sequence[IntentRow], now: int) -> None:
        """Each gets a row. Raises ConflictError STATUS_OVERTAKEN, and ends the transaction, if one of their leaves has
        a change of that number."""
        ...

    def in_states(self, states: Sequence[str]) -> list[IntentRow]: ...
    def move(self, rows: Sequence[int], before: str, after: str, **columns: Any) -> None: ...
    def for_leaf(self, issuer: str, *leaves: bytes) -> list[IntentRow]:
        """In the order of asking."""
        ...

    def of_transaction(self, transaction: int) -> list[IntentRow]: ...


class Jobs(Protocol):
    def start(self, issuer: str, type_: str, source_sha256: bytes, source_name: str, now: int) -> JobRow:
        """Create, or return the unfinished or finished job of the same source."""
        ...

    def progress(self, row: int, rows_done: int, new: int, existing: int, refused: int) -> None: ...
    def finish(self, row: int, now: int) -> None: ...
    def newest(self, limit: int) -> list[JobRow]: ...


class ChainIndex(Protocol):
    """What the indexer read from events. All of it can be deleted and read again."""

    def cursor(self) -> BlockName | None: ...
    def set_cursor(self, cursor: BlockName) -> None: ...
    def add_entries(self, entries: Sequence[ChainEntry]) -> None: ...
    def entries(self, issuer: str, *leaves: bytes) -> list[ChainEntry]:
        """Of each leaf in the order of the chain."""
        ...

    def put_organisation(self, organisation: str, since: int, barred: bool) -> None: ...
    def organisations(self) -> list[tuple[str, int, bool]]: ...
    def put_account(self, account: AccountRow) -> None: ...
    def accounts(self, organisation: str | None = None) -> list[AccountRow]: ...
    def put_signer(self, signer: SignerRow) -> None: ...
    def signers(self, organisation: str | None = None) -> list[SignerRow]: ...
    def put_accreditation(self, row: AccreditationRow) -> None: ...
    def accreditations(self, organisation: str | None = None) -> list[AccreditationRow]: ...
    def put_document(self, id_: bytes, document: bytes) -> None:
        """Keep the canonical accreditation document behind an id (not on chain)."""
        ...

    def document(self, id_: bytes) -> bytes | None: ...
    def clear(self) -> None: ...


class Unit(Protocol):
    """One database transaction over every table; commits on a clean exit of ``Store.begin``."""

    @property
    def records(self) -> Records: ...
    @property
    def seal_uses(self) -> SealUses: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def transactions(self) -> Transactions: ...
    @property
    def intents(self) -> Intents: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def chain(self) -> ChainIndex: ...
    @property
    def acts(self) -> Acts: ...
    @property
    def chain_acts(self) -> ChainActs: ...

    def clear_rows(self) -> None:
        """Delete records, files, batches, transactions and settled intents: what a rebuild makes again."""
        ...

    def drop_open(self, root: bytes, runs: Sequence[AcceptedRun]) -> None:
        """Forget that these records wait, or are in an open batch with that root: the chain has them."""
        ...

    def restore_batch(
        self,
        issuer: str,
        kind: Kind,
        root: bytes,
        manifest_sha256: bytes,
        accreditation: bytes,
        sequence: int,
        block: BlockName,
        runs: Sequence[AcceptedRun],
    ) -> None:
        """Write a receipted batch with its records, in order, as a rebuild found them."""
        ...


class Store(Protocol):
    def begin(self, beside: bool = False) -> AbstractContextManager[Unit]:
        """A write transaction (the lock is taken at once). UnavailableError STORE_… on a full disk or lost server.

        ``beside``: it may run beside all others, where the database can; for units that only add rows, or move rows by
        guarded transitions, decide nothing by what they read, and write nothing by which others decide: no nonce,
        cursor, batch or state of a transaction.
        """
        ...

    def read(self) -> AbstractContextManager[Unit]: ...

    def glance(self) -> AbstractContextManager[Unit]:
        """``read`` for a few rows on a road where opening the view would cost more than the look. Each question sees
        all that was committed before it, but two may see two moments."""
        ...

    def take_lease(self, name: str, holder: str, now: float, seconds: float) -> bool:
        """Take or renew the named lease; ``False`` while another holder's lease has not run out."""
        ...

    def keep_lease(self, name: str, holder: str, now: float, seconds: float) -> bool:
        """Renew a lease that was taken; ``False`` if another took it since, even if it has let go again."""
        ...

    def drop_lease(self, name: str, holder: str) -> None: ...
