"""One document: its pages as drawn and as read, what the index made of them, a search in it, and what mends it."""

from __future__ import annotations

import re

import streamlit as st

from gakju.assistant import Scope
from gakju.assistant.explain import explain, indexed, on_page
from gakju.errors import NotFound
from gakju.types import Chunk, Document, Evidence, Page
from gakju.ui import adding, finds, pane, pieces, sheet, shelves, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, n, t

_MARK = re.compile(r"(\d{1,6})\.(\d{1,9})-(\d{1,9})")
_ALL = ("document", "page", "mark", "chunk", "find")


def show(document_id: str | None, page: int = 1, mark: str = "", chunk: str = "") -> None:
    """Go to a document, or back to the list. In the address, so that a reload or a link comes to the same place."""
    for name in _ALL:
        st.query_params.pop(name, None)
    if document_id:
        st.query_params["document"] = document_id
        st.query_params.update({k: v for k, v in (("page", str(page)), ("mark", mark), ("chunk", chunk)) if v})


def mark_of(e: Evidence) -> str:
    """A sentence as the address has it: page and code points."""
    first = e.spans[0]
    return f"{first.page}.{first.start}-{first.end}"


def page(document_id: str) -> None:
    try:
        d = assistant().document(document_id)
    except NotFound:
        st.warning(t("no_document"))
        _back()
        return
    _back()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(d.title) or plain(d.path), width="stretch")
        shelves.of_document(d)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(" · ".join(facts(d)), width="stretch")
        pane.download(d, key="download")
    seen = adding.mark()
    adding.jobs(seen, finished=False)
    if d.problems:
        with st.expander(t("problems"), icon=":material/info:"):
            adding.problems(d)
            adding.mend(d)
    pieces.fragment(_body)(d)


def facts(d: Document) -> list[str]:
    """How large it is and since when it is here."""
    added = words.when(d.added_at, st.context.timezone, language())
    return [n("pages", d.pages), n("chunks", d.chunks), words.size(d.bytes), added]


def _back() -> None:
    st.button(t("back"), icon=":material/arrow_back:", type="tertiary", key="back", on_click=show, args=(None,))


def _body(d: Document) -> None:
    views = {"pages": t("view_pages"), "chunks": t("view_chunks")}
    with st.container(horizontal=True, vertical_alignment="bottom", key="document-tools"):
        view = st.segmented_control(
            t("view"), list(views), default="chunks" if st.query_params.get("chunk") else "pages", required=True,
            format_func=views.__getitem__, key="view", label_visibility="collapsed",
        )  # fmt: skip
        wanted = st.text_input(
            t("find_here"),
            key="find-here",
            icon=":material/search:",
            placeholder=t("find_here"),
            label_visibility="collapsed",
        )
    number = min(max(1, _number(st.query_params.get("page"))), max(1, d.pages))
    drawn, read = st.columns([6, 5], gap="medium")
    with read:
        if wanted.strip():
            _search(d, wanted)
        here = _chunks(d, number) if view == "chunks" else []
        if view == "pages":
            _read(d, number)
    with drawn:
        chosen = st.query_params.get("chunk", "")
        areas = [sheet.Area(c.id, str(c.ordinal + 1), _name(c), c.boxes, c.id == chosen) for c in here]
        sheet.draw(
            d, number, _marked(d), key="document-sheet", on_turn=_turn, areas=areas, on_choose=_choose,
            tall="max(24rem, calc(100vh - 9rem))",
        )  # fmt: skip


def _number(given: str | None) -> int:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 7 else 1


def _turn(to: int) -> None:
    st.query_params["page"] = str(to)
    st.query_params.pop("chunk", None)


def _choose(chunk_id: str) -> None:
    if st.query_params.get("chunk") == chunk_id:
        del st.query_params["chunk"]
    else:
        st.query_params["chunk"] = chunk_id


def _marked(d: Document) -> sheet.Marked:
    """What the address marks: `mark=PAGE.START-END`."""
    found = _MARK.fullmatch(st.query_params.get("mark", ""))
    if not found:
        return sheet.Marked()
    number, start, end = map(int, found.groups())
    try:
        page = assistant().page(d.id, number)
    except NotFound:
        return sheet.Marked()
    shown = _number(st.query_params.get("page")) == number
    quote = page.text[start:end]
    return sheet.Marked(page.boxes(start, end), (start, end) if shown else (0, 0), quote, number)


def _read(d: Document, number: int) -> None:
    text: Page = assistant().page(d.id, number)
    st.caption(t("as_read"))
    if text.text.strip():
        pieces.passage(text.text, 0, 0, label=t("page_text", page=number), height=640, key="as-read")
    else:
        st.info(t("no_words"))
    adding.problems(text)
    if any(p.kind in adding.MENDED_BY_OCR for p in text.problems):
        adding.mend(d, key="page")


def _search(d: Document, question: str) -> None:
    told = explain(assistant(), question, Scope((d.collection,), (d.id,)))
    if not told.found.sentences:
        st.caption(t("nothing_found"))
        return

    def open_place(place: finds.Place) -> None:
        st.query_params.update({"page": str(place["page"]), "mark": place["mark"]})

    finds.sentences(told.found.sentences, key="found-here", on_open=open_place)


def _chunks(d: Document, number: int) -> list[Chunk]:
    chunks = on_page(assistant().chunks(d.id), number)
    if not chunks:
        st.info(t("no_words"))
        return []
    st.caption(t("chunks_help"))
    shown = st.toggle(t("show_words"), value=True, key="show-words")
    chosen = st.query_params.get("chunk", "")
    items = [
        {
            "id": c.id,
            "name": _name(c),
            "path": " › ".join(c.headings),
            "here": c.id == chosen,
            "before": before,
            "parts": [{"text": c.text[p.start : p.end], "words": list(p.words) if shown else []} for p in parts],
        }
        for c, (before, parts) in zip(chunks, indexed(assistant(), d, chunks), strict=True)
    ]
    finds.chunks(items, key="chunks", on_choose=_choose)
    return chunks


def _name(c: Chunk) -> str:
    return t("chunk", number=c.ordinal + 1, pages=words.ranges(s.page for s in c.segments))
