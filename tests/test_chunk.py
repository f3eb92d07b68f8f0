"""Chunks end at borders, keep every word, and know where each part stands."""

from __future__ import annotations

import numpy as np
import pytest

from gakju.chunk import Chunker, embedding_text, part_spans
from gakju.types import Block, Chunk, Page


def count(texts):
    """A token a word keeps the arithmetic in sight."""
    return [len(text.split()) for text in texts]


def page(number, *blocks, layout=True):
    """A page of `(kind, text)` or `(kind, text, level)`; glyphs are 5 pt wide, one line of 10 pt a block."""
    text, made, rows = "", [], []
    for line, (kind, words, *level) in enumerate(blocks):
        text += "\n" if text else ""
        rows += [[np.nan] * 4] * (len(text) - len(rows))
        made.append(Block(kind, len(text), len(text) + len(words), *level))
        rows += [[50 + 5 * i, 100 + 20 * line, 55 + 5 * i, 110 + 20 * line] for i in range(len(words))]
        text += words
    glyphs = np.array(rows, np.float32).reshape(-1, 4) if layout else np.empty((0, 4), np.float32)
    side = 600.0 if layout else 0.0
    return Page(number, text, tuple(made), width=side, height=side, glyphs=glyphs)


def chunks(*pages, size=20):
    return list(Chunker(count, size).chunks("d", pages))


def check(found, pages):
    """The invariants: verbatim segments, and every body word in exactly one chunk, in order."""
    texts = {p.number: p.text for p in pages}
    for chunk in found:
        for s in chunk.segments:
            assert chunk.text[s.at : s.at + s.end - s.start] == texts[s.page][s.start : s.end]
        ends = [0, *(p.end for p in chunk.parts), len(chunk.text)]
        between = [chunk.text[end : p.start] for end, p in zip(ends, chunk.parts, strict=False)]
        assert not "".join(between).strip()
        assert ends[-2] == ends[-1]
    body = [p.text[b.start : b.end] for p in pages for b in p.blocks if b.kind not in {"header", "footer"}]
    assert " ".join(c.text for c in found).split() == " ".join(body).split()


def test_sentences_are_packed_whole():
    p = page(1, ("text", "하나 둘 셋. 넷 다섯 여섯. 일곱 여덟 아홉. 열 열하나 열둘."))
    found = chunks(p, size=7)
    assert [c.text for c in found] == ["하나 둘 셋. 넷 다섯 여섯.", "일곱 여덟 아홉. 열 열하나 열둘."]
    assert [(c.id, c.ordinal) for c in found] == [("d-0", 0), ("d-1", 1)]
    assert found[1].segments == ((1, 17, 36, 0),)
    assert found[1].parts == ((0, 9, "text"), (10, 19, "text"))
    check(found, [p])


def test_the_end_of_a_section_is_split_evenly():
    p = page(1, ("text", "Ab cd. " * 9))
    assert [len(c.text.split()) for c in chunks(p, size=16)] == [10, 8]


def test_headings_open_chunks_and_are_kept_above():
    p = page(
        1,
        ("heading", "취업 규칙", 1),
        ("heading", "휴가", 2),
        ("text", "연차는 열다섯 날이다. " * 4),
        ("heading", "급여", 2),
        ("text", "급여는 매달 준다. " * 9),
        ("heading", "부칙", 1),
        ("text", "내년부터 시행한다. " * 3),
    )
    found = chunks(p, size=20)
    assert [c.headings for c in found] == [("취업 규칙",), ("취업 규칙", "급여"), ("취업 규칙", "급여"), ("부칙",)]
    assert found[0].text.startswith("취업 규칙\n휴가\n연차는")
    assert found[1].text.startswith("급여\n급여는")
    assert found[2].text.startswith("급여는")
    check(found, [p])


def test_tiny_sections_share_a_chunk_but_not_across_chapters():
    tiny = [("heading", "가항", 2), ("text", "짧다 아주."), ("heading", "나항", 2), ("text", "이것도 짧다.")]
    found = chunks(page(1, ("heading", "일장", 1), *tiny, ("heading", "이장", 1), ("text", "새 장이다.")), size=40)
    assert [c.text.split("\n")[0] for c in found] == ["일장", "이장"]
    assert found[0].headings == ("일장",)


def test_a_sentence_over_a_page_border_has_two_segments():
    pages = [
        page(
            1,
            ("header", "회사 규정"),
            ("text", "첫 문장이다. 회사는 일 년 동안 성실하게 근무한 모든 근로자에게"),
            ("footer", "- 1 -"),
        ),
        page(2, ("header", "회사 규정"), ("text", "열다섯 날의 휴가를 준다. 끝 문장이다.")),
    ]
    (chunk,) = chunks(*pages, size=60)
    assert (
        chunk.text
        == "첫 문장이다. 회사는 일 년 동안 성실하게 근무한 모든 근로자에게 열다섯 날의 휴가를 준다. 끝 문장이다."
    )
    assert [s.page for s in chunk.segments] == [1, 2]
    assert {box.page for box in chunk.boxes} == {1, 2}
    assert chunk.boxes[0][1:] == (
        50,
        120,
        50 + 5 * len("첫 문장이다. 회사는 일 년 동안 성실하게 근무한 모든 근로자에게"),
        130,
    )
    check([chunk], pages)


