"""The tables, as SQLAlchemy Core metadata: what ``migrations`` must produce, and what the queries name.

No personal data: record ids and file digests are HMACs under a key outside the database, bodies are in
encrypted segments. Keys ascend, so that new rows are written side by side.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

DEAD = ("failed", "replaced")
"""States in which a transaction no longer holds its nonce."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up only on INTEGER PRIMARY KEY
Organisation = String(32)
State = String(16)


def _live_unique(name: str, *columns: Column[bytes] | Column[int], dead: tuple[str, ...]) -> Index:
    """Unique among the rows that still count. A refused batch's records may close into the same root."""
    where = text("state NOT IN (" + ", ".join(f"'{state}'" for state in dead) + ")")
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


batches = Table(
    "batches",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("issuer", Organisation, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("state", State, nullable=False, index=True),
    Column("root", LargeBinary(32), nullable=False),
    Column("size", Integer, nullable=False),
    Column("manifest_sha256", LargeBinary(32)),
    Column("accreditation", LargeBinary(32), nullable=False),
    Column("sequence", BigInteger),
    Column("block", BigInteger),
    Column("block_hash", LargeBinary(32)),
    Column("problem", Text),
    Column("created", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
_live_unique("uq_batches_root_live", batches.c.root, dead=("refused",))

jobs = Table(
    "jobs",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("issuer", Organisation, nullable=False),
    Column("type", String(64), nullable=False),
    Column("source_sha256", LargeBinary(32), nullable=False),
    Column("source_name", String(255), nullable=False),
    Column("rows_done", BigInteger, nullable=False),
    Column("new", BigInteger, nullable=False),
    Column("existing", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("state", State, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("finished", BigInteger),
    UniqueConstraint("issuer", "type", "source_sha256"),
    sqlite_autoincrement=True,
)

owners = Table(
    "owners",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("issuer", Organisation, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    UniqueConstraint("issuer", "kind"),
)
"""A number for each issuer and kind of its records, so that millions of rows need not repeat both."""

runs = Table(
    "runs",
    metadata,
    Column("first", Serial, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("owner", Serial, ForeignKey("owners.row"), nullable=False),
    Column("type", String(64), nullable=False),
    Column("chunk", String(64)),
    Column("ordinal", Integer, nullable=False),
    Column("batch", Serial, ForeignKey("batches.row")),
    Column("position", Integer),
    Column("job", Serial, ForeignKey("jobs.row")),
    Index("ix_runs_waiting", "batch", "owner", "first"),
)
"""Neighbouring records that were accepted together and share their fate: a table that was imported is a few."""

LEAF_KEY_BYTES = 5
LEAF_KEY = f"substr(leaf, 1, {LEAF_KEY_BYTES})"
"""What leaves are found by: the smaller an index, the fewer of its pages an import has to write."""

records = Table(
    "records",
    metadata,
    Column("row", Serial, primary_key=True, autoincrement=False),  # the handle of the record's key in the vault
    Column("owner", Serial, nullable=False),
    Column("id_hmac", LargeBinary(16)),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("line", BigInteger),
    # Always 0 for what is accepted here, so that an id is issued once. A rebuild may find that the chain
    # has an id twice (a restored backup was imported again): both must be found, so the later one counts up.
    Column("twin", SmallInteger, nullable=False, server_default="0"),
    UniqueConstraint("id_hmac", "owner", "twin"),  # the id leads: look-ups by id alone use it too
    Index("ix_records_leaf", text(LEAF_KEY)),
)
"""Written once and never changed until a person's record is erased; everything that changes is in ``runs``."""

record_files = Table(
    "record_files",
    metadata,
    Column("file_hmac", LargeBinary(32), primary_key=True),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
)

transactions = Table(
    "transactions",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("account", LargeBinary(20), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("state", State, nullable=False, index=True),
    Column("block", BigInteger),
    Column("block_hash", LargeBinary(32)),
    Index("ix_transactions_subject", "purpose", "subject"),
    sqlite_autoincrement=True,
)
_live_unique("uq_transactions_nonce_live", transactions.c.account, transactions.c.nonce, dead=DEAD)

intents = Table(
    "intents",
    metadata,
    Column("row", Serial, primary_key=True),
    Column("actor", Organisation, nullable=False),
    Column("issuer", Organisation, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("number", BigInteger, nullable=False, server_default="0"),
    Column("change", SmallInteger, nullable=False),
    Column("effective", BigInteger, nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Column("statement", LargeBinary(32), nullable=False),
    Column("state", State, nullable=False, index=True),
    Column("transaction", Serial, ForeignKey("transactions.row"), index=True),
    Column("problem", Text),
    Column("created", BigInteger, nullable=False),
    # Changes of a leaf are numbered as they are asked for: of two that came after the same one, one is refused.
    Index("uq_intents_leaf_issuer_number", "leaf", "issuer", "number", unique=True),
    sqlite_autoincrement=True,
)

chain_cursor = Table(
    "chain_cursor",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

chain_entries = Table(
    "chain_entries",
    metadata,
    Column("leaf", LargeBinary(32), primary_key=True),
    Column("issuer", Organisation, primary_key=True),
    Column("count", Integer, primary_key=True, autoincrement=False),
    Column("actor", String(66), nullable=False),  # the council acts under its address
    Column("state", SmallInteger, nullable=False),
    Column("effective", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Column("statement", LargeBinary(32), nullable=False),
    Column("block", BigInteger, nullable=False),
)

chain_organisations = Table(
    "chain_organisations",
    metadata,
    Column("organisation", Organisation, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("barred", Boolean, nullable=False),
)

chain_accounts = Table(
    "chain_accounts",
    metadata,
    Column("account", LargeBinary(20), primary_key=True),
    Column("organisation", Organisation, nullable=False, index=True),
    Column("permissions", Integer, nullable=False),
)

chain_signers = Table(
    "chain_signers",
    metadata,
    Column("organisation", Organisation, primary_key=True),
    Column("certificate", LargeBinary(32), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("compromised_since", BigInteger),
)

chain_accreditations = Table(
    "chain_accreditations",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    Column("organisation", Organisation, nullable=False, index=True),
    Column("kind", SmallInteger, nullable=False),
    Column("jurisdiction", String(64), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)
"""Accreditation documents by their digest. Not on chain: clearing the index must not lose them."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("until", Float(53), nullable=False),
)
