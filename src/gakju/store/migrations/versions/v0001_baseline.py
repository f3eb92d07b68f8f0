"""The tables there were before versions were counted. Creates what is not there: such a database may have some."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0001_baseline"
down_revision = None

COLUMNS = {
    "audit": "id:n at:s key_id:s method:s route:s ids:t status:n seconds:f address:s text:t",
    "files": "id:s digest:s filename:t purpose:s bytes:b created_at:s expires_at:s",
    "job_events": "job_id:s seq:n kind:s data:t",
    "jobs": "id:s kind:s state:s payload:t progress:t result:t error:t attempts:n cancel:n created_at:s updated_at:s",
    "keys": "id:s name:s prefix:s digest:s rights:t collections:t requests_per_minute:n tokens_per_day:n"
    " money_per_day:f created_at:s expires_at:s revoked_at:s last_used_at:s",
    "made": "id:s key_id:s",
    "responses": "id:s data:t created_at:s",
    "sessions": "digest:s key_id:s expires_at:s",
    "threads": "id:s title:s collection:s created_at:s updated_at:s",
    "turns": "id:n thread_id:s question:t job_id:s created_at:s",
    "usage": "id:n at:s key_id:s model:s prompt_tokens:n completion_tokens:n money:f",
    "vector_store_files": "collection:s file_id:s job_id:s position:n batch_id:s attributes:t created_at:s",
    "vector_stores": "collection:s name:t notes:t expires_days:n created_at:s active_at:s",
    "word_lists": "collection:s words:t changed_at:s applied_at:s",
}
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "s": sa.String(),
    "t": sa.Text(),
    "n": sa.Integer(),
    "f": sa.Float(),
    "b": BIG,
}
PAIRS = {"job_events": ("job_id", "seq"), "vector_store_files": ("collection", "file_id")}
"""Keys of two columns; every other table's key is its first one."""
UNIQUE = {"keys": "digest"}
INDEXES = {
    "audit": {"ix_audit_at": ["at"], "ix_audit_key_id": ["key_id"]},
    "files": {"ix_files_created_at": ["created_at"], "ix_files_digest": ["digest"]},
    "jobs": {"ix_jobs_state": ["state"]},
    "made": {"ix_made_key_id": ["key_id"]},
    "responses": {"ix_responses_created_at": ["created_at"]},
    "sessions": {"ix_sessions_key_id": ["key_id"]},
    "threads": {"ix_threads_updated_at": ["updated_at"]},
    "turns": {"turns_by_thread": ["thread_id", "id"]},
    "usage": {"ix_usage_at": ["at"], "usage_by_key": ["key_id", "at"]},
}


def upgrade() -> None:
    for table, written in COLUMNS.items():
        pairs = [column.split(":") for column in written.split()]
        columns = [sa.Column(name, TYPES[kind], nullable=False) for name, kind in pairs]
        key = sa.PrimaryKeyConstraint(*PAIRS.get(table, (columns[0].name,)))
        unique = [sa.UniqueConstraint(UNIQUE[table])] if table in UNIQUE else []
        op.create_table(table, *columns, key, *unique, if_not_exists=True)
        for name, over in INDEXES.get(table, {}).items():
            op.create_index(name, table, over, if_not_exists=True)
