"""What the services need from outside, as protocols with the values that cross them.

Adapters (``chain``, ``store``, ``outside``) implement these; services see nothing else. Every method raises only
errors of ``ledger.errors``; every instant is seconds UTC; every digest and leaf is 32 raw bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from ledger.core.bundles import Anchor, StatusEntry, ValidationData
from ledger.core.manifests import BlockName, ChainIdentity, Manifest
from ledger.core.registries import Kind, Reason, State


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds UTC."""
        ...


class Engine(Protocol):
    """A chain node as the seam sees it: Ethereum JSON-RPC and nothing else."""

    def request(self, method: str, params: Sequence[Any] = ()) -> Any: ...


# ---- signing -------------------------------------------------------------------------------------------------------


class SegmentReader(Protocol):
    """Read access to a batch's frozen body, given to the signer so that it need not believe the caller."""

    def leaves(self) -> bytes:
        """All leaves, 32 bytes each, in order."""
        ...

    def approvals(self) -> bytes:
        """All approvals, 32 bytes each, in the order of the leaves."""
        ...

    def types(self) -> tuple[tuple[str, int], ...]:
        """(type, count), ascending."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """``cms``: detached CMS over the manifest, DER. ``certificate``: SHA-256 of the signing certificate."""

    cms: bytes
    certificate: bytes
    validation: ValidationData


class Signer(Protocol):
    """Holds one signing key of one organisation: software, PKCS#11, or a process of its own."""

    @property
    def certificate(self) -> bytes:
        """The signing certificate, DER."""
        ...

    def sign(self, manifest: Manifest, segment: SegmentReader, now: int) -> Signed:
        """Sign after recomputing the root and checking every approval.

        Raises:
            IntegrityError: SIGNER_ROOT_DIFFERS, SIGNER_COUNTS_DIFFER, SIGNER_APPROVAL_MISSING (with the index).
            ConfigError: SIGNER_KEY_…; UnavailableError: the device or its authority does not answer.
        """
        ...


class TimestampAuthority(Protocol):
    def stamp(self, digest: bytes) -> bytes:
        """An RFC 3161 time-stamp token over ``digest`` (SHA-256), DER."""
        ...


class RevocationSource(Protocol):
    def collect(self, certificates: Sequence[bytes], now: int) -> ValidationData:
        """Issuers' certificates and revocation data for a signing certificate's path."""
        ...


# ---- vault, spool, segments ----------------------------------------------------------------------------------------


class Vault(Protocol):
    """Record keys, the only erasable thing."""

    def add(self, keys: Sequence[bytes]) -> range:
        """Store 32-byte keys durably; returns their ascending handles."""
        ...

    def get(self, handles: Sequence[int]) -> dict[int, bytes]:
        """Keys that still exist; an erased handle is absent."""
        ...

    def erase(self, handles: Sequence[int]) -> int: ...


class Spool(Protocol):
    """Encrypted bodies between acceptance and batch, in write-once chunk files."""

    def write(self, bodies: Sequence[bytes]) -> str:
        """Durably write one chunk (fsync, rename); returns its name."""
        ...

    def read(self, chunk: str) -> bytes:
        """The concatenated bodies."""
        ...

    def remove(self, chunks: Iterable[str]) -> None: ...

    def names(self, older_than: float) -> list[str]:
        """Chunks last written before that instant."""
        ...


