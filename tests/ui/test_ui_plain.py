"""Foreign text in Markdown: its characters are shown, nothing happens. The browser suite looks at the page itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gakju.ui.plain import plain

HOSTILE = [
    "![x](http://evil.example/a.png)",
    "[click](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "**bold** _it_ ~~gone~~ `code`",
    "# heading",
    "1. one",
    "- item",
    "> quote",
    "$x^2$ and $$y$$",
    ":smile: :material/home: :red[danger] :blue-background[b]",
    "https://evil.example www.evil.example me@evil.example",
    "a | b\n--|--\n1 | 2",
    "&lt;b&gt; &#58;",
    "back\\slash",
    "-> <- -- >= <=",
]


def shown(text: str) -> str:
    """What a Markdown reader shows, and that it is one paragraph of text and nothing else."""
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(plain(text))
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {c.type for c in children} <= {"text", "text_special"}
    return "".join(c.content for c in children).replace("\u2060", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_every_character_and_does_nothing(text: str) -> None:
    assert shown(text) == " ".join(text.split())


@given(st.text(min_size=1).filter(lambda s: any(c.isalnum() for c in s)))
def test_any_text_stays_one_paragraph_of_text(text: str) -> None:
    shown("x" + text)


@pytest.mark.parametrize(
    "text", [":smile:", ":material/home:", "https://a.example", "www.a.example", "me@a.example", "->"]
)
def test_what_is_made_from_text_after_parsing_is_broken_by_a_joiner(text: str) -> None:
    assert "\u2060" in plain(text)


def test_directions_and_controls_are_gone() -> None:
    assert plain("a\u202egnp.exe\x00\x1b[1m") == "a gnp\\.exe \\[1m"


def test_a_long_line_is_cut_with_an_ellipsis() -> None:
    assert plain("가나다 라마바", limit=5) == "가나다…"
    assert plain("가나다", limit=3) == "가나다"
