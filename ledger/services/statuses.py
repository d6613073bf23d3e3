"""Changes of status: a signed, anchored statement first, then the contract call that names it.

Two intents, two outbox steps (details.md): the statement is an ordinary record of kind ``status``; when its batch is
receipted, the change goes to the contract in an array with others that share state, effective instant and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.canonical import b64
from ledger.core.identifiers import new_urn
from ledger.core.records import Reference
from ledger.core.registries import Kind, Permission, Reason, Relation, State
from ledger.errors import ConflictError
from ledger.ports import Account, Chain, IntentRow, StatusCall, Store, Unit
from ledger.services.accepting import Acceptor, Draft, Prepared
from ledger.services.acting import require_capacity
from ledger.services.anchoring import Progress
from ledger.services.faultpoints import faultpoint
from ledger.services.operations import Act, Operations
from ledger.services.sending import Sending, groups
from ledger.services.standing import Standing

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
        subject = issuer, leaf
        return Standing.of(unit, [subject]).state(subject)

    def check(self, request: ChangeRequest) -> State:
        """Refuse what the contract would refuse, before anything is signed; returns the state before the change.

        Raises:
            ConflictError: ACT_FROZEN, STATUS_TRANSITION, STATUS_EFFECTIVE_FUTURE, STATUS_SUCCESSOR.
        """
        with self._store.read() as unit:
            return self._check(_standing(unit, [request]), request)[0]

    def check_each(self, requests: Sequence[ChangeRequest]) -> list[ConflictError | None]:
        """Why `check` refuses each of them, or ``None``: of many at once."""
        found: list[ConflictError | None] = []
        with self._store.read() as unit:
            standing = _standing(unit, requests)
        for request in requests:
            try:
                self._check(standing, request)
                found.append(None)
            except ConflictError as e:
                found.append(e)
        return found

    def _check(self, standing: Standing, request: ChangeRequest) -> tuple[State, int]:
        """The state before, and the change's number among those that were asked for here."""
        subject = request.issuer, request.leaf
        before = standing.state(subject)
        freeze = standing.freeze(subject)
        if freeze is not None:
            raise ConflictError("ACT_FROZEN", court=freeze.actor)
        if request.change not in ALLOWED[before] and not standing.lets_attach(subject, request.change):
            raise ConflictError("STATUS_TRANSITION", before=before.word, after=request.change.word)
        if request.effective > int(self._clock()):
            raise ConflictError("STATUS_EFFECTIVE_FUTURE", effective=request.effective)
        if (request.change is State.SUPERSEDED) != (request.successor is not None):
            raise ConflictError("STATUS_SUCCESSOR", state=request.change.word)
        return before, max((i.number for i in standing.asked[subject]), default=0) + 1

    def prepare(self, actor: str, requests: Sequence[ChangeRequest]) -> tuple[Prepared, Callable[[Unit], None]]:
        """Statements ready to commit and the function that stores their intents in the same transaction.

        Raises:
            ConflictError: ACT_NOT_ENTITLED: ``actor`` is neither issuer nor its successor or superior; as `check`. The
                function raises ConflictError STATUS_OVERTAKEN where another change was accepted since.
        """
        prepared, intents, _ = self._prepare(actor, requests)
        return prepared, intents

    def _prepare(
        self, actor: str, requests: Sequence[ChangeRequest]
    ) -> tuple[Prepared, Callable[[Unit], None], list[State]]:
        """Of two that were checked against the same state before, the unique number lets one in."""
        now = int(self._clock())
        with self._store.read() as unit:
            standing = _standing(unit, requests)
            checked = [self._check(standing, r) for r in requests]
            issuers = {r.issuer for r in requests}
            roles = {i: require_capacity(unit, actor, i, now, ("issuer", "successor", "superior")) for i in issuers}
        drafts = [self._statement(r, roles[r.issuer]) for r in requests]
        prepared = self._acceptor.prepare(actor, Kind.STATUS, drafts, now)

        def intents(unit: Unit) -> None:
            rows = [
                IntentRow(0, actor, r.issuer, r.leaf, r.change, r.effective, r.reason, leaf, "accepted", number)
                for r, (_, number), leaf in zip(requests, checked, prepared.leaves, strict=True)
            ]
            unit.intents.add(rows, now)

        return prepared, intents, [before for before, _ in checked]

    def request(
        self,
        actor: str,
        requests: Sequence[ChangeRequest],
        also: Callable[[Unit, bytes], None] = lambda unit, statement: None,
    ) -> list[bytes]:
        """Accept changes of status; returns the leaves of their statements. ``also`` writes more in the same
        transaction, given the first of them.

        Raises:
            ConflictError: STATUS_…, as `prepare`; nothing of the sequence is accepted.
        """
        seen: set[tuple[str, bytes]] = set()
        for r in requests:
            if (r.issuer, r.leaf) in seen:  # each would be checked against the same state before
                raise ConflictError("STATUS_TWICE", leaf=r.leaf.hex())
            seen.add((r.issuer, r.leaf))
        prepared, intents, before = self._prepare(actor, requests)
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

    def advance(self, beat: Callable[[], None]) -> Progress:
        """As ``Sending.advance``."""
        return self._sending.advance(_happened, "STATUS_REFUSED", _groups, self._send, beat)

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


def _standing(unit: Unit, requests: Sequence[ChangeRequest]) -> Standing:
    return Standing.of(unit, [(r.issuer, r.leaf) for r in requests])


def _happened(unit: Unit, intents: Sequence[IntentRow]) -> list[IntentRow]:
    standing = Standing.of(unit, [(i.issuer, i.leaf) for i in intents])
    return [i for i in intents if any(e.statement == i.statement for e in standing.entries[i.issuer, i.leaf])]


def _groups(intents: Sequence[IntentRow]) -> Iterator[list[IntentRow]]:
    """Changes that one call makes to many records."""
    return groups(
        intents,
        lambda i: (i.issuer, i.leaf),
        lambda i: (i.actor, i.issuer, i.change, i.effective, i.reason),
        MAX_CHANGES,
    )


def _act(actor: str, requests: Sequence[ChangeRequest], before: Sequence[State]) -> Act:
    """One entry, however many records a list names: then their leaves as one digest, in the order of the list."""
    first = requests[0]
    after = {"state": first.change.word, "reason": first.reason.word, "effective": first.effective}
    if len(requests) == 1:
        return Act("status.change", actor, first.leaf.hex(), {"state": before[0].word}, after)
    leaves = hashlib.sha256(b"".join(r.leaf for r in requests)).hexdigest()
    states = {state.word: before.count(state) for state in set(before)}
    return Act("status.changes", actor, leaves, states, after | {"count": len(requests)})
