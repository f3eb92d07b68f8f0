"""A temperature that nobody chose is none: 0.7 was written everywhere, and only talks without documents had it."""

from __future__ import annotations

from alembic import op

revision = "v0007_manners"
down_revision = "v0006_tunings"


def upgrade() -> None:
    op.execute("""UPDATE threads SET manner = replace(manner, '"temperature": 0.7', '"temperature": null')""")
    op.execute("""UPDATE presets SET manner = replace(manner, '"temperature": 0.7', '"temperature": null')""")
