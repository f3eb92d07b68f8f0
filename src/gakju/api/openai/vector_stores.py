"""/v1/vector_stores: every collection of the library is one, and every document in it a file.

Putting a file in queues a job; `status` and `file_counts` tell how far it is. Chunks are Gakju's own, which end at
sentences and headings: a chunking strategy is accepted and has no effect.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from gakju import wire
from gakju.api.openai.filters import Filter, matcher
from gakju.api.openai.lists import Metadata, Paged, Paging, counted, epoch, listed
from gakju.api.opened import Opened
from gakju.assistant import Assistant
from gakju.assistant.vector_stores import Attached, expired, expiry, id_of
from gakju.errors import UsageError
from gakju.store.files import VectorStore
from gakju.types import Hit

router = APIRouter(tags=["vector stores"])

Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=256, pattern="^[^\\x00]*$")]
Attributes = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)] | bool | Number],
    Field(max_length=16, description="What `filters` of a search look at."),
]
Ids = Annotated[list[str], Field(max_length=500)]


class ExpiresAfter(BaseModel):
    anchor: Literal["last_active_at"] = "last_active_at"
    days: Annotated[int, Field(ge=1, le=365)]


class Create(BaseModel):
    name: Name | None = None
    file_ids: Ids | None = None
    metadata: Metadata | None = None
    expires_after: ExpiresAfter | None = None


class Modify(BaseModel):
    name: Name | None = None
    metadata: Metadata | None = None
    expires_after: ExpiresAfter | None = None


class Attach(BaseModel):
    file_id: str
    attributes: Attributes | None = None


class Batch(BaseModel):
    """Files that share attributes by `file_ids`, or each with its own by `files`."""

    file_ids: Ids | None = None
    files: Annotated[list[Attach] | None, Field(max_length=500)] = None
    attributes: Attributes | None = None


class Change(BaseModel):
    attributes: Attributes | None = None


class Ranking(BaseModel):
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class Search(BaseModel):
    query: (
        Annotated[str, Field(min_length=1, max_length=4096)]
        | Annotated[list[Annotated[str, Field(min_length=1, max_length=4096)]], Field(min_length=1, max_length=20)]
    )
    filters: Filter | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    ranking_options: Ranking | None = None


def _store(assistant: Assistant, store: VectorStore, files: list[Attached] | None = None) -> dict[str, Any]:
    files = assistant.vector_stores.files(store) if files is None else files
    counts = counted([a.status for a in files])
    end = expiry(store)
    status = "in_progress" if counts["in_progress"] else "completed"
    return {
        "id": id_of(store.collection),
        "object": "vector_store",
        "name": store.name,
        "created_at": epoch(store.created_at),
        "last_active_at": epoch(store.active_at),
        "status": "expired" if expired(store) else status,
        "file_counts": counts,
        "usage_bytes": sum(a.file.bytes for a in files if a.document),
        "metadata": store.notes,
        "expires_after": {"anchor": "last_active_at", "days": store.expires_days} if end else None,
        "expires_at": int(end.timestamp()) if end else None,
        "gakju": {"collection": store.collection},
    }


_FILE_ERRORS = {"unsupported_format": "unsupported_file", "library": "server_error", "storage_full": "server_error"}


def _file(store_id: str, attached: Attached) -> dict[str, Any]:
    code, message = attached.error
    failed = attached.status == "failed"
    return {
        "id": attached.file.id,
        "object": "vector_store.file",
        "vector_store_id": store_id,
        "created_at": epoch(attached.created_at),
        "status": attached.status,
        "last_error": {"code": _FILE_ERRORS.get(code, "invalid_file"), "message": message} if failed else None,
        "usage_bytes": attached.file.bytes if attached.document else 0,
        "attributes": attached.attributes,
        "chunking_strategy": {"type": "other"},
        "gakju": {"document_id": attached.document.id if attached.document else None, "job_id": attached.job_id},
    }


def _batch(store_id: str, batch_id: str, files: list[Attached]) -> dict[str, Any]:
    counts = counted([a.status for a in files])
    ended = "cancelled" if counts["cancelled"] else "failed" if counts["failed"] == len(files) > 0 else "completed"
    return {
        "id": batch_id,
        "object": "vector_store.files_batch",
        "vector_store_id": store_id,
        "created_at": min((epoch(a.created_at) for a in files), default=0),
        "status": "in_progress" if counts["in_progress"] else ended,
        "file_counts": counts,
    }


@router.post("/vector_stores")
def create(assistant: Opened, body: Create) -> dict[str, Any]:
    """A new collection, and its first files."""
    for file_id in body.file_ids or ():
        assistant.files.get(file_id)
    days = body.expires_after.days if body.expires_after else 0
    store = assistant.vector_stores.create(body.name or "", notes=body.metadata or {}, expires_days=days)
    assistant.vector_stores.attach(store, [(file_id, {}) for file_id in body.file_ids or ()])
    return _store(assistant, store)


@router.get("/vector_stores")
def stores(assistant: Opened, paging: Paged) -> dict[str, Any]:
    """Every collection, newest first."""
    return listed([_store(assistant, s) for s in assistant.vector_stores.all()], paging)


@router.get("/vector_stores/{store_id}")
def store(assistant: Opened, store_id: str) -> dict[str, Any]:
    """One collection, with how many of its files are ready."""
    return _store(assistant, assistant.vector_stores.get(store_id))


@router.post("/vector_stores/{store_id}")
def modify(assistant: Opened, store_id: str, body: Modify) -> dict[str, Any]:
    """Name, metadata and expiry, as programs see them; the collection keeps its own name."""
    changes: dict[str, Any] = {}
    given = body.model_fields_set
    if "name" in given:
        changes["name"] = body.name or ""
    if "metadata" in given:
        changes["notes"] = body.metadata or {}
    if "expires_after" in given:
        changes["expires_days"] = body.expires_after.days if body.expires_after else 0
    return _store(assistant, assistant.vector_stores.modify(assistant.vector_stores.get(store_id), **changes))


@router.delete("/vector_stores/{store_id}")
def delete(assistant: Opened, store_id: str) -> dict[str, Any]:
    """The collection and its documents. Files that were uploaded stay under /v1/files."""
    assistant.vector_stores.delete(assistant.vector_stores.get(store_id))
    return {"id": store_id, "object": "vector_store.deleted", "deleted": True}


class FilePaging(Paging):
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None


PagedFiles = Annotated[FilePaging, Query()]


def _files(store_id: str, files: list[Attached], paging: FilePaging) -> dict[str, Any]:
    return listed([_file(store_id, a) for a in files if paging.filter in {None, a.status}], paging)


@router.get("/vector_stores/{store_id}/files")
def files(assistant: Opened, store_id: str, paging: PagedFiles) -> dict[str, Any]:
    """Files of a collection, newest first."""
    found = assistant.vector_stores.files(assistant.vector_stores.get(store_id))
    return _files(store_id, found, paging)


@router.post("/vector_stores/{store_id}/files")
def attach(assistant: Opened, store_id: str, body: Attach) -> dict[str, Any]:
    """Queue a file to be read into the collection."""
    store = assistant.vector_stores.get(store_id)
    assistant.vector_stores.attach(store, [(body.file_id, body.attributes or {})])
    return _file(store_id, assistant.vector_stores.file(store, body.file_id))


@router.get("/vector_stores/{store_id}/files/{file_id}")
def file(assistant: Opened, store_id: str, file_id: str) -> dict[str, Any]:
    """How far a file is."""
    return _file(store_id, assistant.vector_stores.file(assistant.vector_stores.get(store_id), file_id))


@router.post("/vector_stores/{store_id}/files/{file_id}")
def change(assistant: Opened, store_id: str, file_id: str, body: Change) -> dict[str, Any]:
    """Set a file's attributes."""
    store = assistant.vector_stores.get(store_id)
    return _file(store_id, assistant.vector_stores.set_attributes(store, file_id, body.attributes or {}))


