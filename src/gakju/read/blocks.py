"""Pieces of a page to its text: paragraphs, rows and headings, with a box for every code point."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gakju.read.compose import composed
from gakju.read.furniture import Kind
from gakju.read.glyphs import Floats, Glyphs, Ints
from gakju.read.headings import ARTICLE, level_of
from gakju.read.layout import Line, Piece
from gakju.types import Block, BlockKind

MARK = re.compile(
    r"\s*([•·∙●○◦□■▪▣◆◇▶►▷☞※*\-–—❍❏✓√]|[①-⑳㉠-㉻ⓐ-ⓩ❶-❿]|\(?\d{1,3}[.)](?!\d)|\(?[가-힣a-zA-Z][.)]\s|"
    r"\(?[ivx]{1,5}[.)]\s|제\s*\d+\s*[조장절편항관](?![가-힣])|<[가-힣])"
)
LONE_MARK = re.compile(r"[•·∙●○◦□■▪▣◆◇▶►▷☞※*\-–—]|[①-⑳㉠-㉻]|\(?(\d{1,3}(\.\d{1,3})*|[가-힣a-zA-Z]|[ivx]{1,5})[.)]?")
_ENDED = re.compile(r"[.!?。:;][\"'”’)」』\]]*$")
_HYPHENS = (0x02, 0xFFFE)  # at line ends, as pdfium marks them; whoever indexes joins the word

_SPACE, _TAB, _NEWLINE, _BREAK = 1, 2, 3, 4
_LENGTH = np.array([0, 1, 1, 1, 2], np.int32)
_CODE = np.array([0, 0x20, 0x09, 0x0A, 0x0A], np.int32)


@dataclass(slots=True)
class _Group:
    """Lines of one block. `joins[i]` stands before line i, 0 before the first."""

    kind: BlockKind
    lines: list[Line]
    joins: list[int]
    level: int = 0
    pieces: list[Piece] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(p.text for p in self.pieces)


def text_of(
    glyphs: Glyphs, pieces: Sequence[Piece], furniture: Mapping[int, Kind], body: float, body_bold: bool
) -> tuple[str, tuple[Block, ...], Floats]:
    """The page's NFC text, its blocks, and x0 y0 x1 y1 of every code point (NaN for white space).

    `furniture` names the pieces that are headers or footers; `body` is the size of running text.
    """
    groups = _grouped(pieces, furniture, body)
    _name_headings(groups, body, body_bold)
    writer = _Writer(glyphs)
    for group in groups:
        writer.add(group)
    return writer.finish()


def _grouped(pieces: Sequence[Piece], furniture: Mapping[int, Kind], body: float) -> list[_Group]:
    groups: list[_Group] = []
    edges = _edges(pieces)
    for number, piece in enumerate(pieces):
        last = groups[-1] if groups else None
        if kind := furniture.get(number):
            groups.append(_Group(kind, piece.lines, [0] * len(piece.lines), pieces=[piece]))
        elif piece.ruled:
            groups.append(_row(piece))
        elif piece.line.cells > 1 and not _hangs(piece):
            groups.append(_Group("row", [piece.line], [0], pieces=[piece]))
        elif last and last.kind == "text" and _goes_on(last, piece, edges.get(piece.region)):
            last.lines.append(piece.line)
            last.joins.append(_NEWLINE)
            last.pieces.append(piece)
        else:
            groups.append(_Group("text", [piece.line], [0], pieces=[piece]))
    return groups


def _row(piece: Piece) -> _Group:
    joins = [_TAB if at == 0 else _NEWLINE for cell in piece.cells for at in range(len(cell))]
    return _Group("row", piece.lines, [0, *joins[1:]], pieces=[piece])


def _hangs(piece: Piece) -> bool:
    """A list mark with its text set off, not two cells; the tab becomes a space."""
    line = piece.line
    if line.cells == 2 and line.separators[1:2] == ["\t"] and LONE_MARK.fullmatch(piece.text.split("\t")[0]):
        line.separators[1] = " "
        piece.text = piece.text.replace("\t", " ", 1)
        return True
    return False


@dataclass(frozen=True, slots=True)
class _Region:
    right: float
    left: float
    leading: float


def _edges(pieces: Sequence[Piece]) -> dict[int, _Region]:
    """Where the lines of each region begin and end, and how far one stands below another."""
    lines: dict[int, list[Line]] = {}
    for piece in pieces:
        if not piece.ruled:
            lines.setdefault(piece.region, []).append(piece.line)
    found = {}
    for region, of in lines.items():
        right, left = (float(np.percentile(v, q)) for v, q in (([x.x1 for x in of], 90), ([x.x0 for x in of], 10)))
        steps = [b.middle - a.middle for a, b in pairwise(of) if 0 < b.middle - a.middle < 3 * a.size]
        found[region] = _Region(right, left, float(np.percentile(steps, 25)) if steps else 0.0)
    return found


def _goes_on(group: _Group, piece: Piece, region: _Region | None) -> bool:
    """Is `piece` the next line of this paragraph?"""
    before, line = group.pieces[-1], piece.line
    last, size = before.line, max(before.line.size, line.size)
    if before.turn != piece.turn or abs(last.size - line.size) > 0.12 * size or MARK.match(piece.text):
        return False
    ended = bool(_ENDED.search(before.text))
    if before.region != piece.region or region is None:
        # Over a column's end only where the sentence plainly goes on.
        return not ended and piece.text[:1].islower() and before.region + 1 == piece.region
    step = line.middle - last.middle
    if step <= 0 or step > max(1.4 * region.leading, 1.2 * size) or step > 2.6 * size:
        return False
    if last.bold != line.bold and len(group.lines) == 1:
        return False
    width = max(region.right - region.left, 1.0)
    short = last.x1 < region.right - max(2.5 * size, 0.15 * width)
    if short and (ended or not piece.text[:1].islower()):
        return False
    indented = line.x0 > last.x0 + 0.8 * size and last.x0 <= region.left + 0.5 * size
    # A first line set in starts a paragraph; the second line of a hanging list item does not.
    return not (indented and (ended or len(group.lines) > 1) and not MARK.match(group.pieces[0].text))


def _name_headings(groups: list[_Group], body: float, body_bold: bool) -> None:
    for group in groups:
        if group.kind != "text":
            continue
        size = max(line.size for line in group.lines)
        bold = all(line.bold for line in group.lines) and not body_bold
        ratio = size / body if body else 1.0
        level = level_of(group.text, ratio=ratio, bold=bold, lines=len(group.lines))
        if level:
            group.kind, group.level = "heading", level


class _Writer:
    """Glyphs in reading order, what stands between them, and where blocks begin."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._order: list[Ints] = []
        self._before: list[NDArray[np.int8]] = []
        self._blocks: list[tuple[BlockKind, int, int, int]] = []
        self._count = 0

    def add(self, group: _Group) -> None:
        start = self._count
        for number, (line, join) in enumerate(zip(group.lines, group.joins, strict=True)):
            self._line(line, join if number else _BREAK if start else 0)
        article = ARTICLE.match(group.pieces[0].text) if group.kind == "text" else None
        if article:
            head = start + len("".join(article.group().split()))
            if start < head < self._count:
                self._blocks.append(("heading", start, head, 5))
                start = head
        self._blocks.append((group.kind, start, self._count, group.level))

    def _line(self, line: Line, join: int) -> None:
        names = {"": 0, " ": _SPACE, "\t": _TAB}
        for number, (separator, run) in enumerate(zip(line.separators, line.runs, strict=True)):
            order = np.arange(run.start, run.end, dtype=np.int32)
            before = (self._glyphs.gap[run.start : run.end] == 1).astype(np.int8)
            before[0] = names[separator] if number else join
            self._order.append(order)
            self._before.append(before)
            self._count += len(order)

    def finish(self) -> tuple[str, tuple[Block, ...], Floats]:
        if not self._order:
            return "", (), np.empty((0, 4), np.float32)
        order, before = np.concatenate(self._order), np.concatenate(self._before)
        codes = self._glyphs.codes[order]
        codes = np.where(np.isin(codes, _HYPHENS), 0x2D, codes)
        length = _LENGTH[before]
        ends = np.cumsum(length + 1)
        places = ends - 1
        text = np.zeros(int(ends[-1]), np.int32)
        boxes = np.full((len(text), 4), np.nan, np.float32)
        for back in (1, 2):
            at = np.flatnonzero(length >= back)
            text[places[at] - back] = _CODE[before[at]]
        text[places] = codes
        boxes[places] = self._glyphs.boxes[order]
        blocks = [Block(k, int(places[s]), int(ends[e - 1]), level) for k, s, e, level in self._blocks]
        return composed(text, boxes, blocks)
