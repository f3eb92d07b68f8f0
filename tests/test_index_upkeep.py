"""The indices behind a search: built beside adds, deletes and searches, which stay right all the while."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gakju.errors import LibraryError
from gakju.index import Index, upkeep, view
from gakju.types import Chunk, Document, Page, Part, Segment

DIMENSIONS = 128
FINGERPRINT = {"reader": "r1"}
ROWS = 600


@pytest.fixture
def index(tmp_path, monkeypatch):
    for module in (upkeep, view):
        monkeypatch.setattr(module, "FLAT_ROWS", ROWS)
    made = Index(tmp_path, FINGERPRINT, DIMENSIONS)
    yield made
    made.close()


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


QUERIES = unit(np.random.default_rng(0).standard_normal((30, DIMENSIONS)))


def drawn(rng, n):
    """Vectors about the queries, at different distances: what is nearest to a query is told apart."""
    away = unit(rng.standard_normal((n, DIMENSIONS))) * rng.uniform(0.2, 1.5, (n, 1))
    return unit(QUERIES[rng.integers(len(QUERIES), size=n)] + away)


def add(index, name, vectors, collection="default", word="연차"):
    chunks = [
        Chunk(f"{name}-{n}", name, n, f"{name} 글 {n}.", (), (Segment(1, 0, 1, 0),), (), (Part(0, 4, "text"),))
        for n in range(len(vectors))
    ]
    words = [[word, name, f"{name}-{n}"] for n in range(len(vectors))]
    with index.writer(name, collection) as writer:
        writer.write([Page(1, "글", ())], chunks, vectors, words, [v[None] for v in vectors])
        writer.commit(
            Document(name, name, f"/{name}", collection, name, "text/plain", 1, 1, len(vectors), "2026-11-23")
        )


def exact(held, query, k=10):
    """Ids by brute force over {name: vectors}."""
    scores = {f"{name}-{n}": float(v @ query) for name, vectors in held.items() for n, v in enumerate(vectors)}
    return sorted(scores, key=scores.__getitem__, reverse=True)[:k]


def ids(found):
    return [chunk.id for chunk, _ in found]


def settings(index):
    path = index._now().folder / "vectors.json"
    return json.loads(path.read_text()) if path.exists() else {"rows": 0}


def test_the_vector_index_comes_by_itself_and_finds_what_a_scan_finds(index):
    rng = np.random.default_rng(1)
    held = {f"d{n}": drawn(rng, 300) for n in range(4)}
    queries = QUERIES[:5]
    for name, vectors in held.items():
        add(index, name, vectors)
    expected = [exact(held, q) for q in queries]
    until = time.monotonic() + 120
    while not settings(index)["rows"] and time.monotonic() < until:
        assert [ids(index.nearest(q, 10)) for q in queries] == expected  # while it is built, too
    assert settings(index)["rows"] >= ROWS
    assert settings(index)["recall"] >= 0.99
    assert index._now().view("default")._probing is not None
    found = [index.nearest(q, 10) for q in queries]
    assert [ids(f) for f in found] == expected
    near = [score for _, score in found[0]]
    assert near == pytest.approx(sorted((float(v @ queries[0]) for h in held.values() for v in h), reverse=True)[:10])


def test_what_came_after_the_training_is_found_and_growth_trains_again(index):
    rng = np.random.default_rng(2)
    held = {"a": drawn(rng, ROWS)}
    add(index, "a", held["a"])
    index.optimise()
    assert settings(index)["rows"] == ROWS
    held["b"] = drawn(rng, 50)
    add(index, "b", held["b"])
    for _ in range(2):  # not in the index yet; then in it
        for n in (0, 49):
            assert ids(index.nearest(held["b"][n], 10)) == exact(held, held["b"][n])
        assert ids(index.matching(["b-7"], 3)) == ["b-7"]
        index.optimise()
    assert settings(index)["rows"] == ROWS
    held["c"] = drawn(rng, ROWS)
    add(index, "c", held["c"])
    index.optimise()
    assert settings(index)["rows"] == 2 * ROWS + 50


@pytest.mark.parametrize("flat", [5, 5_000])
def test_a_small_collection_is_searched_as_well_as_a_large_one(index, monkeypatch, flat):
    rng = np.random.default_rng(3)
    large, small = drawn(rng, 2_970), drawn(rng, 30)
    add(index, "large", large)
    add(index, "small", small, "rare")
    monkeypatch.setattr(upkeep, "FLAT_ROWS", 5)
    index.optimise()
    monkeypatch.setattr(view, "FLAT_ROWS", flat)
    for query in QUERIES[:10]:
        assert ids(index.nearest(query, 10, "rare")) == exact({"small": small}, query)
        assert ids(index.nearest(query, 10, None)) == exact({"large": large, "small": small}, query)
    assert len(index.matching(["연차"], 50, "rare")) == 30
    assert ids(index.matching(["large-5"], 5, "rare")) == []


def test_deleted_and_added_again_under_the_upkeep(index):
    rng, dice = np.random.default_rng(4), random.Random(4)
    held: dict[str, np.ndarray] = {}
    for step in range(40):
        name = f"d{dice.randrange(6)}"
        if name in held:
            index.delete(name)
            gone = held.pop(name)
            assert name not in {c.document_id for c, _ in index.nearest(gone[0], 20)}
            assert index.matching([name], 5) == []
        else:
            held[name] = drawn(rng, dice.randrange(100, 300))
            add(index, name, held[name])
        if step % 7 == 0:
            index._now().upkeep.ask()
        query = QUERIES[dice.randrange(30)]
        assert ids(index.nearest(query, 10)) == exact(held, query)
        for kept, vectors in held.items():
            found = index.matching([kept], 400)
            assert {c.document_id for c, _ in found} == {kept}
            assert len(found) == len(vectors)
    index.optimise()
    assert index._now()._chunks.count_rows() == sum(map(len, held.values()))


def test_a_view_ranks_without_chunks_and_fetches_those_wanted(index):
    rng = np.random.default_rng(5)
    vectors = drawn(rng, 20)
    add(index, "a", vectors)
    seen = index.view()
    near, match = seen.nearest(vectors[3], 5), seen.matching(["a-3"], 5)
    assert list(near.values()) == sorted(near.values(), reverse=True)
    assert next(iter(near)) == next(iter(match))
    index.optimise()  # moves rows; the view keeps its own
    index.delete("a")
    wanted = list(near)[::-1]
    taken = seen.take(wanted)
    assert list(taken) == wanted
    chunk, parts = taken[wanted[-1]].chunk, taken[wanted[-1]].parts
    assert chunk.id == "a-3"
    np.testing.assert_allclose(parts, vectors[3][None], atol=0.005)
    np.testing.assert_allclose(index.part_vectors([chunk]).get("a-3", parts), parts)
    assert index.view().nearest(vectors[3], 5) == {}


def test_between_two_folds_is_rest(index, monkeypatch):
    runs: list[float] = []

    def cycle(self, all_of_it):
        runs.append(time.monotonic())
        time.sleep(0.05)

    monkeypatch.setattr(upkeep.Upkeep, "_cycle", cycle)
    kept = upkeep.Upkeep(Path())
    began = time.monotonic()
    for _ in range(300):
        kept.ask()
        time.sleep(0.005)
    kept.close(60)
    gaps = np.diff(runs[:-1])  # the last runs at once: it was asked for, and nobody comes after
    assert len(runs) <= (time.monotonic() - began) / 0.5 + 2
    assert (gaps >= 0.5).all()


def test_a_fold_that_fails_stops_nothing(index, monkeypatch, caplog):
    def broken(self, table):
        raise RuntimeError("lance error: No space left on device (os error 28)")

    monkeypatch.setattr(upkeep.Upkeep, "_train", broken)
    rng = np.random.default_rng(6)
    held = {"a": drawn(rng, ROWS)}
    add(index, "a", held["a"])
    index.close()
    assert "disk is full" in caplog.text
    assert ids(index.nearest(held["a"][5], 10)) == exact(held, held["a"][5])


BUILDER = """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_index_upkeep import *
    index = Index(Path(sys.argv[1]), FINGERPRINT, DIMENSIONS)
    upkeep._GROWTH = 0
    print("ready", flush=True)
    while True:
        index.optimise()
