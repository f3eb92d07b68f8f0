"""An app as a model: the last message fills its form, the answer is the app's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gakju.apps.form import App
from gakju.apps.running import Apps, Written
from gakju.apps.source import AppError
from gakju.assistant.cited import Cited
from gakju.errors import NotFound, UnknownModel, UsageError
from gakju.types import Delta, Done, Message, Token, Usage

if TYPE_CHECKING:
    from gakju.protocols import ChatModel

_HANGUL = re.compile(r"[가-힣]")


class AppModels:
    """What `Parts` asks for models called `app:NAME`."""

    def __init__(self, apps: Apps, *, library: bool = True) -> None:
        self.apps, self._library = apps, library

    def names(self) -> list[str]:
        return [e.name for e in self.apps.shelf.all() if e.app and self._shown(e.app)]

    def open(self, name: str) -> ChatModel:
        """Raises UnknownModel."""
        hint = "`gakju apps` lists them."
        try:
            app = self.apps.shelf.app(name)
        except AppError as error:
            hint = str(error)
        except NotFound:
            pass
        else:
            if self._shown(app):
                return AppModel(self.apps, app)
        raise UnknownModel(f"There is no app {name[:40]!r} that works.", hint=hint)

    def without_library(self) -> AppModels:
        return AppModels(self.apps, library=False)

    def _shown(self, app: App) -> bool:
        return self._library or app.output != "footnotes"


class AppModel:
    """A ChatModel over a form. The language is that of the last message, the temperature the app's own."""

    def __init__(self, apps: Apps, app: App) -> None:
        self._apps, self._app = apps, app
        self.name = f"app:{app.name}"
        self.billed = app.model or apps.assistant.settings.chat_model
        """The model that does the work, and costs what it costs."""
        self.context = apps.assistant.settings.context

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Iterator[Delta]:
        """`temperature`, `stop` and `extra` are the app's business. Raises UsageError for a form filled in wrongly."""
        said = next((m.content for m in reversed(messages) if m.role == "user"), "")
        app = self._app
        if max_tokens is not None:
            app = app.model_copy(update={"max_tokens": min(max_tokens, app.max_tokens or max_tokens)})
        cited, usage = Cited(), Usage()
        steps = self._apps.steps(app, values_of(app, said), "ko" if _HANGUL.search(said) else "en")
        try:
            for step in steps:
                if isinstance(step, Written):
                    usage = step.usage
                elif app.output == "footnotes":
                    if isinstance(step, Done):
                        usage = step.answer.usage
                    if text := cited.take(step):
                        yield Delta(text)
                elif isinstance(step, Token):
                    yield Delta(step.text)
        finally:
            steps.close()  # type: ignore[attr-defined]
        yield Delta("", usage)


def values_of(app: App, said: str) -> dict[str, object]:
    """A message as the form's values: JSON of fields, or the text of the first text field that is needed.

    Fields that are left out take their defaults. Raises UsageError for an app without a field for text.
    """
    values: dict[str, object] = {f.name: _default(f.default) for f in app.fields if f.default is not None}
    if said.lstrip().startswith("{"):
        try:
            given = json.loads(said)
        except (ValueError, RecursionError):
            given = None
        if isinstance(given, dict):
            return values | given
    texts = [f for f in app.fields if f.type in {"text", "area", "file"}]
    if not texts:
        return values
    first = next((f for f in texts if f.required), texts[0])
    needed = [f.name for f in app.fields if f.required and f is not first and f.name not in values]
    if needed:
        example = json.dumps({first.name: "…", **dict.fromkeys(needed, "…")}, ensure_ascii=False)
        raise UsageError(
            f"app:{app.name} needs {', '.join([first.name, *needed])}.",
            hint=f"Send them as JSON: {example}",
            param="messages",
        )
    return {**values, first.name: said}


def _default(value: object) -> object:
    return value if isinstance(value, str | int | float) else getattr(value, "en", None)
