"""/v1/documents and /v1/collections: add, list, look at, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi.responses import FileResponse

from gakju import wire
from gakju.api.opened import Opened
from gakju.assistant import DEFAULT
from gakju.errors import NotFound, UsageError
from gakju.types import Box

router = APIRouter(tags=["documents"])

MAX_BOXES = 500


@router.get("/collections")
def collections(assistant: Opened) -> list[dict[str, Any]]:
    """Every collection with its number of documents."""
    return [{"name": name, "documents": count} for name, count in assistant.collections().items()]


@router.get("/documents")
def documents(assistant: Opened, collection: str | None = None) -> list[dict[str, Any]]:
    """Documents in the library, newest last; of every collection where none is named."""
    return [wire.document(d) for d in assistant.documents(collection)]


@router.post("/documents", status_code=202)
def add(
    assistant: Opened,
    files: Annotated[list[UploadFile], File(description="One or more files, of any kind Gakju reads.")],
    response: Response,
    collection: Annotated[str, Form()] = DEFAULT,
    password: Annotated[list[str] | None, Form(description="Each is tried on a file that needs one.")] = None,
    ocr: Annotated[bool | None, Form(description="Read pages without usable text by OCR.")] = None,
    reread: Annotated[bool, Form(description="Read a file again that is in the library already.")] = False,
    path: Annotated[list[str] | None, Form(description="What each file is called in results, in order.")] = None,
) -> dict[str, Any]:
    """Queue files to be added. Each becomes a `file` event of the job that is returned."""
    labels = _labels(path or [], len(files))
    kept = [assistant.keep(file.file, file.filename or "document") for file in files]
    named = [{**k, "path": label or k["path"]} for k, label in zip(kept, labels, strict=True)]
    job = assistant.submit_add(named, collection=collection, passwords=password or (), ocr=ocr, reread=reread)
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)


def _labels(given: list[str], count: int) -> list[str]:
    """A label is shown and compared, never opened."""
    if not given:
        return [""] * count
    if len(given) != count:
        raise UsageError(f"{len(given)} paths for {count} files.", hint="Send a path for each file, or none.")
    for label in given:
        if not 0 < len(label) <= 4096 or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in label):
            raise UsageError("A path is empty, too long, or has control characters in it.")
    return given


@router.get("/documents/{document_id}")
def document(assistant: Opened, document_id: str) -> dict[str, Any]:
    """One document, with what could not be read of it."""
    return wire.document(assistant.document(document_id))


@router.delete("/documents/{document_id}", status_code=204)
def delete(assistant: Opened, document_id: str) -> None:
    """Forget a document and, where no other one shares its bytes, the original."""
    assistant.delete(document_id)


@router.get("/documents/{document_id}/pages/{number}")
def page(assistant: Opened, document_id: str, number: int) -> dict[str, Any]:
    """A page's text and the blocks it is made of, in reading order; sizes in PDF points."""
    return wire.page(assistant.page(document_id, number))


@router.get("/documents/{document_id}/pages/{number}/boxes")
def boxes(
    assistant: Opened,
    document_id: str,
    number: int,
    start: Annotated[int, Query(ge=0)],
    end: Annotated[int, Query(ge=0)],
) -> list[list[float]]:
    """`[page, x0, y0, x1, y1]` a line for the code points `start:end` of the page's text."""
    return wire.dump(assistant.page(document_id, number).boxes(start, end))  # type: ignore[no-any-return]


@router.get(
    "/documents/{document_id}/pages/{number}/image",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def image(
    assistant: Opened,
    document_id: str,
    number: int,
    width: Annotated[int, Query(ge=16, le=4000, description="Pixels.")] = 1000,
    boxes: Annotated[list[str], Query(description="`x0,y0,x1,y1` in PDF points, each marked.")] = [],  # noqa: B006
) -> Response:
    """A page as PNG, boxes marked."""
    png = assistant.page_image(document_id, number, width=width, highlight=_boxes(boxes, number))
    if png is None:
        raise NotFound("Documents of this kind have no pages to draw.", hint="Read the page's text instead.")
    return Response(png, media_type="image/png", headers={"cache-control": "private, max-age=300"})


def _boxes(given: list[str], page: int) -> list[Box]:
    if len(given) > MAX_BOXES:
        raise UsageError(f"{len(given)} boxes; at most {MAX_BOXES} are marked.")
    try:
        found = [Box(page, *(float(v) for v in text.split(","))) for text in given]
    except (TypeError, ValueError):
        raise UsageError(
            "boxes: four numbers with commas between are needed.", hint="As in boxes=72,90,300,104."
        ) from None
    if not all(abs(v) < 1e5 for b in found for v in b[1:]):
        raise UsageError("boxes: a number is out of range.")
    return found


@router.get("/documents/{document_id}/chunks")
def chunks(assistant: Opened, document_id: str) -> list[dict[str, Any]]:
    """What is embedded and found, in order."""
    assistant.document(document_id)
    return [{**wire.dump(c), "page": c.page} for c in assistant.chunks(document_id)]


@router.get("/documents/{document_id}/original", response_class=FileResponse)
def original(assistant: Opened, document_id: str) -> FileResponse:
    """The bytes as they were added. Always a download: a document is never run as a page of this site."""
    name = Path(assistant.document(document_id).path).name
    path = assistant.original(document_id)
    return FileResponse(path, media_type="application/octet-stream", filename=name)
