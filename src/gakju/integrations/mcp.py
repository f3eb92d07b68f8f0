"""Gakju as tools of the Model Context Protocol: search, ask, documents, page, add.

`server` makes what both transports serve. What a tool may see is the caller's, which `source` tells for each call.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Annotated, Any, Literal, TypeVar

import anyio
from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from gakju import wire
from gakju.assistant.cited import Cited
from gakju.errors import GakjuError, UsageError
from gakju.integrations.source import DEFAULT, Source, finished, footnotes

T = TypeVar("T")
SourceOf = Callable[[Context, str], Source]
"""The source for a call, and the right that the call needs. Raises GakjuError."""

INSTRUCTIONS = (
    "Gakju answers from the user's own documents. `ask` gives an answer whose sentences carry [n] marks; its "
    "footnotes hold the document, the page and the words they rest on. Cite them. `search` finds passages, `page` "
    "reads a page whole, `add` puts a document into the library."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)

_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

Name = Annotated[str, Field(min_length=1, max_length=200, description="As minutes.md: the ending tells the kind.")]
Text = Annotated[str, Field(min_length=1, description="The text, or with `encoded` the bytes of a file as base64.")]
Encoded = Annotated[bool, Field(description="Whether `text` is base64: for PDF and other files that are no text.")]
Collection = Annotated[str, Field(description="Which collection of the library.", max_length=64)]
Sources = Annotated[
    Literal["", "documents", "web", "both", "auto"],
    Field(description="What the answer stands on; empty is as the user has it. Pages of the web are read before."),
]
Question = Annotated[str, Field(min_length=1, max_length=10_000)]


class Passage(BaseModel):
    """`boxes` are `[page, x0, y0, x1, y1]` in PDF points from the top left."""

    document_id: str
    title: str
    page: int
    text: str
    score: float
    boxes: list[list[float]]


class Passages(BaseModel):
    passages: list[Passage]


class Listed(BaseModel):
    id: str
    title: str
    path: str
    collection: str
    pages: int


class Documents(BaseModel):
    documents: list[Listed]


class PageText(BaseModel):
    document_id: str
    page: int
    text: str
    status: str


class Put(BaseModel):
    """`status` is added, unchanged (these bytes are there) or partial (some pages could not be read)."""

    document_id: str
    pages: int
    status: str


class Footnote(BaseModel):
    """The place that carries a sentence; `start` and `end` are code points of the page's text. `link` opens a page of
    the web at the words.
    """

    number: int
    document_id: str
    title: str
    page: int
    quote: str
    boxes: list[list[float]]
    start: int
    end: int
    link: str = ""


class Claim(BaseModel):
    text: str
    verdict: str


class Answered(BaseModel):
    """`answer` with [n] marks; a refusal says that the documents do not hold the answer."""

    answer: str
    refused: bool
    footnotes: list[Footnote]
    claims: list[Claim]


def server(source: SourceOf) -> MCPServer:
    """A server to mount or to run."""
    made: MCPServer = MCPServer("gakju", version=version("gakju"), instructions=INSTRUCTIONS)

    @made.tool(annotations=_READS)
    async def search(
        ctx: Context,
        query: Question,
        k: Annotated[int, Field(ge=1, le=100)] = 8,
        collection: Collection = DEFAULT,
    ) -> Passages:
        """Passages of the user's documents that match, best first, each with its document, page and place."""
        hits = await _run(lambda: source(ctx, "ask").search(query, k, collection=collection))
        return Passages(passages=[_passage(h) for h in hits])

    @made.tool(annotations=_READS)
    async def ask(
        ctx: Context, question: Question, collection: Collection = DEFAULT, sources: Sources = ""
    ) -> Annotated[CallToolResult, Answered]:
        """An answer from the user's documents, or from the web where the user allows it, with a footnote under every
        sentence.
        """
        return await _answer(ctx, source, question, collection, sources)

    @made.tool(annotations=_READS)
    async def documents(
        ctx: Context, collection: Annotated[str | None, Field(description="All of them where null.")] = None
    ) -> Documents:
        """The documents in the library."""
        found = await _run(lambda: source(ctx, "read").documents(collection))
        return Documents(documents=[Listed(**{k: getattr(d, k) for k in Listed.model_fields}) for d in found])

    @made.tool(annotations=_READS)
    async def page(ctx: Context, document_id: str, number: Annotated[int, Field(ge=1)]) -> PageText:
        """The text of one page; pages count from 1."""
        found = await _run(lambda: source(ctx, "read").page(document_id, number))
        return PageText(document_id=document_id, page=number, text=found["text"], status=found["status"])

    @made.tool(annotations=_WRITES)
    async def add(
        ctx: Context, name: Name, text: Text, encoded: Encoded = False, collection: Collection = DEFAULT
    ) -> Put:
        """Put a document into the user's library, where it is found and cited from then on."""
        data = await _run(lambda: _bytes(text, encoded))
        added = await _run(lambda: source(ctx, "write").put(name, data, collection=collection))
        if added.document_id is None:
            raise ToolError(added.error or f"{name} was not added.")
        return Put(document_id=added.document_id, pages=added.pages, status=added.status)

    return made


def _bytes(text: str, encoded: bool) -> bytes:
    if not encoded:
        return text.encode("utf-8", "replace")
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise UsageError("That is no base64.", hint="Leave `encoded` out for plain text.") from None


def _passage(hit: wire.Json) -> Passage:
    kept = {k: hit[k] for k in ("page", "text", "score", "boxes")}
    return Passage(document_id=hit["document"]["id"], title=hit["document"]["title"], **kept)


async def _answer(ctx: Context, source: SourceOf, question: str, collection: str, sources: str) -> CallToolResult:
    """Progress is told a sentence at a time; a call that is cancelled stops the model."""
    cited = Cited()
    steps: Iterator[Any] = await _run(
        lambda: iter(source(ctx, "ask").ask(question, collection=collection, sources=sources))
    )
    try:
        count = 0
        while (step := await _run(lambda: next(steps, None))) is not None:
            if text := cited.take(step):
                count += 1
                await ctx.report_progress(count, message=text.strip())
    finally:
        with anyio.CancelScope(shield=True):
            if close := getattr(steps, "close", None):
                await to_thread.run_sync(close)
    answer = finished(cited)
    links = {c.number: wire.link(c.footnote.document, c.footnote.quote) for c in cited.citations}
    notes = [{**n, **links[n["number"]]} for n in footnotes(cited)]
    told = Answered(
        answer=cited.text,
        refused=answer.refused,
        footnotes=[Footnote(**n) for n in notes],
        claims=[Claim(text=c.text, verdict=c.verdict) for c in answer.claims],
    )
    below = [f"[{n['number']}] {n['title']}, p. {n['page']}: “{' '.join(n['quote'].split())}”" for n in notes]
    text = "\n".join([cited.text, *([""] if below else []), *below])
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=told.model_dump())


async def _run(work: Callable[[], T]) -> T:
    """Off the event loop; Gakju's errors as the tool's own words."""
    try:
        return await to_thread.run_sync(work)
    except GakjuError as e:
        raise ToolError(str(e)) from e


def run_stdio(source: Source) -> None:
    """Serve on stdin and stdout until stdin ends."""
    anyio.run(server(lambda _ctx, _right: source).run_stdio_async)
