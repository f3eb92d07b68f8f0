"""Evaluations as jobs: a file of lines with known answers, judged on the library that is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gakju.assistant import DEFAULT, Assistant
from gakju.errors import LimitExceeded, RateLimited, UsageError
from gakju.evaluation import grounded
from gakju.evaluation.datasets import Statement
from gakju.evaluation.metrics import mrr, ndcg, quantile_ms, recall
from gakju.jobs import Context
from gakju.types import Chunk, Document, Progress

KIND = "evaluate"
LINES, BYTES = 2000, 1 << 20
"""Of a file, at most: it is kept with its job."""
# Chunks asked for to rank documents, of which several may be of one.
_DEPTH = 200

Text = Annotated[str, Field(min_length=1, max_length=10_000)]


class Looked(BaseModel):
    """A line of kind `retrieval`: a question and the document (id, path, file name, title) and page with its answer."""

    model_config = ConfigDict(extra="ignore")
    question: Text
    document: Text
    page: Annotated[int, Field(ge=1)] | None = None


class Judged(BaseModel):
    """A line of kind `grounded`: whether the context supports the answer."""

    model_config = ConfigDict(extra="ignore")
    context: Annotated[str, Field(min_length=1, max_length=100_000)]
    question: str = ""
    answer: Text
    supported: bool


Kind = Literal["retrieval", "grounded"]
LINE: dict[Kind, type[Looked | Judged]] = {"retrieval": Looked, "grounded": Judged}


class Runs:
    """The evaluations of one assistant. Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        assistant.jobs.serve(KIND, self._run, 1)

    def payload(self, kind: Kind, data: bytes, *, collection: str = DEFAULT) -> dict[str, Any]:
        """What its job is queued with. Raises UsageError with the number of a line, LimitExceeded, RateLimited."""
        settings = self._assistant.settings
        if (waiting := self._assistant.store.waiting(KIND)) > settings.queue:
            raise RateLimited(f"{waiting} evaluations wait already.", hint="Try again in a while.", retry_after=30)
        if len(data) > BYTES:
            raise LimitExceeded(f"The file is larger than {BYTES >> 20} MiB.", hint="Send a part of it.")
        return {"evaluation": kind, "collection": collection, "lines": _lines(kind, data)}

    def _run(self, context: Context) -> dict[str, Any]:
        lines, collection = context.payload["lines"], context.payload["collection"]
        if context.payload["evaluation"] == "retrieval":
            return _retrieval(self._assistant, collection, [Looked(**line) for line in lines], context)
        statements = [Statement(line["context"], line["question"], line["answer"], line["supported"]) for line in lines]
        return grounded.evaluate(self._assistant.parts.verifier, statements, context.progress).summary()


def _lines(kind: Kind, data: bytes) -> list[dict[str, Any]]:
    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(LINE[kind].model_validate_json(line).model_dump())
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            wanted = ", ".join(LINE[kind].model_fields)
            said = f"Line {number}: {f'{where}: ' if where else ''}{first['msg']}."
            raise UsageError(said, hint=f"A JSON object on every line, with {wanted}.") from None
    if not 0 < len(found) <= LINES:
        raise UsageError(f"The file has {len(found)} lines.", hint=f"Between 1 and {LINES:,} are taken.")
    return found


def _retrieval(assistant: Assistant, collection: str, asked: Sequence[Looked], context: Context) -> dict[str, Any]:
    """Means over questions; `ranks` is the place of the right document of each, in order, None where it is not found.

    `page_hit@10` is the share of questions with a page that is among those of the first ten chunks.
    """
    known = assistant.documents(collection)
    right = [_named(line.document, known, n, collection) for n, line in enumerate(asked, 1)]
    ranks: list[int | None] = []
    seconds, pages, scores = [], [], []
    for done, (line, document) in enumerate(zip(asked, right, strict=True), 1):
        started = time.perf_counter()
        hits = assistant.search(line.question, _DEPTH, collection=collection)
        seconds.append(time.perf_counter() - started)
        ranked = list(dict.fromkeys(hit.document.id for hit in hits))
        wanted = {document: 1}
        depths = recall(ranked, wanted, 10), recall(ranked, wanted, 100)
        scores.append((ndcg(ranked, wanted), *depths, mrr(ranked, wanted)))
        ranks.append(ranked.index(document) + 1 if document in ranked else None)
        if line.page:
            pages.append(any(h.document.id == document and _stands(h.chunk, line.page) for h in hits[:10]))
        context.progress(Progress("evaluating", done, len(asked), "queries"))
    means = (round(sum(column) / len(asked), 4) for column in zip(*scores, strict=True))
    return {
        **dict(zip(("ndcg@10", "recall@10", "recall@100", "mrr@10"), means, strict=True)),
        "page_hit@10": round(sum(pages) / len(pages), 4) if pages else None,
        "queries": len(asked),
        "p50_ms": quantile_ms(seconds, 0.5),
        "p95_ms": quantile_ms(seconds, 0.95),
        "ranks": ranks,
    }


def _stands(chunk: Chunk, page: int) -> bool:
    return any(segment.page == page for segment in chunk.segments)


def _named(name: str, known: Sequence[Document], number: int, collection: str) -> str:
    found = [d.id for d in known if name in {d.id, d.path, Path(d.path).name, d.title}]
    if len(found) != 1:
        said = f"{len(found)} documents of {collection!r} are called" if found else f"{collection!r} has no document"
        raise UsageError(f"Question {number}: {said} {name!r}.", hint="Name one by its id, its path or its title.")
    return found[0]
