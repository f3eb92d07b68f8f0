from __future__ import annotations

import time
from pathlib import Path

import pytest

from gakju.errors import BrokenFile, LimitExceeded
from gakju.read.formats import Opened
from gakju.read.html import open_html
from gakju.types import Page


def read(tmp_path: Path, markup: str | bytes, name: str = "안내.html") -> Opened:
    path = tmp_path / "blob"
    path.write_bytes(markup if isinstance(markup, bytes) else markup.encode())
    return open_html(path, name)


def blocks(page: Page) -> list[tuple[str, str]]:
    return [(b.kind + (str(b.level) if b.level else ""), page.text[b.start : b.end]) for b in page.blocks]


def test_headings_paragraphs_lists_and_tables_in_order(tmp_path: Path) -> None:
    opened = read(
        tmp_path,
        """<!doctype html><html><head><title> 이용 안내 </title><style>p{}</style></head><body>
        <nav>홈 메뉴</nav><h1>이용&nbsp;안내</h1>맨 글<p>첫 <b>문단</b>이다.<br>둘째
        줄</p><ol start="3"><li>셋째<li><p>넷째</p></ol><ul><li>점</ul>
        <table><caption>표 1</caption><tr><th>이름<th>값<tr><td rowspan=2>가<td>1<tr><td>2</table>
        <script>var a = "코드";</script><footer>저작권</footer></body></html>""",
    )
    (page,) = opened.pages
    assert opened.title == "이용 안내"
    assert blocks(page) == [
        ("header", "홈 메뉴"),
        ("heading1", "이용 안내"),
        ("text", "맨 글"),
        ("text", "첫 문단이다.\n둘째 줄"),
        ("text", "3. 셋째"),
        ("text", "4. 넷째"),
        ("text", "점"),
        ("text", "표 1"),
        ("row", "이름\t값"),
        ("row", "가\t1"),
        ("row", "가\t2"),
        ("footer", "저작권"),
    ]
    assert page.text == "\n\n".join(text for _, text in blocks(page))
    assert page.problems == ()


@pytest.mark.parametrize(
    "hidden",
    [
        '<p style="color: red; display : none">숨은 명령</p>',
        '<div style="visibility:hidden"><p>숨은 <b>명령</b></p></div>',
        '<span style="font-size:0">숨은 명령</span>',
        '<span style="color:#FFF">숨은 명령</span>',
        "<p hidden>숨은 명령</p>",
        '<div style="position:absolute; left:-9999px">숨은 명령</div>',
        '<span style="color: transparent">숨은 명령</span>',
        '<span style="font-size: .01em">숨은 명령</span>',
        "<style>p, b.x:hover {color: red} /* x */ p.x, #n { display: none }</style><p class='a x'>숨은 명령</p>",
        "<style>@media print { p { color: red } } #n { left: -999em }</style><p id=n>숨은 명령</p>",
        "<!-- 숨은 명령 -->",
    ],
)
def test_hidden_words_are_left_out_and_reported(tmp_path: Path, hidden: str) -> None:
    (page,) = read(tmp_path, f"<body><p>앞</p>{hidden}뒤</body>").pages
    assert "숨은" not in page.text
    assert page.text.split() == ["앞", "뒤"]
    assert [(p.page, p.kind) for p in page.problems] == [(1, "hidden_text")]
    assert "숨은 명령" in page.problems[0].detail


@pytest.mark.parametrize(
    "shown",
    [
        "<style>.fold { display: none }</style><p class=fold>접힌 답</p><script>unfold()</script>",  # an FAQ
        "<style>@media print { .fold { display: none } }</style><p class=fold>접힌 답</p>",
        "<style>.other .fold { display: none }</style><p class=fold>접힌 답</p>",
        '<p style="margin-left:-480px; left:50%">접힌 답</p>',
    ],
)
def test_what_may_be_seen_is_read(tmp_path: Path, shown: str) -> None:
    (page,) = read(tmp_path, f"<body>{shown}</body>").pages
    assert (page.text, page.problems) == ("접힌 답", ())


