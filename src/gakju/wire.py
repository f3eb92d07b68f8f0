"""Types to JSON and back: one place, so that the CLI, the API, jobs and the screen agree on every name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from gakju.errors import GakjuError
from gakju.store import Job, Watch
from gakju.text.links import text_fragment
from gakju.types import (
    Answer,
    AskEvent,
    Claim,
    ClaimMade,
    Document,
    Done,
    Evidence,
    EvidenceFound,
    Hit,
    Page,
    Token,
    WebRef,
    WebStep,
)

T = TypeVar("T")
Json = dict[str, Any]

_adapters: dict[Any, TypeAdapter[Any]] = {}


def load(kind: type[T], data: object) -> T:
    """`data` as JSON gave it, to `kind`. Raises pydantic.ValidationError."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    value: T = _adapters[kind].validate_python(data)
    return value


def dump(value: object) -> Any:
    """A dataclass (or a list of them) as plain JSON values; boxes and spans become lists."""
    if isinstance(value, list | tuple):
        return [dump(v) for v in value]
    if isinstance(value, Mapping):
        return {k: dump(v) for k, v in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {k: dump(v) for k, v in asdict(value).items()}
    return value


def hit(found: Hit) -> Json:
    """A hit as `gakju search --json` and the API show it."""
    chunk = found.chunk
    return {
        "chunk_id": chunk.id,
        "document": dump(found.document),
        "page": chunk.page,
        "score": found.score,
        "text": chunk.text,
        "boxes": dump(chunk.boxes),
        "headings": list(chunk.headings),
        "parts": dict(found.parts),
    }


def evidence(found: Evidence) -> Json:
    return {**dump(found), "page": found.page, **link(found.document, found.text)}


def claim(given: Claim) -> Json:
    """With a link to the words for what stands on the web."""
    notes = [{**dump(f), **link(f.document, f.quote)} for f in given.footnotes]
    return {**dump(given), "footnotes": notes}


def link(document: object, quote: str) -> Json:
    return {"link": text_fragment(document.path, quote)} if isinstance(document, WebRef) else {}


def answer(given: Answer) -> Json:
    """An answer as `gakju ask --json` and the API show it; `web` only where the web was looked at."""
    shown = dump(given)
    if given.web is None:
        del shown["web"]
    return {
        **shown,
        "claims": [claim(c) for c in given.claims],
        "evidence": [evidence(e) for e in given.evidence],
        "usage": given.usage._asdict(),
    }


def document(found: Document) -> Json:
    return dump(found)  # type: ignore[no-any-return]


def page(found: Page) -> Json:
    """A page's text and the blocks it is made of, in reading order; sizes in PDF points."""
    return {
        "number": found.number,
        "text": found.text,
        "status": found.status,
        "width": found.width,
        "height": found.height,
        "blocks": [b._asdict() for b in found.blocks],
        "problems": dump(found.problems),
    }


def event(told: AskEvent) -> tuple[str, Json]:
    """A step of an answer as (kind, data), for jobs and server-sent events."""
    match told:
        case WebStep():
            return "web", dump(told)
        case EvidenceFound():
            return "evidence", {
                "evidence": [evidence(e) for e in told.evidence],
                "seconds": told.seconds,
                "asked": told.asked,
            }
        case Token():
            return "token", {"text": told.text}
        case ClaimMade():
            return "claim", claim(told.claim)
        case Done():
            return "done", answer(told.answer)


def load_answer(data: Mapping[str, Any]) -> Answer:
    usage = data["usage"]
    return load(Answer, {**data, "usage": list(usage.values()) if isinstance(usage, Mapping) else usage})


def load_event(kind: str, data: Json) -> AskEvent | None:
    """The inverse of `event`; None for kinds that are not steps of an answer."""
    match kind:
        case "web":
            return load(WebStep, data)
        case "evidence":
            return EvidenceFound(
                tuple(load(Evidence, e) for e in data["evidence"]), data["seconds"], data.get("asked", "")
            )
        case "token":
            return Token(data["text"])
        case "claim":
            return ClaimMade(load(Claim, data))
        case "done":
            return Done(load_answer(data))
    return None


def error(raised: GakjuError) -> Json:
    """An error as jobs and the API show it."""
    return {"code": raised.code, "message": raised.message, "hint": raised.hint}


def load_error(data: Mapping[str, Any]) -> GakjuError:
    """The inverse of `error`, of the same class; a bare GakjuError for a code that no class has."""
    kinds, kind = [GakjuError], GakjuError
    while kinds:
        found = kinds.pop()
        kinds += [k for k in found.__subclasses__() if k.__module__ == GakjuError.__module__]
        if found.code == data.get("code"):
            kind = found
    return kind(str(data.get("message") or "Something failed."), hint=str(data.get("hint") or ""))


def watch(found: Watch) -> Json:
    """A watched page or sitemap as `gakju pages --json` and the API show it, with the number of its pages."""
    return {**dump(found), "pages": len(found.pages)}


def job(found: Job) -> Json:
    """A job as the API shows it. Of the payload only what no secret can be in."""
    shown = {k: found.payload[k] for k in ("collection", "question", "model", "thread") if k in found.payload}
    return {
        "id": found.id,
        "kind": found.kind,
        "state": found.state,
        "about": shown,
        "files": [*(f["path"] for f in found.payload.get("files", ())), *found.payload.get("urls", ())],
        "progress": found.progress,
        "result": found.result,
        "error": found.error,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines by line feed alone: text may hold other code points that Python takes for line ends."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in whole)


def events(chunks: Iterable[bytes]) -> Iterator[tuple[str, Json]]:
    """Server-sent events: (event, data), data as JSON. Comments and ids are skipped."""
    kind, data = "", ""
    for line in _lines(chunks):
        name, _, value = line.partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            data += value
        elif not line and data:
            if data.strip() != "[DONE]":  # OpenAI's end
                yield kind, json.loads(data)
            kind, data = "", ""
