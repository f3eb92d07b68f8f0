"""Documents on their way into the library: read, chunked, turned into words and vectors, written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from gakju.assistant.ahead import Ahead
from gakju.assistant.parts import Parts
from gakju.assistant.scope import WEB
from gakju.chunk import embedding_text, part_spans
from gakju.errors import BrokenFile, Cancelled, GakjuError
from gakju.index import Index
from gakju.protocols import Vectors
from gakju.text.lexicon import Lexicon
from gakju.types import Chunk, Document, Page, Problem

BATCH = 48
"""Chunks embedded and written at a time: enough to fill the embedder, little enough for a live progress."""

AT_ONCE = 2
"""Batches given to the embedder: while it ends one, the next is at hand."""

PAGES_AHEAD = 64
"""Pages read before they are wanted, 6 MB or so."""


class Source(Protocol):
    """One document that is to be read. `find` runs on the reading thread, `give_up` on the other."""

    @property
    def passwords(self) -> Sequence[str]: ...

    @property
    def ocr(self) -> bool: ...

    def find(self, settled: Callable[[], None]) -> tuple[Document, bool]:
        """What it will be, and whether that is in the library already. `settled` waits for all before it."""
        ...

    def give_up(self, error: BaseException | None) -> None:
        """It will not be in the library: because of `error`, or because the job ends before it."""
        ...


class _Watched:
    """Pages on their way to the chunker: counted, told, and remembered until they are written."""

    def __init__(self, pages: Iterator[Page], total: int, tell: Callable[[int, int, str], None]) -> None:
        self._pages = pages
        self._total = total
        self._tell = tell
        self._waiting: list[Page] = []
        self.count = 0
        self.problems: list[Problem] = []

    def __iter__(self) -> Iterator[Page]:
        for page in self._pages:
            self.count += 1
            self.problems += page.problems
            self._waiting.append(page)
            self._tell(self.count, max(self._total, self.count), "reading")
            yield page

    def take(self) -> list[Page]:
        waiting, self._waiting = self._waiting, []
        return waiting


class _Opened(NamedTuple):
    document: Document
    title: str
    media_type: str
    page_count: int


class _Known(NamedTuple):
    document: Document


class _End(NamedTuple):
    """Of one source; `error` is what ended it before its time."""

    error: Exception | None = None


class _Batch(NamedTuple):
    pages: list[Page]
    chunks: list[Chunk]
    words: Future[list[list[str]]]
    vectors: Future[tuple[Vectors, list[Vectors]]]

    def cancel(self) -> None:
        self.words.cancel()
        self.vectors.cancel()


class Line:
    """Documents into `index`, one after the other, with every core at work.

    A thread reads ahead, into the next document too; others make words and vectors of the batches before this
    one, which chunks and writes. What is held at once is bounded, however long the documents.
    """

    def __init__(self, parts: Parts, index: Index, sources: Sequence[Source]) -> None:
        self._parts, self._index, self._sources = parts, index, sources
        self._begun: list[Source] = []
        self._left = 0  # sources done with
        self._unwanted = 0  # sources whose further pages nobody wants
        self._ended = False
        self._closed = False
        self._changed = threading.Condition()
        self._words = ThreadPoolExecutor(1, thread_name_prefix="words")
        self._vectors = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="vectors")
        self._coming = Ahead(self._read(), PAGES_AHEAD, "reading")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._coming.close()
        for pool in (self._words, self._vectors):
            pool.shutdown(cancel_futures=True)
        for source in self._begun[self._left :]:
            source.give_up(None)

    # On the reading thread:

    def _read(self) -> Generator[_Known | _Opened | Page | _End]:
        for number, source in enumerate(self._sources):
            self._begun.append(source)
            try:
                yield from self._read_one(number, source)
            except Exception as error:
                yield _End(error)
            else:
                yield _End()

    def _read_one(self, number: int, source: Source) -> Iterator[_Known | _Opened | Page]:
        document, known = source.find(lambda: self._wait_for(number))
        if known:
            yield _Known(document)
            return
        path, name = self._parts.blobs.path(document.digest), Path(document.path).name
        with self._parts.reader.open(path, name=name, passwords=source.passwords, ocr=source.ocr) as reading:
            yield _Opened(document, reading.title, reading.media_type, reading.page_count)
            for page in reading:
                yield page
                if self._unwanted > number:
                    return

    def _wait_for(self, number: int) -> None:
        """Until all sources before this one are done with."""
        with self._changed:
            self._changed.wait_for(lambda: self._left >= number or self._closed)
        if self._closed:
            raise Cancelled("Stopped.")

    # On the caller's:

    def take(self, tell: Callable[[int, int, str], None]) -> tuple[Document, bool]:
        """The next source's document, and whether it is new. Raises what kept it out of the library."""
        source = self._sources[self._left]
        self._ended = False
        try:
            first = self._next()
            if isinstance(first, _Opened):
                return self._ingest(first, tell), True
            assert isinstance(first, _Known)
            return first.document, False
        except BaseException as error:
            self._drop()
            source.give_up(error)
            raise
        finally:
            self._drop()
            with self._changed:
                self._left += 1
                self._changed.notify_all()

    def _next(self) -> _Known | _Opened | Page | None:
        """What comes of the present source; None at its end. Raises what ended it."""
        item = next(self._coming)
        if not isinstance(item, _End):
            return item
        self._ended = True
        if item.error:
            raise item.error
        return None

    def _drop(self) -> None:
        """What is still to come of the present source."""
        self._unwanted = self._left + 1
        while not self._ended:
            self._ended = isinstance(next(self._coming), _End)

    def _pages(self) -> Iterator[Page]:
        while isinstance(page := self._next(), Page):
            yield page

    def _ingest(self, opened: _Opened, tell: Callable[[int, int, str], None]) -> Document:
        parts, document = self._parts, opened.document
        pages = _Watched(self._pages(), opened.page_count, tell)
        chunks = parts.chunker.chunks(document.id, pages)
        count = 0
        with self._index.writer(document.id, document.collection) as writer:
            for batch in self._batches(chunks, pages, opened.title, parts.lexicon(document.collection)):
                vectors, of_parts = batch.vectors.result()
                writer.write(batch.pages, batch.chunks, vectors, batch.words.result(), of_parts)
                count += len(batch.chunks)
                tell(pages.count, max(opened.page_count, pages.count), "embedding")
            if rest := pages.take():
                writer.write(rest, [], parts.embedder.embed_passages([]), [])
            if not count:
                raise _nothing_read(Path(document.path).name, pages.problems)
            whole = replace(
                document,
                title=opened.title or Path(document.path).stem,
                media_type=opened.media_type,
                pages=pages.count,
                chunks=count,
                problems=tuple(pages.problems),
            )
            older = _older(self._index, whole)
            secret = "\n".join(self._sources[self._left].passwords)
            writer.commit(whole, secret=secret, replaces=[d.id for d in older])
        for replaced in older:
            forget(parts, replaced.digest)
        return whole

    def _batches(self, chunks: Iterator[Chunk], pages: _Watched, title: str, own: Lexicon | None) -> Iterator[_Batch]:
        """In order, with words and vectors under way; none is given out before the next ones are begun."""
        parts = self._parts
        begun: deque[_Batch] = deque()
        try:
            while batch := list(islice(chunks, BATCH)):
                texts = [embedding_text(c, title) for c in batch]
                words = self._words.submit(parts.morphemes.many, texts, own)
                spans = [part_spans(c, text) for c, text in zip(batch, texts, strict=True)]
                vectors = self._vectors.submit(parts.embedder.embed_parts, texts, spans)
                begun.append(_Batch(pages.take(), batch, words, vectors))
                if len(begun) > AT_ONCE:
                    yield begun.popleft()
            while begun:
                yield begun.popleft()
        finally:
            for left in begun:
                left.cancel()


def _nothing_read(name: str, problems: Sequence[Problem]) -> GakjuError:
    for kind in ("ocr_missing", "garbled", "hidden_text", "no_text", "page_failed"):
        for p in problems:
            if p.kind == kind:
                return BrokenFile(f"{name}: no page with readable text.", hint=p.detail, problems=tuple(problems))
    return BrokenFile(f"{name} holds no text.", hint="Nothing was added.")


def _older(index: Index, new: Document) -> list[Document]:
    """What `new` takes the place of: an earlier reading of its bytes, or other bytes of the same file on disk or page.

    What was read of the web for an answer stays beside what the page became: footnotes point at it.
    """
    known = Path(new.path).is_absolute() or (new.path.startswith(("http://", "https://")) and new.collection != WEB)
    return [
        old
        for old in index.documents(new.collection)
        if old.id != new.id and (old.digest == new.digest or (old.path == new.path and known))
    ]


def forget(parts: Parts, digest: str) -> None:
    """Drop an original that no document has any more, not even a removed one, and that no one keeps as a file."""
    if not parts.held(digest) and not parts.index.holds(digest):
        parts.blobs.delete(digest)
