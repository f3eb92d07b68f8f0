"""Makes the two sample documents: Markdown in this folder to PDFs in src/gakju/samples.

    python samples/build.py [--font-dir DIR] [--out DIR]

The same sources, fonts and library versions give the same bytes: dates are fixed and no identifier is random.
Fonts: Nanum Gothic (SIL Open Font License 1.1), in Debian's package fonts-nanum.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

HERE = Path(__file__).parent
OUT = HERE.parent / "src" / "gakju" / "samples"
FONT_DIR = Path("/usr/share/fonts/truetype/nanum")
SOURCES = ("handbook.ko", "manual.en")

# Millimetres on A4. The text column is 162 wide: some 45 Korean syllables at 10 pt.
LEFT, RIGHT, TOP, BOTTOM, HEADER = 24.0, 24.0, 30.0, 26.0, 15.0
COLUMN = 210 - LEFT - RIGHT
INK, GREY, RULE = (34, 38, 42), (120, 126, 132), (205, 210, 214)
LEADING = 6.1
# A paragraph of the rules: ① to ⑳ hang in the margin like a list number.
CIRCLED = re.compile(r"^([①-⑳])\s+(.*)$", re.DOTALL)


@dataclass
class Source:
    """Front matter and body of one sample."""

    meta: dict[str, str]
    facts: list[tuple[str, str]]
    body: str

    @classmethod
    def read(cls, path: Path) -> Source:
        _, front, body = path.read_text("utf-8").split("---\n", 2)
        meta: dict[str, str] = {}
        facts: list[tuple[str, str]] = []
        for line in front.splitlines():
            if line.startswith("  - "):
                name, value = line[4:].split(" | ")
                facts.append((name, value))
            else:
                key, _, value = line.partition(": ")
                meta[key.rstrip(":")] = value.strip('"')
        return cls(meta, facts, body)


@dataclass
class Entry:
    """A line of the table of contents."""

    title: str
    level: int
    page: int


@dataclass
class Table:
    """Cells as plain text, header first; `align` is L or R for each column."""

    rows: list[list[str]]
    align: list[str]
    caption: str = ""
    widths: list[float] = field(default_factory=list)


class Sheet(FPDF):
    """A4 pages with a running head and a page number; the first page is the cover and has neither."""

    def __init__(self, source: Source, fonts: Path, total: int) -> None:
        super().__init__(format="A4")
        self.source, self.total, self.chapter = source, total, ""
        self.accent = tuple(bytes.fromhex(source.meta["accent"][1:]))
        self.tint = tuple(round(255 - (255 - c) * 0.09) for c in self.accent)
        self.add_font("Nanum", "", fonts / "NanumGothic.ttf")
        self.add_font("Nanum", "B", fonts / "NanumGothicBold.ttf")
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(True, BOTTOM)
        meta = source.meta
        self.set_title(meta["running"])
        self.set_author(meta["organisation"])
        self.set_lang(meta["lang"])
        self.set_producer("samples/build.py")
        self.set_creation_date(datetime.fromisoformat(meta["created"]).replace(tzinfo=UTC))
        self.c_margin = 0

    def pen(self, size: float = 10, style: str = "", colour: Sequence[int] = INK) -> None:
        self.set_font("Nanum", style, size)
        self.set_text_color(*colour)

    def line_at(self, y: float, colour: Sequence[int] = RULE, width: float = 0.2) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(width)
        self.line(LEFT, y, LEFT + COLUMN, y)

    def header(self) -> None:
        if self.page == 1:
            return
        self.pen(8, colour=GREY)
        self.set_xy(LEFT, HEADER)
        self.cell(COLUMN / 2, 5, self.source.meta["running"])
        self.cell(COLUMN / 2, 5, self.chapter, align="R")
        self.line_at(HEADER + 6.5)
        self.set_y(TOP)

    def footer(self) -> None:
        if self.page == 1:
            return
        self.set_xy(LEFT, self.h - 16)
        self.pen(8, colour=GREY)
        self.cell(COLUMN / 2, 5, self.source.facts[0][1])
        self.cell(COLUMN / 2, 5, f"{self.page} / {self.total}", align="R")

    @property
    def room(self) -> float:
        """Millimetres left above the bottom margin."""
        return float(self.page_break_trigger - self.y)

    def lines_of(self, text: str, width: float) -> int:
        found = self.multi_cell(width, LEADING, text, markdown=True, dry_run=True, output=MethodReturnValue.LINES)
        return len(found)

    def flow(self, text: str, *, indent: float = 0, mark: str = "", gap: float = 2.0) -> None:
        """A paragraph that may run over the page border, but leaves no single line on either side."""
        width = self.epw - indent
        count = self.lines_of(text, width)
        fits = int((self.room + 0.01) // LEADING)
        if fits < min(2, count):
            self.add_page()
        elif count - fits == 1 and fits < count:
            if count <= 3:
                self.add_page()
            else:
                self.set_auto_page_break(True, BOTTOM + LEADING)
        if mark:
            self.cell(indent, LEADING, mark)
        self.set_x(LEFT + indent)
        self.multi_cell(width, LEADING, text, markdown=True, align="L", new_x="LMARGIN", new_y="NEXT")
        self.set_auto_page_break(True, BOTTOM)
        self.set_y(self.y + gap)


class Composer:
    """Walks the Markdown tree and sets it on a `Sheet`. `contents` comes from the pass before."""

    def __init__(self, source: Source, fonts: Path, contents: Sequence[Entry], total: int) -> None:
        self.source, self.before = source, contents
        self.sheet = Sheet(source, fonts, total)
        self.entries: list[Entry] = []
        self.caption = ""

    def compose(self) -> None:
        self.cover()
        self.contents()
        tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(self.source.body))
        nodes = tree.children
        for at, node in enumerate(nodes):
            following = nodes[at + 1] if at + 1 < len(nodes) else None
            self.block(node, following)

    def cover(self) -> None:
        s, meta = self.sheet, self.source.meta
        s.add_page()
        s.set_fill_color(*s.accent)
        s.rect(0, 0, 9, s.h, style="F")
        s.set_xy(LEFT, 42)
        s.pen(11, "B", s.accent)
        s.cell(0, 6, meta["organisation"])
        s.set_xy(LEFT, 88)
        s.pen(27, "B")
        s.multi_cell(s.epw, 13, meta["title"], align="L", new_x="LMARGIN", new_y="NEXT")
        s.set_y(s.y + 5)
        s.pen(12.5, colour=GREY)
        s.cell(0, 8, meta["subtitle"])
        y = s.h - 36 - 9 * len(self.source.facts) - 10
        for name, value in self.source.facts:
            s.line_at(y)
            s.set_xy(LEFT, y + 1.5)
            s.pen(9, colour=GREY)
            s.cell(36, 6, name)
            s.pen(9, "B")
            s.cell(0, 6, value)
            y += 9
        s.line_at(y)
        s.set_xy(LEFT, y + 5)
        s.pen(8, colour=GREY)
        s.set_auto_page_break(False)
        s.multi_cell(s.epw, 4.6, meta["note"], align="L")
        s.set_auto_page_break(True, BOTTOM)

    def contents(self) -> None:
        s = self.sheet
        s.chapter = self.source.meta["contents"]
        s.add_page()
        s.pen(18, "B", s.accent)
        s.cell(0, 10, s.chapter, new_x="LMARGIN", new_y="NEXT")
        s.set_y(s.y + 6)
        # Chapters with the page they start on; articles are found by the outline of the PDF.
        for entry in self.before:
            if entry.level > 1:
                continue
            s.pen(10.5)
            s.cell(s.epw - 16, 9.4, entry.title)
            s.pen(10.5, colour=GREY)
            s.cell(16, 9.4, str(entry.page), align="R", link=s.add_link(page=entry.page), new_x="LMARGIN", new_y="NEXT")
            s.line_at(s.y)
        s.chapter = next((e.title for e in self.before), "")
        s.add_page()

    def block(self, node: SyntaxTreeNode, following: SyntaxTreeNode | None) -> None:
        if node.type == "heading":
            self.heading(node)
        elif node.type == "table":
            self.table(node)
        elif node.type in {"ordered_list", "bullet_list"}:
            self.listing(node)
        elif node.type == "blockquote":
            self.notice(text_of(node))
        elif following is not None and following.type == "table":
            self.caption = text_of(node).strip("*")
        else:
            self.paragraph(text_of(node), leads=following is not None and following.type.endswith("list"))

    def heading(self, node: SyntaxTreeNode) -> None:
        s, title, level = self.sheet, text_of(node), int(node.tag[1])
        if level == 1:
            s.chapter = title
            # A chapter begins where it falls, but never at the foot of a page.
            if s.room < 60:
                s.add_page()
            elif s.y > TOP + 1:
                s.set_y(s.y + 8)
            s.pen(16, "B", s.accent)
            height, after = 9.0, 3.5
        else:
            if s.room < 30:
                s.add_page()
            elif s.y > TOP + 1:
                s.set_y(s.y + 3.2)
            s.pen(11.5, "B", s.accent)
            height, after = 7.0, 1.4
        self.entries.append(Entry(title, level, s.page))
        s.start_section(title, level - 1)
        s.multi_cell(s.epw, height, title, align="L", new_x="LMARGIN", new_y="NEXT")
        if level == 1:
            s.line_at(s.y + 1.2, s.accent, 0.5)
            s.set_y(s.y + 1.2)
        s.set_y(s.y + after)

    def paragraph(self, text: str, *, leads: bool = False) -> None:
        s = self.sheet
        s.pen()
        circled = CIRCLED.match(text)
        if leads and s.room < 3 * LEADING:
            s.add_page()
        if circled:
            s.flow(circled[2], indent=6.2, mark=circled[1])
        else:
            s.flow(text)

    def listing(self, node: SyntaxTreeNode) -> None:
        s = self.sheet
        s.pen()
        inside = 6.2 if self.source.meta["lang"] == "ko" else 0.0
        for number, item in enumerate(node.children, start=1):
            mark = f"{number}." if node.type == "ordered_list" else "•"
            s.set_x(LEFT + inside)
            s.l_margin = LEFT + inside
            width = 6.0 if mark != "•" else 4.6
            if s.room < LEADING * min(2, s.lines_of(text_of(item), s.epw - width)):
                s.add_page()
                s.set_x(LEFT + inside)
            s.cell(width, LEADING, mark)
            s.multi_cell(s.epw - width, LEADING, text_of(item), markdown=True, align="L", new_x="LMARGIN", new_y="NEXT")
            s.l_margin = LEFT
            s.set_xy(LEFT, s.y + 0.6)
        s.set_y(s.y + 1.6)

    def notice(self, text: str) -> None:
        s = self.sheet
        s.pen(9.6)
        s.l_margin = LEFT + 5
        height = s.lines_of(text, s.epw - 5) * LEADING + 6
        if s.room < height:
            s.add_page()
        top = s.y
        s.set_fill_color(*s.tint)
        s.rect(LEFT, top, COLUMN, height, style="F")
        s.set_fill_color(*s.accent)
        s.rect(LEFT, top, 1.2, height, style="F")
        s.set_xy(LEFT + 5, top + 3)
        s.multi_cell(s.epw - 5, LEADING, text, markdown=True, align="L", new_x="LMARGIN", new_y="NEXT")
        s.l_margin = LEFT
        s.set_xy(LEFT, top + height + 3.4)

    def table(self, node: SyntaxTreeNode) -> None:
        Setter(self.sheet, table_of(node, self.caption)).draw()
        self.caption = ""


class Setter:
    """Draws one table: caption, tinted head, hairlines between rows; the head comes again after a page border."""

    SIZE, STEP, PAD, GUTTER = 9.0, 4.9, 1.5, 2.4

    def __init__(self, sheet: Sheet, table: Table) -> None:
        self.sheet, self.table = sheet, table
        # Room on the left of each column; more where flush-right numbers would touch flush-left words.
        pairs = zip(["L", *table.align[:-1]], table.align, strict=True)
        self.inset = [self.GUTTER * (3 if pair == ("R", "L") else 1) for pair in pairs]
        table.widths = self.widths()

    def widths(self) -> list[float]:
        """Column widths in mm that fill the text column: room beyond the longest word goes by content."""
        s = self.sheet
        natural, least = [], []
        s.pen(self.SIZE, "B")
        for column, inset in zip(zip(*self.table.rows, strict=True), self.inset, strict=True):
            edges = inset + self.GUTTER + 0.4
            natural.append(max(s.get_string_width(c) for c in column) + edges)
            least.append(max(s.get_string_width(w) for c in column for w in c.split()) + edges)
        spare = s.epw - sum(natural)
        if spare >= 0:
            return [w + spare / len(natural) for w in natural]
        slack = [n - w for n, w in zip(natural, least, strict=True)]
        return [n + spare * k / sum(slack) for n, k in zip(natural, slack, strict=True)]

    def height(self, row: Sequence[str]) -> float:
        return max(len(lines) for lines in self.wrapped(row)) * self.STEP + 2 * self.PAD

    def wrapped(self, row: Sequence[str]) -> list[list[str]]:
        s = self.sheet
        return [
            s.multi_cell(w - i - self.GUTTER, self.STEP, cell, dry_run=True, output=MethodReturnValue.LINES)
            for cell, w, i in zip(row, self.table.widths, self.inset, strict=True)
        ]

    def draw(self) -> None:
        s = self.sheet
        head, *body = self.table.rows
        s.pen(self.SIZE, "B")
        heights = [self.height(row) for row in self.table.rows]
        # A table starts only where its head and two rows fit; a short one stays whole.
        whole = 8 + sum(heights)
        if s.room < (whole if whole < 62 else 8 + sum(heights[:3])):
            s.add_page()
        s.set_y(s.y + 1.2)
        s.pen(9, "B", s.accent)
        s.cell(0, 5.4, self.table.caption, new_x="LMARGIN", new_y="NEXT")
        s.set_y(s.y + 0.8)
        self.head(head)
        for at, row in enumerate(body):
            s.pen(self.SIZE)
            if s.room < self.height(row):
                s.line_at(s.y, s.accent, 0.3)
                s.add_page()
                self.head(head)
            elif at:
                s.line_at(s.y)
            s.pen(self.SIZE)
            self.row(row)
        s.line_at(s.y, s.accent, 0.5)
        s.set_y(s.y + 4)

    def head(self, row: Sequence[str]) -> None:
        s = self.sheet
        s.pen(self.SIZE, "B", s.accent)
        s.set_fill_color(*s.tint)
        s.rect(LEFT, s.y, s.epw, self.height(row), style="F")
        s.line_at(s.y, s.accent, 0.5)
        self.row(row)
        s.line_at(s.y, s.accent, 0.2)

    def row(self, row: Sequence[str]) -> None:
        s, top, x, height = self.sheet, self.sheet.y, LEFT, self.height(row)
        s.set_auto_page_break(False)
        columns = zip(row, self.table.widths, self.inset, self.table.align, strict=True)
        for cell, width, inset, align in columns:
            s.set_xy(x + inset, top + self.PAD)
            s.multi_cell(width - inset - self.GUTTER, self.STEP, cell, align=align)
            x += width
        s.set_auto_page_break(True, BOTTOM)
        s.set_xy(LEFT, top + height)


def text_of(node: SyntaxTreeNode) -> str:
    """The Markdown of a block's inline content on one line; bold marks are fpdf's own too."""
    return " ".join(n.content for n in node.walk() if n.type == "inline").replace("\n", " ")


def table_of(node: SyntaxTreeNode, caption: str) -> Table:
    rows = [[text_of(cell) for cell in row.children] for row in walk_rows(node)]
    first = next(walk_rows(node)).children
    return Table(rows, ["R" if "right" in str(c.attrs.get("style", "")) else "L" for c in first], caption)


def walk_rows(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    return (n for n in node.walk() if n.type == "tr")


def build(name: str, fonts: Path) -> bytes:
    """The PDF of `samples/{name}.md`. Set thrice: to learn the pages, to number them, and to be sure."""
    source = Source.read(HERE / f"{name}.md")
    entries: list[Entry] = [Entry("", 1, 1)]
    total = 0
    while True:
        composer = Composer(source, fonts, entries, total)
        composer.compose()
        if composer.entries == entries and composer.sheet.page == total:
            return bytes(composer.sheet.output())
        entries, total = composer.entries, composer.sheet.page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--font-dir", type=Path, default=FONT_DIR, help="folder with NanumGothic.ttf")
    parser.add_argument("--out", type=Path, default=OUT, help="folder the PDFs go to")
    given = parser.parse_args()
    if not (given.font_dir / "NanumGothic.ttf").is_file():
        print(
            f"No NanumGothic.ttf in {given.font_dir}: apt-get install fonts-nanum, or give --font-dir.", file=sys.stderr
        )
        return 1
    # Nanum carries private tables (TSI0 …) that the subsetter drops with a warning each time.
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        data = build(name, given.font_dir)
        (given.out / f"{name}.pdf").write_bytes(data)
        print(f"{given.out / name}.pdf: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
