"""What Alembic runs: the steps on the connection, and in the transaction, that `bring` or `__main__` hands it."""

from __future__ import annotations

from alembic import context

from gakju.store.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite
    transactional_ddl=True,  # SQLite can; Alembic takes the driver's word, which opens no transaction by itself
)
context.run_migrations()
