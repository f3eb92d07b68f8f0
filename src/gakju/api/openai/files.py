"""/v1/files: bytes under a name, to be put into vector stores. Documents of the library are files too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import FileResponse

from gakju.api.openai.lists import Paging, epoch, listed
from gakju.api.opened import Opened
from gakju.store.files import StoredFile

router = APIRouter(tags=["files"])

Purpose = Literal["assistants", "batch", "evals", "fine-tune", "user_data", "vision"]
MONTH = 30 * 24 * 3600


def shown(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": epoch(file.created_at),
        "expires_at": epoch(file.expires_at) if file.expires_at else None,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


@router.post("/files")
def upload(
    assistant: Opened,
    file: Annotated[UploadFile, File(description="Any file; what Gakju reads can be put into a vector store.")],
    purpose: Annotated[Purpose, Form(description="Kept and shown; Gakju treats all alike.")],
    anchor: Annotated[Literal["created_at"] | None, Form(alias="expires_after[anchor]")] = None,
    seconds: Annotated[int | None, Form(alias="expires_after[seconds]", ge=3600, le=MONTH)] = None,
) -> dict[str, Any]:
    """Keep a file. It is read when it is put into a vector store."""
    end = datetime.now(UTC) + timedelta(seconds=seconds) if anchor and seconds else None
    until = end.isoformat(timespec="microseconds") if end else ""
    return shown(assistant.files.keep(file.file, file.filename or "file", purpose, until))


@router.get("/files")
def files(
    assistant: Opened,
    purpose: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
    after: str = "",
) -> dict[str, Any]:
    """Files, newest first; documents that came in another way are among them."""
    found = [shown(f) for f in assistant.files.all() if purpose in {None, f.purpose}]
    return listed(found, Paging(limit=limit, order=order, after=after))


@router.get("/files/{file_id}")
def file(assistant: Opened, file_id: str) -> dict[str, Any]:
    """One file."""
    return shown(assistant.files.get(file_id))


@router.get("/files/{file_id}/content", response_class=FileResponse)
def content(assistant: Opened, file_id: str) -> FileResponse:
    """The bytes as they came. Always a download: a file is never run as a page of this site."""
    name = assistant.files.get(file_id).filename
    return FileResponse(assistant.files.path(file_id), media_type="application/octet-stream", filename=name)


@router.delete("/files/{file_id}")
def delete(assistant: Opened, file_id: str) -> dict[str, Any]:
    """Forget a file, and what was made of it in every vector store."""
    assistant.files.delete(file_id)
    return {"id": file_id, "object": "file", "deleted": True}
