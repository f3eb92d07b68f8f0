"""From a question to chunks and sentences, over a real index, with the fake embedder."""

from __future__ import annotations

import numpy as np
import pytest

from gakju.chunk import Chunker, embedding_text, part_spans
from gakju.index import Index
from gakju.models.fakes import FakeEmbedder
from gakju.retrieve import Retriever, _covered, _distinct, _spread_out, fused, strength
from gakju.text.morphemes import Morphemes
from gakju.types import Block, Chunk, Document, DocumentRef, Hit, Page, Segment

HANDBOOK = [
    ("heading", "취업 규칙", 1),
    ("heading", "연차휴가", 2),
    ("text", "연차휴가는 일 년에 15일을 준다. 신청은 사흘 전까지 팀장에게 한다. 남은 휴가는 다음 해로 넘기지 않는다."),
    ("heading", "출장비", 2),
    ("text", "출장비는 다음과 같다."),
    ("text", "1. 숙박비는 하루 12만 원이다."),
    ("text", "2. 식비는 하루 3만 원이다."),
    ("text", "영수증은 닷새 안에 낸다."),
    ("row", "지역\t일비"),
    ("row", "서울\t25,000원"),
    ("row", "제주\t31,000원"),
]
MANUAL = [
    ("heading", "PPR-9087 Printer", 1),
    (
        "text",
        "The printer needs 24 volts. Replace the filter every 300 hours. Do not open the cover while it is running.",
    ),
]


def page_of(blocks, number=1):
    text, made, glyphs = "", [], []
    for line, (kind, words, *level) in enumerate(blocks):
        text += "\n" if text else ""
        glyphs += [[np.nan] * 4] * (len(text) - len(glyphs))
        made.append(Block(kind, len(text), len(text) + len(words), *level))
        glyphs += [[10 * i, 20 * line, 10 * i + 10, 20 * line + 10] for i in range(len(words))]
        text += words
    return Page(number, text, tuple(made), width=600, height=800, glyphs=np.array(glyphs, np.float32))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    embedder, morphemes = FakeEmbedder(), Morphemes(threads=1)
    index = Index(tmp_path_factory.mktemp("library"), {"embedder": embedder.name}, embedder.dimensions)
    for name, blocks, collection in (
        ("rules", HANDBOOK, "default"),
        ("manual", MANUAL, "default"),
        ("copy", MANUAL, "default"),
        ("secret", [("text", "연차휴가는 일 년에 99일을 준다.")], "other"),
    ):
        page = page_of(blocks)
        chunks = list(Chunker(embedder.count_tokens, 30).chunks(name, [page]))
        texts = [embedding_text(chunk) for chunk in chunks]
        with index.writer(name, collection) as writer:
            spans = [part_spans(chunk, text) for chunk, text in zip(chunks, texts, strict=True)]
            vectors, of_parts = embedder.embed_parts(texts, spans)
            writer.write([page], chunks, vectors, morphemes.many(texts), of_parts)
            writer.commit(Document(name, name, f"/{name}", collection, name, "", 0, 1, len(chunks), name))
    return index, embedder, morphemes


@pytest.fixture(scope="module")
def retriever(parts):
    return Retriever(*parts)


@pytest.mark.parametrize("retrievers", [("bm25", "dense"), ("bm25",), ("dense",)])
def test_search_finds_the_passage_first(retriever, retrievers):
    hits = retriever.search("연차휴가는 며칠이에요?", 3, retrievers=retrievers)
    assert hits[0].document.id == "rules"
    assert "15일" in hits[0].chunk.text
    assert set(hits[0].parts) >= set(retrievers)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_codes_are_found_and_copies_come_once(retriever):
    hits = retriever.search("PPR-9087의 전압", 10)
    assert hits[0].chunk.text.startswith("PPR-9087 Printer")
    assert len({hit.chunk.text for hit in hits}) == len(hits)
    assert len([hit for hit in hits if hit.document.id in {"manual", "copy"}]) == 1


def test_collections_are_kept_apart(retriever):
    assert {hit.document.id for hit in retriever.search("연차휴가", 10)} <= {"rules", "manual", "copy"}
    assert [hit.document.id for hit in retriever.search("연차휴가", 10, "other")] == ["secret"]
    assert "secret" in {hit.document.id for hit in retriever.search("연차휴가", 10, None)}
    assert retriever.search("연차휴가", 10, "nowhere") == []


def test_a_question_without_words(retriever):
    assert retriever.search("?", 3, retrievers=("bm25",)) == []
    assert len(retriever.search("?", 2)) == 2


def test_vectors_of_another_embedder_are_left_alone(parts, tmp_path):
    index, embedder, morphemes = parts
    other = Index(index.root, {"embedder": "another"}, embedder.dimensions)
    hits = Retriever(other, embedder, morphemes).search("연차휴가", 3)
    assert [set(hit.parts) for hit in hits] == [{"bm25"}] * len(hits)


def evidence(retriever, question, n=3):
    return retriever.evidence(question, retriever.search(question, 8), n)


