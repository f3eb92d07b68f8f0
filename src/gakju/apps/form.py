"""What an app is: a form, the messages its values go into, a model, and how the answer is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from gakju.apps import source
from gakju.apps.source import AppError, Trouble, trouble
from gakju.apps.template import NAME, fill, names
from gakju.language import Language, catalogue
from gakju.types import Message

FieldType = Literal["text", "area", "select", "number", "file"]
Output = Literal["text", "markdown", "footnotes", "list", "json"]

SHORT, LONG = 200, 20_000
"""Characters of a text field and of a text area where the app says nothing."""
FILE_CHARACTERS = 60_000
"""Of a file, where the app says nothing; more is cut off and said."""


LARGEST = 1e15
"""Of a number: a browser holds whole ones up to nine times that."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _wrong(code: str, at: str = "", **values: str) -> PydanticCustomError:
    """A trouble of our own: `code` in the catalogue `apps`, `at` below where it is raised."""
    return PydanticCustomError(code, code, {"at": at, **values})


class Words(_Strict):
    """The same in Korean and English."""

    ko: Annotated[str, Field(max_length=8000)]
    en: Annotated[str, Field(max_length=8000)]

    def __getitem__(self, language: Language) -> str:
        return self.ko if language == "ko" else self.en

    @model_validator(mode="before")
    @classmethod
    def _one_for_both(cls, value: Any) -> Any:
        if isinstance(value, bool | int | float):
            value = str(value)
        return {"ko": value, "en": value} if isinstance(value, str) else value


class Option(_Strict):
    """One of a select: `value` goes into the prompt, `label` is shown."""

    value: Annotated[str, Field(min_length=1, max_length=500)]
    label: Words

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, bool | int | float):
            value = str(value)
        if isinstance(value, str):
            return {"value": value, "label": value}
        return {"label": value["value"], **value} if isinstance(value, dict) and "value" in value else value


class Input(_Strict):
    """One field of the form. `greeting` is shown once it is filled in."""

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    type: FieldType = "text"
    label: Words
    help: Words = Words(ko="", en="")
    placeholder: Words = Words(ko="", en="")
    greeting: Words = Words(ko="", en="")
    required: bool = True
    default: str | float | int | Words | None = None
    options: Annotated[tuple[Option, ...], Field(max_length=50)] = ()
    longest: Annotated[int | None, Field(ge=1, le=200_000)] = None
    min: Annotated[float | None, Field(ge=-LARGEST, le=LARGEST)] = None
    max: Annotated[float | None, Field(ge=-LARGEST, le=LARGEST)] = None
    step: Annotated[float | None, Field(gt=0, le=LARGEST)] = None

    @property
    def limit(self) -> int:
        """Characters that are taken."""
        return self.longest or {"text": SHORT, "file": FILE_CHARACTERS}.get(self.type, LONG)

    @property
    def range(self) -> tuple[float, float]:
        """Between which a number lies."""
        return -LARGEST if self.min is None else self.min, LARGEST if self.max is None else self.max

    @model_validator(mode="after")
    def _whole(self) -> Input:
        values = [o.value for o in self.options]
        if (self.type == "select") != bool(values):
            raise _wrong("options_select", "options")
        if values and self.default is not None and str(self.default) not in values:
            raise _wrong("default_option", "default")
        if self.type == "file" and self.default is not None:
            raise _wrong("default_file", "default")
        if self.type != "number":
            if (self.min, self.max, self.step) != (None, None, None):
                raise _wrong("number_only")
        elif not isinstance(self.default, int | float | None):
            raise _wrong("default_number", "default")
        elif self.range[0] > self.range[1]:
            raise _wrong("min_max", "min")
        elif self.default is not None and not self.range[0] <= self.default <= self.range[1]:
            low, high = self.range
            raise _wrong("default_range", "default", low=f"{low:g}", high=f"{high:g}")
        return self


class Prompt(_Strict):
    """A message to the model. One whose fields are all empty is left out."""

    role: Literal["system", "user", "assistant"]
    content: Words


Line = Words(ko="", en="")


