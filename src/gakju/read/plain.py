"""Markdown and plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gakju.errors import BrokenFile
from gakju.read import charset, package
from gakju.read.formats import MARKDOWN, PLAIN, Opened
from gakju.read.html import pieces_of
from gakju.read.sections import Piece, clean, opened, paginate, row_text
from gakju.types import Page

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_EMPTY_LINE = re.compile(r"\n\s*\n")


def open_plain(path: Path, name: str) -> Opened:
    """Paragraphs by empty lines; a form feed or some 3,000 characters end a page."""
    pages: list[Page] = []
    for part in _text(path, name).split("\f"):
        pieces = [Piece("text", text) for paragraph in _EMPTY_LINE.split(part) if (text := clean(paragraph))]
        if pieces:
            pages += paginate(pieces, len(pages) + 1)
    return opened(name, PLAIN, "", pages)


def open_markdown(path: Path, name: str) -> Opened:
    """CommonMark with tables; a page is what stands under a heading of the highest level, or some 3,000 characters."""
    text = _text(path, name)
    title = ""
    if front := _FRONT.match(text):
        found = _TITLE.search(front[1])
        title = found[1].strip("\"'") if found else ""
        text = text[front.end() :]
    with package.reading(name, "Markdown file"):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
        return opened(name, MARKDOWN, title, paginate(_pieces(tokens, name)))


def _text(path: Path, name: str) -> str:
    text = charset.decode(path.read_bytes(), name)
    if not text.strip():
        raise BrokenFile(f"{name}: empty.", hint="Check the download or the export that made it.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _pieces(tokens: Sequence[Token], name: str) -> Iterator[Piece]:
    level, mark = 0, ""
    row: list[str] | None = None
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1]) if token.nesting > 0 else 0
        elif token.type == "list_item_open":
            mark = f"{token.info}{token.markup} " if token.info else ""
        elif token.type in {"tr_open", "tr_close"}:
            if text := row_text(row or ()):
                yield Piece("row", text)
            row = [] if token.nesting > 0 else None
        elif token.type == "inline":
            text, hidden = _words(token.children or ())
            if row is not None:
                row.append(text)
            elif text := clean(text):
                yield Piece("heading", text.replace("\n", " "), level) if level else Piece("text", mark + text)
                mark = ""
            if hidden:
                yield Piece("hidden", hidden)
        elif token.type in {"fence", "code_block"}:
            yield Piece("text", clean(token.content))
        elif token.type == "html_block":
            yield from pieces_of(token.content, name)


def _words(tokens: Sequence[Token]) -> tuple[str, str]:
    """What a reader sees of a line of Markdown, and the comments in it."""
    shown: list[str] = []
    hidden: list[str] = []
    for token in tokens:
        if token.type in {"text", "code_inline", "image"}:
            shown.append(token.content)
        elif token.type == "softbreak":
            shown.append(" ")
        elif token.type == "hardbreak" or (token.type == "html_inline" and token.content.startswith("<br")):
            shown.append("\n")
        elif token.type == "html_inline" and token.content.startswith("<!--"):
            hidden.append(token.content[4:-3].strip())
    return "".join(shown), " ".join(hidden)
