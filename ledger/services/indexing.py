"""The indexer: contract events → rows, with a resumable cursor; and the rebuild of every row from chain and segments.

The rows are a cache. Deleting them and rebuilding gives the same answers; only bodies and record keys cannot be made
again. A cursor whose block is no longer canonical means a reorganised chain: the index is cleared and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ledger.core.bundles import StatusEntry
from ledger.core.identifiers import actor_from_bytes32, organisation_from_bytes32
from ledger.core.manifests import BlockName, Manifest
from ledger.core.registries import Kind, Reason, Relation, State
from ledger.core.seal_uses import counted_as
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError
from ledger.ports import (
    AcceptedRun,
    AccountRow,
    AccreditationRow,
    Chain,
    ChainAct,
    ChainEntry,
    OrganisationEvent,
    Segments,
    SignerRow,
    Store,
    Unit,
    Vault,
)
from ledger.proofs.events import AnchoredEvent, StatusEvent
from ledger.services import acting, bodies

MANIFEST = "manifest"
RANGE = 2000
"""Blocks read in one database transaction."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """``erased``: records whose key is gone; ``missing``: anchored batches without a segment here."""

    batches: int
    records: int
    erased: int
    missing: tuple[bytes, ...]


class Indexing:
    def __init__(
        self,
        store: Store,
        chain: Chain,
        segments: Segments,
        vault: Vault,
        index: BlindIndex,
    ) -> None:
        self._store = store
        self._chain = chain
        self._segments = segments
        self._vault = vault
        self._index = index

    def run(self) -> int:
        """Read every final block after the cursor; returns the number of events. Idempotent."""
        head, _ = self._chain.head()
        seen = 0
        while (since := self._next_block()) <= head.block:
            until = min(since + RANGE - 1, head.block)
            events = list(self._chain.events(since, until))
            name = head if until == head.block else BlockName(until, self._chain.canonical(until))
            with self._store.begin() as unit:
                if _next(unit.chain.cursor()) != since:
                    continue  # another process read these blocks meanwhile, and perhaps later ones: never go back
                for block, timestamp, event in events:
                    self.apply(unit, block, timestamp, event)
                unit.chain.add_entries(entries_of(events))
                unit.chain_acts.add(acts_of(events))
                unit.chain.set_cursor(name)
            seen += len(events)
        return seen

    def _next_block(self) -> int:
        with self._store.read() as unit:
            cursor = unit.chain.cursor()
        if cursor is not None and self._chain.canonical(cursor.block) != cursor.hash:
            with self._store.begin() as unit:
                unit.chain.clear()
            return 0
        return _next(cursor)

    @staticmethod
    def apply(unit: Unit, block: int, timestamp: int, event: object) -> None:
        """Write what one event of an organisation says into ``unit``."""
        if isinstance(event, OrganisationEvent):
            apply = _ORGANISATION_EVENTS.get(event.name)
            if apply is not None and _understood(event):
                apply(unit, event, timestamp)

    def rebuild(self, beat: Callable[[], None] = lambda: None) -> Rebuilt:
        """Delete every row that can be made again and make it again from chain and segments; ``beat`` before each
        batch.

        Records that are accepted but not anchored yet live only in rows and spool: they must be anchored first.

        Raises:
            ConflictError: REBUILD_OPEN_WORK. IntegrityError: SEGMENT_…, BODY_OF_OTHER_LEAF.
        """
        with self._store.read() as unit:
            if unit.records.waiting() or unit.batches.in_states(("batched", "signed", "broadcast", "mined", "final")):
                raise ConflictError("REBUILD_OPEN_WORK")
        with self._store.begin() as unit:
            unit.clear_rows()
            unit.chain.clear()
        self.run()
        return self._write_batches(beat, only_missing=False)

    def adopt(self, beat: Callable[[], None] = lambda: None) -> Rebuilt:
        """Write the anchored batches that the rows do not have, as after the restoration of an older backup. What waits
        goes on waiting, unless the chain has it.

        Raises:
            IntegrityError: SEGMENT_…, BODY_OF_OTHER_LEAF. ConflictError: STORE_DUPLICATE_….
        """
        self.run()
        return self._write_batches(beat, only_missing=True)

    def _write_batches(self, beat: Callable[[], None], only_missing: bool) -> Rebuilt:
        head, _ = self._chain.head()
        batches = records = erased = 0
        missing: list[bytes] = []
        for since in range(0, head.block + 1, RANGE):
            for block, _, event in self._chain.events(since, min(since + RANGE - 1, head.block)):
                if not isinstance(event, AnchoredEvent) or (only_missing and self._has(event.root)):
                    continue
                beat()
                try:
                    total, gone = self._rebuild_batch(event, block)
                except NotFoundError:
                    missing.append(event.root)
                    continue
                batches, records, erased = batches + 1, records + total, erased + gone
        return Rebuilt(batches, records, erased, tuple(missing))

    def _has(self, root: bytes) -> bool:
        with self._store.read() as unit:
            row = unit.batches.by_root(root)
        return row is not None and row.state == "receipted"

    def _rebuild_batch(self, event: AnchoredEvent, block: int) -> tuple[int, int]:
        segment = self._segments.open(event.root)
        issuer, manifest = _named(event.issuer), segment.get(MANIFEST)
        named = Manifest.from_bytes(manifest) if manifest else None
        if issuer is None or named is None or (named.issuer, named.sha256()) != (issuer, event.manifest_sha256):
            # roots are public: another office may have anchored this one, and our records are not its
            raise NotFoundError("SEGMENT_UNKNOWN", segment=event.root.hex())
        if segment.size() != event.size or segment.root() != event.root:
            raise IntegrityError("REBUILD_OTHER_SEGMENT", root=event.root.hex())
        leaves, handles = segment.leaves(), segment.vault_handles()
        secrets = self._vault.get(handles)
        runs, erased = _Runs(), 0
        for i, handle in enumerate(handles):
            leaf = leaves[32 * i : 32 * i + 32]
            id_hmac: bytes | None = None
            files: list[bytes] = []
            use: tuple[int, int] | None = None
            if handle in secrets:
                record, values = bodies.decrypt(secrets[handle], leaf, segment.body(i))
                type_, id_hmac = record.type, self._index.id(record.id)
                files = [self._index.file(f.sha256) for f in record.files]
                if record.kind is Kind.SEAL_USE:
                    use = counted_as((r.leaf for r in record.refs if r.relation is Relation.USES), values)
            else:
                type_, erased = segment.type_of(i), erased + 1
            runs.add(handle, type_, id_hmac, leaf, files, use)
        self._vault.reserve(max(handles))
        name = BlockName(block, self._chain.canonical(block))
        with self._store.begin() as unit:
            unit.drop_open(event.root, runs.found)
            unit.restore_batch(
                issuer,
                Kind(event.kind),
                event.root,
                event.manifest_sha256,
                event.accreditation,
                event.sequence,
                name,
                runs.found,
            )
        return len(handles), erased


class _Runs:
    """Records one after another, gathered into runs of one type and of consecutive handles."""

    def __init__(self) -> None:
        self.found: list[AcceptedRun] = []
        self._next: tuple[str, int] | None = None
        self._count = 0

    def add(
        self,
        handle: int,
        type_: str,
        id_hmac: bytes | None,
        leaf: bytes,
        files: Sequence[bytes],
        use: tuple[int, int] | None,
    ) -> None:
        if self._next != (type_, handle):
            self._ids: list[bytes | None] = []
            self._leaves: list[bytes] = []
            self._files: list[tuple[bytes, int]] = []
            self._lines: list[int | None] = []
            self._uses: list[tuple[int, int, int]] = []
            columns = (self._ids, self._leaves, self._lines, self._files, self._uses)
            self.found.append(AcceptedRun(handle, self._count, type_, *columns))
        self._count += 1
        self._ids.append(id_hmac)
        self._leaves.append(leaf)
        self._lines.append(None)
        self._files += [(file, handle) for file in files]
        if use is not None:
            self._uses.append((*use, handle))
        self._next = (type_, handle + 1)


def entries_of(events: Iterable[tuple[int, int, object]]) -> list[ChainEntry]:
    """What became of records' statuses. Of issuers that are no organisations there are no records."""
    found = []
    for block, _, event in events:
        if isinstance(event, StatusEvent) and (issuer := _named(event.issuer)) is not None:
            entry = StatusEntry(
                actor_from_bytes32(event.actor),
                State(event.state),
                event.effective,
                event.recorded,
                Reason(event.reason),
                event.statement,
            )
            found.append(ChainEntry(issuer, event.leaf, entry, event.count, block))
    return found


