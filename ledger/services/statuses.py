"""Changes of status: a signed, anchored statement first, then the contract call that names it.

Two intents, two outbox steps (details.md): the statement is an ordinary record of kind ``status``; when its batch is
receipted, the change goes to the contract in an array with others that share state, effective instant and reason.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.canonical import b64
from ledger.core.identifiers import new_urn
from ledger.core.records import Reference
from ledger.core.registries import Kind, Permission, Reason, Relation, State
from ledger.errors import ConflictError, ZhengyinError
from ledger.ports import Account, Chain, IntentRow, StatusCall, Store, Unit
from ledger.services.accepting import Acceptor, Draft, Prepared
from ledger.services.acting import frozen, require_capacity
from ledger.services.anchoring import Progress
from ledger.services.faultpoints import faultpoint
from ledger.services.operations import Act, Operations
from ledger.services.sending import OPEN, Sending

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
        operations: Operations,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._acceptor = acceptor
        self._chain = chain
        self._operations = operations
        self._clock = clock
        self._random = random
        self._sending = Sending(
            store, chain, account, "status", lambda unit: unit.intents, lambda: faultpoint("status.stored")
        )

    def current(self, unit: Unit, issuer: str, leaf: bytes) -> State:
        """State after everything recorded and everything already asked for."""
        pending = _pending(unit, issuer, leaf)
        if pending:
            return pending[-1].change
        entries = unit.chain.entries(issuer, leaf)
        return entries[-1].entry.state if entries else State.ACTIVE

    def check(self, request: ChangeRequest) -> State:
        """Refuse what the contract would refuse, before anything is signed; returns the state before the change.

        Raises:
            ConflictError: ACT_FROZEN, STATUS_TRANSITION, STATUS_EFFECTIVE_FUTURE, STATUS_SUCCESSOR.
        """
        with self._store.read() as unit:
            before = self.current(unit, request.issuer, request.leaf)
            attaches = _attaches(unit, request)
            freeze = frozen(unit, request.issuer, request.leaf)
        if freeze is not None:
            raise ConflictError("ACT_FROZEN", court=freeze.actor)
        if request.change not in ALLOWED[before] and not attaches:
            raise ConflictError("STATUS_TRANSITION", before=before.word, after=request.change.word)
        if request.effective > int(self._clock()):
            raise ConflictError("STATUS_EFFECTIVE_FUTURE", effective=request.effective)
        if (request.change is State.SUPERSEDED) != (request.successor is not None):
            raise ConflictError("STATUS_SUCCESSOR", state=request.change.word)
        return before

    def prepare(self, actor: str, requests: Sequence[ChangeRequest]) -> tuple[Prepared, Callable[[Unit], None]]:
        """Statements ready to commit and the function that stores their intents in the same transaction.

        Raises:
            ConflictError: ACT_NOT_ENTITLED: ``actor`` is neither issuer nor its successor or superior.
        """
        now = int(self._clock())
        with self._store.read() as unit:
            issuers = {r.issuer for r in requests}
            roles = {i: require_capacity(unit, actor, i, now, ("issuer", "successor", "superior")) for i in issuers}
        drafts = [self._statement(r, roles[r.issuer]) for r in requests]
        prepared = self._acceptor.prepare(actor, Kind.STATUS, drafts, now)

        def intents(unit: Unit) -> None:
            for r, leaf in zip(requests, prepared.leaves, strict=True):
                unit.intents.add(actor, r.issuer, r.leaf, r.change, r.effective, r.reason, leaf, now)

        return prepared, intents

    def request(
        self,
        actor: str,
        requests: Sequence[ChangeRequest],
        also: Callable[[Unit, bytes], None] = lambda unit, statement: None,
    ) -> list[bytes]:
        """Accept changes of status; returns the leaves of their statements. ``also`` writes more in the same
        transaction, given the first of them.

        Raises:
            ConflictError: STATUS_…; nothing of the sequence is accepted.
        """
        seen: set[tuple[str, bytes]] = set()
        before = []
        for r in requests:
            before.append(self.check(r))
            if (r.issuer, r.leaf) in seen:  # each was checked against the same state before
                raise ConflictError("STATUS_TWICE", leaf=r.leaf.hex())
            seen.add((r.issuer, r.leaf))
        prepared, intents = self.prepare(actor, requests)
        logged = self._operations.note(_act(actor, requests, before))

        def write(unit: Unit) -> None:
            intents(unit)
            logged(unit)
            also(unit, prepared.leaves[0])

        self._acceptor.commit([prepared], also=write)
        return prepared.leaves

    def _statement(self, request: ChangeRequest, capacity: str) -> Draft:
        values: dict[str, Any] = {
            "state": request.change.word,
            "effective": request.effective,
            "reason": request.reason.word,
            "successor": b64(request.successor) if request.successor else None,
            "decision": request.decision,
            "capacity": capacity,
        }
        target = Reference(Relation.CHANGES_STATUS_OF, request.issuer, request.leaf)
        return Draft(STATUS_TYPE, new_urn(self._random(16)), values, refs=(target,))

    # ---- outbox ----------------------------------------------------------------------------------------------------

    def advance(self) -> Progress:
        """One pass: statements that are final become ready, ready changes are sent, mined ones are settled."""
        moved = self._sending.make_ready()
        progress = self._sending.settle(_happened, "STATUS_REFUSED")
        progress.moved += moved
        for group in _groups(self._sending.in_states("ready")):
            try:
                progress.moved += self._send(group)
            except ZhengyinError as e:
                progress.problems.append(e)
        progress.open = len(self._sending.in_states(*OPEN))
        return progress

    def _send(self, group: Sequence[IntentRow]) -> int:
        head = group[0]
        call = StatusCall(
            head.issuer, tuple((i.leaf, i.statement) for i in group), head.change, head.effective, head.reason
        )
        return self._sending.send(
            group,
            lambda account: self._chain.check_status(account, call),
            lambda account, nonce: self._chain.sign_status(account, nonce, call),
        )


def _happened(unit: Unit, intent: IntentRow) -> bool:
    return any(e.entry.statement == intent.statement for e in unit.chain.entries(intent.issuer, intent.leaf))


def _pending(unit: Unit, issuer: str, leaf: bytes) -> list[IntentRow]:
    return [i for i in unit.intents.for_leaf(issuer, leaf) if i.state in OPEN]


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


def _act(actor: str, requests: Sequence[ChangeRequest], before: Sequence[State]) -> Act:
    """One entry, however many records a list names: then their leaves as one digest, in the order of the list."""
    first = requests[0]
    after = {"state": first.change.word, "reason": first.reason.word, "effective": first.effective}
    if len(requests) == 1:
        return Act("status.change", actor, first.leaf.hex(), {"state": before[0].word}, after)
    leaves = hashlib.sha256(b"".join(r.leaf for r in requests)).hexdigest()
    states = {state.word: before.count(state) for state in set(before)}
    return Act("status.changes", actor, leaves, states, after | {"count": len(requests)})
