"""The library on disk, by the real LanceDB."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from gakju.errors import LibraryError, NotFound, StorageFull, UsageError
from gakju.index import Index, Whole
from gakju.index.generation import translated
from gakju.index.rows import pack_glyphs, unpack_glyphs
from gakju.types import Block, Box, Chunk, Document, Page, Part, Problem, Segment

DIMENSIONS = 8
FINGERPRINT = {"reader": "r1", "chunker": "c1", "analyzer": "a1", "embedder": "e1"}


def unit(*weights):
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[: len(weights)] = weights
    return vector / np.linalg.norm(vector)


def document(name, *, collection="default", pages=1, chunks=1, digest=None, added="2026-11-23T00:00:00"):
    return Document(
        name, f"제목 {name}", f"/{name}.pdf", collection, digest or name, "application/pdf", 9, pages, chunks, added
    )


def page(number, text="연차는 열다섯 날이다."):
    glyphs = np.array([[50 + 5 * i, 99.97, 55.02 + 5 * i, 111.1] for i in range(len(text))], np.float32)
    glyphs[2] = np.nan
    problems = (Problem(number, "ocr", "읽음"),)
    return Page(
        number, text, (Block("heading", 0, 4, 1), Block("text", 4, len(text))), "ocr", 595.3, 842, glyphs, problems
    )


def chunk(name, ordinal=0, text="연차는 열다섯 날이다."):
    boxes = (Box(1, 50.12, 99.97, 120.4, 111.1),)
    return Chunk(f"{name}-{ordinal}", name, ordinal, text, ("규칙", "휴가"), (Segment(1, 0, len(text), 0),), boxes)


def add(index, name, *chunks, collection="default", words=(), vectors=(), **fields):
    chunks = chunks or (chunk(name),)
    vectors = np.array(vectors or [unit(1)] * len(chunks), np.float32)
    with index.writer(name, collection) as writer:
        writer.write([page(1)], chunks, vectors, words or [["연차"]] * len(chunks))
        writer.commit(document(name, collection=collection, chunks=len(chunks), **fields))


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "library", FINGERPRINT, DIMENSIONS)


def test_what_goes_in_comes_out(index):
    add(index, "a")
    assert index.documents() == [document("a")]
    assert index.document("a") == document("a")
    assert index.chunks("a") == [chunk("a")]
    stored, given = index.page("a", 1), page(1)
    for name in ("number", "text", "blocks", "status", "problems"):
        assert getattr(stored, name) == getattr(given, name)
    assert (stored.width, stored.height) == pytest.approx((595.3, 842), abs=1e-3)
    np.testing.assert_allclose(stored.glyphs, given.glyphs, atol=0.03)
    assert index.pages([("a", 1), ("a", 2), ("b", 1)]).keys() == {("a", 1)}
    laid_out = index.layouts([("a", 1), ("a", 2), ("b", 1)])
    assert laid_out.keys() == {("a", 1)}
    assert laid_out["a", 1].boxes(0, 9) == stored.boxes(0, 9) != ()


def test_parts_and_their_vectors_come_back(index):
    text = "휴가\n연차는 열다섯 날이다. 반차도 있다."
    parts = (Part(0, 2, "heading"), Part(3, 15, "text"), Part(16, 22, "text"))
    one = replace(chunk("a", text=text), parts=parts)
    vectors = np.stack([unit(1, 2, -3), unit(0, 1), unit(*range(-4, 4))])
    with index.writer("a") as writer:
        writer.write([page(1)], [one, chunk("a", 1)], np.stack([unit(1)] * 2), [[], []], [vectors, vectors[:0]])
        writer.commit(document("a", chunks=2))
    assert index.chunks("a") == [one, chunk("a", 1)]
    kept = index.part_vectors([*index.chunks("a"), chunk("b")])
    assert list(kept) == ["a-0", "a-1"]
    np.testing.assert_allclose(kept["a-0"], vectors, atol=0.004)
    assert kept["a-1"].shape == (0, DIMENSIONS)


def test_a_library_of_an_earlier_version_is_searched_as_it_is(index):
    add(index, "a", words=[["연차"]])
    table = lancedb.connect(next(index.root.glob("g-*"))).open_table("chunks")
    table.drop_columns(["body"])
    one = chunk("a")
    old = {
        "text": [one.text],
        "headings": [list(one.headings)],
        "segments": [np.array(one.segments, np.int32).tobytes()],
        "boxes": [np.array(one.boxes, np.float32).tobytes()],
    }
    table.add_columns([pa.field(name, pa.array(value).type) for name, value in old.items()])
    kept = table.to_arrow().to_pydict()
    table.delete("true")
    table.add(pa.table({**kept, **old}, schema=table.schema))
    again = Index(index.root, FINGERPRINT, DIMENSIONS)
    assert [c for c, _ in again.matching(["연차"], 5)] == [chunk("a")]
    assert again.part_vectors([chunk("a")])["a-0"].shape == (0, DIMENSIONS)


def whole(name, *, collection="default", vector=None, words=("연차",)):
    vectors = np.array([unit(1) if vector is None else vector], np.float32)
    return Whole(document(name, collection=collection), [page(1)], [chunk(name)], vectors, [list(words)])


def test_many_small_documents_go_in_together(index):
    index.add([])
    index.add([whole("b", vector=unit(0, 1)), whole("a", words=["급여"]), whole("c", collection="other")])
    assert {d.id: d.collection for d in index.documents()} == {"b": "default", "a": "default", "c": "other"}
    assert [c.document_id for c, _ in index.nearest(unit(0, 1), 1)] == ["b"]
    assert [c.document_id for c, _ in index.matching(["급여"], 5)] == ["a"]
    assert [c.document_id for c, _ in index.matching(["연차"], 5, "other")] == ["c"]
    assert index.chunks("a") == [chunk("a")]
    assert index.page("c", 1).text == page(1).text
    with pytest.raises(UsageError):
        index.add([whole("d"), whole("a")])
    assert len(index.documents()) == 3


def test_of_many_that_fail_together_none_is_seen(index, monkeypatch):
    index.add([whole("a")])
    generation = index._now()
    monkeypatch.setattr(generation, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        index.add([whole("b"), whole("c")])
    monkeypatch.undo()
    assert generation.shelf().hidden == frozenset()
    assert [c.document_id for c, _ in index.matching(["연차"], 5)] == ["a"]
    index.add([whole("b"), whole("c")])
    assert len(index.documents()) == 3


def test_an_empty_library_answers(index):
    assert index.stale == ()
    assert index.documents() == []
    assert index.nearest(unit(1), 5) == []
    assert index.matching(["연차"], 5) == []
    assert index.collections() == {}
    for call in (lambda: index.document("x"), lambda: index.page("x", 1), lambda: index.delete("x")):
        with pytest.raises(NotFound):
            call()


def test_nearest_is_cosine_best_first(index):
    made = [chunk("a", n) for n in range(3)]
    add(index, "a", *made, vectors=[unit(0, 1), unit(1, 1), unit(1)])
    found = index.nearest(unit(1), 2)
    assert [c.id for c, _ in found] == ["a-2", "a-1"]
    assert [score for _, score in found] == pytest.approx([1, 0.5**0.5], abs=1e-5)


def test_matching_is_bm25_with_english_stems(index):
    words = [["연차", "휴가", "engines"], ["연차"], ["급여", "the", "ppr-9087"]]
    add(index, "a", *(chunk("a", n) for n in range(3)), words=words)
    assert [c.id for c, _ in index.matching(["휴가"], 5)] == ["a-0"]
    assert [c.id for c, _ in index.matching(["engine"], 5)] == ["a-0"]
    assert [c.id for c, _ in index.matching(["ppr-9087"], 5)] == ["a-2"]
    assert [c.id for c, _ in index.matching(["연차"], 5)] == ["a-1", "a-0"]  # the shorter first
    assert index.matching(["휴", "' OR 1=1", '"', "(", "AND"], 5) == []
    assert index.matching([], 5) == []


def test_new_rows_are_found_before_and_after_optimising(index):
    add(index, "a", words=[["하나"]])
    index.optimise()
    add(index, "b", words=[["둘"]])
    for _ in range(2):
        assert [c.id for c, _ in index.matching(["둘"], 5)] == ["b-0"]
        assert [c.id for c, _ in index.matching(["하나"], 5)] == ["a-0"]
        assert len(index.nearest(unit(1), 5)) == 2
        index.optimise()


def test_collections_are_apart(index):
    add(index, "a", added="2026-01-02")
    add(index, "b", collection="it's", digest="a", added="2026-01-01")
    assert index.collections() == {"default": 1, "it's": 1}
    assert [d.id for d in index.documents()] == ["b", "a"]
    assert [d.id for d in index.documents("it's")] == ["b"]
    assert [c.id for c, _ in index.nearest(unit(1), 5, "it's")] == ["b-0"]
    assert [c.id for c, _ in index.matching(["연차"], 5, "default")] == ["a-0"]
    assert len(index.matching(["연차"], 5, None)) == 2
    assert index.find("it's", "a") == index.document("b")
    assert index.find("default", "b") is None


def test_what_is_being_written_is_not_seen(index, monkeypatch):
    add(index, "a", vectors=[unit(1, 1)])
    before = index._now().shelf()
    with index.writer("b") as writer:
        writer.write([page(n) for n in range(1, 200)], [chunk("b")], unit(1)[None], [["연차"]])
        # Nor does the nearer one take the place of another.
        assert [c.id for c, _ in index.nearest(unit(1), 1)] == ["a-0"]
        # Nor by a search that read the shelf before the writing began.
        with monkeypatch.context() as patch:
            patch.setattr(index._now(), "shelf", lambda: before)
            assert [c.id for c, _ in index.nearest(unit(1), 9)] == ["a-0"]
        assert [d.id for d in index.documents()] == ["a"]
        assert [c.id for c, _ in index.nearest(unit(1), 9)] == ["a-0"]
        assert [c.id for c, _ in index.matching(["연차"], 9)] == ["a-0"]
        assert index.pages([("b", 1)]) == {}
    assert index.recover() == []
    add(index, "b")
    assert [d.id for d in index.documents()] == ["a", "b"]


def test_a_failed_write_leaves_nothing(index):
    with pytest.raises(ValueError, match="2 chunks"), index.writer("a") as writer:  # noqa: PT012
        writer.write([page(n) for n in range(1, 200)], [chunk("a")], unit(1)[None], [["연차"]])
        writer.write([], [chunk("a"), chunk("a", 1)], unit(1)[None], [["연차"]])
    assert index.documents() == []
    tables = index._now()
    assert tables._chunks.count_rows() == tables._pages.count_rows() == tables._documents.count_rows() == 0


def test_delete_and_replace(index):
    add(index, "a")
    add(index, "b")
    index.delete("a")
    assert [d.id for d in index.documents()] == ["b"]
    with index.writer("c") as writer:
        writer.write([page(1)], [chunk("c")], unit(1)[None], [["연차"]])
        writer.commit(document("c"), replaces=["b"])
    assert [d.id for d in index.documents()] == ["c"]
    assert [c.id for c, _ in index.nearest(unit(1), 9)] == ["c-0"]
    assert index.recover() == []
    with pytest.raises(UsageError), index.writer("c"):
        pass


def test_a_secret_is_kept_beside_the_document(index):
    with index.writer("a") as writer:
        writer.write([page(1)], [], np.empty((0, DIMENSIONS), np.float32), [])
        writer.commit(document("a", chunks=0), secret="비밀")
    assert index.secret("a") == "비밀"
    assert "비밀" not in repr(index.document("a"))
    with pytest.raises(NotFound):
        index.secret("b")


def seen(index):
    """What is found in every way there is."""
    near, words = index.nearest(unit(1), 9, None), index.matching(["연차"], 9, None)
    assert {c.document_id for c, _ in near} == {c.document_id for c, _ in words} == {d.id for d in index.documents()}
    return [d.id for d in index.documents()]


def test_what_was_removed_is_nowhere_and_comes_back_as_it_was(index, tmp_path):
    add(index, "b")
    with index.writer("a") as writer:
        writer.write([page(1)], [chunk("a")], unit(1)[None], [["연차"]])
        writer.commit(document("a"), secret="비밀")
    index.remove(["a"], "2026-11-23T10:00:00")
    index.remove(["b"], "2026-11-23T11:00:00")
    assert seen(index) == []
    assert index.pages([("a", 1)]) == {}
    for call in (lambda: index.document("a"), lambda: index.chunks("a"), lambda: index.remove(["a"], "")):
        with pytest.raises(NotFound):
            call()
    assert index.knows("a")
    assert index.holds("a")
    again = Index(tmp_path / "library", FINGERPRINT, DIMENSIONS)  # after a restart
    assert again.recover() == []
    assert again.removed() == [(document("b"), "2026-11-23T11:00:00"), (document("a"), "2026-11-23T10:00:00")]
    assert again.restore(["a", "x"]) == [document("a")]
    assert seen(again) == ["a"]
    assert again.secret("a") == "비밀"
    assert again.chunks("a") == [chunk("a")]
    assert again.restore(["a"]) == []


def test_what_was_purged_is_off_the_disk_however_it_ended(index, monkeypatch):
    add(index, "a")
    add(index, "b")
    index.remove(["a"], "2026-11-23T10:00:00")
    with monkeypatch.context() as patch:
        patch.setattr(index._now(), "clear", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            index.purge(["a", "b"])
    assert index.restore(["a"]) == []
    assert index.recover() == ["a"]
    assert not index.knows("a")
    assert not index.holds("a")
    assert seen(index) == ["b"]
    tables = index._now()
    assert tables._chunks.count_rows() == tables._pages.count_rows() == tables._documents.count_rows() == 1


def test_what_was_added_again_is_not_restored_beside_it(index):
    add(index, "a", digest="same")
    index.remove(["a"], "2026-11-23T10:00:00")
    add(index, "a2", digest="same")
    assert index.restore(["a"]) == []
    index.delete("a2")
    assert index.restore(["a"]) == [document("a", digest="same")]


def test_a_rebuild_follows_what_happened_meanwhile(index, tmp_path):
    for name in ("a", "b", "c", "d", "e"):
        add(index, name)
    index.remove(["e"], "2026-11-23T09:00:00")
    changed = Index(tmp_path / "library", {**FINGERPRINT, "embedder": "e2"}, DIMENSIONS)
    sibling = changed.rebuild()
    for name in ("a", "b", "c", "d", "e"):
        add(sibling, name)
    changed.remove(["a"], "2026-11-23T10:00:00")
    sibling.follow(changed)  # and is killed before it can switch
    changed.restore(["a"])
    changed.delete("b")
    changed.move(["c"], "other")
    changed.remove(["d"], "2026-11-23T11:00:00")
    sibling = changed.rebuild()
    sibling.follow(changed)
    changed.switch(sibling)
    assert changed.recover() == []
    assert {d.id: d.collection for d in changed.documents()} == {"a": "default", "c": "other"}
    assert [c.id for c, _ in changed.nearest(unit(1), 9, "other")] == ["c-0"]
    assert [(d.id, at) for d, at in changed.removed()] == [("d", "2026-11-23T11:00:00"), ("e", "2026-11-23T09:00:00")]
    assert not changed.knows("b")


def test_ids_with_quotes_are_only_text(index):
    add(index, "a")
    add(index, "x' OR '1'='1")
    index.delete("x' OR '1'='1")
    assert [d.id for d in index.documents()] == ["a"]


def test_another_reader_sees_a_commit_at_once(index, tmp_path):
    reader = Index(tmp_path / "library", FINGERPRINT, DIMENSIONS)
    assert reader.documents() == []
    add(index, "a")
    assert [d.id for d in reader.documents()] == ["a"]
    assert [c.id for c, _ in reader.matching(["연차"], 5)] == ["a-0"]


def test_rebuild_serves_the_old_until_the_switch(index, tmp_path):
    add(index, "a")
    changed = Index(tmp_path / "library", {**FINGERPRINT, "embedder": "e2"}, 4)
    reader = Index(tmp_path / "library", FINGERPRINT, DIMENSIONS)
    assert changed.stale == ("embedder",)
    with pytest.raises(LibraryError, match="8 numbers"):
        changed.nearest(np.ones(4, np.float32), 5)
    sibling = changed.rebuild()
    with sibling.writer("a") as writer:
        writer.write([page(1)], [chunk("a")], np.ones((1, 4), np.float32) / 2, [["휴가"]])
        writer.commit(document("a"))
    with pytest.raises(RuntimeError), sibling.writer("b"):
        raise RuntimeError
    assert changed.matching(["휴가"], 5) == []
    assert [d.id for d in changed.rebuild().documents()] == ["a"]  # resumes
    changed.switch(sibling)
    assert changed.stale == ()
    assert [c.id for c, _ in reader.matching(["휴가"], 5)] == ["a-0"]
    assert reader.stale == ("embedder",)
    assert len(list((tmp_path / "library").glob("g-*"))) == 2
    changed.recover()
    assert len(list((tmp_path / "library").glob("g-*"))) == 1
    assert changed.rebuild().documents() == []


def test_an_empty_library_takes_a_new_fingerprint_by_itself(index, tmp_path):
    assert index.documents() == []
    changed = Index(tmp_path / "library", {**FINGERPRINT, "chunker": "c2"}, DIMENSIONS)
    assert changed.stale == ("chunker",)
    changed.recover()
    assert changed.stale == ()


def test_a_broken_pointer_is_said(index, tmp_path):
    add(index, "a")
    (tmp_path / "library" / "current.json").write_text('{"generation": "../../etc"}')
    with pytest.raises(LibraryError, match="names no generation"):
        index.documents()


def test_a_full_disk_is_said(tmp_path):
    with pytest.raises(StorageFull, match="full while writing"), translated(tmp_path, "writing pages"):
        raise RuntimeError("lance error: LanceError(IO): No space left on device (os error 28)")
    with pytest.raises(LibraryError, match="failed while reading: odd"), translated(tmp_path, "reading"):
        raise ValueError("odd\nstack")


def test_glyphs_survive_packing():
    rng = np.random.default_rng(1)
    glyphs = (rng.random((2_000, 4)) * 1_000).astype(np.float32)
    glyphs[rng.random(2_000) < 0.1] = np.nan
    np.testing.assert_allclose(unpack_glyphs(pack_glyphs(glyphs)), glyphs, atol=0.026)
    assert unpack_glyphs(pack_glyphs(np.empty((0, 4), np.float32))).shape == (0, 4)
    assert np.isnan(unpack_glyphs(pack_glyphs(np.full((3, 4), np.inf, np.float32)))).all()
    line = np.array(
        [[72 + 5.5 * (i % 80), 100 + 14 * (i // 80), 77.4 + 5.5 * (i % 80), 112 + 14 * (i // 80)] for i in range(2_000)]
    )
    assert len(pack_glyphs(line.astype(np.float32))) < 6_000


WRITER = """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_index import *
    index = Index(Path(sys.argv[1]), FINGERPRINT, DIMENSIONS)
    index.recover()
    n = len(index.documents())
    while True:
        n += 1
        with index.writer(f"d{n}") as writer:
            for part in range(3):
                made = [chunk(f"d{n}", 300 * part + i) for i in range(300)]
                writer.write([page(50 * part + i) for i in range(1, 51)], made,
                    np.tile(unit(1), (300, 1)), [["연차"]] * 300)
            writer.commit(document(f"d{n}", pages=150, chunks=900))
        print(f"d{n}", flush=True)
"""


def test_killing_the_writer_loses_nothing_committed(tmp_path):
    rng = random.Random(4)
    committed: list[str] = []
    for _ in range(5):
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path), str(Path(__file__).parent)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        committed.append(process.stdout.readline().strip())
        time.sleep(rng.random())
        process.kill()
        committed += process.stdout.read().split()
        process.communicate()
        index = Index(tmp_path, FINGERPRINT, DIMENSIONS)
        seen = {d.id for d in index.documents()}
        assert set(committed) <= seen
        assert {c.document_id for c, _ in index.nearest(unit(1), 50)} <= seen
        index.recover()
        tables = index._now()
        documents = index.documents()
        assert {d.id for d in documents} == seen
        assert tables._documents.count_rows() == len(seen)
        assert tables._pages.count_rows() == sum(d.pages for d in documents)
        assert tables._chunks.count_rows() == sum(d.chunks for d in documents)
    assert len(committed) >= 5
