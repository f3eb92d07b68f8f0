"""Pages to chunks: whole sentences and rows, packed up to a size in the embedder's tokens.

A chunk ends at headings, never inside a sentence that fits, and knows where every part of it stands. The
text of a heading opens its section's first chunk; the headings above a chunk are kept beside it. A sentence
that runs over a page border stays whole, in two segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import NamedTuple

from gakju.text.sentences import LIST_MARK, is_open, sentence_spans
from gakju.types import Block, BlockKind, Box, Chunk, Page, Part, Segment

# Sections smaller than this part of a chunk share it with what follows.
_TINY = 1 / 4
# Shorter lines (titles, labels) are taken as complete where a page ends without a full stop.
_RUNNING = 24
_HEADING_CHARS = 80
_PATH_CHARS = 240
_ROW_CHARS = 160
# Letters a token has at most: a vocabulary takes any run of signs that it lacks for one, however long.
_TOKEN_CHARS = 16


class _Part(NamedTuple):
    page: Page
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.page.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never cut if it fits: a sentence, a row, a heading. Two parts where it crosses a page border."""

    kind: BlockKind
    parts: tuple[_Part, ...]
    level: int = 0
    tokens: int = 0
    path: tuple[str, ...] = ()
    table: str = ""
    """The first row of the table this row belongs to; empty for that row itself."""


def embedding_text(chunk: Chunk, title: str = "") -> str:
    """What is embedded and indexed for a chunk: title, headings above it, text; nothing that the text opens with."""
    context = []
    for line in (title, *chunk.headings):
        shown = " ".join(line.split())[:_HEADING_CHARS]
        if shown and shown not in context and not " ".join(chunk.text[: len(line) + 40].split()).startswith(shown):
            context.append(shown)
    while len(context) > 1 and sum(map(len, context)) > _PATH_CHARS:
        del context[1 if title and len(context) > 2 else 0]
    return "\n".join((*context, chunk.text))


def part_spans(chunk: Chunk, text: str) -> list[tuple[int, int]]:
    """Where the chunk's parts stand in its `embedding_text`."""
    shift = len(text) - len(chunk.text)
    return [(part.start + shift, part.end + shift) for part in chunk.parts]


