"""Why a question finds what it finds: words, ranks and what a page lacks."""

from __future__ import annotations

import pytest

from fronts import LEAVE, TRIP, opened
from gakju.assistant import Scope
from gakju.assistant.explain import expected, explain, indexed, on_page
from gakju.errors import UsageError
from gakju.types import Chunk, Segment

WHOLE = Scope(("default",))


@pytest.fixture
def assistant(tmp_path):
    with opened(tmp_path / "home") as one:
        for name, text in (("leave.txt", LEAVE), ("trip.txt", TRIP)):
            (tmp_path / name).write_text(text, "utf-8")
        one.add([tmp_path / "leave.txt", tmp_path / "trip.txt"])
        yield one


def document(assistant, title: str):
    return next(d for d in assistant.documents() if d.title == title)


def test_ranks_scores_and_words_are_those_of_the_search(assistant) -> None:
    told = explain(assistant, " 출장비 영수증은 언제 내나요? ", WHOLE)
    hits = assistant.search("출장비 영수증은 언제 내나요?", 8)
    assert [(r.rank, r.hit.chunk.id, r.hit.score) for r in told.hits] == [
        (i, h.chunk.id, h.score) for i, h in enumerate(hits, 1)
    ]
    assert {"출장비", "영수증"} <= set(told.asked)
    best = told.hits[0]
    assert best.hit.document.title == "trip"
    assert {"bm25", "dense"} <= set(best.hit.parts)
    assert best.words["영수증"]
    assert best.coverage > told.hits[1].coverage
    assert "언제" not in best.words  # a word of form
    assert 0 <= told.found.strength <= 1
    assert told.found.sentences


def test_refusal_is_told_by_strength_against_the_threshold(assistant) -> None:
    told = explain(assistant, "출장비", WHOLE)
    assert told.refused == (told.found.strength < told.refuse_below)
    with pytest.raises(UsageError):
        explain(assistant, " ", WHOLE)
    assert explain(assistant, "출장비", Scope(("nothing",))).refused


def test_an_expected_page_has_its_rank_and_the_words_it_lacks(assistant) -> None:
    leave = document(assistant, "leave")
    told = expected(assistant, "출장비 영수증", leave, 1)
    assert [r.rank for r in told.ranked] == [2]
    assert told.ranked[0].words == told.chunks[0][1]
    assert set(told.ranked[0].words.values()) == {False}
    assert expected(assistant, "출장비 영수증", document(assistant, "trip"), 1).ranked[0].rank == 1


def test_a_chunk_over_a_page_border_is_on_both_pages() -> None:
    chunk = Chunk("c", "d", 0, "가나다라", (), (Segment(3, 10, 12, 0), Segment(4, 0, 2, 2)))
    assert [on_page([chunk], n) == [chunk] for n in (2, 3, 4, 5)] == [False, True, True, False]


def test_parts_have_the_words_of_the_index(assistant) -> None:
    leave = document(assistant, "leave")
    chunks = assistant.chunks(leave.id)
    ((before, parts),) = indexed(assistant, leave, chunks)
    assert before == "leave"
    assert [chunks[0].text[p.start : p.end] for p in parts] == [
        "연차휴가는 15일이다.",
        "연차휴가는 이듬해로 넘길 수 없다.",
    ]
    assert [p.words for p in parts] == [
        tuple(assistant.parts.morphemes.words(chunks[0].text[p.start : p.end])) for p in parts
    ]
    assert "연차" in parts[0].words or "연차휴가" in parts[0].words
    assert indexed(assistant, leave, []) == []
