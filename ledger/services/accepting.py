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
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from ledger.core import canonical, merkle
from ledger.core.disclosures import claim
from ledger.core.keys import RecordKey
from ledger.core.records import FileDigest, Reference, record_json
from ledger.core.registries import Kind
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError
from ledger.ports import AcceptedRun, Block, Spool, Store, Unit, Vault
from ledger.services import bodies
from ledger.services.faultpoints import faultpoint


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
    """Records ready to be stored: all of their rows but the handles of their keys."""

    issuer: str
    kind: Kind
    leaves: list[bytes]
    secrets: list[bytes]
    bodies: list[bytes]
    drafts: Sequence[Draft]
    id_hmacs: Sequence[bytes]
    approvals: list[bytes] = field(repr=False)

    def block(self) -> Block:
        leaves, approvals = b"".join(self.leaves), b"".join(self.approvals)
        return Block(leaves, approvals, list(map(len, self.bodies)), lambda: self.bodies)


@dataclass(frozen=True, slots=True)
class Staged:
    """Records whose keys and bodies are written and whose rows are not."""

    issuer: str
    kind: Kind
    chunk: str
    runs: list[AcceptedRun]


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

    def prepare(
        self,
        issuer: str,
        kind: Kind,
        drafts: Sequence[Draft],
        issued: int,
        id_hmacs: Sequence[bytes] | None = None,
    ) -> Prepared:
        """Keys, claims, canonical bytes, leaves, encrypted bodies and approvals, in memory. ``id_hmacs``: lookup keys
        of the drafts' ids, from whoever asked for them already.

        Raises:
            InputError: CANONICAL_…, DISCLOSURE_…: a value that no record may hold (with the draft's line).
        """
        secrets = _pieces(self._random(32 * len(drafts)), 32)
        if id_hmacs is None:
            id_hmacs = [self._index.id(draft.id) for draft in drafts]
        leaves, sealed, approvals = [], [], []
        word, approve = kind.word, self._approval_key(issuer).approve
        encode, leaf_hash, encrypt = canonical.encode, merkle.leaf_hash, bodies.encrypt
        for secret, (type_, id_, values, since, until, files, refs, origin, _) in zip(secrets, drafts, strict=True):
            key = RecordKey(secret)
            salt, claims, content = claim(key, values)
            file_list = [f.to_json() for f in files] if files else []
            ref_list = [r.to_json() for r in refs] if refs else []
            record = encode(
                record_json(word, id_, issuer, type_, issued, origin, since, until, file_list, claims, ref_list, salt)
            )
            leaf = leaf_hash(record)
            leaves.append(leaf)
            sealed.append(encrypt(key, leaf, record, content))
            approvals.append(approve(leaf))
        return Prepared(issuer, kind, leaves, secrets, sealed, drafts, id_hmacs, approvals)

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
        self.accept([self.stage(group) for group in groups], job, also)

    def stage(self, group: Prepared) -> Staged:
        """Write keys and bodies: the records are ready to be accepted, and take little memory from now on."""
        if not group.leaves:
            raise ConflictError("ACCEPT_EMPTY")
        handles = self._vault.add(group.secrets)
        faultpoint("accept.keys")
        chunk = self._spool.write(group.block())
        faultpoint("accept.spooled")
        return Staged(group.issuer, group.kind, chunk, self._runs(group, handles))

    def accept(
        self, staged: Sequence[Staged], job: int | None = None, also: Callable[[Unit], None] | None = None
    ) -> None:
        """The last step of ``commit``, which raises the same."""
        with self._store.begin(beside=True) as unit:
            for group in staged:
                unit.records.add(group.issuer, group.kind, group.chunk, group.runs, job)
            if also is not None:
                also(unit)
        faultpoint("accept.committed")

    def _runs(self, group: Prepared, handles: range) -> list[AcceptedRun]:
        runs, at = [], 0
        for type_, drafts in groupby(group.drafts, attrgetter("type")):
            here = list(drafts)
            part = slice(at, at + len(here))
            files = [
                (self._index.file(file.sha256), handle)
                for handle, draft in zip(handles[part], here, strict=True)
                for file in draft.files
            ]
            lines = [draft.line for draft in here]
            runs.append(AcceptedRun(handles[at], at, type_, group.id_hmacs[part], group.leaves[part], lines, files))
            at += len(here)
        return runs


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