class Segment(SegmentReader, Protocol):
    """One batch's write-once folder."""

    def body(self, index: int) -> bytes: ...
    def vault_handles(self) -> Sequence[int]: ...
    def path(self, index: int) -> list[bytes]:
        """RFC 6962 audit path, cut from the stored levels."""
        ...

    def root(self) -> bytes: ...
    def size(self) -> int: ...

    def put(self, part: str, data: bytes) -> None:
        """Write a part once (manifest, cms, validation-1, receipt); the same bytes again are fine,
        other bytes raise IntegrityError SEGMENT_PART_DIFFERS."""
        ...

    def get(self, part: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class SegmentBody:
    """What is frozen before signing. ``levels[0]`` are the leaves; ``types[i]`` is the type of record i."""

    levels: Sequence[bytes]
    bodies: Sequence[bytes]
    approvals: bytes
    vault_handles: Sequence[int]
    types: Sequence[str]


class Segments(Protocol):
    def create(self, issuer: str, kind: Kind, body: SegmentBody) -> Segment:
        """Write, sync, rename (twice where a second medium is set). Existing identical: returned."""
        ...

    def open(self, root: bytes) -> Segment:
        """Raises NotFoundError SEGMENT_UNKNOWN."""
        ...

    def roots(self) -> Iterator[bytes]: ...

    def remove(self, root: bytes) -> None:
        """Only for a segment that no batch names (an orphan of a crash before its commit)."""
        ...


# ---- rows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A record as acceptance stores it. ``id_hmac`` and ``file_hmacs`` keep ids and digests out of the rows; an
    erased record that a rebuild finds has neither."""

    type: str
    id_hmac: bytes | None
    leaf: bytes
    vault: int
    offset: int
    length: int
    approval: bytes
    line: int | None = None
    file_hmacs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordRow:
    """``batch``/``index`` are ``None`` until the record is in a batch; ``chunk`` is ``None`` from then on."""

    row: int
    issuer: str
    kind: Kind
    type: str
    id_hmac: bytes | None
    leaf: bytes
    vault: int
    batch: int | None
    index: int | None
    chunk: str | None
    offset: int
    length: int
    approval: bytes


@dataclass(frozen=True, slots=True)
class BatchRow:
    """States: batched, signed, broadcast, mined, final, receipted, refused (see ``services.anchoring``)."""

    row: int
    issuer: str
    kind: Kind
    state: str
    root: bytes
    size: int
    manifest_sha256: bytes | None
    accreditation: bytes
    sequence: int | None
    block: int | None
    block_hash: bytes | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A signed raw transaction, stored before it is sent. States: stored, sent, mined, final, failed, replaced.
    ``purpose``: anchor | status | relate | council | deploy; ``subject``: row of what it serves."""

    row: int
    purpose: str
    subject: int
    account: bytes
    nonce: int
    raw: bytes
    hash: bytes
    state: str
    block: int | None
    block_hash: bytes | None


@dataclass(frozen=True, slots=True)
class IntentRow:
    """An accepted change of status. States: accepted (its statement is not final yet), ready, sent, done, refused."""

    row: int
    actor: str
    issuer: str
    leaf: bytes
    change: State
    effective: int
    reason: Reason
    statement: bytes
    state: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """A bulk import. ``rows_done`` is committed with the records of those rows, so a restart repeats none."""

    row: int
    issuer: str
    type: str
    source_sha256: bytes
    source_name: str
    rows_done: int
    new: int
    existing: int
    refused: int
    state: str


class Records(Protocol):
    def add(self, issuer: str, kind: Kind, chunk: str, rows: Sequence[AcceptedRow], job: int | None) -> None: ...
    def known_lines(
        self, issuer: str, kind: Kind, id_hmacs: Sequence[bytes]
    ) -> dict[bytes, tuple[int | None, int | None]]:
        """Which of the ids the issuer already has, each with the (job, line) that brought it."""
        ...

    def by_id(self, issuer: str, kind: Kind, id_hmac: bytes) -> RecordRow | None: ...
    def find_ids(self, id_hmac: bytes) -> list[RecordRow]:
        """Every record with that id, whoever issued it."""
        ...

    def by_leaf(self, leaf: bytes) -> RecordRow | None: ...
    def by_file(self, file_hmac: bytes) -> list[RecordRow]: ...
    def waiting(self) -> list[tuple[str, Kind, int]]:
        """(issuer, kind, number) of accepted records without a batch."""
        ...

    def next_for_batch(self, issuer: str, kind: Kind, limit: int) -> list[RecordRow]: ...
    def assign(self, batch: int, rows: Sequence[int]) -> None:
        """Give the rows their batch and their index in the order of ``rows``."""
        ...

    def release(self, batch: int, chunk: str, places: Sequence[tuple[int, int]]) -> None:
        """Put a refused batch's records back to accepted, bodies again in ``chunk`` at (offset, length)."""
        ...

    def in_batch(self, batch: int) -> list[RecordRow]: ...
    def chunks_in_use(self) -> set[str]: ...
    def counts(self) -> dict[str, int]: ...


class Batches(Protocol):
    def add(self, issuer: str, kind: Kind, root: bytes, size: int, accreditation: bytes, now: int) -> int: ...
    def get(self, row: int) -> BatchRow: ...
    def by_root(self, root: bytes) -> BatchRow | None: ...
    def in_states(self, states: Sequence[str]) -> list[BatchRow]: ...
    def move(self, row: int, before: str, after: str, **columns: Any) -> None:
        """Guarded transition; raises IntegrityError STORE_STATE if the row is not in ``before``."""
        ...

    def newest(self, limit: int) -> list[BatchRow]: ...


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
    def add(
        self,
        actor: str,
        issuer: str,
        leaf: bytes,
        change: State,
        effective: int,
        reason: Reason,
        statement: bytes,
        now: int,
    ) -> int: ...
    def in_states(self, states: Sequence[str]) -> list[IntentRow]: ...
    def move(self, rows: Sequence[int], before: str, after: str, **columns: Any) -> None: ...
    def for_leaf(self, issuer: str, leaf: bytes) -> list[IntentRow]: ...
    def of_transaction(self, transaction: int) -> list[IntentRow]: ...


class Jobs(Protocol):
    def start(self, issuer: str, type_: str, source_sha256: bytes, source_name: str, now: int) -> JobRow:
        """Create, or return the unfinished or finished job of the same source."""
        ...

    def progress(self, row: int, rows_done: int, new: int, existing: int, refused: int) -> None: ...
    def finish(self, row: int, now: int) -> None: ...
    def newest(self, limit: int) -> list[JobRow]: ...


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """A status change as indexed from the chain, with its block."""

    issuer: str
    leaf: bytes
    entry: StatusEntry
    count: int
    block: int


@dataclass(frozen=True, slots=True)
class AccreditationRow:
    id: bytes
    organisation: str
    kind: Kind
    jurisdiction: str
    since: int
    until: int
    document: bytes | None


@dataclass(frozen=True, slots=True)
class SignerRow:
    organisation: str
    certificate: bytes
    since: int
    until: int
    compromised_since: int | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: bytes
    organisation: str
    permissions: int


class ChainIndex(Protocol):
    """What the indexer read from events. All of it can be deleted and read again."""

    def cursor(self) -> BlockName | None: ...
    def set_cursor(self, cursor: BlockName) -> None: ...
    def add_entries(self, entries: Sequence[ChainEntry]) -> None: ...
    def entries(self, issuer: str, leaf: bytes) -> list[ChainEntry]: ...
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
    def batches(self) -> Batches: ...
    @property
    def transactions(self) -> Transactions: ...
    @property
    def intents(self) -> Intents: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def chain(self) -> ChainIndex: ...

    def clear_rows(self) -> None:
        """Delete records, files, batches, transactions and settled intents: what a rebuild makes again."""
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
        rows: Sequence[AcceptedRow],
    ) -> None:
        """Write a receipted batch with its records, in order, as a rebuild found them."""
        ...


