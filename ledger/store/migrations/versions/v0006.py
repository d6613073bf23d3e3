"""Uses of e-seals, counted by seal and day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "seal_uses",
        sa.Column("record", SERIAL, autoincrement=False, nullable=False),
        sa.Column("seal", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("record", name="pk_seal_uses"),
    )
    op.create_index("ix_seal_uses_seal", "seal_uses", ["seal", "day", "record"])
