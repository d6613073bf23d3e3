"""Rows of accepted changes of status, until the chain has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from ledger.core.registries import Reason, State
from ledger.ports import IntentRow
from ledger.store import queries
from ledger.store.tables import intents

_QUERY = select(
    *(
        intents.c.row,
        intents.c.actor,
        intents.c.issuer,
        intents.c.leaf,
        intents.c.change,
        intents.c.effective,
    ),
    *(intents.c.reason, intents.c.statement, intents.c.state, intents.c.number),
)
_NEW = ("actor", "issuer", "leaf", "number", "change", "effective", "reason", "statement", "state", "created")


class SqlIntents:
    """``ports.Intents`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, asked: Sequence[IntentRow], now: int) -> None:
        rows = [
            (i.actor, i.issuer, i.leaf, i.number, int(i.change), i.effective, int(i.reason), i.statement, i.state, now)
            for i in asked
        ]
        with queries.unique_or_nothing(self._connection, "STATUS_OVERTAKEN", leaf=asked[0].leaf.hex()):
            queries.insert_many(self._connection, intents, _NEW, rows)

    def in_states(self, states: Sequence[str]) -> list[IntentRow]:
        return self._rows(intents.c.state.in_(states))

    def move(self, rows: Sequence[int], before: str, after: str, **columns: Any) -> None:
        """All of ``rows`` or none. ``columns``: ``transaction`` (its row), ``problem``."""
        queries.move(self._connection, intents, rows, before, after, columns)

    def for_leaf(self, issuer: str, *leaves: bytes) -> list[IntentRow]:
        return self._rows(intents.c.leaf.in_(leaves), intents.c.issuer == issuer)

    def of_transaction(self, transaction: int) -> list[IntentRow]:
        return self._rows(intents.c.transaction == transaction)

    def _rows(self, *where: ColumnElement[bool]) -> list[IntentRow]:
        found = self._connection.execute(_QUERY.where(*where).order_by(intents.c.row))
        return [
            IntentRow(row, actor, issuer, leaf, State(change), effective, Reason(reason), statement, state, number)
            for row, actor, issuer, leaf, change, effective, reason, statement, state, number in found
        ]
