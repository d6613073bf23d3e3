"""Freezes by a court, acts that take two organisations (annulling an end, disowning a batch), and relations: an
organisation countersigns a record, takes custody of it or decides on it.

As with changes of status the signed, anchored statement comes first and the call that names it second. The first of two
organisations signs the statement; the second sends the same arguments, so its row names the first one's statement and
is ready at once. The first's act is done when the chain shows its proposal: whether the whole is done, the index says.
What states a relation is a record of the relation's own kind, whose signed reference names the record; the call makes
it findable, and nothing undoes it but a later record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.identifiers import new_urn
from ledger.core.records import Reference
from ledger.core.registries import Permission, Reason, Relation, State
from ledger.errors import ConflictError, NotFoundError
from ledger.ports import Account, ActCall, ActRow, Chain, ChainAct, FreezeCall, PairCall, RelateCall, Store, Unit
from ledger.services import acting
from ledger.services.accepting import Acceptor, Draft
from ledger.services.acting import RecordsAct
from ledger.services.anchoring import Progress
from ledger.services.faultpoints import faultpoint
from ledger.services.operations import Act, Operations
from ledger.services.sending import OPEN, Sending, groups
from ledger.services.statuses import MAX_CHANGES, STATUS_TYPE

PARTIES = ("issuer", "successor", "superior", "court")


@dataclass(frozen=True, slots=True)
class ActRequest:
    """``subject``: leaf of the record, or root of the batch to disown; ``decision``: the reference of the decision,
    which the statement keeps as a claim; ``statement``: which proposal to confirm, where several wait; ``content``: of
    a relation, in words."""

    act: RecordsAct
    issuer: str
    subject: bytes
    decision: str | None = None
    statement: bytes | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """What was accepted: the leaf of its statement; ``confirms``: the proposal of another that this one seconds."""

    request: ActRequest
    statement: bytes
    confirms: ChainAct | None


class Acts:
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
            store, chain, account, "act", lambda unit: unit.acts, lambda: faultpoint("act.stored")
        )  # fmt: skip

    def check(self, actor: str, request: ActRequest) -> tuple[str, ChainAct | None]:
        """Refuse what the contract would refuse, before anything is signed. Returns the capacity in which ``actor``
        acts, and the proposal of another organisation that it would confirm.

        Raises:
            ConflictError: ACT_NOT_ENTITLED, ACT_NOT_ACCREDITED, ACT_UNDER_WAY, ACT_FROZEN, ACT_FROZEN_BY_OTHER,
                ACT_NOT_FROZEN, ACT_NOTHING_TO_ANNUL, ACT_ALREADY_DISOWNED, ACT_WAITS_FOR_SECOND, ACT_SEVERAL_WAIT.
            NotFoundError: ACT_BATCH_UNKNOWN, ACT_PROPOSAL_UNKNOWN, RECORD_UNKNOWN: it is another issuer's.
            UnavailableError: CHAIN_….
        """
        now = int(self._clock())
        if request.act is RecordsAct.DISOWN and self._chain.anchored(request.issuer, request.subject) is None:
            raise NotFoundError("ACT_BATCH_UNKNOWN", root=request.subject.hex())
        with self._store.read() as unit:
            role = _require_right(unit, actor, request, now)
            asked = unit.acts.for_subject(request.issuer, request.subject)
            if any(a.state in OPEN and (a.actor, a.act) == (actor, request.act.value) for a in asked):
                raise ConflictError("ACT_UNDER_WAY", organisation=actor)
            if request.act.relation is not None:
                return role, None
            if request.act.by_court:
                _check_freeze(unit, actor, request)
                return role, None
            _check_pair(unit, request)
            return role, _confirmed(unit, actor, request)

    def request(
        self,
        actor: str,
        requests: Sequence[ActRequest],
        also: Callable[[Unit, bytes], None] = lambda unit, statement: None,
    ) -> list[Requested]:
        """Accept acts of one kind, all or none. ``also`` writes more in the same transaction, given the leaf of the
        first statement.

        Raises:
            ConflictError: ACT_…, STATUS_TWICE; nothing of the sequence is accepted.
        """
        checked = [(r, *self.check(actor, r)) for r in requests]
        if len({(r.issuer, r.subject) for r in requests}) < len(requests):
            raise ConflictError("STATUS_TWICE", leaf=requests[0].subject.hex())
        own = [(r, role) for r, role, confirms in checked if confirms is None]
        now = int(self._clock())
        drafts = [self._statement(r, role, now) for r, role in own]
        kind = requests[0].act.kind
        prepared = self._acceptor.prepare(actor, kind, drafts, now) if drafts else None
        leaves = iter(prepared.leaves if prepared else ())
        done = [Requested(r, c.statement if c else next(leaves), c) for r, _, c in checked]
        logged = self._operations.note(_logged(actor, done))

        def write(unit: Unit) -> None:
            for d in done:
                state = "ready" if d.confirms else "accepted"
                r = d.request
                unit.acts.add(r.act.value, actor, r.issuer, r.subject, d.statement, state, now)
            logged(unit)
            also(unit, done[0].statement)

        if prepared is None:
            with self._store.begin() as unit:
                write(unit)
        else:
            self._acceptor.commit([prepared], also=write)
        return done

    def _statement(self, request: ActRequest, capacity: str, now: int) -> Draft:
        if (relation := request.act.relation) is not None:
            target = Reference(relation, request.issuer, request.subject)
            said = {"reference": request.decision, "content": request.content}
            return Draft(request.act.kind.word, new_urn(self._random(16)), said, refs=(target,))
        reason = Reason.SET_ASIDE if request.act is RecordsAct.ANNUL else Reason.UNSPECIFIED
        values: dict[str, Any] = {
            "state": request.act.states,
            "effective": now,
            "reason": reason.word,
            "successor": None,
            "decision": request.decision,
            "capacity": capacity,
        }
        target = Reference(Relation.CHANGES_STATUS_OF, request.issuer, request.subject)
        return Draft(STATUS_TYPE, new_urn(self._random(16)), values, refs=(target,))

    # ---- outbox ----------------------------------------------------------------------------------------------------

    def advance(self, beat: Callable[[], None]) -> Progress:
        """As ``Sending.advance``."""
        return self._sending.advance(_happened, "ACT_REFUSED", _groups, self._send, beat)

    def _send(self, group: Sequence[ActRow]) -> int:
        call = self._call(group)
        return self._sending.send(
            group,
            lambda account: self._chain.check_act(account, call),
            lambda account, nonce: self._chain.sign_act(account, nonce, call),
            Permission.RELATE if isinstance(call, RelateCall) else Permission.STATUS,
        )

    def _call(self, group: Sequence[ActRow]) -> ActCall:
        head, act = group[0], RecordsAct(group[0].act)
        if act.relation is not None:
            return RelateCall(head.subject, act.relation, head.statement)
        if not act.by_court:
            return PairCall(act is RecordsAct.DISOWN, head.issuer, head.subject, head.statement)
        with self._store.read() as unit:
            accreditation = acting.freeze_accreditation(unit, head.actor, int(self._clock()))
        # none any more: the contract says so
        id_ = accreditation.id if accreditation else bytes(32)
        changes = tuple((a.subject, a.statement) for a in group)
        return FreezeCall(id_, head.issuer, changes, act is RecordsAct.UNFREEZE)


def _require_right(unit: Unit, actor: str, request: ActRequest, now: int) -> str:
    """The capacity in which ``actor`` acts. Who relates something to a record is nobody to its issuer: it takes an
    accreditation for what it says."""
    act = request.act
    if act.relation is None:
        allowed = ("court",) if act.by_court else PARTIES
        return acting.require_capacity(unit, actor, request.issuer, now, allowed)
    if not acting.accredited(unit, actor, act.kind, now):
        raise ConflictError("ACT_NOT_ACCREDITED", organisation=actor, kind=act.kind.word)
    here = unit.records.by_leaf(request.subject)
    if here is not None and here.issuer != request.issuer:  # signed, the reference would name a record that is none
        raise NotFoundError("RECORD_UNKNOWN")
    return ""


def _check_freeze(unit: Unit, actor: str, request: ActRequest) -> None:
    standing = acting.frozen(unit, request.issuer, request.subject)
    if request.act is RecordsAct.FREEZE and standing is not None:
        code = "ACT_FROZEN" if standing.actor == actor else "ACT_FROZEN_BY_OTHER"
        raise ConflictError(code, court=standing.actor)
    if request.act is RecordsAct.UNFREEZE:
        if standing is None:
            raise ConflictError("ACT_NOT_FROZEN")
        court = standing.actor
        if actor not in (court, acting.successor(unit, court), acting.superior(unit, court)):
            raise ConflictError("ACT_FROZEN_BY_OTHER", court=court)


def _check_pair(unit: Unit, request: ActRequest) -> None:
    if request.act is RecordsAct.DISOWN:
        if acting.disowned(unit, request.issuer, request.subject) is not None:
            raise ConflictError("ACT_ALREADY_DISOWNED")
        return
    entries = unit.chain.entries(request.issuer, request.subject)
    state = entries[-1].entry.state if entries else State.ACTIVE
    if not state.ends:
        raise ConflictError("ACT_NOTHING_TO_ANNUL", state=state.word)
    if (standing := acting.frozen(unit, request.issuer, request.subject)) is not None:
        raise ConflictError("ACT_FROZEN", court=standing.actor)


def _confirmed(unit: Unit, actor: str, request: ActRequest) -> ChainAct | None:
    """The one proposal of another organisation that ``actor`` confirms with these arguments."""
    found = acting.waiting(unit, request.act, request.issuer, request.subject)
    if request.statement is not None:
        found = [p for p in found if p.statement == request.statement]
        if not found:
            raise NotFoundError("ACT_PROPOSAL_UNKNOWN", statement=request.statement.hex())
    heir = acting.heir(unit, actor)
    others = [p for p in found if acting.heir(unit, p.actor) != heir]
    if found and not others:
        raise ConflictError("ACT_WAITS_FOR_SECOND", organisation=found[-1].actor)
    if len(others) > 1:
        raise ConflictError("ACT_SEVERAL_WAIT", statements=", ".join(p.statement.hex() for p in others))
    return others[0] if others else None


def _happened(unit: Unit, acts: Sequence[ActRow]) -> list[ActRow]:
    return [act for act in acts if _shown(unit, act)]


def _shown(unit: Unit, act: ActRow) -> bool:
    """Does the chain show the act, or this organisation's half of it?"""
    kind = RecordsAct(act.act)
    if kind.relation is not None:
        said = (act.statement, act.actor, kind.relation)
        return any((e.statement, e.actor, e.relation) == said for e in acting.related(unit, act.subject))
    return any(
        e.statement == act.statement
        and (
            (e.event == kind.done and act.actor in (e.actor, e.second))
            or (e.event == kind.proposed and e.actor == act.actor)
        )
        for e in unit.chain_acts.of_subject(act.issuer, act.subject)
    )


def _groups(acts: Sequence[ActRow]) -> Iterator[list[ActRow]]:
    """Freezes of one court and issuer share a call; what takes two organisations goes alone."""
    return groups(
        acts,
        lambda a: (a.issuer, a.subject),
        lambda a: (a.actor, a.issuer, a.act, None if RecordsAct(a.act).by_court else a.row),
        MAX_CHANGES,
    )


def _logged(actor: str, done: Sequence[Requested]) -> Act:
    """One entry, however many records a list names: then without the subject."""
    first = done[0]
    after = {"issuer": first.request.issuer, "statement": first.statement.hex(), "confirms": first.confirms is not None}
    if len(done) > 1:
        return Act(f"records.{first.request.act.value}", actor, None, None, after | {"count": len(done)})
    return Act(f"records.{first.request.act.value}", actor, first.request.subject.hex(), None, after)
