"""Rows of logins. Of a person they hold the pseudonym, and that only until the session is over."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from ledger.ports.login import ChallengeRow, SessionRow
from ledger.store.tables import Organisation, metadata

challenges = Table(
    "login_challenges",
    metadata,
    Column("nonce", LargeBinary(32), primary_key=True),
    Column("challenge", LargeBinary, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    Column("used", BigInteger),
)

sessions = Table(
    "login_sessions",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("challenge", LargeBinary(32), nullable=False),
    Column("organisation", Organisation, nullable=False),
    Column("system", String(64), nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("authority", LargeBinary(32), nullable=False),
    Column("jurisdiction", String(32), nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
    Column("ended", BigInteger),
)


class SqlLogins:
    """``ports.login.Logins`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_challenge(self, challenge: ChallengeRow) -> None:
        self._connection.execute(insert(challenges).values(**asdict(challenge)))

    def challenge(self, nonce: bytes) -> ChallengeRow | None:
        found = self._connection.execute(select(*challenges.c).where(challenges.c.nonce == nonce)).first()
        return None if found is None else ChallengeRow(*found)

    def use_challenge(self, nonce: bytes, now: int) -> bool:
        fresh = update(challenges).where(challenges.c.nonce == nonce, challenges.c.used.is_(None))
        return self._connection.execute(fresh.values(used=now)).rowcount == 1

    def add_session(self, session: SessionRow) -> None:
        self._connection.execute(insert(sessions).values(**asdict(session)))

    def session(self, id_: str) -> SessionRow | None:
        found = self._connection.execute(select(*sessions.c).where(sessions.c.id == id_)).first()
        return None if found is None else SessionRow(*found)

    def end_session(self, id_: str, now: int) -> bool:
        living = update(sessions).where(sessions.c.id == id_, sessions.c.ended.is_(None))
        return self._connection.execute(living.values(ended=now)).rowcount == 1

    def forget(self, before: int) -> None:
        self._connection.execute(delete(challenges).where(challenges.c.expires < before))
        self._connection.execute(delete(sessions).where(sessions.c.until < before))
