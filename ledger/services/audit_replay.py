"""The chain read again from its first block: what its events say the index must hold, and what was anchored.

The index's own code applies the events, to tables in memory; the rows are then held against these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from ledger.core.identifiers import organisation_from_bytes32
from ledger.errors import InputError
from ledger.ports import AccountRow, AccreditationRow, Chain, ChainAct, ChainEntry, SignerRow, Unit
from ledger.proofs.events import AnchoredEvent, StatusEvent
from ledger.proofs.keccak import keccak
from ledger.proofs.records_layout import history_step
from ledger.services.audit_findings import Findings
from ledger.services.indexing import RANGE, Indexing, acts_of, entries_of

ZERO = bytes(32)
Key = tuple[Any, ...]


class MemoryChain:
    """``ports.ChainIndex`` as far as events write it, and ``ports.ChainActs``: rows by key, as their columns stand."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, Key]] = {
            name: {}
            for name in (
                *("chain_entries", "chain_organisations", "chain_accounts", "chain_signers"),
                *("chain_accreditations", "chain_acts"),
            )
        }
        self._accreditations: dict[bytes, AccreditationRow] = {}
        self._signers: dict[str, dict[bytes, SignerRow]] = {}

    def add_entries(self, entries: Sequence[ChainEntry]) -> None:
        for row in entries:
            e = row.entry
            self.tables["chain_entries"][row.leaf, row.issuer, row.count] = (
                *(row.leaf, row.issuer, row.count, e.actor, int(e.state), e.effective, e.recorded, int(e.reason)),
                *(e.statement, row.block),
            )

    def put_organisation(self, organisation: str, since: int, barred: bool) -> None:
        self.tables["chain_organisations"][(organisation,)] = (organisation, since, barred)

    def put_account(self, row: AccountRow) -> None:
        self.tables["chain_accounts"][(row.account,)] = (row.account, row.organisation, row.permissions)

    def put_signer(self, row: SignerRow) -> None:
        self._signers.setdefault(row.organisation, {})[row.certificate] = row
        self.tables["chain_signers"][row.organisation, row.certificate] = (
            *(row.organisation, row.certificate, row.since, row.until, row.compromised_since),
        )

    def signers(self, organisation: str | None = None) -> list[SignerRow]:
        return list(self._signers.get(organisation or "", {}).values())

    def put_accreditation(self, row: AccreditationRow) -> None:
        self._accreditations[row.id] = row
        self.tables["chain_accreditations"][(row.id,)] = (
            *(row.id, row.organisation, int(row.kind), row.jurisdiction, row.since, row.until),
        )

    def accreditations(self, organisation: str | None = None) -> list[AccreditationRow]:
        return list(self._accreditations.values())

    def document(self, id_: bytes) -> bytes | None:
        return None  # not on chain

    def add(self, acts: Sequence[ChainAct]) -> None:
        for a in acts:
            self.tables["chain_acts"][a.block, a.position] = (
                *(a.block, a.position, a.time, a.event, a.issuer, a.subject, a.statement, a.actor, a.second),
                a.relation,
            )


@dataclass(frozen=True, slots=True)
class MemoryUnit:
    chain: MemoryChain
    chain_acts: MemoryChain


