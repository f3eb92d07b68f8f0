"""Keeping documents in order: to another collection, read once more, out of the library and back; many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from gakju.assistant import DEFAULT
from gakju.errors import GakjuError
from gakju.language import explain
from gakju.types import Document
from gakju.ui import pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, n, name_of, t

LISTED = 50
"""Deleted documents that are shown with a way back."""


def names() -> list[str]:
    """Collections to choose from, the main one first; it is there even when it is empty."""
    return sorted({*assistant().collections(), DEFAULT}, key=lambda name: (name != DEFAULT, name))


def of_document(d: Document) -> None:
    """What can be done with one document, behind one button."""
    with st.popover(t("manage"), icon=":material/more_horiz:", type="tertiary", key="manage-document"):
        _move([d], key="one")
        _reread([d], key="one")
        if st.button(t("delete"), icon=":material/delete:", key="delete-one", type="tertiary"):
            delete([d])


def of_many(found: Sequence[Document]) -> None:
    """What can be done with the chosen documents."""
    with st.container(horizontal=True, vertical_alignment="center", key="chosen"):
        st.markdown(f"**{t('chosen', documents=n('documents', len(found)))}**", width="stretch")
        with st.popover(t("move"), icon=":material/drive_file_move:", disabled=not found, key="move-many"):
            _move(found, key="many")
        with st.popover(t("reread"), icon=":material/refresh:", disabled=not found, key="reread-many"):
            _reread(found, key="many")
        if st.button(t("delete"), icon=":material/delete:", disabled=not found, key="delete-many"):
            delete(found)


def of_collection(name: str) -> None:
    """A new name for a collection, or its end."""
    with st.popover(t("manage_collection"), icon=":material/folder_managed:", key="manage-collection"):
        with st.form("rename", border=False):
            new = st.text_input(t("new_name"), value=name_of(name), max_chars=64, key=f"rename-{name}")
            if st.form_submit_button(t("rename"), icon=":material/edit:") and new.strip() != name_of(name):
                _try(lambda: assistant().shelf.rename(name, new.strip()), t("renamed", name=plain(new)))
        if st.button(t("delete_collection"), icon=":material/delete:", type="tertiary", key="delete-collection"):
            pieces.dialog(t("delete_collection"), _confirm_collection)(name)


def delete(found: Sequence[Document]) -> None:
    """Out of the library at once; `undo` and, for a day, `removed` have them back."""
    here = {d.id for d in assistant().documents()}  # without those that were deleted in another tab
    ids = [d.id for d in found if d.id in here]
    assistant().shelf.discard(ids)
    for name in ("document", "page", "mark", "chunk"):
        st.query_params.pop(name, None)
    st.session_state["picked"] = True
    if ids:
        st.session_state["deleted"] = ids, found[0].title, ""
    st.rerun()


def undo() -> None:
    """What this visitor deleted last, and the way back."""
    if not (gone := st.session_state.get("deleted")):
        return
    ids, title, collection = gone
    documents = n("documents", len(ids))
    if collection:
        said = t("deleted_collection", name=plain(name_of(collection)), documents=documents)
    else:
        said = t("deleted_many", documents=documents) if len(ids) > 1 else t("deleted", title=plain(title, limit=60))
    if pieces.undo(said, "deleted"):
        _restore(ids)


def removed() -> None:
    """Whatever can still be had back, whoever deleted it."""
    if not (found := assistant().shelf.removed()):
        return
    with st.expander(
        t("removed", documents=n("documents", len(found))),
        icon=":material/restore_from_trash:",
        key="removed-documents",
    ):
        st.caption(t("removed_help"))
        for d, at in found[:LISTED]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"removed-{d.id}"):
                when = words.when(at, st.context.timezone, language())
                facts = [name_of(d.collection), t("removed_at", day=when)]
                label = plain(d.title, limit=90) or plain(d.path)
                st.markdown(f"**{label}**  \n:small[{plain(' · '.join(facts))}]", width="stretch")
                if st.button(t("restore"), icon=":material/undo:", type="tertiary", key=f"restore-{d.id}"):
                    _restore([d.id])
                if st.button(t("erase"), icon=":material/delete_forever:", type="tertiary", key=f"erase-{d.id}"):
                    pieces.dialog(t("erase"), _erase)(d)
        if len(found) > LISTED:
            st.caption(t("removed_more", count=len(found) - LISTED))


def _restore(ids: Sequence[str]) -> None:
    back = assistant().shelf.restore(ids)
    st.session_state.pop("deleted", None)
    if back:
        st.toast(t("restored", documents=n("documents", len(back))), icon=":material/check:")
    if len(back) < len(ids):
        st.toast(t("not_restored"), icon=":material/info:")
    st.rerun()


def _erase(d: Document) -> None:
    st.markdown(t("erase_ask", title=plain(d.title)))
    with st.container(horizontal=True):
        if st.button(t("erase"), type="primary", key="erase_yes"):
            assistant().shelf.erase([d.id])
            st.session_state.pop("deleted", None)
            st.rerun()
        if st.button(t("keep"), key="erase_no"):
            st.rerun()


def _move(found: Sequence[Document], *, key: str) -> None:
    with st.form(f"move-{key}", border=False):
        here = {d.collection for d in found}
        others = [name for name in names() if here != {name}]
        target = st.selectbox(
            t("move_to"), others, index=None, format_func=name_of, accept_new_options=True, key=f"move-to-{key}",
            placeholder=t("collection_new"), help=t("collection_help"),
        )  # fmt: skip
        if st.form_submit_button(t("move"), icon=":material/drive_file_move:") and target:
            _try(
                lambda: assistant().shelf.move([d.id for d in found], target.strip()),
                t("moved", name=plain(name_of(target.strip()))),
            )


def _reread(found: Sequence[Document], *, key: str) -> None:
    with st.form(f"reread-{key}", border=False):
        ocr = st.toggle(t("ocr"), value=True, key=f"reread-ocr-{key}", help=t("ocr_help"))
        if st.form_submit_button(t("reread"), icon=":material/refresh:"):
            _try(lambda: assistant().shelf.reread([d.id for d in found], ocr=ocr), t("reread_begun"))


def _try(act: Callable[[], object], said: str) -> None:
    """Do it and say so, or say what is in the way."""
    try:
        act()
    except GakjuError as e:
        st.error(plain(explain(e, language())), icon=":material/error:")
        return
    st.session_state["picked"] = True
    st.toast(said, icon=":material/check:")
    st.rerun()


def _confirm_collection(name: str) -> None:
    count = n("documents", assistant().collections().get(name, 0))
    st.markdown(t("delete_collection_ask", name=plain(name_of(name)), documents=count))
    with st.container(horizontal=True):
        if st.button(t("delete"), type="primary", key="delete_yes"):
            try:
                ids = assistant().shelf.remove(name)
            except GakjuError as e:
                st.error(plain(explain(e, language())), icon=":material/error:")
                return
            st.session_state["deleted"] = ids, "", name
            st.rerun()
        if st.button(t("keep"), key="delete_no"):
            st.rerun()