class App(_Strict):
    """A whole app. `temperature` 0..2, `max_tokens` of the answer; `model` "" is the default one."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    title: Words
    description: Words = Line
    icon: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")] = "apps"
    fields: Annotated[tuple[Input, ...], Field(max_length=20)] = ()
    messages: Annotated[tuple[Prompt, ...], Field(min_length=1, max_length=30)]
    model: Annotated[str, Field(max_length=300)] = ""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.5
    max_tokens: Annotated[int | None, Field(ge=1, le=100_000)] = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Keeps a small model from saying the same again and again."""
    output: Output = "text"
    evidence: Literal["search", "whole"] = "search"
    sentences: Annotated[int, Field(ge=1, le=40)] = 6
    """Of evidence: those that the question finds, or those that carry a whole document (`file` field)."""
    run: Words = Words(ko="실행", en="Run")
    spinner: Words = Words(ko="쓰는 중입니다…", en="Writing…")
    heading: Words = Line
    done: Words = Words(ko="다 되었습니다.", en="Done.")

    @model_validator(mode="after")
    def _whole(self) -> App:
        if not self.title.ko.strip() or not self.title.en.strip():
            raise _wrong("title_needed", "title")
        if self.model.startswith("app:"):
            raise _wrong("pattern_model", "model")
        known = [f.name for f in self.fields]
        for i, name in enumerate(known):
            if name in known[:i]:
                raise _wrong("twice", f"fields.{i}.name", name=name)
        for i, message in enumerate(self.messages):
            for name in names(message.content.ko) + names(message.content.en):
                if name not in known:
                    raise _wrong("no_such_field", f"messages.{i}.content", name=name, fields=", ".join(known) or "-")
        if self.evidence == "whole" and (self.output != "footnotes" or not self.file_field):
            raise _wrong("whole_document", "evidence")
        if self.output == "footnotes" and self.messages[-1].role != "user":
            raise _wrong("last_user", f"messages.{len(self.messages) - 1}.role")
        return self

    @property
    def file_field(self) -> Input | None:
        """The first field that takes a file."""
        return next((f for f in self.fields if f.type == "file"), None)

    def messages_for(self, values: Mapping[str, str], language: Language) -> list[Message]:
        """What the model is asked."""
        found = []
        for message in self.messages:
            template = message.content[language]
            asked = names(template)
            if not asked or any(values.get(n) for n in asked):
                filled = fill(template, {n: values.get(n, "") for n in asked})
                found.append(Message(message.role, filled))
        return found


def parse(text: str, *, name: str = "") -> App:
    """An app from its YAML. `name` of the file is for messages. Raises AppError with all troubles and their lines."""
    try:
        data, lines = source.read(text)
        if not isinstance(data, dict):
            raise trouble("mapping", 1)
    except AppError as error:
        raise AppError(error.troubles, name=name) from None
    try:
        return App.model_validate(data)
    except ValidationError as error:
        raise AppError(_troubles(error, lines), name=name) from None


def _troubles(error: ValidationError, lines: Mapping[source.Path, int]) -> list[Trouble]:
    found: dict[Trouble, None] = {}
    for e in error.errors(include_url=False):
        path = tuple(p for p in e["loc"] if p not in _UNIONS)
        context = {k: str(v) for k, v in (e.get("ctx") or {}).items()}
        if below := context.pop("at", ""):
            path = (*path, *(int(p) if p.isdigit() else p for p in below.split(".")))
        code, values = _code(e["type"], path, context, e["msg"])
        known = path
        while known and known not in lines:
            known = known[:-1]
        place = ".".join(str(p + 1) if isinstance(p, int) else p for p in path)
        found[Trouble(code, lines.get(known, 1), place, tuple(values.items()))] = None
    # A list whose only item is wrong is told to be too short as well.
    inner = [t.place for t in found]
    real = [t for t in found if t.code != "too_short" or not any(p.startswith(t.place + ".") for p in inner)]
    return sorted(real, key=lambda t: t.line)


