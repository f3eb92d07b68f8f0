from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Pt, RGBColor
from openpyxl.styles import Font, PatternFill
from pptx.util import Inches

from gakju.errors import BrokenFile, LimitExceeded, UnsupportedFormat
from gakju.read import package
from gakju.read.formats import Opened
from gakju.read.office import SHEET_ROWS, open_docx, open_pptx, open_xlsx
from gakju.types import Page

OPENERS = [open_docx, open_pptx, open_xlsx]


def blocks(page: Page) -> list[tuple[str, str]]:
    assert page.text == "\n\n".join(page.text[b.start : b.end] for b in page.blocks)
    return [(b.kind + (str(b.level) if b.level else ""), page.text[b.start : b.end]) for b in page.blocks]


def small(opener: Callable[[Path, str], Opened], path: Path) -> Path:
    """A small real file of the opener's format."""
    if opener is open_docx:
        document = docx.Document()
        document.add_paragraph("본문")
        document.save(str(path))
    elif opener is open_pptx:
        deck = pptx.Presentation()
        deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "본문"
        deck.save(str(path))
    else:
        book = openpyxl.Workbook()
        book.active.append(["본문"])
        book.save(path)
    return path


def changed(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """The package with one member changed."""
    out = path.with_name("changed")
    with zipfile.ZipFile(path) as old:
        assert member in old.namelist()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    return out


def test_docx_headings_paragraphs_and_tables_in_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.title = "취업 규칙"
    document.add_heading("제1장 총칙", 1)
    document.add_paragraph("첫 문단\n둘째 줄").add_run("\t굵게").bold = True
    table = document.add_table(3, 2, style="Table Grid")
    for row, texts in zip(table.rows, [("구분", "일수"), ("사망", "7일"), ("", "5일")], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    document.add_heading("제1조 목적", 2)
    document.add_paragraph("끝", style="List Bullet")
    document.add_heading("제2장 휴가", 1)
    document.add_paragraph("둘째 쪽")
    document.save(str(tmp_path / "a.docx"))
    opened = open_docx(tmp_path / "a.docx", "a.docx")
    first, second = opened.pages
    assert (opened.title, opened.page_count) == ("취업 규칙", 2)
    assert blocks(first) == [
        ("heading1", "제1장 총칙"),
        ("text", "첫 문단\n둘째 줄 굵게"),
        ("row", "구분\t일수"),
        ("row", "사망\t7일"),
        ("row", "사망\t5일"),
        ("heading2", "제1조 목적"),
        ("text", "끝"),
    ]
    assert blocks(second) == [("heading1", "제2장 휴가"), ("text", "둘째 쪽")]
    assert (first.width, len(first.glyphs), first.problems) == (0, 0, ())


def test_docx_hidden_runs_are_left_out_and_reported(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("보이는 말")
    paragraph.add_run(" 숨은 말").font.hidden = True
    style = document.styles.add_style("몰래", 1)
    style.font.hidden = True
    document.add_paragraph("양식이 숨긴 말", style=style)
    document.add_paragraph().add_run("흰 말").font.color.rgb = RGBColor(255, 255, 255)
    document.add_paragraph().add_run("작은 말").font.size = Pt(1)
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert page.text == "보이는 말"
    (problem,) = page.problems
    assert (problem.page, problem.kind) == (1, "hidden_text")
    assert "“숨은 말” and 3 more" in problem.detail


def test_docx_white_words_in_a_dark_cell_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    cell = document.add_table(1, 1, style="Table Grid").cell(0, 0)
    cell.paragraphs[0].add_run("머리글").font.color.rgb = RGBColor(255, 255, 255)
    cell._tc.get_or_add_tcPr().append(parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:fill="1F4E5F"/>'))
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert blocks(page) == [("row", "머리글")]
    assert page.problems == ()


def test_docx_tracked_changes_content_controls_and_text_boxes(tmp_path: Path) -> None:
    w = nsdecls("w")
    document = docx.Document()
    document.add_paragraph("앞")
    for xml in (
        f"<w:p {w}><w:ins><w:r><w:t>넣은 말</w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:t>옮겨 간 말</w:t></w:r></w:moveFrom>"
        "<w:del><w:r><w:delText>지운 말</w:delText></w:r></w:del></w:p>",
        f"<w:sdt {w}><w:sdtContent><w:p><w:r><w:t>칸 속의 말</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        f"<w:p {w}><w:r><w:t>둘레</w:t></w:r><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>글상자</w:t></w:r></w:p>"
        "</w:txbxContent></w:pict></w:r><w:r><w:t>의 말</w:t></w:r></w:p>",
    ):
        document.element.body.insert(len(document.element.body) - 1, parse_xml(xml))
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert page.text == "앞\n\n넣은 말\n\n칸 속의 말\n\n둘레의 말\n\n글상자"


def test_docx_footnotes_follow_their_paragraph(tmp_path: Path) -> None:
    w = nsdecls("w")
    document = docx.Document()
    note = f'<w:footnotes {w}><w:footnote w:id="-1" w:type="separator"><w:p><w:r><w:t>줄</w:t></w:r></w:p></w:footnote>'
    note += '<w:footnote w:id="2"><w:p><w:r><w:t>각주의 말</w:t></w:r></w:p></w:footnote></w:footnotes>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    part = Part(PackURI("/word/footnotes.xml"), "application/xml", note.encode(), document.part.package)
    document.part.relate_to(part, kind)
    xml = f'<w:p {w}><w:r><w:t>본문</w:t><w:footnoteReference w:id="2"/></w:r><w:r><w:t>의 말</w:t></w:r></w:p>'
    document.element.body.insert(0, parse_xml(xml))
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert page.text == "본문의 말\n\n각주의 말"


def test_docx_footnotes_that_name_each_other_are_said_once(tmp_path: Path) -> None:
    w = nsdecls("w")
    document = docx.Document()
    # Each names itself and, twice, the next one: said as often as named, these would be 2^30.
    note = '<w:footnote w:id="{0}"><w:p><w:r><w:t>각주 {0}.</w:t>{1}{2}{2}</w:r></w:p></w:footnote>'
    named = '<w:footnoteReference w:id="{}"/>'
    notes = "".join(note.format(n, named.format(n), named.format(n + 1)) for n in range(30))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    data = f"<w:footnotes {w}>{notes}</w:footnotes>".encode()
    document.part.relate_to(Part(PackURI("/word/footnotes.xml"), "application/xml", data, document.part.package), kind)
    document.element.body.insert(0, parse_xml(f"<w:p {w}><w:r><w:t>본문</w:t>{named.format(0)}</w:r></w:p>"))
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert page.text.split("\n\n") == ["본문", *(f"각주 {n}." for n in range(30))]


@pytest.mark.parametrize(
    "xml",
    [
        '<w:p {w}><w:r><w:rPr><w:sz w:val="12pt"/></w:rPr><w:t>본문</w:t></w:r></w:p>',
        '<w:p {w}><w:r><w:rPr><w:sz w:val="?"/></w:rPr><w:t>본문</w:t></w:r></w:p>',
        '<w:p {w}><w:pPr><w:outlineLvl w:val="?"/></w:pPr><w:r><w:t>본문</w:t></w:r></w:p>',
        '<w:p {w}><w:pPr><w:outlineLvl w:val="-9"/></w:pPr><w:r><w:t>본문</w:t></w:r></w:p>',
        '<w:tbl {w}><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1.0"/></w:tcPr><w:p><w:r><w:t>본문</w:t></w:r></w:p></w:tc>'
        "</w:tr></w:tbl>",
    ],
)
def test_docx_an_odd_number_loses_nothing(tmp_path: Path, xml: str) -> None:
    document = docx.Document()
    document.element.body.insert(0, parse_xml(xml.format(w=nsdecls("w"))))
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert page.text == "본문"
    assert page.blocks[0].level == 0


def test_docx_a_size_may_be_said_in_points(tmp_path: Path) -> None:
    xml = '<w:p {w}><w:r><w:t>앞</w:t></w:r><w:r><w:rPr><w:sz w:val="1pt"/></w:rPr><w:t>숨은 말</w:t></w:r></w:p>'
    document = docx.Document()
    document.element.body.insert(0, parse_xml(xml.format(w=nsdecls("w"))))
    document.save(str(tmp_path / "a.docx"))
    (page,) = open_docx(tmp_path / "a.docx", "a.docx").pages
    assert (page.text, [p.kind for p in page.problems]) == ("앞", ["hidden_text"])


def test_docx_without_headings_is_paged_by_length_and_named_after_its_file(tmp_path: Path) -> None:
    document = docx.Document()
    for n in range(12):
        document.add_paragraph(f"문단 {n} " + "가" * 990)
    document.save(str(tmp_path / "a.docx"))
    opened = open_docx(tmp_path / "a.docx", "보고서.docx")
    pages = list(opened.pages)
    assert opened.title == "보고서"
    assert [len(p.blocks) for p in pages] == [3, 3, 3, 3]
    assert [p.number for p in pages] == [1, 2, 3, 4]
    assert [p.text[:5].strip() for p in pages] == [f"문단 {n}" for n in range(0, 12, 3)]


def test_pptx_slides_tables_notes_and_hidden_slides(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "출장비"
    slide.placeholders[1].text = "첫째\n둘째"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for at, text in enumerate(["직급", "일비", "수석", "35,000원"]):
        table.cell(at // 2, at % 2).text = text
    slide.notes_slide.notes_text_frame.text = "발표 메모"
    hidden = deck.slides.add_slide(deck.slide_layouts[0])
    hidden.shapes.title.text = "숨은 장"
    hidden._element.set("show", "0")
    group = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "묶음 속의 말"
    deck.save(str(tmp_path / "a.pptx"))
    opened = open_pptx(tmp_path / "a.pptx", "a.pptx")
    first, second, third = opened.pages
    assert (opened.title, opened.page_count) == ("출장비", 3)
    assert blocks(first) == [
        ("heading1", "출장비"),
        ("text", "첫째"),
        ("text", "둘째"),
        ("row", "직급\t일비"),
        ("row", "수석\t35,000원"),
        ("text", "발표 메모"),
    ]
    assert (second.number, second.text, second.status) == (2, "", "no_text")
    assert "숨은 장" in second.problems[0].detail
    assert blocks(third) == [("text", "묶음 속의 말")]


def test_xlsx_sheets_rows_and_shown_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "예산"
    for row in (["항목", "금액", "비율", "날짜"], ["식비", 1200000, 0.125, dt.date(2026, 3, 2)], ["", 3.5, None, None]):
        sheet.append(row)
    sheet["B2"].number_format, sheet["C2"].number_format = "#,##0", "0.0%"
    book.create_sheet("둘째").append(["끝\n줄"])
    book.save(tmp_path / "a.xlsx")
    # The library's originals have no suffix.
    opened = open_xlsx((tmp_path / "a.xlsx").rename(tmp_path / "blob"), "a.xlsx")
    first, second = opened.pages
    assert opened.title == "예산"
    assert blocks(first) == [
        ("heading1", "예산"),
        ("row", "항목\t금액\t비율\t날짜"),
        ("row", "식비\t1,200,000\t12.5%\t2026-03-02"),
        ("row", "\t3.5"),
    ]
    assert blocks(second) == [("heading1", "둘째"), ("row", "끝 줄")]


def test_xlsx_hidden_sheets_rows_columns_and_white_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["머리", "값", "몰래"], ["가", 1, "숨은 열"], ["숨은 줄", 2, ""], ["흰 칸", 3, ""]):
        sheet.append(row)
    sheet["A1"].font, sheet["A1"].fill = Font(color="FFFFFF"), PatternFill("solid", fgColor="1F4E5F")
    sheet["A4"].font = Font(color="FFFFFF")
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["C"].hidden = True
    secret = book.create_sheet("비밀")
    secret.append(["숨은 장"])
    secret.sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    first, second = open_xlsx(tmp_path / "a.xlsx", "a.xlsx").pages
    assert blocks(first) == [("heading1", "Sheet"), ("row", "머리\t값"), ("row", "가\t1"), ("row", "\t3")]
    assert "“몰래” and 3 more" in first.problems[0].detail
    assert second.text == ""
    assert "비밀: 숨은 장" in second.problems[0].detail


def test_xlsx_big_sheets_are_split_with_their_head(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("명단")
    sheet.append(["번호", "이름"])
    for n in range(SHEET_ROWS + 1):
        sheet.append([n, f"이름 {n}"])
    book.save(tmp_path / "a.xlsx")
    pages = list(open_xlsx(tmp_path / "a.xlsx", "a.xlsx").pages)
    assert [len(p.blocks) for p in pages] == [SHEET_ROWS + 2, 3]
    assert blocks(pages[1]) == [
        ("heading1", "명단"),
        ("row", "번호\t이름"),
        ("row", f"{SHEET_ROWS}\t이름 {SHEET_ROWS}"),
    ]


@pytest.mark.parametrize("opener", OPENERS)
def test_empty_truncated_and_mislabelled_are_one_clear_line(
    tmp_path: Path, opener: Callable[[Path, str], Opened]
) -> None:
    whole = small(opener, tmp_path / "whole").read_bytes()
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "a")
    for data in (b"", whole[: len(whole) // 2], b"PK\x03\x04" + b"x" * 500, (tmp_path / "other.zip").read_bytes()):
        (tmp_path / "blob").write_bytes(data)
        with pytest.raises(BrokenFile, match=r"^문서: (empty|damaged|not a readable)") as raised:
            opener(tmp_path / "blob", "문서")
        assert "\n" not in str(raised.value)
        assert raised.value.hint


@pytest.mark.parametrize(
    ("opener", "member"),
    [
        (open_docx, "word/document.xml"),
        (open_docx, "[Content_Types].xml"),
        (open_pptx, "ppt/slides/slide1.xml"),
        (open_xlsx, "xl/worksheets/sheet1.xml"),
        (open_xlsx, "xl/workbook.xml"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused_wherever_they_stand(
    tmp_path: Path, opener: Callable[[Path, str], Opened], member: str, encoding: str
) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    doctype = f'<!DOCTYPE x [<!ENTITY e0 "하하"><!ENTITY f SYSTEM "file:///etc/passwd">{levels}]>'

    def plant(data: bytes) -> bytes:
        text = data.decode("utf-8").split("?>", 1)[-1]
        return f'<?xml version="1.0" encoding="{encoding}"?><!-- a <b --> {doctype}{text}'.encode(encoding)

    path = changed(small(opener, tmp_path / "whole"), member, plant)
    with pytest.raises(BrokenFile, match="declares a document type"):
        opener(path, "a")


@pytest.mark.parametrize("opener", OPENERS)
def test_zip_bombs_cost_nothing(tmp_path: Path, opener: Callable[[Path, str], Opened]) -> None:
    path = small(opener, tmp_path / "whole")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/a.xml", b" " * (package.RATIO_FROM + 1))
    with pytest.raises(LimitExceeded, match=r"word/media/a\.xml unpacks to more than 200 times"):
        opener(path, "a")


def test_sizes_and_counts_of_parts_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(open_docx, tmp_path / "whole")
    monkeypatch.setattr(package, "MAX_BYTES", 1000)
    with pytest.raises(LimitExceeded, match="unpacks to"):
        open_docx(path, "a.docx")
    monkeypatch.undo()
    monkeypatch.setattr(package, "MAX_MEMBERS", 3)
    with pytest.raises(LimitExceeded, match="unpacks to"):
        open_docx(path, "a.docx")


def test_deep_nesting_is_broken(tmp_path: Path) -> None:
    def nest(data: bytes) -> bytes:
        return data.replace(b"<w:body>", b"<w:body>" + b"<w:sdt><w:sdtContent>" * 5000, 1)

    path = changed(small(open_docx, tmp_path / "whole"), "word/document.xml", nest)
    with pytest.raises(BrokenFile, match="not a readable Word document"):
        open_docx(path, "a.docx")


@pytest.mark.parametrize(
    ("inside", "said"), [("EncryptedPackage", "protected by a password"), ("WordDocument", "older binary format")]
)
def test_ole_containers_say_what_to_do(tmp_path: Path, inside: str, said: str) -> None:
    data = BytesIO()
    data.write(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + inside.encode("utf-16-le") + bytes(200))
    (tmp_path / "blob").write_bytes(data.getvalue())
    with pytest.raises(UnsupportedFormat, match=said) as raised:
        open_docx(tmp_path / "blob", "a.docx")
    assert "Save" in raised.value.hint
