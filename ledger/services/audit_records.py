"""The records of a batch, or of a chunk that waits: bodies, keys, approvals, and the rows that lead to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

from ledger.core.canonical import unb64
from ledger.core.merkle import HASH_BYTES
from ledger.core.registries import Kind, Relation
from ledger.core.seal_uses import counted_as
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConfigError, ZhengyinError
from ledger.ports import Segment, Spool, Vault
from ledger.ports.auditing import AuditReads, PlacedRow, WaitingRows
from ledger.services.acting import RELATING, STATEMENT_KINDS
from ledger.services.audit_bodies import Fault, Proved, file_digest, prove_bodies, split
from ledger.services.audit_findings import Findings
from ledger.services.collecting import paused_collection
from ledger.services.tombstone_part import PART, erased_by, read_part

STATUS, TOMBSTONE, ERASES, USES = Kind.STATUS.word, Kind.TOMBSTONE.word, Relation.ERASES.word, Relation.USES.word
SAID = {act.kind.word: act.states for act in RELATING}
"""Kind of a record that states a relation → that relation."""
Unapproved = Callable[[str, bytes, bytes, Sm3Leaves | None], Sequence[int]]
"""Of an office's leaves and approvals (32 bytes each), with the leaves by SM3 of records that have them, the numbers
that no source released; ConfigError without its approval keys."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A decision as its record tells of it; ``subject``: base64url of the leaf or root that it is about."""

    actor: str
    issuer: str
    subject: str
    issued: int
    state: str | None
    effective: int | None
    reason: str | None


class Keyless(NamedTuple):
    """A record whose key is gone. ``named``: its row still knows its id, or rows know its files."""

    issuer: str
    leaf: bytes
    where: str
    handle: int
    named: bool


@dataclass
class Seen:
    """What records said that others need: decisions by leaf, erased leaves by their tombstones, keys that are gone."""

    statements: dict[bytes, Statement] = field(default_factory=dict)
    erased: set[tuple[str, bytes]] = field(default_factory=set)
    erased_waiting: set[tuple[str, bytes]] = field(default_factory=set)
    keyless: list[Keyless] = field(default_factory=list)
    records: int = 0
    waiting: int = 0