"""


def test_a_kill_while_an_index_is_built_loses_nothing(tmp_path):
    rng, dice = np.random.default_rng(7), random.Random(7)
    held = {"a": drawn(rng, 4_000), "b": drawn(rng, 4_000)}
    index = Index(tmp_path, FINGERPRINT, DIMENSIONS)
    for name, vectors in held.items():
        add(index, name, vectors)
    index.close()
    query = QUERIES[dice.randrange(30)]
    for _ in range(2):
        command = [sys.executable, "-c", textwrap.dedent(BUILDER), str(tmp_path), str(Path(__file__).parent)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(dice.random())
        process.kill()
        process.communicate()
        again = Index(tmp_path, FINGERPRINT, DIMENSIONS)
        assert ids(again.nearest(query, 10)) == exact(held, query)
        assert ids(again.matching(["b-3999"], 5)) == ["b-3999"]
    again.optimise()
    assert settings(again)["rows"] == 8_000
    assert ids(again.nearest(query, 10)) == exact(held, query)


def test_a_conflict_with_a_write_is_no_warning_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubles = [LibraryError("lance error: Retryable commit conflict for version 7"), LibraryError("the disk is gone")]
    again = threading.Event()

    def run(_: upkeep.Upkeep, *, all_of_it: bool = True) -> None:
        if not troubles:
            again.set()
            return
        raise troubles.pop(0)

    monkeypatch.setattr(upkeep.Upkeep, "run", run)
    kept = upkeep.Upkeep(tmp_path)
    kept.ask()
    deadline = time.monotonic() + 60
    while troubles:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kept.ask()
    assert again.wait(60)
    kept.close(60)
    assert [record.message for record in caplog.records if record.name == "gakju.index.upkeep"] == ["the disk is gone"]
