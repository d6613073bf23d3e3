"""Changes of a leaf's status are numbered, so that of two at once one is refused; relations are read from the chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("intents", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute('UPDATE intents SET number = "row"')
    op.drop_index("ix_intents_leaf", "intents")
    op.create_index("uq_intents_leaf_issuer_number", "intents", ["leaf", "issuer", "number"], unique=True)
    op.add_column("chain_acts", sa.Column("relation", sa.SmallInteger()))
    # an index from before has read past the relations: it is read again from the first block
    op.execute("DELETE FROM chain_cursor")