@router.delete("/vector_stores/{store_id}/files/{file_id}")
def detach(assistant: Opened, store_id: str, file_id: str) -> dict[str, Any]:
    """Take a file out of the collection. The file itself stays."""
    assistant.vector_stores.detach(assistant.vector_stores.get(store_id).collection, file_id)
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


@router.get("/vector_stores/{store_id}/files/{file_id}/content")
def content(assistant: Opened, store_id: str, file_id: str) -> dict[str, Any]:
    """A file's text as it was read, a part a page."""
    attached = assistant.vector_stores.file(assistant.vector_stores.get(store_id), file_id)
    if attached.document is None:
        raise UsageError("This file has not been read yet.", hint="Wait until its status is completed.")
    document = attached.document
    pages = [assistant.page(document.id, number) for number in range(1, document.pages + 1)]
    return {
        "object": "vector_store.file_content.page",
        "file_id": file_id,
        "filename": attached.file.filename,
        "attributes": attached.attributes,
        "content": [{"type": "text", "text": page.text} for page in pages],
        "data": [{"type": "text", "text": page.text} for page in pages],
        "has_more": False,
        "next_page": None,
    }


@router.post("/vector_stores/{store_id}/file_batches")
def add_batch(assistant: Opened, store_id: str, body: Batch) -> dict[str, Any]:
    """Queue several files as one job."""
    store = assistant.vector_stores.get(store_id)
    shared = body.attributes or {}
    given = [(file_id, shared) for file_id in body.file_ids or ()]
    given += [(f.file_id, f.attributes or {}) for f in body.files or ()]
    if not given:
        raise UsageError("A batch needs file_ids or files.", param="file_ids")
    batch_id, _ = assistant.vector_stores.attach(store, given, batch=True)
    return _batch(store_id, batch_id, assistant.vector_stores.batch(store, batch_id))