def acts_of(events: Iterable[tuple[int, int, object]]) -> list[ChainAct]:
    """Their rows. A range of blocks never splits one, so that an event has its place in its block."""
    found, place = [], (-1, 0)
    for block, timestamp, event in events:
        place = (block, place[1] + 1 if block == place[0] else 0)
        if (act := acting.indexed(*place, timestamp, event)) is not None:
            found.append(act)
    return found


def _next(cursor: BlockName | None) -> int:
    return 0 if cursor is None else cursor.block + 1


def _named(organisation: bytes) -> str | None:
    """Its id, or ``None`` where the council registered what is none: no record can name such an issuer."""
    try:
        return organisation_from_bytes32(organisation)
    except InputError:
        return None


def _understood(event: OrganisationEvent) -> bool:
    """Can rows hold it? The council may register any name and any kind: one must not stop the index for ever."""
    v = event.values
    known = "kind" not in v or v["kind"] in Kind._value2member_map_
    return known and ("organisation" not in v or _named(v["organisation"]) is not None)


def _organisation(unit: Unit, event: OrganisationEvent, timestamp: int, barred: bool) -> None:
    unit.chain.put_organisation(organisation_from_bytes32(event.values["organisation"]), timestamp, barred)


def _account(unit: Unit, event: OrganisationEvent, timestamp: int) -> None:
    v = event.values
    unit.chain.put_account(AccountRow(v["account"], organisation_from_bytes32(v["organisation"]), v["permissions"]))


