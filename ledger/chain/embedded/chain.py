"""The chain: reading headers, and making blocks.

A block is one SQL transaction: state nodes, header, transactions, receipts, logs, and the removal of the
pending rows. A crash before its COMMIT leaves all of them pending; after it, all are in the block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from ledger.chain.embedded.hashing import ordered_root
from ledger.chain.embedded.headers import GAS_LIMIT, Header, child_header, seal
from ledger.chain.embedded.receipts import joined_bloom, receipts_of, write_receipts
from ledger.chain.embedded.state import StateNodes
from ledger.chain.embedded.store import Store
from ledger.chain.embedded.transactions import Transaction, parse_transaction
from ledger.chain.embedded.vm import Outcome, Scene, execute, open_state
from ledger.errors import InputError, IntegrityError, UnavailableError
from ledger.proofs.keccak import keccak

_RUN_SECONDS = 2.0  # execution time after which a block takes no further transaction
_CLOCK_TOLERANCE = 5  # seconds the clock may lie behind the head before that is called a fault
_ANCESTORS = 256
_parsed = lru_cache(maxsize=256)(Header.decode)  # of the same bytes always the same


class Chain:
    """Blocks over a store. ``node_key`` None: nothing can be written. ``clock`` gives UTC seconds."""

    def __init__(self, store: Store, chain_id: int, node_key: bytes | None, clock: Callable[[], float]) -> None:
        self.store = store
        self.chain_id = chain_id
        self.nodes = StateNodes(store)
        self._node_key = node_key
        self._clock = clock
        self._idle: tuple[int, int] | None = None

    @property
    def writable(self) -> bool:
        return self._node_key is not None

    def head(self) -> Header:
        return self.header(self.store.head_number())

    def header(self, number: int) -> Header:
        """Raises IntegrityError ENGINE_BLOCK_DAMAGED where the row is missing or not what its hash says."""
        row = self.store.one("SELECT hash, header FROM block WHERE number = ?", number)
        if row is None or keccak(row[1]) != row[0]:
            raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=number)
        try:
            return _parsed(row[1])
        except InputError as error:
            raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=number) from error

    def state_at(self, header: Header) -> Any:
        """State after ``header``, seen from that block (as nodes answer calls at a block)."""
        scene = Scene(header.number, header.timestamp, self._hashes_before(header.number), self.chain_id)
        return open_state(self.nodes, header.state_root, scene)

    def state_next(self, head: Header) -> Any:
        """State after ``head``, seen from the block that would be made now: for estimates and 'pending'.

        The head may be hours old, since no idle blocks are made; a contract that compares a date with
        its block's would refuse in an estimate what it will accept in a block.
        """
        return self._open_next(head, max(head.timestamp + 1, int(self._clock())))

    def _open_next(self, head: Header, timestamp: int) -> Any:
        scene = Scene(head.number + 1, timestamp, self._hashes_before(head.number + 1), self.chain_id)
        return open_state(self.nodes, head.state_root, scene)

    def _hashes_before(self, number: int) -> Iterator[bytes]:
        for ancestor in range(number - 1, max(-1, number - 1 - _ANCESTORS), -1):
            yield self.store.one("SELECT hash FROM block WHERE number = ?", ancestor)[0]

    def make_due_block(self) -> bool:
        """Make a block if transactions wait and one is due; True if made.

        Raises UnavailableError ENGINE_CLOCK_BEHIND, ENGINE_STORAGE; the transactions stay pending.
        """
        newest = self.store.one("SELECT max(arrival) FROM pending")[0]
        if newest is None or self._node_key is None:
            return False
        head = self.head()
        if self._idle == (head.number, newest) or self._due(head) is None:
            return False
        made = self._make(self._node_key, head_older_than=None)
        self._idle = None if made else (head.number, newest)  # only gaps in nonces: wait for a change
        return made

    def make_block(self, older_than: int) -> int:
        """Make a block, empty if need be, when the head is older than ``older_than`` seconds.

        Returns the head's number. Raises as `make_due_block`.
        """
        if self._node_key is not None:
            self._make(self._node_key, head_older_than=older_than)
        return self.store.head_number()

    def _due(self, head: Header) -> int | None:
        """Timestamp for the next block, None if its second has not come. Never ahead of the clock."""
        now = int(self._clock())
        if now < head.timestamp - _CLOCK_TOLERANCE:
            raise UnavailableError("ENGINE_CLOCK_BEHIND", clock=now, head=head.timestamp, behind=head.timestamp - now)
        return now if now > head.timestamp else None

    def _make(self, node_key: bytes, *, head_older_than: int | None) -> bool:
        try:
            with self.store.writing():
                head = self.head()  # read under the lock: another process may have made a block meanwhile
                timestamp = self._due(head)
                if timestamp is None:
                    return False
                state = self._open_next(head, timestamp)
                done = self._run_pending(state)
                idle = head_older_than is None or timestamp - head.timestamp <= head_older_than
                if not done and idle:
                    return False
                self._write(node_key, head, timestamp, state, done)
            self.nodes.committed()
            return True
        finally:
            self.nodes.forget()

    def _run_pending(self, state: Any) -> list[tuple[Transaction, Outcome]]:
        """Execute what is valid, in order of arrival, within the block's gas and running time."""
        rows = self.store.all("SELECT sender, nonce FROM pending ORDER BY arrival")
        waiting = set(rows)
        done: list[tuple[Transaction, Outcome]] = []
        used, started = 0, time.monotonic()
        for sender, _ in rows:
            # A sender's nonces may have arrived out of order: each row is a turn, its lowest nonce goes.
            turn = (sender, state.get_nonce(sender))
            if turn not in waiting:
                continue
            waiting.remove(turn)
            transaction = self._read_pending(*turn)
            if used + transaction.gas > GAS_LIMIT or time.monotonic() - started > _RUN_SECONDS:
                break
            outcome = execute(state, transaction)
            if outcome is not None:
                done.append((transaction, outcome))
                used += outcome.gas_used
        return done

    def _read_pending(self, sender: bytes, nonce: int) -> Transaction:
        raw = self.store.one("SELECT raw FROM pending WHERE sender = ? AND nonce = ?", sender, nonce)[0]
        try:
            transaction = parse_transaction(raw, self.chain_id)
        except InputError as error:  # it was sound when it was accepted
            raise IntegrityError("ENGINE_PENDING_DAMAGED") from error
        if (transaction.sender, transaction.nonce) != (sender, nonce):
            raise IntegrityError("ENGINE_PENDING_DAMAGED")
        return transaction

    def _write(
        self, node_key: bytes, head: Header, timestamp: int, state: Any,
        done: list[tuple[Transaction, Outcome]],
    ) -> None:  # fmt: skip
        state.persist()
        transactions = [transaction for transaction, _ in done]
        receipts = receipts_of([outcome for _, outcome in done])
        draft = child_header(
            head, timestamp=timestamp, state_root=state.state_root,
            transactions_root=ordered_root([transaction.raw for transaction in transactions]),
            receipts_root=ordered_root([receipt.encode() for receipt in receipts]),
            bloom=joined_bloom(receipts), gas_used=receipts[-1].cumulative if receipts else 0,
        )  # fmt: skip
        header = seal(draft, node_key)
        self.nodes.flush()
        self.store.write(
            "INSERT INTO block (number, hash, header) VALUES (?, ?, ?)",
            header.number, header.hash, header.encode(),
        )  # fmt: skip
        write_receipts(self.store, header.number, transactions, receipts)
        self.store.write_many("DELETE FROM pending WHERE hash = ?", [(tx.hash,) for tx in transactions])