@dataclass(slots=True)
class Chunker:
    """`count_tokens` counts each text in the embedder's vocabulary; a chunk has at most `size` of them."""

    count_tokens: Callable[[Sequence[str]], list[int]]
    size: int
    version: str = field(default="chunk-2", init=False)
    """With `size` it enters the index's fingerprint."""

    def chunks(self, document_id: str, pages: Iterable[Page]) -> Iterator[Chunk]:
        """Chunks in reading order. Holds the pages of the chunk being packed and the one being read, no more."""
        held: list[_Unit] = []
        ordinal = 0
        for unit in self._counted(_headed(_joined(_units(page) for page in pages))):
            for packed in self._pack(held, unit):
                yield _chunk(document_id, ordinal, packed)
                ordinal += 1
        for packed in self._split(held):
            yield _chunk(document_id, ordinal, packed)
            ordinal += 1

    def _count(self, texts: Sequence[str]) -> list[int]:
        found = self.count_tokens(texts)
        return [max(count, -(-len(text) // _TOKEN_CHARS)) for count, text in zip(found, texts, strict=True)]

    def _counted(self, batches: Iterable[list[_Unit]]) -> Iterator[_Unit]:
        """Units with their tokens, those longer than a chunk cut at word borders."""
        for units in batches:
            counts = self._count([_text(unit.parts) for unit in units]) if units else []
            for unit, tokens in zip(units, counts, strict=True):
                if tokens <= self.size:
                    yield replace(unit, tokens=tokens)
                else:
                    yield from self._cut(unit)

    def _cut(self, unit: _Unit) -> Iterator[_Unit]:
        for part in unit.parts:
            words = list(_word_pieces(part, self.size))
            counts = self._count([word.text for word in words])
            start, tokens = 0, 0
            for i, count in enumerate(counts):
                if i > start and tokens + count > self.size:
                    yield replace(unit, parts=(_Part(part.page, words[start].start, words[i - 1].end),), tokens=tokens)
                    start, tokens = i, 0
                tokens += count
            yield replace(unit, parts=(_Part(part.page, words[start].start, words[-1].end),), tokens=tokens)

    def _pack(self, held: list[_Unit], unit: _Unit) -> Iterator[list[_Unit]]:
        """Adds `unit` to `held` and takes out what is complete."""
        if unit.kind == "heading" and any(u.kind != "heading" for u in held):
            tokens = sum(u.tokens for u in held)
            if tokens >= self.size * _TINY or len(unit.path) < len(held[-1].path):
                yield from self._split(held)
                held.clear()
        held.append(unit)
        # Two chunks' worth are held so that a section's end can be split evenly.
        while sum(u.tokens for u in held) > 2 * self.size:
            count = _fitting(held, self.size)
            yield held[:count]
            del held[:count]

    def _split(self, held: list[_Unit]) -> Iterator[list[_Unit]]:
        """One chunk, or what is left over in even shares."""
        while held:
            total = sum(u.tokens for u in held)
            share = total if total <= self.size else total / -(-total // self.size) + max(u.tokens for u in held) / 2
            count = _fitting(held, min(self.size, share))
            yield held[:count]
            held = held[count:]


def _fitting(units: Sequence[_Unit], size: float) -> int:
    """How many units make a chunk of at most `size`; a heading is not left at its end."""
    tokens, count = 0, 0
    for unit in units:
        tokens += unit.tokens
        if count and tokens > size:
            break
        count += 1
    while 1 < count < len(units) and units[count - 1].kind == "heading":
        count -= 1
    return count


def _units(page: Page) -> list[_Unit]:
    found = []
    for block in page.blocks:
        if block.kind in {"header", "footer"}:
            continue
        spans = [(block.start, block.end)] if block.kind != "text" else _sentences(page.text, block)
        for start, end in spans:
            piece = page.text[start:end]
            if piece.strip():
                begin = start + len(piece) - len(piece.lstrip())
                part = _Part(page, begin, start + len(piece.rstrip()))
                found.append(_Unit(block.kind, (part,), block.level))
    return found


def _sentences(text: str, block: Block) -> list[tuple[int, int]]:
    return [(block.start + a, block.start + b) for a, b in sentence_spans(text[block.start : block.end])]


def _joined(pages: Iterable[list[_Unit]]) -> Iterator[list[_Unit]]:
    """Units of each page; an unfinished last sentence waits for its rest on the next page."""
    waiting: _Unit | None = None
    for units in pages:
        if not units:
            continue
        if waiting is not None and _continues(waiting, units[0]):
            units[0] = replace(units[0], parts=(*waiting.parts, *units[0].parts))
        elif waiting is not None:
            units.insert(0, waiting)
        last = units[-1]
        # One that has run over three pages already is no sentence.
        waiting = last if last.kind == "text" and is_open(last.parts[-1].text) and len(last.parts) < 3 else None
        yield units[:-1] if waiting else units
    if waiting is not None:
        yield [waiting]


def _continues(unit: _Unit, following: _Unit) -> bool:
    """Whether running text goes on over a page border. Sections, sheets and slides (no layout) never do."""
    before, after = unit.parts[-1], following.parts[0]
    if following.kind != "text" or not before.page.width or after.page.number != before.page.number + 1:
        return False
    head, tail = after.text, before.text
    if len(tail) < _RUNNING or LIST_MARK.match(head):
        return False
    return not (head[0].isupper() and head[0].isascii()) or tail[-1] == ","


def _headed(pages: Iterable[list[_Unit]]) -> Iterator[list[_Unit]]:
    """Units that know the headings above them (a heading its own too) and their table's first row."""
    path: list[tuple[int, str]] = []
    first_row = ""
    for units in pages:
        headed = []
        for unit in units:
            table = ""
            if unit.kind == "heading":
                while path and path[-1][0] >= unit.level:
                    path.pop()
                path.append((unit.level, _line(_text(unit.parts), _HEADING_CHARS)))
            if unit.kind != "row":
                first_row = ""
            elif first_row:
                table = first_row
            else:
                first_row = _line(_text(unit.parts).replace("\t", " | "), _ROW_CHARS)
            headed.append(replace(unit, path=tuple(text for _, text in path), table=table))
        yield headed


def _line(text: str, length: int) -> str:
    return " ".join(text.split())[:length]


def _text(parts: Sequence[_Part]) -> str:
    return " ".join(part.text for part in parts)


def _word_pieces(part: _Part, size: int) -> Iterator[_Part]:
    """Words of a part; endless ones in pieces of at most `size` code points, as a code point may be a token."""
    text, at = part.text, 0
    for word in text.split():
        begin = text.index(word, at)
        at = begin + len(word)
        step = max(1, size // 4)  # a rare code point may be several tokens
        for piece in range(begin, at, step) if len(word) > 4 * step else (begin,):
            end = min(at, piece + step) if len(word) > 4 * step else at
            yield _Part(part.page, part.start + piece, part.start + end)


def _chunk(document_id: str, ordinal: int, units: Sequence[_Unit]) -> Chunk:
    text, segments, boxes, parts = "", [], list[Box](), list[Part]()
    run: _Part | None = None

    def close() -> None:
        nonlocal text
        if run is not None:
            segments.append(Segment(run.page.number, run.start, run.end, len(text)))
            boxes.extend(run.page.boxes(run.start, run.end))
            text += run.text

    for unit in units:
        start = end = -1
        for i, part in enumerate(unit.parts):
            if run is not None and run.page is part.page and not run.page.text[run.end : part.start].strip():
                run = _Part(part.page, run.start, part.end)
            else:
                close()
                # A blank line is a border to whoever splits the chunk into sentences again; a space is none.
                text += "" if run is None else " " if i else "\n\n"
                run = part
            end = len(text) + part.end - run.start
            start = end - (part.end - part.start) if start < 0 else start
        parts.append(Part(start, end, unit.kind))
    close()
    path = units[0].path
    for unit in units:
        same = (a == b for a, b in zip(path, unit.path, strict=False))
        path = path[: sum(1 for _ in takewhile(bool, same))]
    headings = (*path, units[0].table) if units[0].table else path
    name = f"{document_id}-{ordinal}"
    return Chunk(name, document_id, ordinal, text, headings, tuple(segments), tuple(boxes), tuple(parts))
