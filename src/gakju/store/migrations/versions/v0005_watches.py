"""Pages of the web that are read again from time to time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0005_watches"
down_revision = "v0004_question_sets"


def upgrade() -> None:
    texts = ("id", "url", "collection", "pages", "counts", "created_at", "read_at", "next_at")
    kinds = {"pages": sa.Text(), "counts": sa.Text()}
    columns = [sa.Column(n, kinds.get(n, sa.String()), nullable=False, primary_key=n == "id") for n in texts]
    op.create_table("watches", *columns, sa.Column("hours", sa.Integer(), nullable=False))