@router.get("/vector_stores/{store_id}/file_batches/{batch_id}")
def batch(assistant: Opened, store_id: str, batch_id: str) -> dict[str, Any]:
    """How far a batch is."""
    store = assistant.vector_stores.get(store_id)
    return _batch(store_id, batch_id, assistant.vector_stores.batch(store, batch_id))


@router.post("/vector_stores/{store_id}/file_batches/{batch_id}/cancel")
def cancel_batch(assistant: Opened, store_id: str, batch_id: str) -> dict[str, Any]:
    """Stop a batch; what is in already stays."""
    store = assistant.vector_stores.get(store_id)
    return _batch(store_id, batch_id, assistant.vector_stores.cancel_batch(store, batch_id))


@router.get("/vector_stores/{store_id}/file_batches/{batch_id}/files")
def batch_files(assistant: Opened, store_id: str, batch_id: str, paging: PagedFiles) -> dict[str, Any]:
    """Files of a batch."""
    found = assistant.vector_stores.batch(assistant.vector_stores.get(store_id), batch_id)
    return _files(store_id, found, paging)


@router.post("/vector_stores/{store_id}/search")
def search(assistant: Opened, store_id: str, body: Search) -> dict[str, Any]:
    """Chunks that match, best first; `gakju` tells the place of each."""
    queries = [body.query] if isinstance(body.query, str) else body.query
    store = assistant.vector_stores.get(store_id)
    scope = assistant.vector_stores.scope(
        [store],
        where=matcher(body.filters) if body.filters else None,
        k=body.max_num_results,
        at_least=body.ranking_options.score_threshold if body.ranking_options else 0.0,
    )
    sources = assistant.vector_stores.sources([store])
    found = assistant.vector_stores.search(queries, scope)
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": [_result(hit, source) for hit in found if (source := sources.get(hit.document.id))],
        "has_more": False,
        "next_page": None,
    }


def _result(hit: Hit, source: Attached) -> dict[str, Any]:
    shown = wire.hit(hit)
    return {
        "file_id": source.file.id,
        "filename": source.file.filename,
        "score": round(hit.score, 6),
        "attributes": source.attributes,
        "content": [{"type": "text", "text": hit.chunk.text}],
        "gakju": {key: shown[key] for key in ("chunk_id", "document", "page", "boxes", "headings")},
    }
