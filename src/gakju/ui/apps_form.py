"""An app's form on the screen, and what was filled into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from gakju.apps import App, Input
from gakju.apps.form import Words
from gakju.apps.template import fill
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t

Values = dict[str, Any]
"""By field: text, a number, an upload (`UploadedFile`), or the id of a document in a one-entry mapping."""


def icon(app: App) -> str:
    """A file may name any; one that does not exist would be an error."""
    return f":material/{app.icon if app.icon in ALL_MATERIAL_ICONS else 'apps'}:"


def words(said: Words) -> str:
    """In the visitor's language, as plain text for a place that takes Markdown."""
    return plain(said[language()])


def draw(app: App, *, key: str, given: Mapping[str, object]) -> Values:
    """Every field with what was `given` before, else its default."""
    found: Values = {}
    for field in app.fields:
        found[field.name] = _DRAW[field.type](app, field, f"{key}-{field.name}", given.get(field.name))
        greeting = field.greeting[language()]
        if greeting and isinstance(value := found[field.name], str) and value.strip():
            st.markdown(plain(fill(greeting, {n: str(v).strip() for n, v in found.items() if isinstance(v, str)})))
    return found


def _start(field: Input, given: object) -> str:
    start = field.default if given is None else given
    return start[language()] if isinstance(start, Words) else "" if start is None else str(start)


def _common(field: Input, key: str) -> dict[str, Any]:
    label = words(field.label) + ("" if field.required else f" ({t('app_optional')})")
    return {"label": label, "help": words(field.help) or None, "key": key}


def _text(app: App, field: Input, key: str, given: object) -> str:
    placeholder = field.placeholder[language()] or None
    said: str = st.text_input(
        **_common(field, key), value=_start(field, given), max_chars=field.limit, placeholder=placeholder
    )
    return said


def _area(app: App, field: Input, key: str, given: object) -> str:
    placeholder = field.placeholder[language()] or None
    said: str = st.text_area(
        **_common(field, key), value=_start(field, given), max_chars=field.limit, placeholder=placeholder, height=150
    )
    return said


def _select(app: App, field: Input, key: str, given: object) -> str:
    labels = {o.value: o.label[language()] for o in field.options}
    start = _start(field, given)
    index = list(labels).index(start) if start in labels else 0
    chosen: str = st.selectbox(**_common(field, key), options=list(labels), index=index, format_func=labels.__getitem__)
    return chosen


def _number(app: App, field: Input, key: str, given: object) -> float | None:
    low, high = field.range  # narrower perhaps than when it was given
    start = given if isinstance(given, int | float) and low <= given <= high else field.default
    value = start if isinstance(start, int | float) else None
    limits = {"min_value": field.min, "max_value": field.max, "step": field.step}
    numbers: dict[str, Any] = {k: v for k, v in {**limits, "value": value}.items() if v is not None}
    whole = all(float(v).is_integer() for v in numbers.values()) and field.step is not None
    numbers = {k: int(v) if whole else float(v) for k, v in numbers.items()}
    found: float | None = st.number_input(**_common(field, key), **{"value": None, **numbers}, width=220)
    return found


def _file(app: App, field: Input, key: str, given: object) -> object:
    """Footnotes need a document of the library: one that is there, or one that is added by the run."""
    if app.output != "footnotes":
        return st.file_uploader(**_common(field, key))
    documents = {d.id: d.title or d.path for d in assistant().documents()}
    common = _common(field, key)
    if not documents:
        return st.file_uploader(**common)
    ways = {"library": t("app_from_library"), "upload": t("app_from_file")}
    way = st.segmented_control(
        common["label"], list(ways), default="library", required=True, format_func=ways.__getitem__, key=f"{key}-way"
    )
    if way == "upload":
        return st.file_uploader(t("app_from_file"), key=key, label_visibility="collapsed")
    index = list(documents).index(given) if isinstance(given, str) and given in documents else None
    return st.selectbox(
        t("app_from_library"),
        list(documents),
        index=index,
        format_func=documents.__getitem__,
        placeholder=t("app_choose_document"),
        key=f"{key}-document",
        label_visibility="collapsed",
    )


_DRAW: dict[str, Callable[[App, Input, str, object], Any]] = {
    "text": _text,
    "area": _area,
    "select": _select,
    "number": _number,
    "file": _file,
}
