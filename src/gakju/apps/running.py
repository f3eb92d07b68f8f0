"""Apps at work: a filled-in form to an answer, as a durable job or step by step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from gakju import wire
from gakju.answer.prompt import tokens
from gakju.apps import shelf, summary
from gakju.apps.form import App, checked
from gakju.apps.shelf import Shelf
from gakju.assistant.scope import Scope
from gakju.errors import BrokenFile, ContextTooLong, RateLimited
from gakju.jobs import Context
from gakju.language import Language
from gakju.store import Job
from gakju.types import AskEvent, Done, Message, Token, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from gakju.assistant import Assistant
    from gakju.protocols import ChatModel

COLLECTION = "apps"
"""Where documents lie that were given to an app whose answer has footnotes: a footnote opens its page."""
AT_ONCE = 2
KIND = "app"

Values = Mapping[str, object]
"""By field: text or a number. A file is its text; with footnotes the id of a document."""


@dataclass(frozen=True, slots=True)
class Written:
    """The end of an answer without footnotes. `cut`: characters of a file that did not fit the model."""

    text: str
    usage: Usage
    model: str
    cut: int = 0


Step = AskEvent | Written


class Apps:
    """The apps of one assistant: its files, and what runs them. Thread-safe. Get it with `of`."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        self.shelf = Shelf(assistant.settings.home / "apps")
        assistant.jobs.serve(KIND, self._run, AT_ONCE)

    # Running

    def steps(self, app: App, values: Values, language: Language) -> Iterator[Step]:
        """Tokens and then `Written`, or with footnotes what `Assistant.ask` gives. Closing it stops the model.

        Raises AppError for a form filled in wrongly, and what the model raises.
        """
        filled = checked(app, values)
        if app.output == "footnotes":
            return self._footnoted(app, filled, language)
        return self._written(app, filled, language)

    def _written(self, app: App, filled: dict[str, str], language: Language) -> Iterator[Step]:
        model = self.assistant.parts.chat(app.model)
        messages, cut = _fitted(app, filled, language, model)
        stream = model.stream(messages, temperature=app.temperature, max_tokens=_limit(app, model), extra=_extra(app))
        text, usage = "", Usage()
        try:
            for delta in stream:
                usage = delta.usage or usage
                if delta.text:
                    text += delta.text
                    yield Token(delta.text)
        finally:
            if close := getattr(stream, "close", None):
                close()
        yield Written(text, usage, model.name, cut)

    def _footnoted(self, app: App, filled: dict[str, str], language: Language) -> Iterator[AskEvent]:
        a, given = self.assistant, app.file_field
        document_id = filled[given.name] if given else ""
        # In the question a document is its title.
        shown = {**filled, given.name: a.document(document_id).title} if given and document_id else filled
        question = "\n".join(m.content for m in app.messages_for(shown, language) if m.role == "user")
        if app.evidence == "search" or not document_id:
            scope = Scope((a.document(document_id).collection,), (document_id,)) if document_id else None
            yield from a.ask(question, model=app.model, scope=scope)
            return
        wish = " ".join(v for n, v in filled.items() if given and n != given.name)
        found = summary.salient(a, document_id, app.sentences, wish)
        name = app.model or a.settings.chat_model
        if name.startswith("embedded:"):
            yield from summary.quotes(question, found, a.parts.verifier, name)
            return
        from gakju.answer import compose

        yield from compose(question, found, lambda: a.parts.chat(name), a.parts.verifier, refuse_below=0.0)

    # As a job

    def submit(self, app: App, text: str, values: Mapping[str, Any], language: Language) -> Job:
        """Queue a run; its events are those of `wire.event`, its result as `result_of`. `text` is the app's file.

        A file may come as what `Assistant.keep` gave: it is read by the job. Raises AppError, QuotaSpent, RateLimited.
        """
        a = self.assistant
        checked(app, {n: "…" if isinstance(v, Mapping) else v for n, v in values.items()})
        a.accounts.check()
        if (waiting := a.store.waiting(KIND)) > a.settings.queue:
            raise RateLimited(f"{waiting} runs wait already.", hint="Try again in a while.", retry_after=5)
        payload = {"app": app.name, "text": text, "values": dict(values), "language": language}
        return a.jobs.submit(KIND, payload)

    def _run(self, context: Context) -> dict[str, Any]:
        given = [v for v in context.payload["values"].values() if isinstance(v, Mapping)]
        try:
            return self._answered(context)
        finally:
            # What the end of the process broke off is taken up again, and needs its files.
            if not context.cancelled or self.assistant.store.job(context.job.id).cancel:
                for kept in given:
                    self.assistant.shelf.drop(kept["digest"], besides=context.job.id)

    def _answered(self, context: Context) -> dict[str, Any]:
        p, a = context.payload, self.assistant
        app, started = shelf.parse(p["text"]), time.perf_counter()
        values = {n: self._file(context, app, v) if isinstance(v, Mapping) else v for n, v in p["values"].items()}
        stream = self.steps(app, values, cast(Language, p["language"]))
        result: dict[str, Any] = {}
        try:
            for step in stream:
                if isinstance(step, Written):
                    result = {"text": step.text, "usage": step.usage._asdict(), "model": step.model, "cut": step.cut}
                else:
                    kind, data = wire.event(step)
                    context.emit(kind, data)
                    if isinstance(step, Done):
                        result = data
                context.check()
        finally:
            stream.close()  # type: ignore[attr-defined]
        seconds = round(time.perf_counter() - started, 2)
        a.accounts.spend(result["model"], **result["usage"], seconds=seconds)
        return {**result, "output": app.output, "seconds": seconds}

    def _file(self, context: Context, app: App, kept: Mapping[str, str]) -> str:
        """A kept file's text, or with footnotes the id of the document that it becomes."""
        a = self.assistant
        if app.output != "footnotes":
            field = app.file_field
            return self.text_of(a.parts.blobs.path(kept["digest"]), kept["path"], field.limit if field else 0, context)
        job = a.submit_add([kept], collection=COLLECTION)
        for _ in a.jobs.follow(job.id, heartbeat=0.5):
            if context.cancelled:
                a.jobs.cancel(job.id)
                context.check()
        files = a.store.job(job.id).result.get("files") or []
        if not files or not files[0]["document_id"]:
            raise BrokenFile((files[0]["error"] if files else "") or f"{kept['path']} could not be read.")
        return str(files[0]["document_id"])

    def text_of(self, path: Path, name: str, most: int, context: Context | None = None) -> str:
        """A file as text, `most` characters of it and one more where there are more. Raises ReadError, Cancelled."""
        pages: list[str] = []
        with self.assistant.parts.reader.open(path, name=name, ocr=self.assistant.settings.ocr) as reading:
            for page in reading:
                if context:
                    context.check()
                pages.append(page.text)
                if sum(map(len, pages)) > most:
                    break
        return "\n".join(pages)[: most + 1]


