"""The library as a model: `gakju` answers with `[1]` marks that any client shows, and says in fields what they mean."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gakju import wire
from gakju.api import answers, errors
from gakju.api.events import EventStream, steps
from gakju.api.openai.relay import data_frame
from gakju.assistant import Assistant
from gakju.assistant.generate import collection_of
from gakju.errors import Cancelled, ContextTooLong, UsageError
from gakju.language import pick, say
from gakju.models.dialect import text_of

if TYPE_CHECKING:
    from gakju.api.openai.chat import ChatRequest

Json = dict[str, Any]

TURNS = 20
"""Messages before the question that are looked at."""
QUESTION = 10_000
"""Characters."""
_MARKS = re.compile(r"[ \t]?(?:\[\d+\])+")
_HANGUL = re.compile(r"[가-힣]")


async def complete(request: Request, assistant: Assistant, body: ChatRequest, name: str) -> Response:
    """Events as claims are made, or one JSON object at the end. Who goes away stops the answer."""
    _check(body)
    question, history = asked(body)
    told = steps(
        request,
        answers.answering(
            assistant,
            answers.Ask(question=question, collection=collection_of(name) or "", history=history, sources=body.sources),
        ),
    )
    writer = Writer(name, question, str(request.base_url).rstrip("/"))
    started = await anext(told, None)  # What is wrong with the request is raised here, with a status of its own.
    if body.stream and started:
        return EventStream(_frames(told, writer, body.wants_usage), lambda frame: frame)
    async with aclosing(told):
        async for kind, data in told:
            if kind == "error":
                return errors.respond(wire.load_error(data))
            if kind == "claim":
                writer.claim(data)
            elif kind == "token":
                writer.token(data["text"])
            elif kind == "done":
                return JSONResponse(writer.whole(data))
    return errors.respond(Cancelled("Stopped."))


def _check(body: ChatRequest) -> None:
    """What an answer from the library cannot be made to obey is refused; sampling has no meaning here and is not."""
    wants: Mapping[str, bool] = {
        "n": (body.n or 1) > 1,
        "logprobs": bool(body.logprobs),
        "response_format": body.response_format is not None and body.response_format.type != "text",
        "tool_choice": body.tool_choice not in (None, "none", "auto"),
    }
    for param, wanted in wants.items():
        if wanted:
            raise UsageError(
                f"{param}: answers from the library do not take it.", hint="Use a plain model.", param=param
            )


def asked(body: ChatRequest) -> tuple[str, list[answers.Turn]]:
    """The last message of the user, and the turns before it without our own marks. Raises UsageError."""
    texts = [
        (m.role, text_of([p.model_dump() for p in m.content] if isinstance(m.content, list) else m.content))
        for m in body.messages
    ]
    last = max((i for i, (role, text) in enumerate(texts) if role == "user" and text.strip()), default=-1)
    if last < 0:
        raise UsageError("messages: there is no question of the user in them.", param="messages")
    question = texts[last][1].strip()
    if len(question) > QUESTION:
        raise ContextTooLong(f"The question is longer than {QUESTION:,} characters.", param="messages")
    if not all(_sound(text) for _, text in texts):
        raise UsageError("messages: half of a surrogate pair is no character.", param="messages")
    turns = [
        answers.Turn(role=role, content=_MARKS.sub("", text))
        for role, text in texts[:last]
        if role in ("user", "assistant") and text.strip()
    ]
    return question, turns[-TURNS:]


def _sound(text: str) -> bool:
    """JSON can hold what no text can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _frames(told: AsyncGenerator[answers.Told, None], writer: Writer, usage: bool) -> AsyncGenerator[bytes, None]:
    async with aclosing(told):
        yield data_frame(writer.chunk({"role": "assistant", "content": "", "refusal": None}))
        async for kind, data in told:
            if kind == "claim":
                yield data_frame(writer.chunk({"content": writer.claim(data)}))
            elif kind == "token":
                writer.token(data["text"])
            elif kind == "progress":
                yield f": queued {data['queued']}\n\n".encode() if data.get("queued") else b": still here\n\n"
            elif kind == "error":
                _, content = errors.told(wire.load_error(data))
                yield data_frame(content)
                return
            elif kind == "done":
                for chunk in writer.ending(data, usage):
                    yield data_frame(chunk)
                yield b"data: [DONE]\n\n"
                return


