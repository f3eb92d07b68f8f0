"""Question sets in versions, and answers of models to prompts of labs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004_question_sets"
down_revision = "v0003_turns_of_owners"


def upgrade() -> None:
    op.create_table(
        "question_sets",
        sa.Column("id", sa.String(), nullable=False, primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.String(), nullable=False),
        sa.UniqueConstraint("name", "deleted_at"),
    )
    op.create_table(
        "question_versions",
        sa.Column("set_id", sa.String(), nullable=False, primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False, primary_key=True),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.create_table(
        "replies",
        sa.Column("key", sa.String(), nullable=False, primary_key=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.create_index("ix_replies_at", "replies", ["at"])
