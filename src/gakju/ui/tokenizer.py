"""The tokens page: a text as tokens, what it costs, and why Korean takes more of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import streamlit as st

from gakju.errors import GakjuError
from gakju.labs import tokenizer as lab
from gakju.labs.tokenizer import NAMES, Count, Price
from gakju.language import explain
from gakju.types import Document
from gakju.ui import live, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t

SHOWN = 1500
"""Tokens drawn; more are only counted."""
COLOURS = 6


def page() -> None:
    with st.container(key="shelf"):
        st.title(t("tokenizer"))
        st.markdown(t("tokens_intro"))
        pieces.fragment(_page)()


def _page() -> None:
    sources = {"text": t("tokens_of_text"), "document": t("tokens_of_document")}
    names = {name: t(f"vocabulary_{name}") for name in NAMES}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.segmented_control(
            t("tokens_source"), list(sources), default="text", required=True, format_func=sources.__getitem__,
            key="tokens_source",
        )  # fmt: skip
        name = st.segmented_control(
            t("tokens_vocabulary"), NAMES, default="o200k_base", required=True, format_func=names.__getitem__,
            key="tokens_vocabulary",
        )  # fmt: skip
    try:
        lab.vocabulary(name, assistant().settings)
    except GakjuError as e:
        st.warning(plain(explain(e, language())), icon=":material/download:")
        return
    if source == "document":
        _document(name)
        return
    text = live.area(t("tokens_text"), key="tokens_text", start=t("tokens_start"), rows=4, longest=200_000, hidden=True)
    _facts(lab.count(text, name, assistant().settings))
    _drawn(text, name, "text")
    _compared(text)
    _costs(lab.prices(text, assistant().settings))
    _pairs(name)
    _fails(name)


def _facts(count: Count) -> None:
    _metrics(
        (t("tokens_count"), f"{count.tokens:,}"),
        (t("tokens_characters"), f"{count.characters:,}"),
        (t("tokens_per_character"), f"{count.characters_a_token:.2f}"),
        (t("tokens_per_byte"), f"{count.bytes_a_token:.2f}"),
    )


def _metrics(*facts: tuple[str, str]) -> None:
    with st.container(horizontal=True, gap="medium", key="metrics"):
        for label, value in facts:
            st.metric(label, value, width="content")


def _drawn(text: str, name: str, key: str) -> None:
    encoding = lab.vocabulary(name, assistant().settings)
    # A token is at most some tens of characters, spaces aside: what is not drawn need not be cut into tokens.
    found = lab.tokens(text[: SHOWN * 32], encoding)
    ids = st.toggle(t("tokens_ids"), key=f"tokens_ids_{key}")
    live.tokens(
        list(islice(_items(found), SHOWN)),
        label=t("tokens_label", count=f"{len(found):,}"),
        hint=t("tokens_hint"),
        ids=ids,
        key=f"tokens_drawn_{key}",
    )
    if len(found) > SHOWN:
        st.caption(t("tokens_cut", shown=f"{SHOWN:,}", count=f"{lab.count(text, name, assistant().settings).tokens:,}"))


def _items(found: Sequence[lab.Token]) -> list[live.Item]:
    items: list[live.Item] = []
    for group in lab.groups(found):
        several, whole = len(group.tokens) > 1, group.text.strip()
        for i, token in enumerate(group.tokens):
            shown, look = lab.visible(token)
            raw = token.bytes.hex(" ").upper()
            known: dict[str, object] = {"id": token.id, "bytes": raw}
            facts = t("tokens_fact_part", **known, whole=whole) if several else t("tokens_fact", **known)
            item = live.Item(shown, look, f"c{len(items) % COLOURS}", token.id, facts)
            if several:
                last = i == len(group.tokens) - 1
                item = item._replace(group=2 if i else 1, whole=whole if last else "")
            items.append(item)
    return items


def _compared(text: str) -> None:
    st.subheader(t("tokens_compare"))
    rows = []
    for name in NAMES:
        try:
            c = lab.count(text, name, assistant().settings)
        except GakjuError:
            continue
        numbers = (f"{c.tokens:,}", f"{c.characters_a_token:.2f}", f"{c.bytes_a_token:.2f}", f"{c.by_rule:,}", off(c))
        rows.append([t(f"vocabulary_{name}"), *numbers])
    heads = (
        "tokens_vocabulary",
        "tokens_count",
        "tokens_per_character",
        "tokens_per_byte",
        "tokens_rule",
        "tokens_off",
    )
    table([t(h) for h in heads], rows)


def off(count: Count) -> str:
    """How far the rule of thumb is from the truth."""
    return "–" if count.rule_error is None else f"{count.rule_error:+.0%}".replace("-", "−")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """A small table: the first `left` columns are words, the others numbers."""
    lines = [" | ".join(heads), " | ".join(["---"] * left + ["---:"] * (len(heads) - left))]
    lines += [" | ".join(plain(cell) for cell in row) for row in rows]
    st.markdown("\n".join(f"| {line} |" for line in lines))


def _costs(found: Sequence[Price]) -> None:
    st.subheader(t("tokens_money"))
    rows = []
    for p in found:
        number = f"{p.tokens:,}" if p.sure else f"{t('tokens_guess')} {p.tokens:,}"
        money = t("tokens_no_price") if p.money is None else _money(p.money)
        rows.append([p.model, number, f"{p.share:.1%}", money])
    table([t("tokens_model"), t("tokens_count"), t("tokens_share"), t("tokens_price")], rows)
    if not assistant().settings.prices:
        st.caption(t("tokens_prices_hint", example=plain('{"openai:gpt-4o-mini": [0.15, 0.6]}')))


def _money(amount: float) -> str:
    return t("tokens_free") if amount == 0 else f"{amount:.6f}".rstrip("0") if amount < 0.01 else f"{amount:,.4f}"


def _pairs(name: str) -> None:
    st.subheader(t("tokens_pairs"))
    st.markdown(t("tokens_pairs_text"))
    rows = [_pair(korean, english, name) for korean, english in lab.PAIRS]
    table([t("tokens_korean"), t("tokens_english"), t("tokens_count"), ""], rows, left=2)
    with st.expander(t("tokens_own_pair")):
        sides = st.columns(2)
        with sides[0]:
            korean = live.area(t("tokens_korean"), key="pair_ko", start=lab.PAIRS[0][0], rows=3)
        with sides[1]:
            english = live.area(t("tokens_english"), key="pair_en", start=lab.PAIRS[0][1], rows=3)
        *_, numbers, times = _pair(korean, english, name)
        st.markdown(f"**{plain(numbers)}** · {times}" if times else f"**{plain(numbers)}**")


def _pair(korean: str, english: str, name: str) -> list[str]:
    first, second = (lab.count(text, name, assistant().settings).tokens for text in (korean, english))
    times = t("tokens_times", times=f"{first / second:.1f}") if second else ""
    return [korean, english, f"{first}\u00a0:\u00a0{second}", times]


def _fails(name: str) -> None:
    st.subheader(t("tokens_fails"))
    st.markdown(t("tokens_fails_text"))
    rows = []
    for kind, text in lab.KINDS:
        c = lab.count(text, name, assistant().settings)
        example = " ".join(text.split())
        short = example[:44] + ("…" if len(example) > 44 else "")
        rows.append([t(f"kind_{kind}"), short, str(c.by_rule), str(c.tokens), off(c)])
    heads = ("tokens_kind", "tokens_example", "tokens_rule", "tokens_truth", "tokens_off")
    table([t(h) for h in heads], rows, left=2)


def _document(name: str) -> None:
    documents = {d.id: d for d in assistant().documents()}
    if not documents:
        st.info(t("tokens_no_documents"))
        st.page_link(st.session_state["pages"]["library"], label=t("add_first"), icon=":material/upload_file:")
        return
    chosen = st.selectbox(
        t("tokens_document"),
        list(documents),
        format_func=lambda i: documents[i].title or documents[i].path,
        key="tokens_document",
    )
    found = _counted(documents[chosen], name)
    total, largest = sum(found.tokens), max(found.tokens, default=0)
    _metrics(
        (t("tokens_count"), f"{total:,}"),
        (t("tokens_characters"), f"{len(found.text):,}"),
        (t("tokens_a_page"), f"{total / max(1, len(found.tokens)):,.0f}"),
        (t("tokens_largest"), f"{largest:,}"),
    )
    _costs(lab.prices(found.text[: lab.LONGEST], assistant().settings))
    number = 1
    if len(found.tokens) > 1:
        number = st.number_input(t("tokens_page"), 1, len(found.tokens), key=f"tokens_page_{chosen}", width=160)
    _drawn(assistant().page(chosen, number).text, name, "document")


def _counted(document: Document, name: str) -> lab.Pages:
    """Kept for the visit: a long document takes seconds."""
    kept: dict[tuple[str, str], lab.Pages] = st.session_state.setdefault("tokens_counted", {})
    key = (document.id, name)
    if key not in kept:
        with st.spinner(t("tokens_counting")):
            kept.clear()  # one at a time: a long document is megabytes
            kept[key] = lab.document(assistant(), document, name)
    return kept[key]
