"""Rows as they cross the port, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ledger.core.bundles import StatusEntry
from ledger.core.registries import Kind, Reason, State


class AcceptedRow(NamedTuple):
    """A record as acceptance stores it; a tuple, because tables have millions. ``id_hmac`` and ``file_hmacs``
    keep ids and digests out of the rows; an erased record that a rebuild finds has neither."""

    type: str
    id_hmac: bytes | None
    leaf: bytes
    vault: int
    offset: int
    length: int
    approval: bytes
    line: int | None = None
    file_hmacs: tuple[bytes, ...] = ()


class RecordRow(NamedTuple):
    """A stored record; a tuple, because a batch has tens of thousands. ``batch``/``index`` are ``None`` until
    the record is in a batch; ``chunk`` is ``None`` from then on."""

    row: int
    issuer: str
    kind: Kind
    type: str
    id_hmac: bytes | None
    leaf: bytes
    vault: int
    batch: int | None
    index: int | None  # type: ignore[assignment]  # in place of a tuple's method that nobody wants of a row
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
