"""Changes of status: a signed, anchored statement first, then the contract call that names it.

Two intents, two outbox steps (details.md): the statement is an ordinary record of kind ``status``; when its batch is
receipted, the change goes to the contract in an array with others that share state, effective instant and reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.canonical import b64
from ledger.core.identifiers import new_urn
from ledger.core.records import Reference
from ledger.core.registries import Kind, Permission, Reason, Relation, State
from ledger.errors import ConflictError, IntegrityError, ZhengyinError
from ledger.ports import Account, Chain, IntentRow, StatusCall, Store, TransactionRow, Unit
from ledger.services.accepting import Acceptor, Draft, Prepared
from ledger.services.anchoring import Progress
from ledger.services.faultpoints import faultpoint

STATUS_TYPE = "status"
MAX_CHANGES = 500
ALLOWED = {
    State.ACTIVE: (State.SUSPENDED, State.REVOKED, State.SUPERSEDED),
    State.SUSPENDED: (State.ACTIVE, State.REVOKED, State.SUPERSEDED),
    State.REVOKED: (),
    State.SUPERSEDED: (),
}


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """``leaf`` of the record whose status changes; ``successor`` only for superseded; ``decision``: the reference of
    the administrative decision, which the statement keeps as a claim."""

    issuer: str
    leaf: bytes
    change: State
    effective: int
    reason: Reason
    decision: str | None = None
    successor: bytes | None = None


class Statuses:
    def __init__(
        self,
        store: Store,
        acceptor: Acceptor,
        chain: Chain,
        account: Callable[[str, Permission], Account],
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._acceptor = acceptor
        self._chain = chain
        self._account = account
        self._clock = clock
        self._random = random

    def current(self, unit: Unit, issuer: str, leaf: bytes) -> State:
        """State after everything recorded and everything already asked for."""
        pending = _pending(unit, issuer, leaf)
        if pending:
            return pending[-1].change
        entries = unit.chain.entries(issuer, leaf)
        return entries[-1].entry.state if entries else State.ACTIVE

    def check(self, request: ChangeRequest) -> None:
        """Refuse what the contract would refuse, before anything is signed.

        Raises:
            ConflictError: STATUS_TRANSITION, STATUS_EFFECTIVE_FUTURE, STATUS_SUCCESSOR.
        """
        with self._store.read() as unit:
            before = self.current(unit, request.issuer, request.leaf)
            attaches = _attaches(unit, request)
        if request.change not in ALLOWED[before] and not attaches:
            raise ConflictError("STATUS_TRANSITION", before=before.word, after=request.change.word)
        if request.effective > int(self._clock()):
            raise ConflictError("STATUS_EFFECTIVE_FUTURE", effective=request.effective)
        if (request.change is State.SUPERSEDED) != (request.successor is not None):
            raise ConflictError("STATUS_SUCCESSOR", state=request.change.word)

    def prepare(self, actor: str, requests: Sequence[ChangeRequest]) -> tuple[Prepared, Callable[[Unit], None]]:
        """Statements ready to commit and the function that stores their intents in the same transaction."""
        now = int(self._clock())
        drafts = [self._statement(r) for r in requests]
        prepared = self._acceptor.prepare(actor, Kind.STATUS, drafts, now)

        def intents(unit: Unit) -> None:
            for r, leaf in zip(requests, prepared.leaves, strict=True):
                unit.intents.add(actor, r.issuer, r.leaf, r.change, r.effective, r.reason, leaf, now)

        return prepared, intents

    def request(self, actor: str, requests: Sequence[ChangeRequest]) -> list[bytes]:
        """Accept changes of status; returns the leaves of their statements.

        Raises:
            ConflictError: STATUS_…; nothing of the sequence is accepted.
        """
        seen: set[tuple[str, bytes]] = set()
        for r in requests:
            self.check(r)
            if (r.issuer, r.leaf) in seen:  # each was checked against the same state before
                raise ConflictError("STATUS_TWICE", leaf=r.leaf.hex())
            seen.add((r.issuer, r.leaf))
        prepared, intents = self.prepare(actor, requests)
        self._acceptor.commit([prepared], also=intents)
        return prepared.leaves

    def _statement(self, request: ChangeRequest) -> Draft:
        values: dict[str, Any] = {
            "state": request.change.word,
            "effective": request.effective,
            "reason": request.reason.word,
            "successor": b64(request.successor) if request.successor else None,
            "decision": request.decision,
        }
        target = Reference(Relation.CHANGES_STATUS_OF, request.issuer, request.leaf)
        return Draft(STATUS_TYPE, new_urn(self._random(16)), values, refs=(target,))

    # ---- outbox ----------------------------------------------------------------------------------------------------

    def advance(self) -> Progress:
        """One pass: statements that are final become ready, ready changes are sent, mined ones are settled."""
        progress = Progress()
        progress.moved += self._make_ready()
        for transaction in self._open_transactions():
            try:
                progress.moved += self._settle(transaction)
            except ZhengyinError as e:
                progress.problems.append(e)
        with self._store.read() as unit:
            ready = unit.intents.in_states(("ready",))
        for group in _groups(ready):
            try:
                progress.moved += self._send(group)
            except ZhengyinError as e:
                progress.problems.append(e)
        with self._store.read() as unit:
            progress.open = len(unit.intents.in_states(("accepted", "ready", "sent")))
        return progress

    def _make_ready(self) -> int:
        with self._store.begin() as unit:
            final: list[int] = []
            for intent in unit.intents.in_states(("accepted",)):
                row = unit.records.by_leaf(intent.statement)
                if row and row.batch is not None and unit.batches.get(row.batch).state == "receipted":
                    final.append(intent.row)
            if final:
                unit.intents.move(final, "accepted", "ready")
        return len(final)

    def _send(self, group: Sequence[IntentRow]) -> int:
        head = group[0]
        call = StatusCall(
            head.issuer, tuple((i.leaf, i.statement) for i in group), head.change, head.effective, head.reason
        )
        account = self._account(head.actor, Permission.STATUS)
        try:
            self._chain.check_status(account, call)
        except ConflictError as e:
            with self._store.begin() as unit:
                unit.intents.move([i.row for i in group], "ready", "refused", problem=str(e))
            return len(group)
        with self._store.begin() as unit:
            nonce = unit.transactions.next_nonce(account.address, self._chain.chain_nonce(account.address))
            raw, hash_ = self._chain.sign_status(account, nonce, call)
            row = unit.transactions.add("status", head.row, account.address, nonce, raw, hash_)
            unit.intents.move([i.row for i in group], "ready", "sent", transaction=row)
        faultpoint("status.stored")
        self._chain.send(raw)
        return len(group)

    def _open_transactions(self) -> list[TransactionRow]:
        with self._store.read() as unit:
            return [t for t in unit.transactions.in_states(("stored", "sent")) if t.purpose == "status"]

    def _settle(self, transaction: TransactionRow) -> int:
        mined = self._chain.mined(transaction.hash)
        if mined is None:
            if self._chain.chain_nonce(transaction.account) <= transaction.nonce:
                self._chain.send(transaction.raw)
                return 0
            if self._chain.mined(transaction.hash) is None:
                return self._finish(transaction, "replaced", "ready", None)
            return 0
        if not mined.succeeded:
            problem = ConflictError("OUTBOX_REVERTED", block=mined.block)
            return self._finish(transaction, "failed", "refused", str(problem))
        return self._recorded(transaction, mined.block)

    def _recorded(self, transaction: TransactionRow, block: int) -> int:
        """The contract refuses single items by an event, never the array: what the index does not show was refused."""
        with self._store.begin() as unit:
            cursor = unit.chain.cursor()
            if cursor is None or cursor.block < block:
                return 0
            rows = unit.intents.of_transaction(transaction.row)
            done: list[int] = []
            refused: list[int] = []
            for i in rows:
                entries = unit.chain.entries(i.issuer, i.leaf)
                (done if any(e.entry.statement == i.statement for e in entries) else refused).append(i.row)
            unit.transactions.move(transaction.row, transaction.state, "mined", block=block)
            if done:
                unit.intents.move(done, "sent", "done")
            if refused:
                unit.intents.move(refused, "sent", "refused", problem="STATUS_REFUSED")
        return len(rows)

    def _finish(self, transaction: TransactionRow, after: str, intents: str, problem: str | None) -> int:
        with self._store.begin() as unit:
            rows = unit.intents.of_transaction(transaction.row)
            if not rows:
                raise IntegrityError("OUTBOX_TRANSACTION_MISSING", batch=transaction.row)
            unit.transactions.move(transaction.row, transaction.state, after)
            unit.intents.move([i.row for i in rows], "sent", intents, problem=problem)
        return len(rows)


def _pending(unit: Unit, issuer: str, leaf: bytes) -> list[IntentRow]:
    return [i for i in unit.intents.for_leaf(issuer, leaf) if i.state in ("accepted", "ready", "sent")]


def _attaches(unit: Unit, request: ChangeRequest) -> bool:
    """The statement that follows an emergency suspension: the last change is a suspension without one."""
    if request.change is not State.SUSPENDED or _pending(unit, request.issuer, request.leaf):
        return False
    entries = unit.chain.entries(request.issuer, request.leaf)
    last = entries[-1].entry if entries else None
    return last is not None and last.state is State.SUSPENDED and not any(last.statement)


def _groups(intents: Sequence[IntentRow]) -> list[list[IntentRow]]:
    """Arrays for one call each; a leaf appears once in an array, later changes of it wait for the next pass."""
    groups: dict[Any, list[IntentRow]] = defaultdict(list)
    seen: set[tuple[str, bytes]] = set()
    for i in intents:
        if (i.issuer, i.leaf) in seen:
            continue
        seen.add((i.issuer, i.leaf))
        groups[(i.actor, i.issuer, i.change, i.effective, i.reason)].append(i)
    return [group[n : n + MAX_CHANGES] for group in groups.values() for n in range(0, len(group), MAX_CHANGES)]