class Writer:
    """The text with its marks, and where they stand in it."""

    def __init__(self, name: str, question: str, site: str) -> None:
        self.text = ""
        self.annotations: list[Json] = []
        self.footnotes: list[Json] = []
        """Each place once, by the number of its mark, from 1."""
        self._numbers: dict[tuple[object, ...], int] = {}
        self._site = site
        self._language = pick("ko" if _HANGUL.search(question) else "en")
        self._tokens, self._at = "", 0
        self._head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": name,
            "system_fingerprint": None,
        }

    def token(self, text: str) -> None:
        """The preview of a claim to come: only it knows what stands between two of them."""
        self._tokens += text

    def claim(self, claim: Mapping[str, Any]) -> str:
        """A claim as text: what parts it from the one before, its words, a doubt if there is one, its marks."""
        said: str = self._gap(claim["text"]) + claim["text"]
        if claim["verdict"] != "supported":
            said += f" ({say('cli', 'verdict_' + claim['verdict'], self._language)})"
        if claim["footnotes"]:
            said += " "
        for note in claim["footnotes"]:
            number = self._number(note)
            start = len(self.text) + len(said)
            said += f"[{number}]"
            self._annotate(note, start, start + len(f"[{number}]"))
        self.text += said
        return said

    def _gap(self, text: str) -> str:
        place = self._tokens.find(text, self._at)
        between = self._tokens[self._at : place] if place >= 0 else ""
        self._at = place + len(text) if place >= 0 else self._at
        return ("\n" if "\n" in between else " ") if self.text else ""

    def _number(self, note: Mapping[str, Any]) -> int:
        key = (note["document"]["id"], note["page"], note["start"], note["end"])
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 1
            self.footnotes.append({"number": self._numbers[key], **note})
        return self._numbers[key]

    def _annotate(self, note: Mapping[str, Any], start: int, end: int) -> None:
        cited = {"start_index": start, "end_index": end, "title": self._title(note), "url": self._url(note)}
        self.annotations.append({"type": "url_citation", "url_citation": cited})

    def _title(self, note: Mapping[str, Any]) -> str:
        title: str = note["document"]["title"]
        return f"{title}, {note['page']}"

    def _url(self, note: Mapping[str, Any]) -> str:
        """The page with its sentence marked, or its text where a format has no pages to draw; the web's own address."""
        if link := note.get("link"):
            return str(link)
        page: str = f"{self._site}/v1/documents/{note['document']['id']}/pages/{note['page']}"
        boxes = [",".join(f"{v:g}" for v in b[1:]) for b in note["boxes"] if b[0] == note["page"]]
        return f"{page}/image?{urlencode([('boxes', b) for b in boxes])}" if boxes else page

    def chunk(self, delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}

    def ending(self, done: Mapping[str, Any], usage: bool) -> Sequence[Json]:
        """A refusal's words, then the reason with everything that is known of the answer, then usage if wanted."""
        chunks = []
        if done["refused"]:
            text = ("\n\n" if self.text else "") + done["answer"]
            chunks.append(self.chunk({"content": text}))
        last = self.chunk({"annotations": self.annotations} if self.annotations else {}, "stop")
        chunks.append({**last, "gakju": self._gakju(done)})
        if usage:
            head = {**self._head, "object": "chat.completion.chunk"}
            chunks.append({**head, "choices": [], "usage": _usage(done)})
        return chunks

    def whole(self, done: Mapping[str, Any]) -> Json:
        text = done["answer"] if done["refused"] else self.text
        annotations = [] if done["refused"] else self.annotations
        message = {"role": "assistant", "content": text, "refusal": None, "annotations": annotations}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage(done),
            "gakju": self._gakju(done),
        }

    def _gakju(self, done: Mapping[str, Any]) -> Json:
        """As `/v1/ask` has it, and the footnotes by their numbers."""
        return {**done, "footnotes": self.footnotes}


def _usage(done: Mapping[str, Any]) -> Json:
    usage = dict(done["usage"])
    return {**usage, "total_tokens": sum(usage.values())}