@pytest.mark.parametrize(
    ("end", "start", "layout"),
    [
        ("회사는 일 년 동안 성실하게 근무한 근로자에게 준다.", "다음 문장이다.", True),
        ("회사는 일 년 동안 성실하게 근무한 근로자에게", "1. 목록의 처음이다.", True),
        ("the employees of the whole company and all", "Next Chapter begins.", True),
        ("짧은 제목", "다음 문장이다.", True),
        ("회사는 일 년 동안 성실하게 근무한 근로자에게", "다음 쪽이다.", False),
    ],
)
def test_pages_that_do_not_run_on(end, start, layout):
    pages = [page(1, ("text", end), layout=layout), page(2, ("text", start), layout=layout)]
    (chunk,) = chunks(*pages, size=60)
    assert chunk.text == f"{end}\n\n{start}"


def test_rows_stay_whole_and_know_their_first_row():
    rows = [("row", "항목\t값\t단위")] + [("row", f"전압{n}\t{n}\t볼트") for n in range(8)]
    p = page(1, ("text", "표는 아래와 같다."), *rows, ("text", "표의 끝이다."))
    found = chunks(p, size=12)
    assert found[0].text == "표는 아래와 같다.\n항목\t값\t단위\n전압0\t0\t볼트\n전압1\t1\t볼트"
    assert found[1].headings == ("항목 | 값 | 단위",)
    assert found[1].text.startswith("전압2\t2\t볼트\n")
    check(found, [p])


def test_a_sentence_longer_than_a_chunk_is_cut_at_words():
    p = page(1, ("text", " ".join(f"낱말{n}" for n in range(50))))
    found = chunks(p, size=20)
    assert [len(c.text.split()) for c in found] == [20, 20, 10]
    check(found, [p])


def test_an_endless_word_is_cut():
    p = page(1, ("text", "가" * 1_000))
    found = list(Chunker(lambda texts: [len(t) for t in texts], 64).chunks("d", [p]))
    assert max(len(c.text.replace("\n", "")) for c in found) <= 64
    assert "".join(c.text for c in found).replace("\n", "") == "가" * 1_000


def test_letters_that_no_vocabulary_has_make_no_endless_chunk():
    """Any run of them is one token, or none."""
    pages = [page(n, *[("text", "뷁" * 900)] * 20, layout=False) for n in (1, 2)]
    for tokens in (0, 1):
        found = list(Chunker(lambda texts, tokens=tokens: [tokens] * len(texts), 100).chunks("d", pages))
        assert "".join(c.text for c in found).count("뷁") == 36_000
        assert max(len(c.text) for c in found) < 2_000


def test_pages_without_text_give_no_chunk():
    assert chunks(page(1), page(2, ("header", "머리말"), ("footer", "2")), page(3, ("text", " \n "))) == []


def test_text_left_out_in_the_middle_parts_segments():
    p = page(1, ("text", "왼쪽 단이다."), ("footer", "- 7 -"), ("text", "오른쪽 단이다."))
    (chunk,) = chunks(p)
    assert chunk.text == "왼쪽 단이다.\n\n오른쪽 단이다."
    assert len(chunk.segments) == 2
    check([chunk], [p])


def test_pages_are_taken_as_they_are_needed():
    taken = []

    def pages():
        for n in range(1, 100):
            taken.append(n)
            yield page(n, ("text", "한 문장이 여기에 있다. " * 5))

    stream = Chunker(count, 20).chunks("d", pages())
    next(stream)
    assert len(taken) <= 4


def test_embedding_text_adds_context_once():
    chunk = Chunk("d-0", "d", 0, "휴가\n연차는 열다섯 날이다.", ("취업 규칙", "휴가"), ())
    assert embedding_text(chunk, "회사  규정") == "회사 규정\n취업 규칙\n휴가\n연차는 열다섯 날이다."
    assert embedding_text(chunk) == "취업 규칙\n휴가\n연차는 열다섯 날이다."
    made = chunks(page(1, ("heading", "휴가", 1), ("text", "연차는 열다섯 날이다. 반차도 있다.")))[0]
    text = embedding_text(made, "규정")
    assert [text[a:b] for a, b in part_spans(made, text)] == ["휴가", "연차는 열다섯 날이다.", "반차도 있다."]
    long = Chunk("d-0", "d", 0, "본문", tuple(f"{n}" * 100 for n in range(6)), ())
    assert len(embedding_text(long, "제목")) < 300
    assert embedding_text(long, "제목").startswith("제목\n")
