"""Tables of the service: callers' tokens, answered requests, uploads, and the log of operations.

No personal data here either: a token's secret and an idempotency key are digests, an answered request leads to what it
made and not to what was sent, and the log names records by their leaf.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from ledger.store.tables import Organisation, Serial, State, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("label", String(64), nullable=False),
    Column("organisations", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)

answers = Table(
    "answers",
    metadata,
    Column("token", String(16), primary_key=True),
    Column("key", LargeBinary(32), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    Column("created", BigInteger, nullable=False, index=True),
)
"""What a request with an idempotency key made; written in the transaction that made it."""

uploads = Table(
    "uploads",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("id", LargeBinary(16), nullable=False, unique=True),
    Column("token", String(16), nullable=False),
    Column("issuer", Organisation, nullable=False, index=True),
    Column("type", String(64), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("check", Integer, nullable=False),
    Column("name", String(255), nullable=False),
    Column("state", State, nullable=False, index=True),
    Column("job", BigInteger),
    Column("rows", BigInteger, nullable=False),
    Column("new", BigInteger, nullable=False),
    Column("existing", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("problem", Text),
    Column("created", BigInteger, nullable=False),
    Column("finished", BigInteger),
    sqlite_autoincrement=True,
)

operations = Table(
    "operations",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""The log: row n is the n-th entry, from 1 without a gap; ``hash`` covers the entry, which names the hash before it."""

operations_head = Table(
    "operations_head",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("row", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""``log``: the newest entry, locked by whoever appends, so that entries are numbered in the order of their commits.
``anchor``: the entry that tells of the newest anchored head, and that record's leaf."""