class RecordAudit:
    def __init__(
        self,
        reads: AuditReads,
        vault: Vault,
        spool: Spool,
        index: BlindIndex,
        unapproved: Unapproved,
        waits: Callable[[bytes], bool],
        findings: Findings,
    ) -> None:
        """``waits``: does the record with that leaf wait even now, or was it frozen since the rows were read?"""
        self._reads = reads
        self._vault = vault
        self._spool = spool
        self._index = index
        self._unapproved = unapproved
        self._waits = waits
        self._findings = findings
        self.seen = Seen()

    def batch(self, row: int | None, segment: Segment, where: str, watch: Callable[[int], None]) -> int | None:
        """Every record of a segment, and their rows if the batch has one; returns the index of the
        first that could be read. ``watch`` is told of each record."""
        with paused_collection():
            return self._batch(row, segment, where, watch)

    def _batch(self, row: int | None, segment: Segment, where: str, watch: Callable[[int], None]) -> int | None:
        leaves, handles, types = segment.leaves(), segment.vault_handles(), segment.record_types()
        issuer, kind = segment.issuer(), segment.kind()
        rows = [] if row is None else self._reads.placed(row)
        sm3 = segment.sm3()
        self._require_released(issuer, leaves, segment.approvals(), sm3, where)
        paired = self._pair(rows, handles, where) if row is not None else list(repeat(None, len(handles)))
        block = segment.block()
        bodies = split(block.bodies(), block.lengths)
        known = len(self.seen.keyless)
        found = self._records(issuer, kind, leaves, sm3, handles, types, bodies, paired, where, True)
        if kind is Kind.TOMBSTONE:
            with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{PART}"):
                self._plain_tombstones(segment, self.seen.keyless[known:], where)
        self.seen.records += len(handles)
        watch(len(handles))
        return found

    def _plain_tombstones(self, segment: Segment, keyless: Sequence[Keyless], where: str) -> None:
        """What tombstones say whose own keys were lost with a vault; those that say nothing any more are counted."""
        plain = read_part(segment)
        tombstones = [t.record for t in plain.values()]
        self.seen.erased |= {(t.issuer, leaf) for t in tombstones for leaf in erased_by(t)}
        if unread := sum(k.leaf not in plain for k in keyless):
            self._findings.differs("AUDIT_TOMBSTONE_CLOSED", where, count=unread, root=segment.root().hex())

    def waiting(self, run: WaitingRows, watch: Callable[[int], None]) -> None:
        """Records that wait in the spool."""
        where = f"spool/{run.chunk}"
        if run.chunk is None:
            self._findings.differs("AUDIT_CHUNK_MISSING", f"records/{run.rows[0].handle}/chunk", chunk="–")
            return
        try:
            block = self._spool.block(run.chunk, run.ordinal, len(run.rows))
            bodies = list(split(block.bodies(), block.lengths))
        except ZhengyinError as e:
            if e.exit_code == 3 and e.code != "SPOOL_UNKNOWN":
                self._findings.unread(where, e)
                return
            if any(self._waits(row.leaf) for row in run.rows):
                code = "AUDIT_CHUNK_MISSING" if e.code == "SPOOL_UNKNOWN" else "AUDIT_CHUNK_DAMAGED"
                self._findings.differs(code, where, chunk=run.chunk)
            return
        first = run.rows[0]
        with self._findings.looking("AUDIT_ROW_DIFFERS", where):
            kind = Kind.of_number(first.kind, "kind")
            self._require_released(first.issuer, block.leaves, block.approvals, block.sm3, where)
            handles, types = [r.handle for r in run.rows], [r.type for r in run.rows]
            paired = list(run.rows)
            self._records(first.issuer, kind, block.leaves, block.sm3, handles, types, bodies, paired, where, False)
        self.seen.waiting += len(run.rows)
        watch(len(run.rows))

    def _pair(self, rows: Sequence[PlacedRow], handles: Sequence[int], where: str) -> list[PlacedRow | None]:
        """The row of each record by its handle: keys, segment and rows name a record by the same number."""
        if [r.handle for r in rows] == list(handles) and [r.index for r in rows] == list(range(len(handles))):
            return list(rows)
        known = {row.handle: row for row in rows}
        for place, handle in enumerate(handles):
            row = known.pop(handle, None)
            if row is None:
                self._findings.differs("AUDIT_ROW_MISSING", f"records/{handle}", table="records", row=handle)
            elif row.index != place:
                self._row(handle, "position")
        for handle in known:
            self._findings.differs("AUDIT_ROW_EXTRA", f"records/{handle}", table="records", row=handle)
        by_handle = {row.handle: row for row in rows}
        return [by_handle.get(handle) for handle in handles]

    def _require_released(
        self, issuer: str, leaves: bytes, approvals: bytes, sm3: Sm3Leaves | None, where: str
    ) -> None:
        try:
            for number in self._unapproved(issuer, leaves, approvals, sm3):
                self._findings.differs("AUDIT_RECORD_UNAPPROVED", f"{where}/{number}", index=number)
        except ConfigError as e:
            self._findings.unread(f"{where}/approvals", e)

    def _records(
        self,
        issuer: str,
        kind: Kind,
        leaves: bytes,
        sm3: Sm3Leaves | None,
        handles: Sequence[int],
        types: Sequence[str],
        bodies: Iterable[bytes],
        rows: Sequence[PlacedRow | None],
        where: str,
        placed: bool,
    ) -> int | None:
        keys = self._vault.get(handles)
        secrets = [keys.get(handle) for handle in handles]
        index_id, number, word = self._index.id, int(kind), kind.word
        first: int | None = None
        files: set[tuple[bytes, int]] = set()
        uses: set[tuple[int, int, int]] = set()
        keyless: list[Keyless] = []
        special = kind in (*STATEMENT_KINDS, Kind.TOMBSTONE)
        proved = prove_bodies(leaves, bodies, secrets, sm3)
        for at, (found, row, type_, handle) in enumerate(zip(proved, rows, types, handles, strict=True)):
            leaf = leaves[HASH_BYTES * at : HASH_BYTES * (at + 1)]
            id_hmac: bytes | None = None
            if found is None:
                id_hmac = row.id_hmac if row else None  # while an erasure is under way rows may still know it
                keyless.append(Keyless(issuer, leaf, f"{where}/{at}", handle, id_hmac is not None))
            elif isinstance(found, Fault):
                self._findings.differs(found.code, f"{where}/{at}", index=at)
                id_hmac = row.id_hmac if row else None  # nothing to hold it against
            else:
                id_hmac = index_id(found.id)
                if (found.issuer, found.kind, found.type) != (issuer, word, type_):
                    self._findings.differs("AUDIT_BODY_OTHER", f"{where}/{at}", index=at)
                if first is None:
                    first = at
                if found.files:
                    files.update((self._index.file(file_digest(f)), handle) for f in found.files)
                if special:
                    self._remember(found, leaf, placed)
                elif kind is Kind.SEAL_USE and (use := _counted(found)) is not None:
                    uses.add((*use, handle))
            wanted = (issuer, number, type_, id_hmac, leaf)
            if row is not None and row[2:] != wanted:
                for column, is_, was in zip(PlacedRow._fields[2:], row[2:], wanted, strict=True):
                    if is_ != was:
                        self._row(handle, column)
        self._bound(handles, files, uses, keyless)
        return first

    def _bound(
        self,
        handles: Sequence[int],
        files: set[tuple[bytes, int]],
        uses: set[tuple[int, int, int]],
        keyless: Sequence[Keyless],
    ) -> None:
        """The rows by which records are found: by their files, and uses by their seals."""
        found, used = self._reads.files(handles), self._reads.uses(handles)
        without = {k.handle for k in keyless}
        bound = {handle for _, handle in found} | {handle for _, _, handle in used}
        self.seen.keyless += [k._replace(named=k.named or k.handle in bound) for k in keyless]
        self._files(found, files, without)
        expected, there = {handle for *_, handle in uses}, {handle for *_, handle in used}
        for handle in sorted({handle for *_, handle in used ^ uses} - without):
            code = "AUDIT_ROW_DIFFERS" if handle in expected & there else "AUDIT_ROW_EXTRA"
            code = "AUDIT_ROW_MISSING" if handle not in there else code
            self._findings.differs(code, f"seal_uses/{handle}", table="seal_uses", row=handle, column="seal, day")

    def _files(self, found: set[tuple[bytes, int]], wanted: set[tuple[bytes, int]], without: set[int]) -> None:
        for file, handle in sorted(found ^ wanted):
            if handle in without:
                continue  # whether rows should have forgotten it, its tombstone says
            code = "AUDIT_ROW_EXTRA" if (file, handle) in found else "AUDIT_ROW_MISSING"
            row = f"{file.hex()},{handle}"
            self._findings.differs(code, f"record_files/{row}", table="record_files", row=row)

    def _row(self, handle: int, column: str) -> None:
        where = f"records/{handle}/{column}"
        self._findings.differs("AUDIT_ROW_DIFFERS", where, table="records", row=handle, column=column)

    def _remember(self, found: Proved, leaf: bytes, placed: bool) -> None:
        for ref in found.refs:
            if found.kind == TOMBSTONE and (ref["relation"], ref["issuer"]) == (ERASES, found.issuer):
                (self.seen.erased if placed else self.seen.erased_waiting).add(
                    (ref["issuer"], unb64(ref["leaf"], "refs.leaf", HASH_BYTES))
                )
            elif found.kind == STATUS:
                said = found.values.get
                self.seen.statements[leaf] = Statement(
                    *(found.issuer, ref["issuer"], ref["leaf"], found.issued),
                    *(said("state"), said("effective"), said("reason")),
                )
            elif SAID.get(found.kind) == ref["relation"]:
                target = (ref["issuer"], ref["leaf"])
                self.seen.statements[leaf] = Statement(found.issuer, *target, found.issued, ref["relation"], None, None)


def _counted(found: Proved) -> tuple[int, int] | None:
    """Seal and day by which a use counts."""
    seals = [unb64(ref["leaf"], "refs.leaf", HASH_BYTES) for ref in found.refs if ref["relation"] == USES]
    return counted_as(seals, found.values)
