"""Small pieces of the page that Streamlit has no widget for. Data goes in as text, never as markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, wraps
from importlib.resources import files
from typing import Any, ParamSpec, cast

import streamlit as st

from gakju.errors import GakjuError
from gakju.language import explain
from gakju.ui.plain import plain
from gakju.ui.state import language, t

P = ParamSpec("P")

Opened = Mapping[str, Any]
"""What a click tells: `list` ("notes" or "evidence"), `index` from 0, `narrow` whether the window is a phone's."""


def _asset(name: str) -> str:
    return files("gakju.ui").joinpath("assets", name).read_text("utf-8")


@cache
def component(name: str) -> Callable[..., Any]:
    """The component whose parts are `NAME.html`, `.css` and `.js` among the assets."""
    html, css, js = (_asset(f"{name}.{kind}") for kind in ("html", "css", "js"))
    return cast(Callable[..., Any], st.components.v2.component(f"gakju_{name}", html=html, css=css, js=js))


def icon(name: str, label: str, key: str, *, disabled: bool = False, **values: object) -> bool:
    """A button that shows only an icon; the words of `label`, filled with `values`, are its name and its tooltip."""
    said = t(label, **values)
    return st.button(said, icon=f":material/{name}:", key=f"icon-{key}", help=said, type="tertiary", disabled=disabled)


def undo(said: str, key: str) -> bool:
    """A bar that tells of a deletion, which the session keeps under `key`; whether that is to be undone."""
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"{key}-bar"):
        st.markdown(said, width="stretch")
        back = st.button(t("undo"), type="tertiary", icon=":material/undo:", key=f"undo-{key}")
        if icon("close", "close", f"shut-{key}"):
            del st.session_state[key]
            st.rerun()
    return back


def style() -> None:
    """Our own rules for Streamlit's page: measure, columns that fold, Korean words that do not break."""
    st.html(f"<style>{_asset('page.css')}{_asset(f'page.{language()}.css')}</style>")


def guarded(draw: Callable[P, object]) -> Callable[P, None]:
    """`draw`, where an expected failure is one clear line and the rest of the screen stays."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")

    return drawn


def fragment(draw: Callable[P, object], **options: Any) -> Callable[P, None]:
    """Streamlit's, guarded: it draws by itself, where no guard of the page is around it."""
    return st.fragment(guarded(draw), **options)


def dialog(title: str, draw: Callable[P, object], **options: Any) -> Callable[P, None]:
    """Streamlit's, guarded likewise."""
    return st.dialog(title, **options)(guarded(draw))


Act = Mapping[str, Any]
"""What somebody wants done: `kind`, and what belongs to it."""


def turn(key: str, data: Mapping[str, Any], on_open: Callable[[Opened], None], on_act: Callable[[Act], None]) -> None:
    """A turn, live or done, from what `telling.turn` gives."""

    def told(name: str, then: Callable[[Any], None]) -> Callable[[], None]:
        def call() -> None:
            if found := st.session_state[key].get(name):
                then(found)

        return call

    component("turn")(key=key, data=data, on_open_change=told("open", on_open), on_act_change=told("act", on_act))


def talks(data: Mapping[str, Any]) -> Act | None:
    """The conversations in the sidebar; what was clicked in them."""
    clicked: Act | None = component("talks")(key="talks", data=data, on_act_change=lambda: None).act
    return clicked


def tour(data: Mapping[str, Any]) -> bool:
    """Cards beside the parts of the page they tell of. True once it is over."""
    return bool(component("tour")(key="tour-card", data=data, on_left_change=lambda: None).left)


def passage(text: str, start: int, end: int, *, label: str, height: int = 0, key: str) -> None:
    """A page's text, code points `start:end` marked; scrolls within `height` pixels if given."""
    data = {"before": text[:start], "quote": text[start:end], "after": text[end:], "label": label, "height": height}
    component("passage")(key=key, data=data)


def picture(svg: str, *, label: str, key: str) -> None:
    """A drawing that code of ours made, every text in it escaped; `label` says what it shows."""
    component("picture")(key=key, data={"svg": svg, "label": label})
