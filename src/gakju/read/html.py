"""HTML files: headings, paragraphs, list items and table rows of what a browser would show.

Hidden is what the attributes of an element or of one above it say, and, on pages without scripts, what a rule for a
class or an id says; otherwise style sheets are not applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from gakju.errors import BrokenFile, LimitExceeded
from gakju.read import charset, package
from gakju.read.formats import HTML, Opened
from gakju.read.frames import Frames, frames_of
from gakju.read.sections import Cell, Piece, clean, opened, paginate, table_rows
from gakju.types import BlockKind

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]+)|<\?xml[^>]{0,100}encoding=[\"']([\w-]+)", re.I)
# Code, and what stands in for something else; `title` is read on its own.
_SKIP = {
    "audio", "canvas", "datalist", "head", "iframe", "math", "noscript", "object", "rp", "rt", "script", "select",
    "style", "svg", "template", "textarea", "title", "video",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "html", "legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "ul",
}  # fmt: skip
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
# The running head and foot of a site; chunks are not made of them.
_FRAMES: dict[str, BlockKind] = {"nav": "header", "footer": "footer"}
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|font-size\s*:\s*(?:[01](?:\.\d+)?(?:px|pt|%)?|0?\.0\d*r?em|0r?em)\s*(?:;|!|$)|text-indent\s*:\s*-\d{3,}"
    r"|(?<![-\w])(?:left|top|right|bottom|margin-left|margin-top)\s*:\s*-(?:\d{4,}p[xt]|\d{3,}r?em)"
    r"|(?<![-\w])color\s*:\s*transparent|clip-path\s*:\s*inset\(\s*(?:50|100)%|clip\s*:\s*rect\(\s*[01](?:px)?[\s,]"
    r"|scale\(\s*0(?:\.0\d*)?\s*\)|translate[XY]?\(\s*-\d{4,}",
    re.I,
)
# `.name { … }` and `#name { … }`, also behind a tag or in a list; what stands in @media is anyone's guess.
# A search that fails goes on behind where it began: so what may begin anywhere is bounded, or ends with the sheet.
_RULE = re.compile(r"(?<![^{}@;])([^{}@;]+)\{([^{}]*)\}")
_AT_RULE = re.compile(r"@[^{};]{0,300}(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})|/\*.*?(?:\*/|\Z)|<!--|-->", re.S)
_SIMPLE = re.compile(r"[a-z0-9]*([.#][\w-]+)", re.I)
_SHEET = 200_000
_WHITE = re.compile(r"(?:^|;)\s*color\s*:\s*(?:#fff(?:fff)?\b|white\b|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))", re.I)
_GROUND = re.compile(r"(?:^|;)\s*background(?:-color|-image)?\s*:", re.I)


def open_html(path: Path, name: str) -> Opened:
    """A page is what stands under a heading of the highest level, or some 3,000 characters."""
    data = path.read_bytes()
    declared = _CHARSET.search(data[:4096])
    charset_name = (declared[1] or declared[2]).decode("ascii") if declared else ""
    text = charset.decode(data, name, charset_name)
    with package.reading(name, "HTML file"):
        root = _parse(text, name)
        if root is None:
            raise BrokenFile(f"{name}: empty.", hint="Check the download or the export that made it.")
        titles = (t for t in root.iter("title") if package.local(t.getparent()) == "head")  # type: ignore[arg-type]
        title = next(("".join(t.itertext()) for t in titles), "")
        return opened(name, HTML, title, paginate(_Walk().pieces(root)))


def pieces_of(markup: str, name: str) -> Iterator[Piece]:
    """The pieces of a fragment, such as the HTML inside the Markdown file called `name`."""
    root = _parse(f"<div>{markup}</div>", name)
    if root is not None:
        yield from _Walk().pieces(root)


def _parse(text: str, name: str) -> etree._Element | None:
    # Tags that nobody closed nest: with libxml2's lower limit, of 256, whatever came behind it was lost.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_pis=True)
    # lxml raises for bytes without any element, a comment alone for one.
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        raise LimitExceeded(
            f"{name}: its tags stand more than 2,000 deep in each other.", hint="Save its text and add that."
        )
    return root


class _Walk:
    """Walks the tree without recursion, so that depth costs nothing, and gathers words between block borders."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.out: list[Piece] = []
        self.heading = 0
        self.frames: list[BlockKind] = []
        self.around: Frames = {}
        self.verbatim = 0
        self.counts: list[int | None] = []
        self.mark = ""
        # Of the table being read: its rows so far; None outside, and in tables that only lay out the page.
        self.rows: list[list[Cell]] | None = None
        self.unseen: frozenset[str] = frozenset()

    def pieces(self, root: etree._Element) -> Iterator[Piece]:
        self.unseen = _unseen(root)
        self.around = frames_of(root)
        walker = etree.iterwalk(root, events=("start", "end", "comment"))
        skipped: etree._Element | None = None
        for outside in (*root.itersiblings(preceding=True), *root.itersiblings()):
            self.comment(outside)
        for event, element in walker:
            if event == "comment":
                self.comment(element)
                self.say(element.tail)
            elif event == "end":
                if element is not skipped:
                    self.leave(element)
                self.say(element.tail)
            elif element.tag in _SKIP or self.is_hidden(element):
                if element.tag not in _SKIP:
                    self.hide(" ".join("".join(element.itertext()).split()))
                walker.skip_subtree()
                skipped = element
            else:
                self.enter(element)
            yield from self.out
            self.out.clear()
        self.flush()
        yield from self.out

    def enter(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in _BLOCKS or element in self.around:
            self.flush()
        if frame := self.around.get(element) or _FRAMES.get(tag):
            self.frames.append(frame)
        if tag in _HEADINGS:
            self.heading = _HEADINGS[tag]
        elif tag == "pre":
            self.verbatim += 1
        elif tag in {"ol", "ul"}:
            self.counts.append(int(package.number(element.get("start"), 1)) if tag == "ol" else None)
        elif tag == "li" and self.counts and self.counts[-1] is not None:
            self.mark = f"{self.counts[-1]}. "
            self.counts[-1] += 1
        elif tag == "table" and self.rows is None and _holds_data(element):
            self.rows = []
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag == "br":
            self.words.append("\n")
        self.say(element.text)

    def leave(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in {"td", "th"} and self.rows is not None:
            self.cell(element)
        elif tag in _BLOCKS or element in self.around:
            self.flush()
        if element in self.around or tag in _FRAMES:
            self.frames.pop()
        if tag in _HEADINGS:
            self.heading = 0
        elif tag == "pre":
            self.verbatim -= 1
        elif tag == "li":
            self.mark = ""
        elif tag in {"ol", "ul"} and self.counts:
            self.counts.pop()
        elif tag == "table" and self.rows is not None:
            rows, self.rows = self.rows, None
            self.out += table_rows(rows)

    def cell(self, element: etree._Element) -> None:
        spans = (int(package.number(element.get(key), 1)) for key in ("rowspan", "colspan"))
        down, across = (max(1, min(span, 1000)) for span in spans)
        assert self.rows is not None
        if not self.rows:
            self.rows.append([])
        self.rows[-1].append(Cell(clean("".join(self.words)), down, across))
        self.words.clear()

    def say(self, text: str | None) -> None:
        if text:
            self.words.append(text if self.verbatim else re.sub(r"\s+", " ", text))

    def comment(self, element: etree._Element) -> None:
        # What old browsers were told by "[if IE]" is markup.
        if isinstance(element, etree._Comment) and not (element.text or "").lstrip().startswith("[if"):
            self.hide(element.text or "")

    def hide(self, text: str) -> None:
        if text.strip():
            self.out.append(Piece("hidden", text.strip()))

    def flush(self) -> None:
        """What was said since the last border becomes a piece; inside a table it stays in its cell."""
        if self.rows:
            self.words.append(" ")
            return
        text = clean("".join(self.words))
        self.words.clear()
        if not text:
            return
        if self.frames:
            self.out.append(Piece(self.frames[0], text))
        elif self.heading:
            self.out.append(Piece("heading", text.replace("\n", " "), self.heading))
        else:
            self.out.append(Piece("text", self.mark + text))
            self.mark = ""

    def is_hidden(self, element: etree._Element) -> bool:
        if element.get("hidden") is not None or (element.tag == "input" and element.get("type") == "hidden"):
            return True
        if self.unseen and not self.unseen.isdisjoint(_names(element)):
            return True
        style = element.get("style", "")
        if not style:
            return False
        if _HIDING.search(style):
            return True
        if not _WHITE.search(style):
            return False
        lines = (element, *element.iterancestors())
        return not any(_GROUND.search(e.get("style", "")) or e.get("bgcolor") or e.get("class") for e in lines)


def _unseen(root: etree._Element) -> frozenset[str]:
    """Classes (`.name`) and ids (`#name`) that the page's own style sheets hide for good: where it has a script, what
    is folded may be unfolded, and is read.
    """
    sheets = [s.text for s in root.iter("style") if s.text and len(s.text) < _SHEET]
    if not sheets or any(s.get("src") or (s.text or "").strip() for s in root.iter("script")):
        return frozenset()
    rules = _RULE.findall(_AT_RULE.sub(" ", "\n".join(sheets)))
    hiding = (
        selector.strip() for selectors, body in rules if _HIDING.search(body) for selector in selectors.split(",")
    )
    return frozenset(found[1] for selector in hiding if (found := _SIMPLE.fullmatch(selector)))


def _names(element: etree._Element) -> list[str]:
    return [f".{name}" for name in element.get("class", "").split()] + [f"#{element.get('id')}"]


def _holds_data(table: etree._Element) -> bool:
    """Old pages lay out their whole text with tables: one with headings or tables inside holds no data."""
    return next(table.iterdescendants("table", *_HEADINGS), None) is None
