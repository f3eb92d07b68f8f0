"""Pieces for the pages of apps, tokens and the playground: a text area that tells while one writes, what a model
writes, and tokens to look at."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import streamlit as st

from gakju.ui.pieces import component
from gakju.ui.state import t


def style(name: str) -> None:
    """A page's own rules."""
    st.html(f"<style>{files('gakju.ui').joinpath('assets', f'{name}.css').read_text('utf-8')}</style>")


def area(
    label: str,
    *,
    key: str,
    start: str = "",
    rows: int = 4,
    longest: int = 20_000,
    placeholder: str = "",
    hidden: bool = False,
    mono: bool = False,
    wrong: Sequence[int] = (),
) -> str:
    """What stands in the area, a quarter of a second after the last key. Another `key` starts anew with `start`.

    `mono` is for files: with line numbers, those in `wrong` marked.
    """
    data = {
        "id": key,
        "label": label,
        "start": start,
        "rows": rows,
        "longest": longest,
        "placeholder": placeholder,
        "hidden": hidden,
        "mono": mono,
        "wrong": list(wrong),
    }
    told = component("area")(key=key, data=data, default={"text": start}, on_text_change=lambda: None).text
    return start if told is None else str(told)[:longest]


def written(text: str, *, key: str, status: str = "", kind: str = "text", framed: bool = True) -> None:
    """A model's text as `kind` "text", "list" or "json"; `status` while it is being written, else it can be copied."""
    data = {
        "text": text,
        "kind": kind,
        "status": status,
        "framed": framed and bool(text),
        "copy": "" if status or not text else t("copy_text"),
        "copied": t("copied_text"),
    }
    component("written")(key=key, data=data)


class Item(NamedTuple):
    """A token as it is drawn: `look` as of `labs.tokenizer.visible`, `tone` a class of colour, `facts` when chosen.

    `group` is 1 for the first of several tokens of one character, 2 for the others; `whole` on the last of them is it.
    """

    shown: str
    look: str
    tone: str
    id: int | str
    facts: str
    others: tuple[str, ...] = ()
    group: int = 0
    whole: str = ""


def tokens(items: Sequence[Item], *, label: str, hint: str, key: str, ids: bool = False) -> None:
    data: dict[str, Any] = {"items": [list(i) for i in items], "label": label, "hint": hint, "ids": ids}
    component("tokens")(key=key, data=data)
