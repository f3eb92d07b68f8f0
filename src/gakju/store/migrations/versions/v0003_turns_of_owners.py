"""Turns of owners."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0003_turns_of_owners"
down_revision = "v0002_branches"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as table:
        table.add_column(sa.Column("owner", sa.String(), server_default="", nullable=False))
        table.add_column(sa.Column("round", sa.Integer(), server_default="0", nullable=False))
