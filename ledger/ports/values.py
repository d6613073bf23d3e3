"""Rows as they cross the port, frozen."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ledger.core.bundles import StatusEntry
from ledger.core.registries import Kind, Reason, State


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """Records of one type as they are stored, in columns, because tables have millions; their keys have consecutive
    handles in the vault from ``first``. ``ordinal``: place of the first in its chunk. ``id_hmacs`` and ``files``, pairs
    of a file's digest and a handle, keep ids and digests out of the rows; an erased record that a rebuild finds has
    neither. ``lines``: of the CSV. ``uses``: seal (`core.seal_uses.seal_number`), day and handle of each use of a
    seal."""

    first: int
    ordinal: int
    type: str
    id_hmacs: Sequence[bytes | None]
    leaves: Sequence[bytes]
    lines: Sequence[int | None]
    files: Sequence[tuple[bytes, int]] = ()
    uses: Sequence[tuple[int, int, int]] = ()

    def without(self, known: Container[bytes | None]) -> list[AcceptedRun]:
        """What is left between the records with ``known`` ids."""
        bounds = pairwise([-1, *(at for at, id_hmac in enumerate(self.id_hmacs) if id_hmac in known), len(self.leaves)])
        return [self._part(before + 1, after) for before, after in bounds if after - before > 1]

    def _part(self, start: int, stop: int) -> AcceptedRun:
        part, first = slice(start, stop), self.first + start
        return AcceptedRun(
            first,
            self.ordinal + start,
            self.type,
            self.id_hmacs[part],
            self.leaves[part],
            self.lines[part],
            [file for file in self.files if first <= file[1] < self.first + stop],
            [use for use in self.uses if first <= use[2] < self.first + stop],
        )


class RunRow(NamedTuple):
    """Neighbouring records ``first`` to ``last`` of one type that wait together: in the spool's ``chunk`` from
    ``ordinal`` on."""

    first: int
    last: int
    type: str
    chunk: str
    ordinal: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def part(self, first: int, last: int) -> RunRow:
        return RunRow(first, last, self.type, self.chunk, self.ordinal + first - self.first)


class RecordRow(NamedTuple):
    """A stored record. ``row`` is also the handle of its key in the vault. ``batch``/``index`` are ``None`` until the
    record is in a batch; from then on ``chunk`` is, which with ``ordinal`` says where the body waits."""

    row: int
    issuer: str
    kind: Kind
    type: str
    id_hmac: bytes | None
    leaf: bytes
    batch: int | None
    index: int | None  # type: ignore[assignment]  # in place of a tuple's method that nobody wants of a row
    chunk: str | None
    ordinal: int

    @property
    def vault(self) -> int:
        return self.row


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
    """An accepted change of status. States: accepted (its statement is not final yet), ready, sent, done, refused.
    ``number``: among the changes of that leaf that were asked for here, ascending."""

    row: int
    actor: str
    issuer: str
    leaf: bytes
    change: State
    effective: int
    reason: Reason
    statement: bytes
    state: str
    number: int


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
