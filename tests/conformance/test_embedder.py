"""Every Embedder does this."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from loopback import KEY, serving

from gakju.models.embed import E5
from gakju.models.fakes import FakeEmbedder
from gakju.models.remote import RemoteEmbedder, openai_client
from gakju.protocols import Embedder

PASSAGES = [
    "연차 유급휴가는 1년에 15일이다.",
    "The warranty lasts two years from the day of purchase.",
    "주차장은 지하 2층에 있고 하루 5,000원이다.",
    "Charge the battery to 80 % before you store it.",
]


@pytest.fixture(
    scope="module",
    params=["fake", "remote", pytest.param("e5", marks=pytest.mark.model)],
)
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    if request.param == "fake":
        yield FakeEmbedder()
    elif request.param == "e5":
        yield request.getfixturevalue("e5")
    else:
        with serving() as server:
            client = openai_client(server.url, KEY, offline=True)
            yield RemoteEmbedder(
                "test:remote",
                lambda: client,
                "m",
                query_prefix="query: ",
                passage_prefix="passage: ",
                batch=3,
            )


def test_shape_type_and_norm(embedder: Embedder) -> None:
    for vectors in (embedder.embed_passages(PASSAGES), embedder.embed_queries(PASSAGES)):
        assert vectors.shape == (4, embedder.dimensions)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_nothing_in_nothing_out(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimensions)
    assert embedder.embed_queries([]).shape == (0, embedder.dimensions)
    assert embedder.count_tokens([]) == []


def test_empty_and_blank_texts_have_vectors(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(["", " \n", "연차"])
    assert vectors.shape[0] == 3
    assert np.isfinite(vectors).all()


def test_parts_come_with_their_texts(embedder: Embedder) -> None:
    """A part's vector is nearer to the question that it answers than the other part's is."""
    leave, parking = PASSAGES[0], PASSAGES[2]
    texts = [f"{leave} {parking}", "", parking]
    split = len(leave)
    whole, parts = embedder.embed_parts(texts, [[(0, split), (split + 1, len(texts[0]))], [], [(0, len(parking))]])
    np.testing.assert_allclose(whole, embedder.embed_passages(texts), atol=2e-3)
    assert [p.shape for p in parts] == [(n, embedder.dimensions) for n in (2, 0, 1)]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(parts), axis=1), 1, atol=1e-5)
    first, second = embedder.embed_queries(["연차 유급휴가는 며칠이야?", "주차장은 몇 층에 있어?"])
    assert parts[0][0] @ first > parts[0][1] @ first
    assert parts[0][1] @ second > parts[0][0] @ second
    assert embedder.embed_parts([], [])[0].shape == (0, embedder.dimensions)


# What a vector may differ by when its text comes in other company. E5 is exact on processors with int8 products.
TOLERANCE = 2e-3


def test_order_is_kept_whatever_the_lengths(embedder: Embedder) -> None:
    texts = [p * n for p, n in zip(PASSAGES * 3, (1, 20, 3, 9, 15, 2, 12, 1, 5, 8, 1, 6), strict=True)]
    vectors = embedder.embed_passages(texts)
    np.testing.assert_allclose(embedder.embed_passages(texts[::-1])[::-1], vectors, atol=TOLERANCE)
    alone = np.concatenate([embedder.embed_passages([t]) for t in texts])
    np.testing.assert_allclose(alone, vectors, atol=TOLERANCE)


def test_decomposed_letters_are_the_same_text(embedder: Embedder) -> None:
    """macOS writes names of files in decomposed Hangul."""
    decomposed = [unicodedata.normalize("NFD", p) for p in PASSAGES]
    assert decomposed != PASSAGES
    np.testing.assert_allclose(embedder.embed_passages(decomposed), embedder.embed_passages(PASSAGES), atol=TOLERANCE)
    np.testing.assert_allclose(embedder.embed_queries(decomposed), embedder.embed_queries(PASSAGES), atol=TOLERANCE)


def test_queries_and_passages_at_the_same_time(embedder: Embedder) -> None:
    passages, queries = embedder.embed_passages(PASSAGES * 12), embedder.embed_queries(PASSAGES)
    with ThreadPoolExecutor(4) as pool:
        long = [pool.submit(embedder.embed_passages, PASSAGES * 12) for _ in range(2)]
        short = [pool.submit(embedder.embed_queries, PASSAGES) for _ in range(6)]
        for found in long:
            np.testing.assert_allclose(found.result(60), passages, atol=TOLERANCE)
        for found in short:
            np.testing.assert_allclose(found.result(60), queries, atol=TOLERANCE)


def test_a_text_has_the_same_vector_alone_and_in_a_batch(embedder: Embedder) -> None:
    texts = [*PASSAGES, *(p * 9 for p in PASSAGES)]
    together = embedder.embed_passages(texts)
    alone = np.concatenate([embedder.embed_passages([t]) for t in texts])
    assert float((together * alone).sum(1).min()) > 0.999


def test_the_passage_that_answers_is_nearest(embedder: Embedder) -> None:
    queries = [
        "연차 휴가는 며칠인가?",
        "How long does the warranty last?",
        "주차장은 어디에 있나?",
        "storing the battery",
    ]
    nearest = (embedder.embed_queries(queries) @ embedder.embed_passages(PASSAGES).T).argmax(1)
    assert nearest.tolist() == [0, 1, 2, 3]


def test_queries_and_passages_differ(embedder: Embedder) -> None:
    same = (embedder.embed_queries(PASSAGES) * embedder.embed_passages(PASSAGES)).sum(1)
    assert (same < 0.9999).all()
    assert (same > 0.5).all()


def test_tokens_grow_with_the_text(embedder: Embedder) -> None:
    counts = embedder.count_tokens(["연차", "연차 유급휴가는 1년에 15일이다.", "연차 유급휴가는 1년에 15일이다. " * 20])
    assert counts[0] >= 1
    assert counts[0] < counts[1]
    assert counts[2] == pytest.approx(20 * counts[1], rel=0.2)


def test_a_text_longer_than_any_window(embedder: Embedder) -> None:
    long = embedder.embed_passages(["주차장은 지하 2층에 있다. " * 300 + "연차는 15일이다. " * 300])[0]
    parking, leave, other = embedder.embed_passages(["주차장은 지하 2층에 있다.", "연차는 15일이다.", "battery"])
    assert min(long @ parking, long @ leave) > long @ other


def test_many_threads(embedder: Embedder) -> None:
    expected = embedder.embed_passages(PASSAGES)
    found: list[float] = []

    def work() -> None:
        for _ in range(3):
            found.append(float((embedder.embed_passages(PASSAGES) * expected).sum(1).min()))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 18
    assert min(found) > 0.999


@pytest.mark.model
def test_e5_takes_decomposed_hangul_for_composed(e5: E5) -> None:
    composed = e5.embed_passages(PASSAGES)
    decomposed = e5.embed_passages([unicodedata.normalize("NFD", p) for p in PASSAGES])
    np.testing.assert_array_equal(composed, decomposed)
    assert e5.count_tokens([unicodedata.normalize("NFD", PASSAGES[0])]) == e5.count_tokens([PASSAGES[0]])


@pytest.mark.model
def test_e5_crosses_languages(e5: E5) -> None:
    scores = e5.embed_queries(["보증 기간은 얼마나 됩니까?"]) @ e5.embed_passages(PASSAGES).T
    assert int(scores.argmax()) == 1
