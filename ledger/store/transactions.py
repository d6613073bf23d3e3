"""Rows of signed chain transactions: stored before they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from ledger.ports import TransactionRow
from ledger.store import queries
from ledger.store.tables import DEAD, transactions

_QUERY = select(*transactions.c)


class SqlTransactions:
    """``ports.Transactions`` in one transaction of the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next_nonce(self, account: bytes, chain_nonce: int) -> int:
        """Call it in the unit that adds the transaction: the write lock makes this the only allocator."""
        live = transactions.c.state.not_in(DEAD)
        query = select(func.max(transactions.c.nonce)).where(transactions.c.account == account, live)
        highest = self._connection.execute(query).scalar_one()
        return chain_nonce if highest is None else max(chain_nonce, int(highest) + 1)

    def add(self, purpose: str, subject: int, account: bytes, nonce: int, raw: bytes, hash_: bytes) -> int:
        """Raises ConflictError STORE_DUPLICATE_NONCE if a live transaction holds the account's nonce, or
        the very transaction is stored already."""
        with queries.unique(self._connection, "STORE_DUPLICATE_NONCE", account=account.hex(), nonce=nonce):
            return queries.insert_one(
                self._connection,
                transactions,
                purpose=purpose,
                subject=subject,
                account=account,
                nonce=nonce,
                raw=raw,
                hash=hash_,
                state="stored",
            )

    def live(self, purpose: str, subject: int) -> TransactionRow | None:
        query = (
            _QUERY.where(transactions.c.purpose == purpose, transactions.c.subject == subject)
            .where(transactions.c.state.not_in(DEAD))
            .order_by(transactions.c.row.desc())
            .limit(1)
        )
        found = self._connection.execute(query).first()
        return None if found is None else TransactionRow(*found)

    def in_states(self, states: Sequence[str]) -> list[TransactionRow]:
        query = _QUERY.where(transactions.c.state.in_(states)).order_by(transactions.c.row)
        return [TransactionRow(*row) for row in self._connection.execute(query)]

    def move(self, row: int, before: str, after: str, **columns: Any) -> None:
        queries.move(self._connection, transactions, [row], before, after, columns)
