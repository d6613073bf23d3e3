"""The audit: every batch, root, manifest, signature, status, row and entry of the log proved again, from the bytes of
chain, segments and vault. It believes no row, remembers nothing from last time, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.core.tombstones import tombstone_id
from ledger.core.trust import Trust
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import IntegrityError, NotFoundError, UnavailableError, ZhengyinError
from ledger.ports import Chain, Segments, Spool, Store, Vault
from ledger.ports.auditing import AuditChain, AuditReads
from ledger.services.anchoring import RECEIPT
from ledger.services.audit_batches import Anchored, BatchAudit
from ledger.services.audit_findings import NOT_TRUSTED, NOTHING, Audited, Findings
from ledger.services.audit_procedure import ProcedureAudit
from ledger.services.audit_records import Keyless, RecordAudit, Unapproved
from ledger.services.audit_replay import Replay, compare, replay
from ledger.services.audit_storage import prove_storage
from ledger.services.audit_tables import TableAudit
from ledger.services.batch_signing import CMS
from ledger.services.operations import LogProof, read_entry

KEYS = {
    "chain_entries": 3,
    "chain_organisations": 1,
    "chain_accounts": 1,
    "chain_signers": 2,
    "chain_accreditations": 1,
    "chain_acts": 2,
}
"""Tables that events make, with the number of columns in their primary key."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an audit reads. ``own``: offices whose records must be here; ``storage``: of the contract as of a block;
    ``log``: proof of the log of operations; ``copies``: the second medium."""

    store: Store
    reads: Callable[[], AbstractContextManager[AuditReads]]
    chain: Chain
    consensus: str
    storage: Callable[[BlockName], AuditChain]
    segments: Segments
    copies: Segments | None
    vault: Vault
    spool: Spool
    index: BlindIndex
    own: Callable[[], set[str]]
    unapproved: Unapproved
    trust: Callable[[], Trust]
    log: Callable[[], LogProof]
    clock: Callable[[], float]


class Auditing:
    def __init__(self, sources: Sources) -> None:
        self._from = sources

    def run(self, since: int = 0, watch: Callable[[int], None] = lambda count: None) -> Audited:
        """Prove everything; ``since``: first block whose batches are proved, for an audit that goes on from another;
        ``watch`` is told of records as they are proved.

        Raises:
            UnavailableError: CHAIN_…, STORE_…: nothing can be said without them.
        """
        with self._from.reads() as reads:  # first: rows that are later than the chain would differ from it
            tuple(reads.rows("chain_cursor"))  # the view is of the moment of its first look
            head, _ = self._from.chain.head()
            return _Audit(self._from, reads, head, since, watch).run()


class _Audit:
    def __init__(
        self, sources: Sources, reads: AuditReads, head: BlockName, since: int, watch: Callable[[int], None]
    ) -> None:
        self._from, self._reads, self._head, self._since, self._watch = sources, reads, head, since, watch
        self._findings = findings = Findings()
        self._batches = BatchAudit(sources.chain, sources.consensus, sources.segments, sources.copies, findings)
        self._records = RecordAudit(
            reads, sources.vault, sources.spool, sources.index, sources.unapproved, self._waits, findings
        )
        self._procedure = ProcedureAudit(sources.vault, sources.trust, sources.clock, findings)
        self._own = sources.own()
        self._proved = self._elsewhere = 0

    def run(self) -> Audited:
        indexed = self._cursor()
        made = replay(self._from.chain, self._head.block, indexed, self._findings)
        for table, keys in KEYS.items():
            stored = self._rows_of(table)
            compare(table, self._reads.columns(table), keys, made.tables[table], stored, self._findings)
        prove_storage(self._from.storage, self._head, made, self._since, self._findings)
        rows = {row["row"]: row for row in self._named("batches")}
        self._anchored(made, rows)
        for run in self._reads.waiting():
            with self._findings.of(run.rows[0].issuer):
                self._records.waiting(run, self._watch)
        for table, key, column in self._reads.loose():
            self._findings.differs("AUDIT_ROW_LOOSE", f"{table}/{key}/{column}", table=table, row=key, column=column)
        erased, lost = self._keyless()
        self._tables(made, rows)
        operations = self._log()
        seen = self._records.seen
        if not self._proved and not seen.waiting:
            self._findings.open(NOTHING, "chain", block=self._since)
        found = self._findings
        return Audited(
            *(self._head, self._since, self._proved, seen.records, seen.waiting, erased, lost, made.changes),
            *(operations, self._elsewhere, tuple(found.kept), dict(found.counts), found.differing, found.undetermined),
        )

    def _rows_of(self, table: str) -> Callable[[], Iterator[tuple[Any, ...]]]:
        return lambda: self._reads.rows(table)

    def _named(self, table: str) -> Iterator[dict[str, Any]]:
        columns = self._reads.columns(table)
        return (dict(zip(columns, row, strict=True)) for row in self._reads.rows(table))

    def _cursor(self) -> int:
        """Block up to which the index has read, if that is a block of this chain; -1 before the first."""
        last = -1
        for block, hash_ in self._reads.rows("chain_cursor"):
            try:
                if self._from.chain.canonical(block) != hash_:
                    raise IntegrityError("AUDIT_FIELD", part="hash")
                last = block
            except ZhengyinError:
                self._findings.differs(
                    "AUDIT_ROW_DIFFERS", f"chain_cursor/{block}/hash", table="chain_cursor", row=block, column="hash"
                )
                last = min(block, self._head.block)
        return last

    # ---- batches ---------------------------------------------------------------------------------------------------

    def _anchored(self, made: Replay, rows: Mapping[int, dict[str, Any]]) -> None:
        by_root: dict[bytes, dict[str, Any]] = {}
        for row in sorted(rows.values(), key=lambda r: (r["state"] != "refused", r["row"])):
            by_root[row["root"]] = row  # the one that counts comes last
        here = set(self._from.segments.roots())
        own = self._own | {row["issuer"] for row in rows.values()}
        told: set[int] = set()
        for (issuer, root), (block, event) in made.anchored.items():
            of_it = by_root.get(root)
            if of_it is not None:
                told.add(of_it["row"])
            if issuer not in own and root not in here:
                self._elsewhere += 1
            elif block >= self._since:
                with self._findings.of(issuer), self._part(f"segments/{root.hex()}"):
                    self._one(Anchored(issuer, block, event), of_it)
        for key, row in rows.items():
            if key not in told and self._since == 0:
                with self._findings.of(row["issuer"]), self._part(f"batches/{key}"):
                    self._open(row, by_root[row["root"]] is row)
        anchored = {root for _, root in made.anchored}
        for root in sorted(here - anchored - by_root.keys()):
            with self._part(f"segments/{root.hex()}"):
                self._orphan(root)

    def _part(self, where: str) -> AbstractContextManager[None]:
        return self._findings.looking("AUDIT_PART_DIFFERS", where)

    def _one(self, found: Anchored, row: Mapping[str, Any] | None) -> None:
        where, event = found.where, found.event
        segment = self._batches.segment(event.root, where, issuer=found.issuer, sequence=event.sequence)
        if row is None:
            with self._from.store.read() as unit:
                if unit.batches.by_root(event.root) is not None:
                    return  # made since this audit began
            missing = f"batches/{event.root.hex()}"
            self._findings.differs("AUDIT_ROW_MISSING", missing, table="batches", row=event.root.hex())
        else:
            self._batches.row(found, row)
        if segment is None:
            return
        self._proved += 1
        before = self._findings.differing
        self._batches.parts(found, segment, row is not None and row["state"] == "receipted")
        first = self._records.batch(row["row"] if row else None, segment, where, self._watch)
        if first is not None and self._findings.differing == before and segment.get(RECEIPT) is not None:
            self._procedure.verify(segment, first, where)

    def _open(self, row: Mapping[str, Any], counts: bool) -> None:
        """A batch that the chain does not have (yet), or refused."""
        held = self._reads.placed(row["row"])
        if row["state"] == "refused" and not held:
            return
        where = f"segments/{row['root'].hex()}"
        segment = self._batches.segment(row["root"], where) if counts else None
        self._batches.open_row(row, segment)
        if segment is not None:
            self._proved += 1
            self._records.batch(row["row"], segment, where, self._watch)

    def _orphan(self, root: bytes) -> None:
        """A segment that neither rows nor chain know: of a crash before it was signed, or of a chain that was lost."""
        segment = self._from.segments.open(root)
        if segment.get(CMS) is None:
            return
        with self._from.store.read() as unit:
            if unit.batches.by_root(root) is not None or self._from.chain.anchored(segment.issuer(), root):
                return  # made since this audit began
        code = "AUDIT_SEGMENT_UNKNOWN" if segment.get(RECEIPT) is None else "AUDIT_CHAIN_BEHIND"
        self._findings.differs(code, f"segments/{root.hex()}", root=root.hex())

    # ---- keys ------------------------------------------------------------------------------------------------------

    def _keyless(self) -> tuple[int, int]:
        """(erased, lost): a key that is gone has its tombstone, and a tombstone that was anchored has no key."""
        seen = self._records.seen
        erased = 0
        for found in seen.keyless:
            named = (found.issuer, found.leaf)
            if named in seen.erased and found.named:
                where = f"records/{found.handle}/id_hmac"
                self._findings.differs("AUDIT_ROW_DIFFERS", where, table="records", row=found.handle, column="id_hmac")
            if named in seen.erased or named in seen.erased_waiting or self._erased_since(found):
                erased += 1
            else:
                with self._findings.of(found.issuer):
                    self._findings.differs("AUDIT_KEY_MISSING", found.where, leaf=found.leaf.hex())
        gone = {(found.issuer, found.leaf) for found in seen.keyless}
        for _, leaf in seen.erased - gone:
            with self._from.store.read() as unit:
                row = unit.records.by_leaf(leaf)
            if row is not None and self._from.vault.get([row.vault]):
                self._findings.differs("AUDIT_KEY_OF_ERASED", f"vault/{row.vault}", leaf=leaf.hex())
        return erased, len(seen.keyless) - erased

    def _erased_since(self, found: Keyless) -> bool:
        """Was a tombstone accepted after this audit read the rows? The next one proves it."""
        id_hmac = self._from.index.id(tombstone_id(found.leaf))
        with self._from.store.read() as unit:
            row = unit.records.by_id(found.issuer, Kind.TOMBSTONE, id_hmac)
        return row is not None and bool(self._from.vault.get([row.vault]))

    def _waits(self, leaf: bytes) -> bool:
        with self._from.store.read() as unit:
            row = unit.records.by_leaf(leaf)
        return row is not None and row.batch is None

    # ---- the rest --------------------------------------------------------------------------------------------------

    def _tables(self, made: Replay, batches: Mapping[int, dict[str, Any]]) -> None:
        seen = self._records.seen
        gone = frozenset(found.leaf for found in seen.keyless)
        tables = TableAudit(self._reads, self._from.chain, made, gone, self._since == 0, self._findings)
        tables.documents(
            {event.accreditation for (issuer, _), (_, event) in made.anchored.items() if issuer in self._own}
        )
        transactions = tables.transactions(batches)
        tables.intents(seen.statements, transactions)
        tables.acts(seen.statements, transactions)
        try:
            tables.tokens(self._entries)
        except IntegrityError:
            return  # an entry that cannot be read is named by the proof of the log

    def _entries(self) -> Iterator[Mapping[str, Any]]:
        """The log as of the rows that are audited. Raises IntegrityError OPERATIONS_ENTRY."""
        return (read_entry(row, entry) for row, entry, _ in self._reads.rows("operations"))

    def _log(self) -> int:
        try:
            proof = self._from.log()
            self._log_anchor(proof)
            return proof.entries
        except IntegrityError as e:
            row = e.values.get("row", e.values.get("number", ""))
            table = "operations_head" if e.code == "OPERATIONS_HEAD" else "operations"
            self._findings.differs("AUDIT_LOG_DIFFERS", f"{table}/{row}", error=e.code, row=row)
        except (NotFoundError, UnavailableError) as e:
            self._findings.unread("operations", e)
        return 0

    def _log_anchor(self, proof: LogProof) -> None:
        """The row that leads to the newest anchored head: of the log itself, not of its proof."""
        rows = {name: (row, hash_) for name, row, hash_ in self._reads.rows("operations_head")}
        anchor = rows.get("anchor", (0, bytes(32)))
        told = [e for e in self._entries() if e["act"] == "log.anchor"]
        wanted = (told[-1]["row"], bytes.fromhex(told[-1]["after"]["leaf"])) if told else (0, bytes(32))
        if anchor != wanted:
            where = "operations_head/anchor/row"
            self._findings.differs("AUDIT_ROW_DIFFERS", where, table="operations_head", row="anchor", column="row")
        if rows.keys() != {"log", "anchor"}:
            self._findings.differs("AUDIT_ROW_EXTRA", "operations_head", table="operations_head", row=", ".join(rows))


def accepted_losses(audited: Audited) -> bool:
    """Is nothing wrong but keys that were lost, those of tombstones too? What a person may accept after a
    restoration."""
    accepted = {NOTHING, NOT_TRUSTED, "AUDIT_KEY_MISSING", "AUDIT_TOMBSTONE_CLOSED"}
    return audited.since == 0 and not audited.counts.keys() - accepted
