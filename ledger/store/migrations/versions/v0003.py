"""Tables of the service: tokens, answered requests, uploads, the log of operations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _callers()
    _uploads()
    _operations()


def _callers() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("organisations", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
    op.create_table(
        "answers",
        sa.Column("token", sa.String(16), nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("subject", sa.LargeBinary(32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", "key", name="pk_answers"),
    )
    op.create_index("ix_answers_created", "answers", ["created"])


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("token", sa.String(16), nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("check", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("job", sa.BigInteger()),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("existing", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger()),
        sa.PrimaryKeyConstraint("row", name="pk_uploads"),
        sa.UniqueConstraint("id", name="uq_uploads_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_uploads_issuer", "uploads", ["issuer"])
    op.create_index("ix_uploads_state", "uploads", ["state"])


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_operations"),
    )
    head = op.create_table(
        "operations_head",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_operations_head"),
    )
    op.bulk_insert(head, [{"name": name, "row": 0, "hash": bytes(32)} for name in ("log", "anchor")])
