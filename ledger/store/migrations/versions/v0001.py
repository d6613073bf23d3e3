"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _batches()
    _jobs()
    _records()
    _transactions()
    _intents()
    _chain_statuses()
    _chain_members()
    _leases()


def _live_unique(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("manifest_sha256", sa.LargeBinary(32)),
        sa.Column("accreditation", sa.LargeBinary(32), nullable=False),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("block", sa.BigInteger()),
        sa.Column("block_hash", sa.LargeBinary(32)),
        sa.Column("problem", sa.Text()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_batches"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batches_state", "batches", ["state"])
    _live_unique("uq_batches_root_live", "batches", ["root"], "state NOT IN ('refused')")


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("source_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("source_name", sa.String(255), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("existing", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger()),
        sa.PrimaryKeyConstraint("row", name="pk_jobs"),
        sa.UniqueConstraint("issuer", "type", "source_sha256", name="uq_jobs_issuer_type_source_sha256"),
        sqlite_autoincrement=True,
    )


def _records() -> None:
    op.create_table(
        "owners",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_owners"),
        sa.UniqueConstraint("issuer", "kind", name="uq_owners_issuer_kind"),
    )
    op.create_table(
        "runs",
        sa.Column("first", SERIAL, autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("owner", SERIAL, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("chunk", sa.String(64)),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("batch", SERIAL),
        sa.Column("position", sa.Integer()),
        sa.Column("job", SERIAL),
        sa.ForeignKeyConstraint(["owner"], ["owners.row"], name="fk_runs_owner"),
        sa.ForeignKeyConstraint(["batch"], ["batches.row"], name="fk_runs_batch"),
        sa.ForeignKeyConstraint(["job"], ["jobs.row"], name="fk_runs_job"),
        sa.PrimaryKeyConstraint("first", name="pk_runs"),
    )
    op.create_index("ix_runs_waiting", "runs", ["batch", "owner", "first"])
    op.create_table(
        "records",
        sa.Column("row", SERIAL, autoincrement=False, nullable=False),
        sa.Column("owner", SERIAL, nullable=False),
        sa.Column("id_hmac", sa.LargeBinary(16)),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("line", sa.BigInteger()),
        sa.Column("twin", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("row", name="pk_records"),
        sa.UniqueConstraint("id_hmac", "owner", "twin", name="uq_records_id_hmac_owner_twin"),
    )
    op.create_index("ix_records_leaf", "records", [sa.text("substr(leaf, 1, 5)")])
    op.create_table(
        "record_files",
        sa.Column("file_hmac", sa.LargeBinary(32), nullable=False),
        sa.Column("record", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("file_hmac", "record", name="pk_record_files"),
    )


def _transactions() -> None:
    op.create_table(
        "transactions",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.LargeBinary(20), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("block", sa.BigInteger()),
        sa.Column("block_hash", sa.LargeBinary(32)),
        sa.PrimaryKeyConstraint("row", name="pk_transactions"),
        sa.UniqueConstraint("hash", name="uq_transactions_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transactions_state", "transactions", ["state"])
    op.create_index("ix_transactions_subject", "transactions", ["purpose", "subject"])
    _live_unique(
        "uq_transactions_nonce_live",
        "transactions",
        ["account", "nonce"],
        "state NOT IN ('failed', 'replaced')",
    )


def _intents() -> None:
    op.create_table(
        "intents",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("change", sa.SmallInteger(), nullable=False),
        sa.Column("effective", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("statement", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("transaction", SERIAL),
        sa.Column("problem", sa.Text()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["transaction"], ["transactions.row"], name="fk_intents_transaction"),
        sa.PrimaryKeyConstraint("row", name="pk_intents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_intents_leaf", "intents", ["leaf", "issuer"])
    op.create_index("ix_intents_state", "intents", ["state"])
    op.create_index("ix_intents_transaction", "intents", ["transaction"])


def _chain_statuses() -> None:
    op.create_table(
        "chain_cursor",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("block", name="pk_chain_cursor"),
    )
    op.create_table(
        "chain_entries",
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(66), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("effective", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("statement", sa.LargeBinary(32), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("leaf", "issuer", "count", name="pk_chain_entries"),
    )


def _chain_members() -> None:
    op.create_table(
        "chain_organisations",
        sa.Column("organisation", sa.String(32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("barred", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name="pk_chain_organisations"),
    )
    op.create_table(
        "chain_accounts",
        sa.Column("account", sa.LargeBinary(20), nullable=False),
        sa.Column("organisation", sa.String(32), nullable=False),
        sa.Column("permissions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_chain_accounts"),
    )
    op.create_index("ix_chain_accounts_organisation", "chain_accounts", ["organisation"])
    op.create_table(
        "chain_signers",
        sa.Column("organisation", sa.String(32), nullable=False),
        sa.Column("certificate", sa.LargeBinary(32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("compromised_since", sa.BigInteger()),
        sa.PrimaryKeyConstraint("organisation", "certificate", name="pk_chain_signers"),
    )
    op.create_table(
        "chain_accreditations",
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("organisation", sa.String(32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("jurisdiction", sa.String(64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chain_accreditations"),
    )
    op.create_index("ix_chain_accreditations_organisation", "chain_accreditations", ["organisation"])
    op.create_table(
        "documents",
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("until", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