def _limit(app: App, model: ChatModel) -> int:
    return min(app.max_tokens or model.context // 4, model.context // 2)


def _extra(app: App) -> dict[str, Any]:
    """With `json` the answer is an object, whoever writes it."""
    extra: dict[str, Any] = {"response_format": {"type": "json_object"}} if app.output == "json" else {}
    return {**extra, "frequency_penalty": app.frequency_penalty} if app.frequency_penalty else extra


def _fitted(app: App, filled: dict[str, str], language: Language, model: ChatModel) -> tuple[list[Message], int]:
    """The messages, and how many characters of a file were left out so that they fit. Raises ContextTooLong."""
    field = app.file_field
    text = filled.get(field.name, "") if field else ""
    cut = 0
    while True:
        messages = app.messages_for({**filled, field.name: text} if field else filled, language)
        over = sum(tokens(m.content) + 8 for m in messages) - (model.context - _limit(app, model))
        if over <= 0:
            return messages, cut
        if len(text) < 200:
            raise ContextTooLong("This is more than the model can take.", hint="Write less, or use a larger model.")
        keep = int(len(text) * 0.98 * max(0.1, 1 - over / max(1, tokens(text))))
        cut, text = cut + len(text) - keep, text[:keep]


_lock = threading.Lock()


def of(assistant: Assistant) -> Apps:
    """The apps of an assistant, which from then on runs their jobs and takes `app:NAME` as a model."""
    from gakju.apps.model import AppModels

    providers = assistant.parts.providers
    with _lock:
        made = providers.get("app")
        if not isinstance(made, AppModels):
            made = providers["app"] = AppModels(Apps(assistant))
        return made.apps
