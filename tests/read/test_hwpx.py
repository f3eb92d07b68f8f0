from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gakju.errors import BrokenFile, UnsupportedFormat
from gakju.read.hwpx import open_hwpx

SPACES = 'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph" xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head"'
HEADER = f"""<hh:head {SPACES}>
  <hh:borderFill id="1"/>
  <hh:borderFill id="9"><hc:fillBrush xmlns:hc="c"><hc:winBrush faceColor="#202020"/></hc:fillBrush></hh:borderFill>
  <hh:charPr id="0" height="1000" textColor="#000000" shadeColor="none"/>
  <hh:charPr id="7" height="1000" textColor="#FFFFFF" shadeColor="none"/>
  <hh:charPr id="8" height="100" textColor="#000000" shadeColor="none"/>
  <hh:paraPr id="0"><hh:heading type="NONE" level="0"/></hh:paraPr>
  <hh:paraPr id="1"><hh:heading type="OUTLINE" level="0"/></hh:paraPr>
</hh:head>"""


def p(text: str, *, para: int = 0, char: int = 0) -> str:
    return f'<hp:p paraPrIDRef="{para}"><hp:run charPrIDRef="{char}"><hp:t>{text}</hp:t></hp:run></hp:p>'


def tc(text: str, *, rows: int = 1, fill: int = 1, char: int = 0) -> str:
    inner = p(text, char=char)
    return (
        f'<hp:tc borderFillIDRef="{fill}"><hp:subList>{inner}</hp:subList>'
        f'<hp:cellSpan colSpan="1" rowSpan="{rows}"/></hp:tc>'
    )