def test_white_words_on_a_dark_ground_are_read(tmp_path: Path) -> None:
    (page,) = read(tmp_path, '<div style="background:#123"><h1 style="color:white">머리</h1></div>').pages
    assert blocks(page) == [("heading1", "머리")]
    assert page.problems == ()


def test_layout_tables_are_read_as_text_and_data_tables_inside_as_rows(tmp_path: Path) -> None:
    (page,) = read(
        tmp_path, "<table><tr><td><h2>제목</h2><p>본문</p><table><tr><td>a<td>b</table></td></tr></table>"
    ).pages
    assert blocks(page) == [("heading2", "제목"), ("text", "본문"), ("row", "a\tb")]


def test_pages_begin_at_top_headings(tmp_path: Path) -> None:
    markup = "".join(f"<h1>{n}장</h1><h2>절</h2><p>본문 {n}</p>" for n in (1, 2, 3))
    opened = read(tmp_path, markup)
    assert opened.page_count == 3
    assert [(p.number, p.text) for p in opened.pages] == [(n, f"{n}장\n\n절\n\n본문 {n}") for n in (1, 2, 3)]


def test_declared_and_undeclared_korean_charsets(tmp_path: Path) -> None:
    for head in ('<meta charset="euc-kr">', ""):
        (page,) = read(tmp_path, f"<html><head>{head}</head><p>똠방각하 펲시콜라</p>".encode("cp949")).pages
        assert page.text == "똠방각하 펲시콜라"


@pytest.mark.parametrize("charset", ["utf-16", "punycode", "idna", "undefined", "unicode_escape"])
def test_a_charset_that_cannot_be_is_not_believed(tmp_path: Path, charset: str) -> None:
    for words in ("똠방각하 펲시콜라", "똠방각하 펲시콜라!"):  # one of them has an even number of bytes
        (page,) = read(tmp_path, f'<meta charset="{charset}"><p>{words}</p>'.encode("cp949")).pages
        assert page.text == words


def test_what_attributes_count_may_be_no_number(tmp_path: Path) -> None:
    for start in ("²", "--5", "9" * 5000, "", "a"):
        (page,) = read(tmp_path, f'<ol start="{start}"><li>하나<li>둘</ol>').pages
        assert page.text == "1. 하나\n\n2. 둘"
    (page,) = read(tmp_path, '<ol start=" -1 "><li>하나<li>둘</ol>').pages
    assert page.text == "-1. 하나\n\n0. 둘"


def test_tags_that_nobody_closed_lose_nothing(tmp_path: Path) -> None:
    pages = read(tmp_path, "".join(f"<font color=red>문단 {n}<br>" for n in range(400)) + "끝").pages
    assert "".join(page.text for page in pages).count("문단") == 400


def test_deep_nesting_and_entities_cost_little(tmp_path: Path) -> None:
    started = time.process_time()
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><p>&b; 끝 <x src="file:///etc/passwd"></p>'
    (page,) = read(tmp_path, bomb).pages
    assert len(page.text) < 100
    # What stands behind the limit is not left out in silence.
    with pytest.raises(LimitExceeded, match=r"^안내\.html: .* deep"):
        read(tmp_path, "<p>앞</p>" + "<div>" * 50_000 + "깊다" + "</div>" * 50_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("sheet", ["@" * 150_000, "/*" * 75_000, "a " * 75_000, "a{" * 75_000, "@a{b{}" * 25_000])
def test_broken_style_sheets_cost_little(tmp_path: Path, sheet: str) -> None:
    started = time.process_time()
    (page,) = read(tmp_path, f"<style>{sheet}</style><p>본문</p>").pages
    assert page.text == "본문"
    assert time.process_time() - started < 5


@pytest.mark.parametrize("data", [b"", b"   ", bytes(range(256)) * 40])
def test_no_text_is_broken(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BrokenFile, match=r"^안내\.html: "):
        read(tmp_path, data)
