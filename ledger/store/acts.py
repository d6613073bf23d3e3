"""Acts on records beside changes of status: the tables, and their rows in one transaction.

``acts`` holds what was asked for here; ``chain_acts`` what the events say, and can be read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)

from ledger.ports import ActRow, ChainAct
from ledger.store import queries
from ledger.store.tables import Organisation, Serial, State, metadata

ACTOR = String(66)
"""The council acts under its address: 0x and 64 digits."""

RELATIONS = ("Succeeded", "SuperiorSet")

acts = Table(
    "acts",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("act", String(16), nullable=False),
    Column("actor", Organisation, nullable=False),
    Column("issuer", Organisation, nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    Column("statement", LargeBinary(32), nullable=False),
    Column("state", State, nullable=False, index=True),
    Column("transaction", Serial, ForeignKey("transactions.row"), index=True),
    Column("problem", Text),
    Column("created", BigInteger, nullable=False),
    Index("ix_acts_subject", "subject", "issuer"),
    sqlite_autoincrement=True,
)

chain_acts = Table(
    "chain_acts",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("event", String(32), nullable=False),
    Column("issuer", Organisation, nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    Column("statement", LargeBinary(32), nullable=False),
    Column("actor", ACTOR, nullable=False),
    Column("second", ACTOR, nullable=False),
    Column("relation", SmallInteger),
    Index("ix_chain_acts_subject", "subject", "issuer"),
    Index("ix_chain_acts_issuer", "issuer", "event"),
)

_ROWS = select(*(acts.c[n] for n in ("row", "act", "actor", "issuer", "subject", "statement", "state", "problem")))
_EVENTS = select(*chain_acts.c).order_by(chain_acts.c.block, chain_acts.c.position)


def clear_settled(connection: Connection) -> None:
    """Delete settled acts before a rebuild, and free the others from transactions that did not live."""
    connection.execute(delete(acts).where(acts.c.state.in_(("done", "refused"))))
    connection.execute(update(acts).where(acts.c.state.in_(("accepted", "ready"))).values(transaction=None))


class SqlActs:
    """``ports.Acts`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, act: str, actor: str, issuer: str, subject: bytes, statement: bytes, state: str, now: int) -> int:
        values = {"actor": actor, "issuer": issuer, "subject": subject, "statement": statement}
        return queries.insert_one(self._connection, acts, act=act, state=state, created=now, **values)

    def in_states(self, states: Sequence[str]) -> list[ActRow]:
        return self._rows(acts.c.state.in_(states))

    def move(self, rows: Sequence[int], before: str, after: str, **columns: Any) -> None:
        queries.move(self._connection, acts, rows, before, after, columns)

    def for_subject(self, issuer: str, subject: bytes) -> list[ActRow]:
        return self._rows(acts.c.subject == subject, acts.c.issuer == issuer)

    def for_leaf(self, leaf: bytes) -> list[ActRow]:
        return self._rows(acts.c.subject == leaf)

    def of_transaction(self, transaction: int) -> list[ActRow]:
        return self._rows(acts.c.transaction == transaction)

    def _rows(self, *where: ColumnElement[bool]) -> list[ActRow]:
        return [ActRow(*row) for row in self._connection.execute(_ROWS.where(*where).order_by(acts.c.row))]


class SqlChainActs:
    """``ports.ChainActs`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, events: Sequence[ChainAct]) -> None:
        """Events read again replace themselves."""
        for e in events:
            queries.put(
                self._connection, chain_acts, block=e.block, position=e.position, time=e.time, event=e.event,
                issuer=e.issuer, subject=e.subject, statement=e.statement, actor=e.actor, second=e.second,
                relation=e.relation,
            )  # fmt: skip

    def of_subject(self, issuer: str, *subjects: bytes) -> list[ChainAct]:
        return self._events(chain_acts.c.subject.in_(subjects), chain_acts.c.issuer == issuer)

    def of_organisation(self, organisation: str) -> list[ChainAct]:
        return self._events(chain_acts.c.issuer == organisation, chain_acts.c.event.in_(RELATIONS))

    def _events(self, *where: ColumnElement[bool]) -> list[ChainAct]:
        return [ChainAct(*row) for row in self._connection.execute(_EVENTS.where(*where))]