_UNIONS = frozenset(["str", "int", "float", "Words", "tuple"])
"""What pydantic puts into a path where several types may stand."""
_ALLOWED = {
    "type": get_args(FieldType),
    "output": get_args(Output),
    "role": get_args(Prompt.model_fields["role"].annotation),
}
_LIMITS = {"less_than_equal": ("not_more", "most", "le"), "greater_than_equal": ("not_less", "least", "ge")}
_LIMITS |= {"greater_than": ("not_less", "least", "gt"), "string_too_long": ("too_long", "most", "max_length")}
_LIMITS |= {"too_long": ("too_long", "most", "max_length")}
_WANTED = {"string": "text", "int": "number", "float": "number", "tuple": "list", "model": "mapping", "bool": "bool"}


def _code(kind: str, path: source.Path, context: dict[str, str], message: str) -> tuple[str, dict[str, str]]:
    """pydantic's word for a trouble as ours."""
    last = str(path[-1]) if path else ""
    head, _, tail = kind.partition("_")
    code, values = "other", {"detail": message}
    if kind == "extra_forbidden":
        code, values = "unknown_key", {"allowed": ", ".join(_keys(path[:-1]))}
    elif kind == "literal_error":
        code, values = "one_of", {"allowed": ", ".join(_ALLOWED[last])}
    elif kind == "string_pattern_mismatch":
        code, values = f"pattern_{'field' if len(path) > 1 and last == 'name' else last}", {}
    elif kind in {"string_too_short", "too_short"}:
        code, values = "too_short", {}
    elif kind in _LIMITS:
        code, name, limit = _LIMITS[kind]
        values = {name: context[limit]}
    elif tail in {"type", "parsing", "attributes_type", "from_float"} and head in _WANTED:
        code, values = "kind", {"wanted": _WANTED[head]}
    elif kind in catalogue("apps", "en"):  # one of our own, or "missing"
        code, values = kind, context
    return code, values


def _keys(path: source.Path) -> list[str]:
    inner = [p for p in path if isinstance(p, str)]
    owners: dict[str, type[BaseModel]] = {"fields": Input, "messages": Prompt, "options": Option}
    return list((owners.get(inner[-1], Words) if inner else App).model_fields)


def checked(app: App, values: Mapping[str, object]) -> dict[str, str]:
    """What was filled in, as text for the template: checked for what is needed, length, range and choice.

    A number may come as text, a file comes as its text. Raises AppError with every field that is wrong.
    """
    known = {f.name: f for f in app.fields}
    there = (("fields", ", ".join(known) or "-"),)
    troubles = [Trouble("field_unknown", 0, str(n)[:40], there) for n in values if n not in known]
    found = {}
    for name, field in known.items():
        try:
            found[name] = _value(field, values.get(name))
        except _Unfit as unfit:
            troubles.append(Trouble(unfit.code, 0, name, unfit.values))
    asked = [n for n, f in known.items() if f.type != "select"]
    if not troubles and asked and not any(found[n] for n in asked):
        troubles.append(Trouble("field_needed", 0, asked[0]))
    if troubles:
        raise AppError(troubles, param=troubles[0].place)
    return found


class _Unfit(Exception):
    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, tuple((k, str(v)) for k, v in values.items())


def _value(field: Input, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise _Unfit("field_text")
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value).strip()
    if not text:
        if field.required:
            raise _Unfit("field_needed")
    elif field.type == "number":
        _in_range(field, text)
    elif field.type == "select":
        if text not in (choices := [o.value for o in field.options]):
            raise _Unfit("field_choice", choices=", ".join(choices)[:200])
    elif len(text) > field.limit and field.type != "file":
        raise _Unfit("field_long", count=f"{len(text):,}", most=f"{field.limit:,}")
    return text[: field.limit] if field.type == "file" else text


def _in_range(field: Input, text: str) -> None:
    try:
        number = float(text)
    except ValueError:
        raise _Unfit("field_number") from None
    low, high = field.range
    if not low <= number <= high:  # NaN too
        raise _Unfit("field_between", low=f"{low:g}", high=f"{high:g}")
