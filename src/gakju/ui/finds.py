"""What a search found and what the index made of a page, as lists to read: words, scores, sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from gakju.assistant.explain import Expected, Explained, Ranked
from gakju.types import Document, Evidence
from gakju.ui import pieces, words
from gakju.ui.state import language, t

Place = Mapping[str, Any]
"""What a click tells: `document`, `page`, and `mark` or `chunk`, of which one may be empty."""


def sentences(found: Sequence[Evidence], *, key: str, on_open: Callable[[Place], None]) -> None:
    """Sentences of evidence, best first; a click opens their place."""
    _list(key, {"evidence": [_sentence(e) for e in found]}, on_open)


def results(told: Explained, wanted: Mapping[str, Any] | None, *, key: str, on_open: Callable[[Place], None]) -> None:
    """A search laid open. `wanted` is what `expectation` made of a page that should have been found."""
    strength = told.found.strength
    data = {
        "asked": {"title": t("words_asked"), "words": [{"word": w} for w in told.asked]},
        "added": {"title": t("words_added"), "words": [{"word": w} for w in told.added]},
        "expected": wanted,
        "strength": {
            "value": strength,
            "limit": told.refuse_below,
            "label": t("strength"),
            "said": t(
                "strength_no" if told.refused else "strength_yes", value=f"{strength:.2f}", limit=told.refuse_below
            ),
        },
        "evidence": [_sentence(e) for e in told.found.sentences],
        "hits": [_hit(r) for r in told.hits],
    }
    _list(key, data, on_open)


def expectation(told: Expected, document: Document, page: int) -> dict[str, Any]:
    """How a page fared that should have been found."""
    place = words.place(document.ref, page, language())
    if told.ranked:
        said = t("expected_rank", place=place, rank=told.ranked[0].rank)
    elif told.chunks:
        said = t("expected_none", place=place, depth=told.depth)
    else:
        said = t("expected_empty", place=place)
    # A page's best chunk: the one that ranks first, else the one that holds most words.
    held = told.ranked[0].words if told.ranked else max((w for _, w in told.chunks), key=_sum, default={})
    return {"title": t("expected"), "said": said, "words": _words(held)}


def chunks(items: Sequence[Mapping[str, Any]], *, key: str, on_choose: Callable[[str], None]) -> None:
    """Chunks of a page: `id`, `name`, `path`, `before`, `parts` with `text` and `words`, `here`."""

    def told() -> None:
        if found := st.session_state[key].get("choose"):
            on_choose(found["id"])

    labels = {"before": t("indexed_before"), "words": t("words_indexed")}
    pieces.component("chunks")(key=key, data={"items": list(items), "labels": labels}, on_choose_change=told)


def _list(key: str, data: Mapping[str, Any], on_open: Callable[[Place], None]) -> None:
    def told() -> None:
        if found := st.session_state[key].get("open"):
            on_open(found)

    titles = {
        "evidence": t("evidence_found"),
        "hits": t("hits_found"),
        "text": t("hit_text"),
        "held": t("word_held"),
        "lacking": t("word_lacking"),
    }
    pieces.component("found")(key=key, data={**data, "titles": titles}, on_open_change=told)


def _sum(held: Mapping[str, bool]) -> int:
    return sum(held.values())


def _words(held: Mapping[str, bool]) -> list[dict[str, Any]]:
    return [{"word": word, "held": there} for word, there in held.items()]


def _sentence(e: Evidence) -> dict[str, Any]:
    first = e.spans[0]
    where = words.place(e.document, e.page, language())
    return {
        "text": e.text.replace("\t", " · "),
        "where": where,
        "score": f"{e.score:.2f}",
        "label": t("open_evidence", place=where),
        "document": e.document.id,
        "page": first.page,
        "mark": f"{first.page}.{first.start}-{first.end}",
        "chunk": "",
    }


def _hit(r: Ranked) -> dict[str, Any]:
    chunk, parts = r.hit.chunk, r.hit.parts
    where = words.place(r.hit.document, chunk.page, language())
    scores = [
        (t("score_fused"), f"{r.hit.score:.3f}"),
        (t("score_bm25"), f"{parts['bm25']:.1f}" if "bm25" in parts else "–"),
        (t("score_dense"), f"{parts['dense']:.3f}" if "dense" in parts else "–"),
        (t("score_sentence"), f"{parts['sentence']:.3f}" if "sentence" in parts else "–"),
        (t("score_words"), f"{sum(r.words.values())}/{len(r.words)}"),
    ]
    return {
        "rank": r.rank,
        "where": where,
        "label": t("open_hit", place=where),
        "scores": scores,
        "words": _words(r.words),
        "text": chunk.text,
        "document": chunk.document_id,
        "page": chunk.page,
        "mark": "",
        "chunk": chunk.id,
    }