class Store(Protocol):
    def begin(self) -> AbstractContextManager[Unit]:
        """A write transaction (the lock is taken at once). UnavailableError STORE_… on a full disk or lost server."""
        ...

    def read(self) -> AbstractContextManager[Unit]: ...

    def take_lease(self, name: str, holder: str, now: float, seconds: float) -> bool:
        """Take or renew the named lease; ``False`` while another holder's lease has not run out."""
        ...

    def drop_lease(self, name: str, holder: str) -> None: ...


# ---- the chain as services use it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mined:
    """Where a transaction was mined. ``succeeded`` is the receipt's status."""

    block: int
    block_hash: bytes
    index: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class AnchorCall:
    accreditation: bytes
    kind: Kind
    suite: int
    size: int
    root: bytes
    manifest_sha256: bytes
    signers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StatusCall:
    issuer: str
    changes: tuple[tuple[bytes, bytes], ...]
    state: State
    effective: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Account:
    """A chain account (secp256k1). The key is never shown."""

    address: bytes
    key: Any


class Chain(Protocol):
    """Contract calls, transactions and proofs over one engine; refuses an engine of another genesis."""

    @property
    def identity(self) -> ChainIdentity: ...

    def head(self) -> tuple[BlockName, int]:
        """The newest final block and its timestamp."""
        ...

    def chain_nonce(self, account: bytes) -> int: ...

    def sign_anchor(self, account: Account, nonce: int, call: AnchorCall) -> tuple[bytes, bytes]:
        """(raw transaction, hash)."""
        ...

    def sign_status(self, account: Account, nonce: int, call: StatusCall) -> tuple[bytes, bytes]: ...

    def check_anchor(self, account: Account, call: AnchorCall) -> None:
        """Dry run; ConflictError CHAIN_REFUSED with the contract's error name and values."""
        ...

    def check_status(self, account: Account, call: StatusCall) -> None: ...

    def send(self, raw: bytes) -> None:
        """Idempotent: the node already knowing the transaction is success."""
        ...

    def mined(self, hash_: bytes) -> Mined | None:
        """Only from blocks that are final by the chain's consensus."""
        ...

    def canonical(self, block: int) -> bytes:
        """Hash of the canonical block at that height."""
        ...

    def anchored(self, issuer: str, root: bytes) -> Mined | None:
        """Where the batch was first anchored, whichever transaction did it."""
        ...

    def anchor_proof(self, mined: Mined, after: int) -> Anchor:
        """Header, receipt proof, header of block ``after``; ``accreditation`` is left ``None``."""
        ...

    def status_proof(self, issuer: str, leaf: bytes, root: bytes, fresh_seconds: int | None) -> tuple[bytes, list[bytes]]:
        """(header RLP, trie nodes ascending) for status word, history, batch word and ``retired``; with
        ``fresh_seconds`` the embedded engine seals a block first if its head is older."""
        ...

    def events(self, since: int, until: int) -> Iterator[tuple[int, int, Any]]:
        """(block, block timestamp, decoded event) of all contracts, in order. Values of ``ledger.proofs.events`` for
        Records; ``OrganisationEvent`` for Consortium and Council."""
        ...


@dataclass(frozen=True, slots=True)
class OrganisationEvent:
    """A decoded event of Consortium or Council: its name and its arguments by name."""

    name: str
    values: dict[str, Any]
