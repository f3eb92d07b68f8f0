"""A conversation as a file: what was said is text, footnotes keep their quotes, the PDF's words can be read back."""

from __future__ import annotations

import html as escaping
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gakju.types import Claim, DocumentRef, Footnote
from gakju.ui import export
from gakju.ui.turns import Turn

EVIL = '<script>alert(1)</script> ![x](http://evil.example/a.png) [l](javascript:1) </q><b onload="x">'
NOTE = Footnote(DocumentRef("d", f"규정 {EVIL}", "/a.pdf"), 3, f"카페에서는 할 수 없다. {EVIL}", (), 0, 5)
OTHER = Footnote(DocumentRef("e", "안내", "/b.pdf"), 1, "이월할 수 없다.", (), 0, 5)
SAID = [
    Turn(
        "j1",
        f"카페에서 되나요? {EVIL}",
        "answered",
        claims=(
            Claim(f"할 수 없다. {EVIL}", "supported", 1.0, (NOTE,)),
            Claim("지어낸 말이다.", "unsupported", 0.0, (), "근거가 없다", fate="struck"),
            Claim("안내해 드립니다.", "unsupported", 0.0, (), "왜", scored=False),
            Claim("남겨 둔 말이다.", "unsupported", 0.2, ()),
        ),
    ),
    Turn("j2", "이월은?", "answered", claims=(Claim("이월할 수 없다.", "supported", 1.0, (OTHER,)),)),
    Turn("j3", "안녕?", "answered", text=f"안녕하세요.\n{EVIL}", checked=False),
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.outward: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.outward += [v for k, v in attrs if k in {"src", "href"} and v and not v.startswith("#")]
        assert not [k for k, _ in attrs if k.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_holds_no_markup_of_others() -> None:
    page = export.html(f"제목 {EVIL}", SAID, "ko").decode()
    read = Tags()
    read.feed(page)
    assert read.tags <= {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "section", "h2", "p", "span", "a"),
        *("ol", "li", "cite", "q", "footer"),
    }
    assert read.outward == []
    assert read.text.count(EVIL) == 7  # title, heading, question, claim, place, quote, answer
    kinds = re.findall(r'class="claim ([^"]+)"', page)
    assert kinds == ["supported", "unsupported struck", "courtesy", "unsupported", "supported"]
    assert "왜" not in read.text
    for link in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{link}"' in page
    assert "근거가 없다" in read.text
    assert escaping.escape(NOTE.quote) in page


def test_markdown_numbers_footnotes_through_the_conversation() -> None:
    lines = export.markdown("제목", SAID, "ko").decode().splitlines()
    assert "이월할 수 없다\\.[^2] *(근거 있음)*" in lines
    assert "~~지어낸 말이다\\.~~ *(근거 없음 · 지움)*" in lines
    assert "안내해 드립니다\\." in lines
    assert "남겨 둔 말이다\\. *(근거 없음)*" in lines
    assert "[^2]: 안내 · 1쪽: “이월할 수 없다\\.”" in lines
    assert not any(re.search(r"(?<!\\)<script|(?<!\\)\]\(http", line) for line in lines)
    assert "*문서로 확인하지 않은 답입니다*" in lines


def test_the_pdf_reads_back_and_carries_only_the_letters_it_uses() -> None:
    import pypdf

    font = export.font()
    if font is None:
        pytest.skip("no Korean font on this machine; `sudo apt-get install fonts-nanum` enables this test")
    long = Turn(
        "j4", "길게?", "answered", text="\n".join(f"{n}번째 줄이다. " + "가나다라마바사아" * 12 for n in range(60))
    )
    made = export.pdf("재택근무", [*SAID, long], "ko")
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    assert len(pages) > 2
    text = "".join(page.extract_text() for page in pages)
    packed = re.sub(r"\s+", "", text)
    for wanted in ("재택근무", "할수없다.", "[1]", "(근거있음)", "이월할수없다.", "59번째줄이다."):
        assert wanted in packed
    assert "<script>alert(1)</script>" in packed
    assert len(made) < max(200_000, font.stat().st_size // 3)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("연차/휴가: 며칠?", "연차 휴가 며칠"),
        ("../../etc/passwd", "etc passwd"),
        ("???", "gakju"),
        ("a" * 99, "a" * 60),
    ],
)
def test_file_names(title: str, name: str) -> None:
    assert export.file_name(title) == name


def test_fonts_are_files_of_this_machine() -> None:
    assert export.font() is None or Path(str(export.font())).is_file()
