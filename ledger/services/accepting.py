"""Acceptance: the one road by which a record of any kind comes into the ledger.

Order of writes, and what a crash after each leaves:
1. record keys into the vault  – keys that no row names: harmless
2. encrypted bodies into a spool chunk – a chunk that no row names: swept by the outbox
3. one database transaction with the rows, the job's progress and any intents – the records are accepted
Nothing is reported as accepted before 3.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.core import merkle
from ledger.core.disclosures import claims_and_content
from ledger.core.keys import RecordKey
from ledger.core.records import FileDigest, Record, Reference
from ledger.core.registries import Kind
from ledger.crypto.approvals import ApprovalKey, approve
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError
from ledger.ports import AcceptedRow, Spool, Store, Unit, Vault
from ledger.services import bodies


class Draft(NamedTuple):
    """A record before it has a key; a tuple, because tables have millions. ``values``: field → value for
    every field of the type; ``line``: of the CSV."""

    type: str
    id: str
    values: dict[str, Any]
    valid_from: str | None = None
    valid_until: str | None = None
    files: tuple[FileDigest, ...] = ()
    refs: tuple[Reference, ...] = ()
    origin: str = "issued"
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Records ready to be stored: leaf, secret, body, and the row without its vault handle and place."""

    issuer: str
    kind: Kind
    leaves: list[bytes]
    secrets: list[bytes]
    bodies: list[bytes]
    drafts: Sequence[Draft]
    id_hmacs: list[bytes]
    approvals: list[bytes] = field(repr=False)


class Acceptor:
    """Makes records from drafts and stores them."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        spool: Spool,
        index: BlindIndex,
        approval_key: Callable[[str], ApprovalKey],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._vault = vault
        self._spool = spool
        self._index = index
        self._approval_key = approval_key
        self._random = random

    def prepare(self, issuer: str, kind: Kind, drafts: Sequence[Draft], issued: int) -> Prepared:
        """Keys, claims, canonical bytes, leaves, encrypted bodies and approvals, in memory.

        Raises:
            InputError: CANONICAL_…, DISCLOSURE_…: a value that no record may hold (with the draft's line).
        """
        random, key_of = self._random(32 * len(drafts)), RecordKey
        prepared = Prepared(issuer, kind, [], [], [], drafts, [], [])
        approval_key = self._approval_key(issuer)
        for number, draft in enumerate(drafts):
            secret = random[32 * number : 32 * number + 32]
            key = key_of(secret)
            claims, content = claims_and_content(key, draft.values)
            record = Record(
                kind,
                draft.id,
                issuer,
                draft.type,
                issued,
                draft.origin,
                draft.valid_from,
                draft.valid_until,
                draft.files,
                claims,
                draft.refs,
                key.record_salt(),
            ).to_bytes()
            leaf = merkle.leaf_hash(record)
            prepared.leaves.append(leaf)
            prepared.secrets.append(secret)
            prepared.bodies.append(bodies.encrypt(key, leaf, record, content))
            prepared.id_hmacs.append(self._index.id(draft.id))
            prepared.approvals.append(approve(approval_key, leaf))
        return prepared

    def commit(
        self,
        groups: Sequence[Prepared],
        job: int | None = None,
        also: Callable[[Unit], None] | None = None,
    ) -> None:
        """Store every group, and whatever ``also`` writes, in one database transaction.

        Raises:
            ConflictError: STORE_DUPLICATE_ID. UnavailableError: STORE_…: nothing is accepted.
        """
        placed: list[tuple[Prepared, str, list[AcceptedRow]]] = []
        for group in groups:
            if not group.leaves:
                raise ConflictError("ACCEPT_EMPTY")
            handles = self._vault.add(group.secrets)
            chunk = self._spool.write(group.bodies)
            placed.append((group, chunk, self._rows(group, handles)))
        with self._store.begin() as unit:
            for group, chunk, rows in placed:
                unit.records.add(group.issuer, group.kind, chunk, rows, job)
            if also is not None:
                also(unit)

    def _rows(self, group: Prepared, handles: range) -> list[AcceptedRow]:
        rows, offset, file_index = [], 0, self._index.file
        for handle, draft, leaf, body, id_hmac, approval in zip(
            handles, group.drafts, group.leaves, group.bodies, group.id_hmacs, group.approvals, strict=True
        ):
            files = tuple(file_index(f.sha256) for f in draft.files)
            rows.append(AcceptedRow(draft.type, id_hmac, leaf, handle, offset, len(body), approval, draft.line, files))
            offset += len(body)
        return rows
