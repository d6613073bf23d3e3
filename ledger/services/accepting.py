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
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from ledger.core.canonical import RECORD_LIMITS, encode, encode_each
from ledger.core.disclosures import claim_all
from ledger.core.hashing import SM3_HASH
from ledger.core.keys import RecordKey
from ledger.core.merkle import leaf_hashes
from ledger.core.records import FileDigest, Reference, record_frame
from ledger.core.registries import Kind, Relation, Suite
from ledger.core.seal_uses import counted_as
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, InputError
from ledger.ports import AcceptedRun, Block, Spool, Store, Unit, Vault
from ledger.services import bodies
from ledger.services.faultpoints import faultpoint

TOGETHER = 256
"""Records that are made at once: enough that a call costs nothing, few enough for the processor's cache."""


class Draft(NamedTuple):
    """A record before it has a key; a tuple, because tables have millions. ``values``: field → value for
    every field of the type, the same fields for all drafts of one call; ``line``: of the CSV."""

    type: str
    id: str
    values: dict[str, Any]
    valid_from: str | None = None
    valid_until: str | None = None
    files: tuple[FileDigest, ...] = ()
    refs: tuple[Reference, ...] = ()
    origin: str = "issued"
    line: int | None = None


_SORT = itemgetter(Draft._fields.index("type"), Draft._fields.index("origin"))


@dataclass(frozen=True, slots=True)
class Prepared:
    """Records ready to be stored: all of their rows but the handles of their keys. ``leaves_sm3``: as many as
    ``leaves`` in the suites that have them, else none."""

    issuer: str
    kind: Kind
    leaves: list[bytes]
    secrets: list[bytes]
    bodies: list[bytes]
    drafts: Sequence[Draft]
    id_hmacs: Sequence[bytes]
    approvals: list[bytes] = field(repr=False)
    suite: Suite = Suite.INTL
    leaves_sm3: Sequence[bytes] = ()

    def block(self) -> Block:
        leaves, approvals = b"".join(self.leaves), b"".join(self.approvals)
        sm3 = Sm3Leaves(self.suite, b"".join(self.leaves_sm3)) if self.suite.has_sm3 else None
        return Block(leaves, approvals, list(map(len, self.bodies)), lambda: self.bodies, sm3)


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
        suite: Suite = Suite.INTL,
    ) -> None:
        """``suite``: of all records made here."""
        self._store = store
        self._vault = vault
        self._spool = spool
        self._index = index
        self._approval_key = approval_key
        self._random = random
        self._suite = suite

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
        leaves: list[bytes] = []
        sealed: list[bytes] = []
        second: list[bytes] = []
        keys, suite = iter(map(RecordKey, secrets)), self._suite
        for (type_, origin), alike in groupby(drafts, _SORT):
            while some := list(islice(alike, TOGETHER)):
                made = _records(kind, issuer, type_, origin, issued, some, list(islice(keys, len(some))), suite)
                for part, whole in zip(made, (leaves, sealed, second), strict=True):
                    whole += part
        key = self._approval_key(issuer)
        approvals = (
            [key.approve_both(suite, leaf, other) for leaf, other in zip(leaves, second, strict=True)]
            if suite.has_sm3
            else list(map(key.approve, leaves))
        )
        return Prepared(issuer, kind, leaves, secrets, sealed, drafts, id_hmacs, approvals, suite, second)

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
            uses = uses_of(handles[part], here) if group.kind is Kind.SEAL_USE else ()
            ids, leaves = group.id_hmacs[part], group.leaves[part]
            runs.append(AcceptedRun(handles[at], at, type_, ids, leaves, lines, files, uses))
            at += len(here)
        return runs


def uses_of(handles: Sequence[int], drafts: Sequence[Draft]) -> list[tuple[int, int, int]]:
    """By which seal and day each draft counts."""
    found: list[tuple[int, int, int]] = []
    for handle, draft in zip(handles, drafts, strict=True):
        use = counted_as((ref.leaf for ref in draft.refs if ref.relation is Relation.USES), draft.values)
        if use is not None:
            found.append((*use, handle))
    return found


def _records(
    kind: Kind,
    issuer: str,
    type_: str,
    origin: str,
    issued: int,
    drafts: Sequence[Draft],
    keys: Sequence[RecordKey],
    suite: Suite,
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Leaves, encrypted bodies and (in the suites that have them) leaves by SM3 of records of one type and origin."""
    _, ids, rows, since, until, files, refs, _, _ = zip(*drafts, strict=True)
    names, salts, digests, contents = claim_all(keys, rows, suite)
    texts = encode_each([*ids, *since, *until])
    count = len(drafts)
    parts = (_arrays(files), texts[:count], _arrays(refs), salts, texts[count : 2 * count], texts[2 * count :])
    records = record_frame(kind.word, issuer, type_, issued, origin, names, suite).fill(count, (*digests, *parts))
    if max(map(len, records)) > RECORD_LIMITS.size:
        raise InputError("CANONICAL_SIZE", size=max(map(len, records)), limit=RECORD_LIMITS.size)
    leaves = leaf_hashes(records)
    second = leaf_hashes(records, SM3_HASH) if suite.has_sm3 else []
    return leaves, bodies.encrypt_all(keys, leaves, records, contents, suite), second


def _arrays(parts: Sequence[Sequence[FileDigest | Reference]]) -> list[bytes]:
    """Canonical bytes of each record's files or references; most have none."""
    return [encode([part.to_json() for part in some]) if some else b"[]" for some in parts]


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