@dataclass
class Replay:
    """``anchored``: (issuer, root) → block and event; ``foreign``: such events of issuers that are no organisation;
    ``histories``: (issuer, leaf) → number of changes and hash chain over them."""

    tables: dict[str, dict[Key, Key]]
    anchored: dict[tuple[str, bytes], tuple[int, AnchoredEvent]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    histories: dict[tuple[bytes, bytes], tuple[int, bytes]] = field(default_factory=dict)
    changes: int = 0

    def statements(self) -> dict[bytes, Key]:
        """Changes of status by the leaf of their statement."""
        return {row[8]: row for row in self.tables["chain_entries"].values() if row[8] != ZERO}


def replay(chain: Chain, until: int, indexed: int, findings: Findings) -> Replay:
    """Every event up to block ``until``; the tables as they stand after block ``indexed``.

    Raises:
        UnavailableError: CHAIN_….
    """
    memory = MemoryChain()
    made = Replay(memory.tables)
    unit = cast(Unit, MemoryUnit(memory, memory))
    for since in range(0, until + 1, RANGE):
        events = list(chain.events(since, min(since + RANGE - 1, until)))
        for block, timestamp, event in events:
            if block <= indexed:
                Indexing.apply(unit, block, timestamp, event)
            if isinstance(event, AnchoredEvent):
                _anchored(made, block, event, findings)
            elif isinstance(event, StatusEvent):
                _changed(made, event, findings)
        memory.add_entries([entry for entry in entries_of(events) if entry.block <= indexed])
        memory.add([act for act in acts_of(events) if act.block <= indexed])
    return made


def _anchored(made: Replay, block: int, event: AnchoredEvent, findings: Findings) -> None:
    try:
        issuer = organisation_from_bytes32(event.issuer)
    except InputError:
        return  # no record can name such an issuer
    expected = made.sequences.get(issuer, 0) + 1
    for missing in range(expected, event.sequence):
        findings.differs("AUDIT_SEQUENCE_GAP", f"chain/{issuer}/{missing}", issuer=issuer, sequence=missing)
    if event.sequence < expected:
        findings.differs("AUDIT_SEQUENCE_TWICE", f"chain/{issuer}/{event.sequence}", issuer=issuer, block=block)
    made.sequences[issuer] = max(event.sequence, expected - 1)
    made.anchored[issuer, event.root] = block, event


def _changed(made: Replay, e: StatusEvent, findings: Findings) -> None:
    made.changes += 1
    count, history = made.histories.get((e.issuer, e.leaf), (0, ZERO))
    if e.count != count + 1:
        findings.differs("AUDIT_CHANGE_GAP", f"chain/{e.leaf.hex()}", leaf=e.leaf.hex(), count=e.count)
    history = history_step(history, e.actor, e.state, e.effective, e.recorded, e.reason, e.statement)
    made.histories[e.issuer, e.leaf] = e.count, history


def tuple_word(event: AnchoredEvent) -> int:
    """What the contract stores of everything that was anchored with a root: keccak256(abi.encode(batch))."""
    numbers = (event.kind, event.suite, event.size)
    signers_at, count = (8 * 32).to_bytes(32, "big"), len(event.signers).to_bytes(32, "big")
    parts = (
        *((32).to_bytes(32, "big"), event.accreditation, *(n.to_bytes(32, "big") for n in numbers)),
        *(event.root, event.manifest_sha256, event.manifest_sm3, signers_at, count, *event.signers),
    )
    return int.from_bytes(keccak(b"".join(parts)), "big")


def compare(
    table: str,
    columns: Sequence[str],
    keys: int,
    expected: dict[Key, Key],
    rows: Callable[[], Iterator[Key]],
    findings: Findings,
) -> None:
    """Hold stored rows against expected ones; the first ``keys`` columns are the primary key."""
    seen = 0
    for row in rows():
        key = row[:keys]
        wanted = expected.get(key)
        if wanted is None:
            findings.differs("AUDIT_ROW_EXTRA", f"{table}/{shown(key)}", table=table, row=shown(key))
            continue
        seen += 1
        differences(table, columns, shown(key), wanted, row, findings)
    if seen < len(expected):
        for key in expected.keys() - {row[:keys] for row in rows()}:
            findings.differs("AUDIT_ROW_MISSING", f"{table}/{shown(key)}", table=table, row=shown(key))


def differences(table: str, columns: Sequence[str], key: str, wanted: Key, row: Key, findings: Findings) -> None:
    if tuple(row) == tuple(wanted):
        return
    for column, is_, was in zip(columns, row, wanted, strict=True):
        if is_ != was:
            where = f"{table}/{key}/{column}"
            findings.differs("AUDIT_ROW_DIFFERS", where, table=table, row=key, column=column)


def shown(key: Key) -> str:
    return ",".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)
