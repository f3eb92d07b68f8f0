"""Conversations branch, are pinned, removed and held in a manner of their own; answers are rated; presets are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002_branches"
down_revision = "v0001_baseline"


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("job_id", sa.String(), nullable=False, primary_key=True),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.create_table(
        "presets",
        sa.Column("name", sa.String(), nullable=False, primary_key=True),
        sa.Column("manner", sa.Text(), nullable=False),
    )
    with op.batch_alter_table("threads") as table:
        table.add_column(sa.Column("pinned", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("deleted_at", sa.String(), server_default="", nullable=False))
        table.add_column(sa.Column("leaf", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("manner", sa.Text(), server_default="{}", nullable=False))
    with op.batch_alter_table("turns") as table:
        table.add_column(sa.Column("parent", sa.Integer(), server_default="0", nullable=False))
        table.create_index("ix_turns_job_id", ["job_id"])
    # Until now every turn followed the one before it.
    op.execute(
        "UPDATE turns SET parent = coalesce("
        "(SELECT max(t.id) FROM turns t WHERE t.thread_id = turns.thread_id AND t.id < turns.id), 0)"
    )
    op.execute("UPDATE threads SET leaf = coalesce((SELECT max(t.id) FROM turns t WHERE t.thread_id = threads.id), 0)")
