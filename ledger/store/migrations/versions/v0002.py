"""Acts beside changes of status: freezes, annulments, disowned batches, successors and superiors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("row", SERIAL, nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("subject", sa.LargeBinary(32), nullable=False),
        sa.Column("statement", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("transaction", SERIAL),
        sa.Column("problem", sa.Text()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_acts"),
        sa.ForeignKeyConstraint(["transaction"], ["transactions.row"], name="fk_acts_transaction"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_acts_state", "acts", ["state"])
    op.create_index("ix_acts_transaction", "acts", ["transaction"])
    op.create_index("ix_acts_subject", "acts", ["subject", "issuer"])
    op.create_table(
        "chain_acts",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(32), nullable=False),
        sa.Column("subject", sa.LargeBinary(32), nullable=False),
        sa.Column("statement", sa.LargeBinary(32), nullable=False),
        sa.Column("actor", sa.String(66), nullable=False),
        sa.Column("second", sa.String(66), nullable=False),
        sa.PrimaryKeyConstraint("block", "position", name="pk_chain_acts"),
    )
    op.create_index("ix_chain_acts_subject", "chain_acts", ["subject", "issuer"])
    op.create_index("ix_chain_acts_issuer", "chain_acts", ["issuer", "event"])
    # an index from before these tables has read past their events: it is read again from the first block
    op.execute("DELETE FROM chain_cursor")
