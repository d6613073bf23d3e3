"""From a stored wish to a contract call and its end: accepted → ready → sent → done or refused.

The rows are changes of status or other acts. Two outside acts, each stored before it is made: the statement's batch
(``anchoring``), then the call. The raw transaction is stored with the rows' move to sent; it is re-sent byte for byte,
and other bytes are made only when a final block shows its nonce used by another hash. What came of it is read from the
index, once that has reached the transaction's block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from ledger.core.registries import Permission
from ledger.errors import ConflictError, IntegrityError, ZhengyinError
from ledger.ports import Account, Chain, Store, TransactionRow, Unit
from ledger.services.anchoring import Progress

OPEN = ("accepted", "ready", "sent")


class Wish(Protocol):
    @property
    def row(self) -> int: ...
    @property
    def actor(self) -> str: ...
    @property
    def statement(self) -> bytes: ...


W = TypeVar("W", bound=Wish)


class Wishes(Protocol[W]):
    """A table of rows on their way."""

    def in_states(self, states: Sequence[str]) -> list[W]: ...
    def move(self, rows: Sequence[int], before: str, after: str, **columns: Any) -> None: ...
    def of_transaction(self, transaction: int) -> list[W]: ...


Happened = Callable[[Unit, Sequence[W]], Sequence[W]]
"""Those of some rows whose effect the index shows."""


def groups(
    wishes: Sequence[W], subject: Callable[[W], Hashable], call: Callable[[W], Hashable], most: int
) -> Iterator[list[W]]:
    """What one call each can do: wishes of the same ``call``, at the most ``most``. A subject appears once; later
    wishes about it wait for the next pass, since the first changes what they start from."""
    together: dict[Hashable, list[W]] = defaultdict(list)
    seen: set[Hashable] = set()
    for wish in wishes:
        if subject(wish) not in seen:
            seen.add(subject(wish))
            together[call(wish)].append(wish)
    for found in together.values():
        yield from (found[n : n + most] for n in range(0, len(found), most))


class Sending(Generic[W]):
    """``purpose`` marks the transactions of ``table``; ``stored`` is called between storing and sending one."""

    def __init__(
        self,
        store: Store,
        chain: Chain,
        account: Callable[[str, Permission], Account],
        purpose: str,
        table: Callable[[Unit], Wishes[W]],
        stored: Callable[[], None],
    ) -> None:
        self._store = store
        self._chain = chain
        self._account = account
        self._purpose = purpose
        self._table = table
        self._stored = stored

    def advance(
        self,
        happened: Happened[W],
        otherwise: str,
        grouped: Callable[[Sequence[W]], Iterable[Sequence[W]]],
        send: Callable[[Sequence[W]], int],
        beat: Callable[[], None],
    ) -> Progress:
        """One pass, ``beat`` before each transaction: rows that may be sent become ready, what was sent is settled, and
        what is ready is sent, ``grouped``; ``send`` returns how many rows it moved. One group's trouble is its own."""
        moved, refused = self._make_ready()
        progress = self._settle_all(happened, otherwise, beat)
        progress.moved += moved
        for group in grouped(self._in_states("ready")):
            beat()
            try:
                left = self._drop_done(group, happened)
                progress.moved += len(group) - len(left) + (send(left) if left else 0)
            except ZhengyinError as e:
                progress.problems.append(e)
        progress.refused = refused
        progress.open = len(self._in_states(*OPEN)) - refused
        return progress

    def _make_ready(self) -> tuple[int, int]:
        """Rows whose statement is receipted may be sent; returns how many there are now, and how many wait for a
        statement whose batch the contract refused: nothing moves these before a person has it tried again."""
        with self._store.read() as unit:
            waiting = self._table(unit).in_states(("accepted",))
            anchored = unit.records.batch_states([w.statement for w in waiting])
        states = [(w.row, anchored.get(w.statement)) for w in waiting]
        final = [row for row, state in states if state == "receipted"]
        if final:
            with self._store.begin() as unit:
                self._table(unit).move(final, "accepted", "ready")
        return len(final), sum(state == "refused" for _, state in states)

    def _in_states(self, *states: str) -> list[W]:
        with self._store.read() as unit:
            return self._table(unit).in_states(states)

    def _drop_done(self, group: Sequence[W], happened: Happened[W]) -> list[W]:
        """The others are left. What the chain shows already is not sent again (a restored database): the contract would
        refuse it, and the row would tell people of a refusal."""
        with self._store.read() as unit:
            done = {wish.row for wish in happened(unit, group)}
        if done:
            with self._store.begin() as unit:
                self._table(unit).move(sorted(done), "ready", "done")
        return [wish for wish in group if wish.row not in done]

    def send(
        self,
        group: Sequence[W],
        check: Callable[[Account], None],
        sign: Callable[[Account, int], tuple[bytes, bytes]],
        permission: Permission = Permission.STATUS,
    ) -> int:
        """One transaction for the ready rows of ``group``; a call that the contract would refuse refuses them all."""
        rows, account = [w.row for w in group], self._account(group[0].actor, permission)
        try:
            check(account)
        except ConflictError as e:
            with self._store.begin() as unit:
                self._table(unit).move(rows, "ready", "refused", problem=str(e))
            return len(rows)
        # asked before the write transaction begins: a slow node keeps no other writer waiting. If the nonce goes
        # elsewhere meanwhile, `advance` sees it used by another hash and makes the rows ready again
        on_chain = self._chain.chain_nonce(account.address)
        with self._store.begin() as unit:
            nonce = unit.transactions.next_nonce(account.address, on_chain)
            raw, hash_ = sign(account, nonce)
            transaction = unit.transactions.add(self._purpose, rows[0], account.address, nonce, raw, hash_)
            self._table(unit).move(rows, "ready", "sent", transaction=transaction)
        self._stored()
        self._chain.send(raw)
        return len(rows)

    def _settle_all(self, happened: Happened[W], otherwise: str, beat: Callable[[], None]) -> Progress:
        """See what became of every open transaction; ``beat`` before each. ``otherwise``: the code kept with rows that
        have not happened."""
        progress = Progress()
        with self._store.read() as unit:
            found = [t for t in unit.transactions.in_states(("stored", "sent")) if t.purpose == self._purpose]
        for transaction in found:
            beat()
            try:
                progress.moved += self._settle(transaction, happened, otherwise)
            except ZhengyinError as e:
                progress.problems.append(e)
        return progress

    def _settle(self, transaction: TransactionRow, happened: Happened[W], otherwise: str) -> int:
        mined = self._chain.mined(transaction.hash)
        if mined is None:
            if self._chain.chain_nonce(transaction.account) <= transaction.nonce:
                self._chain.send(transaction.raw)
                return 0
            if self._chain.spent(transaction.account, transaction.nonce, transaction.hash):
                return self._finish(transaction, "replaced", "ready", None)
            return 0
        if not mined.succeeded:
            problem = ConflictError("OUTBOX_REVERTED", block=mined.block)
            return self._finish(transaction, "failed", "refused", str(problem))
        return self._recorded(transaction, mined.block, happened, otherwise)

    def _recorded(self, transaction: TransactionRow, block: int, happened: Happened[W], otherwise: str) -> int:
        """The contract refuses single items by an event, never the array: what the index does not show was refused."""
        with self._store.begin() as unit:
            cursor = unit.chain.cursor()
            if cursor is None or cursor.block < block:
                return 0
            wishes = self._table(unit).of_transaction(transaction.row)
            done = [wish.row for wish in happened(unit, wishes)]
            refused = sorted({wish.row for wish in wishes}.difference(done))
            unit.transactions.move(transaction.row, transaction.state, "mined", block=block)
            if done:
                self._table(unit).move(done, "sent", "done")
            if refused:
                self._table(unit).move(refused, "sent", "refused", problem=otherwise)
        return len(wishes)

    def _finish(self, transaction: TransactionRow, after: str, state: str, problem: str | None) -> int:
        with self._store.begin() as unit:
            rows = [w.row for w in self._table(unit).of_transaction(transaction.row)]
            if not rows:
                raise IntegrityError("OUTBOX_TRANSACTION_MISSING", batch=transaction.row)
            unit.transactions.move(transaction.row, transaction.state, after)
            self._table(unit).move(rows, "sent", state, problem=problem)
        return len(rows)
