"""The web on the screen: whose page it is, whether it has changed since it was read, keeping it, reading it again."""

from __future__ import annotations

import zlib
from contextlib import suppress
from html import escape
from typing import Any

import streamlit as st

from gakju.assistant.scope import WEB
from gakju.assistant.watch import EVERY
from gakju.errors import GakjuError
from gakju.language import explain
from gakju.store import Watch
from gakju.text.links import site, text_fragment
from gakju.types import Document, Footnote
from gakju.ui import words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, name_of, t


def mark(url: str) -> dict[str, Any] | None:
    """A site's sign, drawn here: its initial, and a hue of its own. Nothing is asked of the site. None for a file."""
    host = site(url) if url.startswith(("http://", "https://")) else ""
    if not host:
        return None
    said = host
    with suppress(UnicodeError):  # Its name as it is spelt stays: letters of other alphabets can look like ours.
        said = host.encode("ascii").decode("idna")
    letter = next((c for c in said if c.isalnum()), "·").upper()
    return {"letter": letter, "hue": zlib.crc32(host.encode()) % 360, "site": host}


def disc(url: str) -> str:
    """The mark as HTML."""
    given = mark(url) or {"letter": "·", "hue": 0}
    return f'<span class="site-disc" style="--hue:{given["hue"]}" aria-hidden="true">{escape(given["letter"])}</span>'


# A page that a footnote stands on


def of_page(document: Document, place: Footnote, shelf: str) -> None:
    """Since when it is here, and what can be done with it; nothing for what is no page of the web."""
    if not mark(document.path):
        return
    with st.container(key="web-page", gap="xsmall"):
        st.html(f'<p class="web-line">{disc(document.path)} {escape(_since(document))}</p>')
        with st.container(horizontal=True, gap="small"):
            st.link_button(
                t("web_open"), text_fragment(document.path, place.quote), icon=":material/open_in_new:",
                type="tertiary",
            )  # fmt: skip
            if assistant().settings.web != "off" and st.button(
                t("web_check"), icon=":material/update:", type="tertiary", key=f"web-check-{document.id}"
            ):
                _check(document, place)
            if document.collection == WEB:
                st.button(
                    t("web_save", collection=name_of(shelf)), icon=":material/bookmark_add:", type="tertiary",
                    key=f"web-save-{document.id}", on_click=_save, args=(document, shelf),
                )  # fmt: skip
            else:
                st.caption(t("web_saved", collection=plain(name_of(document.collection))))


def _since(document: Document) -> str:
    def day(stamp: str) -> str:
        return words.when(stamp, st.context.timezone, language())

    said = [site(document.path), t("web_read_on", day=day(document.added_at))]
    if document.published:
        said.insert(1, t("web_published", day=document.published))
    if changed := assistant().web.changed(document):
        said.append(t("web_changed", day=day(changed)))
    return " · ".join(said)


def _check(document: Document, place: Footnote) -> None:
    try:
        with st.spinner(t("web_checking")):
            found = assistant().web.check(document, place.quote)
    except GakjuError as e:
        st.warning(plain(explain(e, language())), icon=":material/link_off:")
        return
    if not found.changed:
        st.success(t("web_same"), icon=":material/check:")
    elif found.holds:
        st.info(t("web_changed_holds"), icon=":material/difference:")
    else:
        st.warning(t("web_changed_gone"), icon=":material/difference:")


def _save(document: Document, shelf: str) -> None:
    try:
        assistant().web.save(document.id, shelf)
    except GakjuError as e:
        st.toast(plain(explain(e, language())), icon=":material/error:")
    else:
        st.toast(t("web_saved", collection=plain(name_of(shelf))), icon=":material/bookmark_added:")


# Pages that are read again


def form(collection: str) -> None:
    """An address of a page or a sitemap, to be read once or from time to time."""
    if assistant().settings.web == "off" or assistant().settings.offline:
        return
    choices = {"": t("every_once"), **{every: t(f"every_{hours}") for every, hours in EVERY.items()}}
    line = st.form("web-address", border=False, clear_on_submit=True)
    with line, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        url = st.text_input(t("web_address"), placeholder="https://", max_chars=2000, help=t("web_address_help"))
        every = st.selectbox(t("every"), list(choices), format_func=choices.__getitem__, width=150)
        sent = st.form_submit_button(t("web_add"), icon=":material/add_link:")
    if sent and url.strip():
        try:
            assistant().submit_pages([url.strip()], collection=collection, every=every or "")
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")
            return
        st.rerun()


def watched() -> None:
    """What is read from time to time, behind one line."""
    found = assistant().watches.all()
    if not found:
        return
    with st.expander(t("watched", count=len(found)), icon=":material/event_repeat:", key="watched-pages"):
        for watch in found:
            _watch(watch)


def _watch(watch: Watch) -> None:
    def day(stamp: str) -> str:
        return words.when(stamp, st.context.timezone, language())

    def act(what: Any) -> None:
        try:
            what(watch.id)
        except GakjuError as e:
            st.toast(plain(explain(e, language())), icon=":material/error:")

    facts = [t(f"every_{watch.hours}"), name_of(watch.collection)]
    facts += [t("watch_read", day=day(watch.read_at), pages=len(watch.pages))] if watch.read_at else []
    facts += [t(f"sum_{status}", count=count) for status, count in watch.counts.items() if count]
    facts.append(t("watch_next", day=day(watch.next_at)))
    with st.container(horizontal=True, vertical_alignment="center", key=f"watch-{watch.id}"):
        with st.container(gap=None, width="stretch"):
            st.html(f'<p class="web-line">{disc(watch.url)} {escape(watch.url)}</p>')
            st.caption(plain(" · ".join(facts)))
        st.button(
            t("watch_now"), icon=":material/refresh:", type="tertiary", key=f"watch-now-{watch.id}", on_click=act,
            args=(assistant().watches.again,), disabled=assistant().settings.web == "off",
        )  # fmt: skip
        st.button(
            t("watch_stop"), icon=":material/event_busy:", type="tertiary", key=f"watch-stop-{watch.id}",
            on_click=act, args=(assistant().watches.stop,),
        )  # fmt: skip
