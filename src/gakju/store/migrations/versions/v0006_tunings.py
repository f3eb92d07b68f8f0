"""Models that are tuned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0006_tunings"
down_revision = "v0005_watches"


def upgrade() -> None:
    op.create_table(
        "tunings",
        sa.Column("id", sa.String(), nullable=False, primary_key=True),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String(), nullable=False),
    )
    op.create_index("ix_tunings_created_at", "tunings", ["created_at"])