def write(path: Path, *sections: str, **more: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/hwp+zip")
        archive.writestr("Contents/header.xml", HEADER)
        for number, section in enumerate(sections):
            archive.writestr(f"Contents/section{number}.xml", f"<hs:sec xmlns:hs='s' {SPACES}>{section}</hs:sec>")
        for name, text in more.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return path


def test_paragraphs_headings_marks_and_sections_in_order(tmp_path: Path) -> None:
    broken_off = "앞<hp:lineBreak/>뒤<hp:tab/>끝<hp:deleteBegin/>지운 말<hp:deleteEnd/><hp:nbSpace/>!"
    # Section 10 comes after section 2, though not by its name.
    sections = [p("제1장 총칙", para=1) + p(broken_off), *(p(f"구역 {n}") for n in range(1, 11))]
    read = open_hwpx(write(tmp_path / "규칙.hwpx", *sections), "규칙.hwpx")
    (page,) = read.pages
    assert read.title == "제1장 총칙"
    assert read.page_count == 1
    assert page.text == "제1장 총칙\n\n앞\n뒤 끝 !\n\n" + "\n\n".join(f"구역 {n}" for n in range(1, 11))
    assert [(b.kind, b.level, page.text[b.start : b.end]) for b in page.blocks[:2]] == [
        ("heading", 1, "제1장 총칙"),
        ("text", 0, "앞\n뒤 끝 !"),
    ]
    assert page.problems == ()


def test_table_is_one_row_a_block_and_a_tall_cell_is_said_in_each(tmp_path: Path) -> None:
    rows = [tc("구분") + tc("일수"), tc("사망", rows=2) + tc("7일"), tc("5일")]
    table = "<hp:tbl>" + "".join(f"<hp:tr>{r}</hp:tr>" for r in rows) + "</hp:tbl>"
    around = f'<hp:p paraPrIDRef="0"><hp:run charPrIDRef="0">{table}<hp:t>표 위의 말</hp:t></hp:run></hp:p>'
    (page,) = open_hwpx(write(tmp_path / "a.hwpx", around), "a.hwpx").pages
    assert [(b.kind, page.text[b.start : b.end]) for b in page.blocks] == [
        ("text", "표 위의 말"),
        ("row", "구분\t일수"),
        ("row", "사망\t7일"),
        ("row", "사망\t5일"),
    ]


def test_white_tiny_and_hidden_comments_are_left_out_but_white_on_a_dark_cell_is_not(tmp_path: Path) -> None:
    inner = "<hp:subList><hp:p><hp:run><hp:t>메모</hp:t></hp:run></hp:p></hp:subList>"
    comment = f"<hp:ctrl><hp:hiddenComment>{inner}</hp:hiddenComment></hp:ctrl>"
    body = (
        p("보인다")
        + p("흰 글씨", char=7)
        + p("아주 작다", char=8)
        + f'<hp:p><hp:run charPrIDRef="0">{comment}<hp:t>끝</hp:t></hp:run></hp:p>'
        + f'<hp:p><hp:run charPrIDRef="0"><hp:tbl><hp:tr>{tc("머리", fill=9, char=7)}</hp:tr></hp:tbl></hp:run></hp:p>'
    )
    (page,) = open_hwpx(write(tmp_path / "a.hwpx", body), "a.hwpx").pages
    assert page.text == "보인다\n\n끝\n\n머리"
    (problem,) = page.problems
    assert (problem.page, problem.kind) == (1, "hidden_text")
    assert "흰 글씨" in problem.detail
    assert "2 more" in problem.detail


def test_footnotes_and_text_boxes_follow_their_paragraph_and_running_heads_are_left_out(tmp_path: Path) -> None:
    def sub(text: str, tag: str) -> str:
        return f"<hp:{tag}><hp:subList>{p(text)}</hp:subList></hp:{tag}>"

    run = (
        f"<hp:ctrl>{sub('머리말', 'header')}</hp:ctrl><hp:t>본문</hp:t><hp:ctrl>{sub('각주', 'footNote')}</hp:ctrl>"
        f"<hp:rect>{sub('글상자', 'drawText')}</hp:rect><hp:t> 이음</hp:t>"
    )
    body = f'<hp:p><hp:run charPrIDRef="0">{run}</hp:run></hp:p>' + p("다음")
    (page,) = open_hwpx(write(tmp_path / "a.hwpx", body), "a.hwpx").pages
    assert page.text == "본문 이음\n\n각주\n\n글상자\n\n다음"


def test_an_odd_number_loses_nothing(tmp_path: Path) -> None:
    table = f"<hp:p><hp:run><hp:tbl><hp:tr>{tc('칸')}</hp:tr></hp:tbl></hp:run></hp:p>"
    path = write(tmp_path / "a", table.replace('rowSpan="1"', 'rowSpan="?"').replace('colSpan="1"', 'colSpan=""'))
    (page,) = open_hwpx(path, "a.hwpx").pages
    assert page.text == "칸"


def test_title_comes_from_the_package(tmp_path: Path) -> None:
    hpf = '<opf:package xmlns:opf="o"><opf:metadata><opf:title>여비 규정</opf:title></opf:metadata></opf:package>'
    path = write(tmp_path / "a.hwpx", p("본문"), Contents__content_dot_hpf=hpf)
    assert open_hwpx(path, "a.hwpx").title == "여비 규정"


def test_encrypted_says_what_to_do(tmp_path: Path) -> None:
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    path = write(tmp_path / "a.hwpx", p("x"), **{"META-INF__manifest_dot_xml": manifest})
    with pytest.raises(UnsupportedFormat, match=r"a\.hwpx: protected by a password.*Save a copy"):
        open_hwpx(path, "a.hwpx")


@pytest.mark.parametrize("section", ["<hp:p>", "</x>", "<hp:p>" * 400 + "</hp:p>" * 400, "&bomb;"])
def test_broken_xml_is_one_line(tmp_path: Path, section: str) -> None:
    with pytest.raises(BrokenFile, match=r"^a\.hwpx: not a readable HWPX document \(.*\)\. Open it in") as raised:
        open_hwpx(write(tmp_path / "a.hwpx", section), "a.hwpx")
    assert "\n" not in str(raised.value)


def test_package_without_sections_is_broken(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="no sections"):
        open_hwpx(write(tmp_path / "a.hwpx"), "a.hwpx")