def test_evidence_is_verbatim_and_placed(retriever, parts):
    found = evidence(retriever, "연차휴가는 일 년에 며칠을 주나요?")
    assert found.sentences[0].text == "연차휴가는 일 년에 15일을 준다."
    assert [s.number for s in found.sentences] == [1, 2, 3]
    assert [s.score for s in found.sentences] == sorted((s.score for s in found.sentences), reverse=True)
    page = parts[0].page("rules", 1)
    for sentence in found.sentences:
        text = parts[0].page(sentence.document.id, 1).text
        assert sentence.text == " ".join(text[s.start : s.end] for s in sentence.spans)
    best = found.sentences[0]
    assert best.boxes == page.boxes(best.spans[0].start, best.spans[0].end)
    assert best.document.id == "rules"


def test_an_introduction_brings_its_list(retriever):
    found = evidence(retriever, "출장비는 어떻게 되나요? 출장비 다음", 1)
    assert found.sentences[0].text == "출장비는 다음과 같다.\n1. 숙박비는 하루 12만 원이다.\n2. 식비는 하루 3만 원이다."


def test_rows_are_sentences(retriever):
    found = evidence(retriever, "제주 일비는 얼마인가요?")
    assert [s.text for s in found.sentences[:2]] == ["제주\t31,000원", "지역\t일비"]


def test_amounts_and_codes_are_found_however_they_are_written(retriever):
    assert evidence(retriever, "일비가 2만5천원인 곳").sentences[0].text == "서울\t25,000원"
    assert evidence(retriever, "일비가 3만 1천 원인 곳").sentences[0].text == "제주\t31,000원"
    words, chunk = ["ppr9087", "12만"], retriever.search("PPR9087", 1)[0].chunk
    assert _covered([words], [chunk]) == 0.5


def test_headings_are_no_evidence(retriever):
    texts = [s.text for s in evidence(retriever, "연차휴가", 20).sentences]
    assert "연차휴가" not in texts
    assert "취업 규칙" not in texts


def test_strength_tells_an_answer_from_none(retriever):
    held = evidence(retriever, "Replace the filter every how many hours?").strength
    not_held = evidence(retriever, "대통령 선거는 언제 열렸나요?").strength
    assert 0 <= not_held < held <= 1
    assert retriever.evidence("무엇", [], 3) == retriever.evidence("무엇", retriever.search("무엇", 3), 0)


def test_fusion_spreads_both_scores_and_gives_what_words_missed_half_of_their_last():
    scores = fused({1: 9.0, 2: 6.0, 3: 2.0}, {2: 0.9, 4: 0.8, 1: 0.7, 3: 0.6})
    assert scores == pytest.approx(
        {1: (0.8 + 1 / 3) / 1.8, 2: (0.8 * 5 / 8 + 1) / 1.8, 3: 0.8 / 8 / 1.8, 4: 2 / 3 / 1.8}
    )
    assert fused({1: 9.0, 2: 6.0, 3: 3.0}, {}) == pytest.approx({1: 1.0, 2: 0.5, 3: 0.0})
    assert fused({}, {1: 0.9, 2: 0.8}) == pytest.approx({1: 1.0, 2: 0.0})


def test_fusion_trusts_words_as_far_as_told():
    lexical, likeness = {1: 2.0, 2: 1.0}, {1: 0.8, 2: 0.9}
    assert fused(lexical, likeness, 1.0)[1] > fused(lexical, likeness, 0.1)[1]
    assert fused(lexical, likeness, 0.1)[2] == pytest.approx((0.08 / 3 + 1) / 1.08)


def test_what_lies_deeper_does_not_change_what_stands_above():
    above = fused({1: 9.0, 2: 6.0}, {1: 0.7, 2: 0.8})
    deeper = fused({1: 9.0, 2: 6.0, 3: 1.0}, {1: 0.7, 2: 0.8, 3: 0.1}, 1.0, {1, 2})
    assert deeper == pytest.approx({**above, 3: 0.0})


def hit_of(document, text, score):
    chunk = Chunk(f"{document}-{text[:9]}", document, 0, text, (), (Segment(1, 0, len(text), 0),))
    return Hit(chunk, DocumentRef(document, document, ""), score)


def test_copies_with_a_word_changed_are_left_out():
    text = "연차휴가는 일 년에 15일을 준다 신청은 사흘 전까지 팀장에게 하고 남은 휴가는 다음 해로 넘기지 않는다"
    hits = [
        hit_of(name, words, 1.0) for name, words in (("a", text), ("b", text + " 끝"), ("c", text[:20]), ("d", text))
    ]
    assert [hit.document.id for hit in _distinct(hits)] == ["a", "c"]


def test_one_document_does_not_crowd_out_others_nearly_as_good():
    crowd = [hit_of("a", f"글 {i}", 1 - i / 100) for i in range(8)]
    hits = [*crowd, hit_of("b", "다른 글", 0.6), hit_of("c", "먼 글", 0.1)]
    names = "".join(hit.document.id for hit in _spread_out(hits, 7))
    assert names == "aaaabaa"
    assert "".join(hit.document.id for hit in _spread_out(hits, 10)) == "aaaabaaaac"


def test_strength_rises_with_each_feature():
    base = [0.5, 0.5]
    assert 0 < strength(base) < 1
    for i in range(2):
        assert strength([v + 0.2 * (n == i) for n, v in enumerate(base)]) > strength(base)
