"""What went with a deleted collection, until it is had back or forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0008_removed_collections"
down_revision = "v0007_manners"


def upgrade() -> None:
    op.create_table(
        "removed_collections",
        sa.Column("collection", sa.String(), nullable=False, primary_key=True),
        sa.Column("removed_at", sa.String(), nullable=False, primary_key=True),
        sa.Column("rows", sa.Text(), nullable=False),
    )