def _signer(unit: Unit, event: OrganisationEvent, timestamp: int) -> None:
    """SignerBound carries both dates; SignerEnded and SignerCompromised change one of them."""
    v = event.values
    organisation = organisation_from_bytes32(v["organisation"])
    known = {s.certificate: s for s in unit.chain.signers(organisation)}.get(v["certificate"])
    since = v.get("from", known.since if known else 0)
    until = v.get("until", known.until if known else 0)
    compromised = v.get("since", known.compromised_since if known else None)
    unit.chain.put_signer(SignerRow(organisation, v["certificate"], since, until, compromised))


def _accredited(unit: Unit, event: OrganisationEvent, timestamp: int) -> None:
    v = event.values
    unit.chain.put_accreditation(
        AccreditationRow(
            v["id"],
            organisation_from_bytes32(v["organisation"]),
            Kind(v["kind"]),
            v["jurisdiction"].rstrip(b"\0").decode("ascii", "replace"),
            v["from"],
            v["until"],
            unit.chain.document(v["id"]),
        )
    )


def _accreditation_ended(unit: Unit, event: OrganisationEvent, timestamp: int) -> None:
    v = event.values
    for row in unit.chain.accreditations():
        if row.id == v["id"]:
            unit.chain.put_accreditation(
                AccreditationRow(
                    row.id, row.organisation, row.kind, row.jurisdiction, row.since, v["until"], row.document
                )
            )


_ORGANISATION_EVENTS: dict[str, Callable[[Unit, OrganisationEvent, int], None]] = {
    "OrganisationRegistered": lambda unit, event, at: _organisation(unit, event, at, False),
    "Barred": lambda unit, event, at: _organisation(unit, event, at, True),
    "Unbarred": lambda unit, event, at: _organisation(unit, event, at, False),
    "AccountSet": _account,
    "SignerBound": _signer,
    "SignerEnded": _signer,
    "SignerCompromised": _signer,
    "Accredited": _accredited,
    "AccreditationEnded": _accreditation_ended,
}
