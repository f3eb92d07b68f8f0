"""Three small pieces of the page that Streamlit has no widget for. Data goes in as text, never as markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

import streamlit as st

from gakju.types import Footnote
from gakju.ui.state import language, t
from gakju.ui.turns import Turn, footnote

Opened = Mapping[str, Any]
"""What a click tells: `list` ("notes" or "evidence"), `index` from 0, `narrow` whether the window is a phone's."""


def _asset(name: str) -> str:
    return files("gakju.ui").joinpath("assets", name).read_text("utf-8")


@cache
def _component(name: str) -> Callable[..., Any]:
    html, css, js = (_asset(f"{name}.{kind}") for kind in ("html", "css", "js"))
    return cast(Callable[..., Any], st.components.v2.component(f"gakju_{name}", html=html, css=css, js=js))


def icon(name: str, label: str, key: str, *, disabled: bool = False) -> bool:
    """A button that shows only an icon; the words of `label` are its name and its tooltip."""
    return st.button(
        t(label), icon=f":material/{name}:", key=f"icon-{key}", help=t(label), type="tertiary", disabled=disabled
    )


def style() -> None:
    """Our own rules for Streamlit's page: measure, columns that fold, Korean words that do not break."""
    st.html(f"<style>{_asset('page.css')}{_asset(f'page.{language()}.css')}</style>")


def turn(shown: Turn, opened: str, on_open: Callable[[Opened], None]) -> None:
    """A turn, live or done. `opened` is the id of the mark whose page is open: `notes-0`, `evidence-2` or ""."""
    key = f"turn-{shown.job_id}"

    def clicked() -> None:
        if told := st.session_state[key].get("open"):
            on_open(told)

    _component("turn")(key=key, data=_turn(shown, opened), on_open_change=clicked)


def passage(text: str, start: int, end: int, *, label: str, height: int = 0, key: str) -> None:
    """A page's text, code points `start:end` marked; scrolls within `height` pixels if given."""
    data = {"before": text[:start], "quote": text[start:end], "after": text[end:], "label": label, "height": height}
    _component("passage")(key=key, data=data)


def reveal(at: float | None, mark: str) -> None:
    """Scroll the pane so that height `at` of its picture (0 top, 1 bottom) is in view, once for each `mark`."""
    _component("reveal")(key="reveal", data={"at": at, "mark": mark})


def where(f: Footnote) -> str:
    return t("place", title=f.document.title, page=f.page)


def _turn(shown: Turn, opened: str) -> dict[str, Any]:
    notes = shown.notes
    claims = [
        {
            "text": c.text,
            "verdict": c.verdict,
            "word": t(f"verdict_{c.verdict}"),
            "reason": "" if c.verdict == "supported" else c.reason,
            "notes": [
                {"number": n, "label": t("open_note", number=n, place=where(notes[n - 1]))} for n in shown.numbers(c)
            ],
        }
        for c in shown.claims
    ]
    refused = shown.phase == "refused"
    return {
        "lang": language(),
        "refused": refused,
        "question": shown.question,
        "evidence": _evidence(shown, refused),
        "claims": [] if refused else claims,
        "tail": shown.text if refused or (shown.text and not claims) else shown.tail,
        "status": t(f"phase_{shown.phase}") if shown.running or shown.phase == "stopped" else "",
        "busy": shown.running,
        "opened": opened,
    }


def _evidence(shown: Turn, refused: bool) -> dict[str, Any] | None:
    if not shown.evidence:
        return None
    items = [
        {
            "text": e.text.replace("\t", " · "),
            "where": where(footnote(e)),
            "label": t("open_evidence", place=where(footnote(e))),
        }
        for e in shown.evidence
    ]
    title = t("nearest" if refused else "evidence", count=len(items))
    # Open while nothing else is there to read; folded away once the answer stands on its own.
    return {"title": title, "open": refused or not (shown.claims or shown.tail), "items": items}
