"""Documents that overlap on their way in end as if each had come alone."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gakju.assistant import Assistant, line
from gakju.errors import BrokenFile, ModelFailed
from gakju.models.fakes import FakeEmbedder
from gakju.settings import Settings
from gakju.text.morphemes import Morphemes
from gakju.types import Block, Page

MORPHEMES = Morphemes()


class Reader:
    """Each line of a file is a page; a line "broken" ends it. `pages` counts those read of a file, by its name."""

    version = "lines"

    def __init__(self) -> None:
        self.pages: dict[str, int] = {}
        self.open_now = 0
        self.read = threading.Condition()

    @contextmanager
    def open(self, path: Path, *, name: str, passwords: Any = (), ocr: bool = True) -> Iterator[Any]:
        self.open_now += 1
        assert self.open_now == 1, "one document is read at a time"
        lines = path.read_text("utf-8").splitlines()
        try:
            if lines == ["closed"]:
                raise BrokenFile(f"{name} is closed.")
            yield Reading(self, name, lines)
        finally:
            self.open_now -= 1

    def wait_for(self, name: str, pages: int) -> None:
        with self.read:
            assert self.read.wait_for(lambda: self.pages.get(name, 0) >= pages, 60), self.pages

    def close(self) -> None:
        pass


class Reading:
    title, media_type = "", "text/plain"

    def __init__(self, reader: Reader, name: str, lines: list[str]) -> None:
        self._reader, self._name, self._lines = reader, name, lines
        self.page_count = len(lines)

    def __iter__(self) -> Iterator[Page]:
        for number, text in enumerate(self._lines, 1):
            if text == "broken":
                raise BrokenFile(f"{self._name} is broken.")
            with self._reader.read:
                self._reader.pages[self._name] = number
                self._reader.read.notify_all()
            yield Page(number, text, (Block("text", 0, len(text)),))


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def gakju(tmp_path: Path, reader: Reader) -> Iterator[Assistant]:
    settings = Settings(home=tmp_path / "home", chunk_tokens=64)
    with Assistant(settings, reader=reader, embedder=FakeEmbedder(), morphemes=MORPHEMES) as assistant:
        yield assistant


def lines(path: Path, count: int, *more: str) -> Path:
    path.write_text(
        "\n".join([*(f"{path.stem} {n}쪽은 여기에서 끝난다." for n in range(1, count + 1)), *more]), "utf-8"
    )
    return path


def test_every_page_is_written_and_every_chunk_has_its_own_words_and_vector(tmp_path: Path, gakju: Assistant) -> None:
    results = gakju.add([lines(tmp_path / f"{name}.txt", count) for name, count in (("a", 700), ("b", 3), ("c", 90))])
    assert [(r.status, r.pages) for r in results] == [("added", 700), ("added", 3), ("added", 90)]
    embedder = gakju.parts.embedder
    for result in results:
        assert result.document_id
        chunks = gakju.parts.index.chunks(result.document_id)
        assert [c.ordinal for c in chunks] == list(range(result.chunks))
        assert [s.page for c in chunks for s in c.segments] == sorted(s.page for c in chunks for s in c.segments)
        for chunk in (chunks[0], chunks[-1]):
            (vector,) = embedder.embed_passages([line.embedding_text(chunk)])
            found = {c.id: near for c, near in gakju.parts.index.nearest(vector, 3, None)}
            assert found[chunk.id] == pytest.approx(1, abs=1e-4)
        assert gakju.page(result.document_id, result.pages).text.endswith("끝난다.")


def test_the_next_document_is_read_while_this_one_is_embedded(tmp_path: Path, reader: Reader) -> None:
    class Waiting(FakeEmbedder):
        def embed_passages(self, texts):
            if texts:
                reader.wait_for("b.txt", 2)
            return super().embed_passages(texts)

    files = [lines(tmp_path / "a.txt", 2), lines(tmp_path / "b.txt", 2)]
    settings = Settings(home=tmp_path / "home")
    with Assistant(settings, reader=reader, embedder=Waiting(), morphemes=MORPHEMES) as gakju:
        assert [r.status for r in gakju.add(files)] == ["added", "added"]


def test_pages_are_not_read_further_ahead_than_the_bound(tmp_path: Path, reader: Reader) -> None:
    far: list[int] = []

    class Looking(FakeEmbedder):
        def embed_passages(self, texts):
            far.append(reader.pages["a.txt"])
            return super().embed_passages(texts)

    settings = Settings(home=tmp_path / "home", chunk_tokens=64)
    with Assistant(settings, reader=reader, embedder=Looking(), morphemes=MORPHEMES) as gakju:
        (added,) = gakju.add([lines(tmp_path / "a.txt", 2000)])
    assert added.pages == 2000
    a_batch = 2000 * line.BATCH / added.chunks
    for number, read in enumerate(far):
        assert read <= (number + line.AT_ONCE + 3) * a_batch + line.PAGES_AHEAD


def test_a_document_that_fails_midway_holds_nothing_up(tmp_path: Path, gakju: Assistant, reader: Reader) -> None:
    files = [
        lines(tmp_path / "a.txt", 200, "broken"),
        lines(tmp_path / "closed.txt", 0, "closed"),
        lines(tmp_path / "b.txt", 5),
    ]
    results = gakju.add(files)
    assert [(r.status, r.error) for r in results] == [
        ("failed", "a.txt is broken."),
        ("failed", "closed.txt is closed."),
        ("added", None),
    ]
    assert [d.title for d in gakju.documents()] == ["b"]
    assert len(list(gakju.settings.blobs.glob("*/*"))) == 1


def test_a_model_that_fails_stops_the_reading_of_its_document_only(tmp_path: Path, reader: Reader) -> None:
    class Failing(FakeEmbedder):
        def embed_passages(self, texts):
            if any("bad" in text for text in texts):
                raise ModelFailed("The embedder broke.")
            return super().embed_passages(texts)

    files = [lines(tmp_path / "bad.txt", 5000), lines(tmp_path / "good.txt", 5)]
    settings = Settings(home=tmp_path / "home", chunk_tokens=64)
    with Assistant(settings, reader=reader, embedder=Failing(), morphemes=MORPHEMES) as gakju:
        results = gakju.add(files)
        assert [(r.status, r.error) for r in results] == [("failed", "The embedder broke."), ("added", None)]
        assert reader.pages["bad.txt"] < 5000
        assert len(list(gakju.settings.blobs.glob("*/*"))) == 1


def test_the_same_bytes_twice_in_one_job_wait_for_what_becomes_of_the_first(tmp_path: Path, gakju: Assistant) -> None:
    first, other = lines(tmp_path / "a.txt", 300), lines(tmp_path / "b.txt", 2)
    again = Path(shutil.copy(first, tmp_path / "c.txt"))
    one, two, three = gakju.add([first, other, again])
    assert [one.status, two.status, three.status] == ["added", "added", "unchanged"]
    assert three.document_id == one.document_id


def test_bytes_that_are_replaced_earlier_in_the_job_are_read_again(tmp_path: Path, gakju: Assistant) -> None:
    path = lines(tmp_path / "a.txt", 3)
    (_,) = gakju.add([path])
    copy = Path(shutil.copy(path, tmp_path / "copy.txt"))
    lines(path, 4)
    changed, copied = gakju.add([path, copy])
    assert (changed.status, copied.status) == ("added", "added")
    assert [d.path for d in gakju.documents()] == [str(path), str(copy)]
    assert gakju.original(str(copied.document_id)).read_bytes() == copy.read_bytes()


def test_a_cancelled_job_leaves_no_original_behind_and_the_next_one_works(tmp_path: Path, reader: Reader) -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(FakeEmbedder):
        def embed_passages(self, texts):
            if texts:
                begun.set()
                go.wait(60)
            return super().embed_passages(texts)

    files = [lines(tmp_path / "a.txt", 30), lines(tmp_path / "b.txt", 30)]
    settings = Settings(home=tmp_path / "home")
    with Assistant(settings, reader=reader, embedder=Slow(), morphemes=MORPHEMES) as gakju:
        job = gakju.submit_add(files)
        assert begun.wait(60)
        reader.wait_for("b.txt", 30)
        gakju.jobs.cancel(job.id)
        go.set()
        assert gakju.jobs.wait(job.id).state == "cancelled"
        assert gakju.documents() == []
        assert list(gakju.settings.blobs.glob("*/*")) == []
        assert reader.open_now == 0
        assert [r.status for r in gakju.add(files)] == ["added", "added"]
