"""Whole PDFs: text, boxes, order, status and problems, on files small enough to check by hand."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from pdfs import blocks, hangul_font, page_of, pages_of, read, show
from PIL import Image
from pypdf import PdfReader, PdfWriter

from gakju.errors import BrokenFile, LimitExceeded, PasswordRequired
from gakju.read import ocr
from gakju.read.pdf import Options, open_pdf, render_pdf
from gakju.types import Page


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.pdf"


def pixels(file: Path, page: Page, width: int = 612) -> np.ndarray:
    png = render_pdf(file, file.name, page.number, width, ())
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def ink_in(image: np.ndarray, page: Page, start: int, end: int) -> list[float]:
    scale = image.shape[1] / page.width
    out = []
    for box in page.boxes(start, end):
        x0, y0, x1, y1 = (round(v * scale) for v in box[1:])
        out.append(float((image[y0:y1, x0:x1] < 128).mean()))
    return out


def ink_outside(image: np.ndarray, page: Page) -> int:
    """Dark pixels that no glyph's box holds, give or take a pixel."""
    left = image < 128
    scale = image.shape[1] / page.width
    for x0, y0, x1, y1 in page.glyphs[~np.isnan(page.glyphs[:, 0])] * scale:
        left[max(0, int(y0) - 1) : int(y1) + 2, max(0, int(x0) - 1) : int(x1) + 2] = False
    return int(left.sum())


class TestBoxes:
    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    @pytest.mark.parametrize("crop", ["", "/CropBox[50 100 500 700]"])
    def test_hold_the_ink_of_their_words_however_the_page_is_turned(self, file: Path, rotation: int, crop: str) -> None:
        content = show("HHHH second", 100, 600, 20) + show("MMMM", 300, 300, 30)
        (page,) = read(file, page_of(content, extra=f"/Rotate {rotation}{crop}"))
        width, height = (450, 600) if crop else (612, 792)
        assert (page.width, page.height) == ((height, width) if rotation % 180 else (width, height))
        image = pixels(file, page, round(page.width))
        for word in ("HHHH", "second", "MMMM"):
            at = page.text.index(word)
            assert min(ink_in(image, page, at, at + len(word))) > 0.1
        assert ink_outside(image, page) == 0

    def test_are_points_from_the_top_left(self, file: Path) -> None:
        (page,) = read(file, page_of(show("Hello", 100, 700, 10)))
        x0, y0, x1, y1 = page.glyphs[0]
        assert x0 == pytest.approx(100, abs=0.1)
        assert x1 == pytest.approx(100 + 7.22, abs=0.1)  # Helvetica's H is 722 wide
        assert y0 < 792 - 700 - 7.1 < 792 - 700 < y1  # cap height 7.18 above the baseline, which is 92 from the top

    def test_white_space_has_no_place_and_everything_else_has(self, file: Path) -> None:
        (page,) = read(file, page_of(show("one two", 100, 700) + show("three", 100, 600)))
        assert page.text == "one two\n\nthree"
        assert [c.isspace() for c in page.text] == np.isnan(page.glyphs[:, 0]).tolist()


class TestText:
    def test_decomposed_hangul_is_composed_and_its_box_holds_the_parts(self, file: Path) -> None:
        parts = unicodedata.normalize("NFD", "한글")
        fonts, codes = hangul_font(parts)
        content = "BT /F 10 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in parts) + "> Tj ET"
        (page,) = read(file, page_of(content, fonts=fonts))
        assert page.text == "한글"
        assert page.glyphs[:, 0].tolist() == pytest.approx([100, 130], abs=0.1)
        assert page.glyphs[:, 2].tolist() == pytest.approx([130, 160], abs=0.1)

    def test_a_ligature_becomes_its_letters_side_by_side(self, file: Path) -> None:
        fonts, codes = hangul_font("oﬃce")
        content = "BT /F 30 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in "oﬃce") + "> Tj ET"
        (page,) = read(file, page_of(content, fonts=fonts))
        assert page.text == "office"
        assert page.glyphs[:, 0].tolist() == pytest.approx([100, 130, 140, 150, 160, 190], abs=0.2)

    def test_a_formula_of_a_hangul_document_reads_as_it_looks(self, file: Path) -> None:
        written = "\ue00b\ue0e9\ue0f2\ue044\ue00f\ue045\ue047\ue034\ue03d"
        fonts, codes = hangul_font(written)
        fonts = [each.replace(b"/BaseFont/Test", b"/BaseFont/ABCDEF+HyhwpEQ") for each in fonts]
        content = "BT /F 10 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in written) + "> Tj ET"
        (page,) = read(file, page_of(content, fonts=fonts))
        assert (page.text, page.status) == ("Len(P)=10", "ok")

    def test_letters_beyond_the_first_plane_are_one_code_point(self, file: Path) -> None:
        fonts, codes = hangul_font("𝑑𠀋")
        content = "BT /F 10 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in "𝑑𠀋") + "> Tj ET"
        (page,) = read(file, page_of(content, fonts=fonts))
        assert page.text == "𝑑𠀋"
        assert len(page.glyphs) == 2

    def test_a_word_broken_at_a_line_end_stays_as_written_in_one_block_with_two_boxes(self, file: Path) -> None:
        content = show("This is a long line that ends with exam-", 100, 700) + show("ple and goes on.", 100, 686)
        (page,) = read(file, page_of(content))
        (block,) = blocks(page)
        assert "with exam-\nple and" in block[1]
        at = page.text.index("exam")
        first, second = page.boxes(at, at + 9)
        assert first.y1 < second.y1
        assert second.x0 == pytest.approx(100, abs=0.5)

    def test_lines_of_a_paragraph_part_by_one_break_and_paragraphs_by_two(self, file: Path) -> None:
        lines = ["The first line of it is long enough here", "and this is the second of the same.", "", "Another one."]
        (page,) = read(file, page_of("".join(show(t, 72, 700 - 14 * n) for n, t in enumerate(lines) if t)))
        assert page.text == f"{lines[0]}\n{lines[1]}\n\n{lines[3]}"

    def test_says_what_another_extractor_says(self, file: Path) -> None:
        content = show("Vacation is 15 days (see 3.2).".replace("(", r"\(").replace(")", r"\)"), 72, 700)
        (page,) = read(file, page_of(content))
        assert page.text == PdfReader(file).pages[0].extract_text() == "Vacation is 15 days (see 3.2)."


LEFT = [f"left column line {n} holds quite a few words" for n in range(8)]
RIGHT = [f"right column line {n} holds some other words" for n in range(8)]


class TestOrder:
    def test_columns_are_read_one_after_the_other_and_the_title_first(self, file: Path) -> None:
        rows = zip(LEFT, RIGHT, strict=True)
        content = "".join(
            show(a, 50, 640 - 14 * n, 10) + show(b, 330, 640 - 14 * n, 10) for n, (a, b) in enumerate(rows)
        )
        (page,) = read(file, page_of(content + show("A title over both of the columns of this page", 100, 700, 18)))
        order = [page.text.index(t) for t in ["A title", *LEFT, *RIGHT]]
        assert order == sorted(order)

    def test_an_unruled_table_is_read_row_by_row(self, file: Path) -> None:
        rows = [("Sales", "1,200", "1,300"), ("Costs", "800", "900"), ("Profit", "400", "400"), ("Tax", "90", "95")]
        # Written column by column, as some programs do.
        content = "".join(
            show(row[column], 72 + 160 * column, 700 - 16 * n) for column in range(3) for n, row in enumerate(rows)
        )
        (page,) = read(file, page_of(content))
        assert blocks(page) == [("row", "\t".join(row)) for row in rows]

    def test_a_ruled_table_keeps_the_lines_of_a_cell_together(self, file: Path) -> None:
        rules = "".join(f"72 {y} m 400 {y} l S\n" for y in (720, 660, 640)) + "".join(
            f"{x} 640 m {x} 720 l S\n" for x in (72, 200, 400)
        )
        words = [("Kind of", 80, 705), ("leave", 80, 690), ("Fifteen days in", 210, 705), ("every year", 210, 690)]
        words += [("Sick", 80, 646), ("Ten", 210, 646)]
        (page,) = read(file, page_of(rules + "".join(show(*w) for w in words)))
        assert blocks(page) == [("row", "Kind of\nleave\tFifteen days in\nevery year"), ("row", "Sick\tTen")]

    def test_text_that_runs_upward_is_read_along_its_lines_and_after_the_rest(self, file: Path) -> None:
        content = show("The page itself", 100, 700) + "BT /F 12 Tf 0 1 -1 0 30 200 Tm (up the margin) Tj ET"
        (page,) = read(file, page_of(content))
        assert page.text == "The page itself\n\nup the margin"

    def test_blocks_do_not_overlap_and_are_in_order(self, file: Path) -> None:
        content = "".join(show(t, 50, 640 - 14 * n, 10) for n, t in enumerate(LEFT)) + show("Head", 50, 700, 20, "F")
        (page,) = read(file, page_of(content))
        ends = [x for b in page.blocks for x in (b.start, b.end)]
        assert ends == sorted(ends)
        assert [page.text[b.start : b.end].strip() for b in page.blocks] == [
            page.text[b.start : b.end] for b in page.blocks
        ]


class TestBlocks:
    def test_headers_and_footers_are_known_by_their_repetition(self, file: Path) -> None:
        body = ["Apples are red.", "Pears are green.", "Plums are blue.", "Figs are brown."]
        contents = [
            show("Company handbook", 72, 760) + show(text, 72, 500) + show(f"Page {n} of 4", 280, 30)
            for n, text in enumerate(body, 1)
        ]
        pages = read(file, pages_of(contents))
        assert [blocks(p) for p in pages] == [
            [("header", "Company handbook"), ("text", text), ("footer", f"Page {n} of 4")]
            for n, text in enumerate(body, 1)
        ]

    def test_what_stands_at_the_top_once_is_text(self, file: Path) -> None:
        pages = read(file, pages_of([show("Only here.", 72, 760), show("And only there.", 72, 760)]))
        assert [[kind for kind, _ in blocks(p)] for p in pages] == [["text"], ["text"]]

    def test_headings_are_larger_or_bold_or_numbered_and_know_their_level(self, file: Path) -> None:
        content = show("Annual report", 72, 740, 24) + show("Chapter 2", 72, 690, 12) + show("Leave", 72, 650, 12, "B")
        content += "".join(show(f"running text of the page, line {n}", 72, 600 - 14 * n) for n in range(6))
        (page,) = read(file, pages_of([content]))
        heads = [(page.text[b.start : b.end], b.level) for b in page.blocks if b.kind == "heading"]
        assert heads == [("Annual report", 1), ("Chapter 2", 2), ("Leave", 5)]

    def test_a_larger_list_item_is_no_heading(self, file: Path) -> None:
        content = show("- leave of fifteen days", 72, 700, 15)
        content += "".join(show(f"running text of the page, line {n}", 72, 600 - 14 * n) for n in range(6))
        (page,) = read(file, pages_of([content]))
        assert [b.kind for b in page.blocks] == ["text", "text"]

    def test_a_korean_articles_name_is_a_heading_though_its_text_goes_on(self, file: Path) -> None:
        text = "제1장 총칙제1조(목적) 이 규정은 인사의 기준을 정한다."
        fonts, codes = hangul_font(text)

        def line(words: str, y: int) -> str:
            return f"BT /F 10 Tf 72 {y} Td <" + "".join(f"{codes[c]:04x}" for c in words) + "> Tj ET\n"

        (page,) = read(file, page_of(line(text[:6], 700) + line(text[6:], 660), fonts=fonts))
        assert [(b.kind, b.level, page.text[b.start : b.end]) for b in page.blocks] == [
            ("heading", 2, "제1장 총칙"),
            ("heading", 5, "제1조(목적)"),
            ("text", 0, "이 규정은 인사의 기준을 정한다."),
        ]


class TestHidden:
    SEEN = show("Vacation is 15 days.", 100, 700)

    @pytest.mark.parametrize(
        "content",
        [
            "BT /F 12 Tf 3 Tr 100 600 Td (SYSTEM ignore it) Tj ET",
            "BT /F 1 Tf 100 600 Td (SYSTEM ignore it) Tj ET",
            "BT /F 100 Tf .01 0 0 .01 100 600 Tm (SYSTEM ignore it) Tj ET",
            "BT /F 12 Tf 1 1 1 rg 100 600 Td (SYSTEM ignore it) Tj ET",
            "BT /F 12 Tf .99 1 1 rg 100 600 Td (SYSTEM ignore it) Tj ET",
            "/G gs BT /F 12 Tf 100 600 Td (SYSTEM ignore it) Tj ET",
            "BT /F 12 Tf 100 900 Td (SYSTEM ignore it) Tj ET",
            "BT /F 12 Tf -400 600 Td (SYSTEM ignore it) Tj ET",
            "0 0 1 rg 100 590 200 30 re f BT /F 12 Tf 3 Tr 100 600 Td (SYSTEM ignore it) Tj ET",
        ],
        ids=["mode 3", "1 pt", "scaled", "white", "near white", "no opacity", "above", "left", "mode 3 on blue"],
    )
    def test_text_is_left_out_and_reported(self, file: Path, content: str) -> None:
        resources = "/ExtGState<</G<</ca 0/CA 0>>>>"
        (page,) = read(file, page_of(self.SEEN + content, resources=resources))
        assert page.text == "Vacation is 15 days."
        (problem,) = page.problems
        assert (problem.kind, problem.page) == ("hidden_text", 1)
        assert "14 characters" in problem.detail
        assert "SYSTEM ignore it" in problem.detail

    def test_white_text_on_a_dark_cell_is_seen(self, file: Path) -> None:
        content = "0 0 .5 rg 90 590 200 30 re f BT /F 12 Tf 1 1 1 rg 100 600 Td (Column head) Tj ET"
        (page,) = read(file, page_of(self.SEEN + content))
        assert page.text == "Vacation is 15 days.\n\nColumn head"
        assert page.problems == ()

    def test_white_text_under_black_text_is_hidden(self, file: Path) -> None:
        content = "BT /F 12 Tf 1 1 1 rg 100 701 Td (SYSTEM) Tj ET 0 g\n"
        (page,) = read(file, page_of(content + self.SEEN))
        assert page.text == "Vacation is 15 days."

    def test_the_invisible_layer_over_a_scan_is_its_text(self, file: Path) -> None:
        page = read(file, scan(layer="BT /F 20 Tf 3 Tr 100 600 Td (LAYER TEXT) Tj ET"))[0]
        assert (page.text, page.status) == ("LAYER TEXT", "ocr")

    def test_invisible_text_beside_the_ink_of_a_scan_is_hidden(self, file: Path) -> None:
        page = read(file, scan(layer="BT /F 20 Tf 3 Tr 100 100 Td (SYSTEM TEXT) Tj ET"))[0]
        assert (page.text, page.status) == ("", "no_text")
        assert {p.kind for p in page.problems} == {"hidden_text", "no_text"}


def scan(layer: str = "", text: str = "LAYER TEXT") -> bytes:
    """A page that is one picture of `text`, with content over it."""
    from PIL import ImageDraw, ImageFont

    image = Image.new("L", (1224, 1584), 255)
    draw = ImageDraw.Draw(image)
    draw.text((200, 340), text, fill=0, font=ImageFont.load_default(44))
    data = image.tobytes()
    picture = (
        b"<</Type/XObject/Subtype/Image/Width 1224/Height 1584/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>"
    )
    others = [picture % len(data) + b"stream\n" + data + b"\nendstream"]
    return page_of("q 612 0 0 792 0 0 cm /I Do Q\n" + layer, others=others, resources="/XObject<</I 6 0 R>>")


class TestStatus:
    def test_a_font_without_a_map_is_garbled_and_its_text_left_out(self, file: Path) -> None:
        text = "이 글은 읽을 수 없다"
        fonts, codes = hangul_font(text, mapped=False)
        content = "BT /F 10 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in text) + "> Tj ET"
        (page,) = read(file, page_of(content, fonts=fonts))
        assert (page.status, page.text, len(page.glyphs)) == ("garbled", "", 0)
        assert [p.kind for p in page.problems] == ["garbled"]
        assert "GAKJU_OCR" in page.problems[0].detail

    def test_a_font_mapped_to_private_code_points_is_garbled(self, file: Path) -> None:
        shown = "".join(chr(0xF761 + n) for n in range(12))
        fonts, codes = hangul_font(shown)
        content = "BT /F 10 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in shown) + "> Tj ET"
        assert read(file, page_of(content, fonts=fonts))[0].status == "garbled"

    def test_korean_bytes_shown_as_latin_letters_are_garbled(self, file: Path) -> None:
        shown = "인사규정의 목적과 범위를 정한다".encode("cp949").decode("latin-1")
        fonts, codes = hangul_font(shown)
        content = "BT /F 10 Tf 100 700 Td <" + "".join(f"{codes[c]:04x}" for c in shown) + "> Tj ET"
        assert read(file, page_of(content, fonts=fonts))[0].status == "garbled"

    def test_french_is_not_garbled(self, file: Path) -> None:
        content = show("L'\xe9t\xe9 dernier \xe0 No\xebl, d\xe9j\xe0 vu, \xe9lev\xe9 \xe0 l'\xe9cole", 72, 700)
        assert read(file, page_of(content))[0].status == "ok"

    def test_a_blank_page_has_no_text_and_says_so(self, file: Path) -> None:
        (page,) = read(file, page_of(""))
        assert (page.status, page.text, [p.kind for p in page.problems]) == ("no_text", "", ["no_text"])

    def test_a_scan_without_ocr_has_no_text_and_says_what_to_do(self, file: Path) -> None:
        (page,) = read(file, scan())
        assert (page.status, [p.kind for p in page.problems]) == ("no_text", ["no_text"])
        assert "GAKJU_OCR" in page.problems[0].detail

    def test_missing_tesseract_is_reported_with_the_command(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        ocr.check.cache_clear()
        (page,) = read(file, scan(), ocr=True)
        ocr.check.cache_clear()
        assert page.status == "no_text"
        assert [p.kind for p in page.problems] == ["no_text", "ocr_missing"]
        assert "apt-get install tesseract-ocr tesseract-ocr-kor" in page.problems[1].detail

    def test_a_page_that_killed_the_reader_is_left_out_of_the_next_attempt(self, file: Path) -> None:
        data = pages_of([show(t, 72, 500) for t in ("one one", "two two", "three three")])
        pages = read(file, data, skip=frozenset({2}))
        assert [p.text for p in pages] == ["one one", "", "three three"]
        assert [[x.kind for x in p.problems] for p in pages] == [[], ["page_failed"], []]


def test_hangul_that_ocr_parts_is_joined_where_it_touches() -> None:
    words = [("연", 0, 20), ("차", 23, 20), ("휴가", 60, 40), ("15", 110, 20), ("days", 133, 40)]
    columns = {
        "text": [w for w, _, _ in words],
        "left": [x for _, x, _ in words],
        "width": [w for _, _, w in words],
        **{name: [value] * 5 for name, value in {"conf": 90, "top": 5, "height": 20}.items()},
        **{name: [1] * 5 for name in ("block_num", "par_num", "line_num")},
    }
    text, _, boxes = ocr._assembled(columns, 0.5)
    assert text == "연차 휴가 15 days"
    assert boxes[1].tolist() == [11.5, 2.5, 21.5, 12.5]


@pytest.mark.ocr
class TestOcr:
    @pytest.fixture(autouse=True)
    def _tesseract(self) -> None:
        try:
            ocr.check("kor+eng")
        except ocr.OcrMissing as error:
            pytest.skip(str(error))

    def test_a_scan_is_read_and_its_words_are_boxed(self, file: Path) -> None:
        (page,) = read(file, scan(text="Annual leave 15 days"), ocr=True)
        assert (page.text, page.status) == ("Annual leave 15 days", "ocr")
        assert [p.kind for p in page.problems] == ["ocr"]
        image = pixels(file, page)
        for word in page.text.split():
            at = page.text.index(word)
            assert min(ink_in(image, page, at, at + len(word))) > 0.08

    def test_a_page_with_text_and_pictures_is_not_read_by_ocr(self, file: Path) -> None:
        (page,) = read(file, scan(layer=show("There is text on this page.", 100, 300)), ocr=True)
        assert (page.text, page.status) == ("There is text on this page.", "ok")


class TestOpening:
    def locked(self, file: Path, user: str, owner: str, algorithm: str) -> None:
        file.write_bytes(page_of(show("Secret text.", 72, 700)))
        writer = PdfWriter(clone_from=file)
        writer.encrypt(user, owner, algorithm=algorithm)
        writer.write(file)

    def text(self, file: Path, *passwords: str) -> str:
        return next(open_pdf(file, "b.pdf", Options(passwords)).pages).text

    @pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
    def test_a_password_is_asked_for_and_opens(self, file: Path, algorithm: str) -> None:
        self.locked(file, "secret1!", "other", algorithm)
        with pytest.raises(PasswordRequired) as caught:
            self.text(file)
        assert (
            str(caught.value)
            == "A password is needed to open b.pdf. Add it again with its password (on the command line: --password)."
        )
        with pytest.raises(PasswordRequired, match="None of the given passwords opens"):
            self.text(file, "wrong")
        assert self.text(file, "wrong", "secret1!") == "Secret text."

    def test_a_hangul_password_opens_composed_or_not(self, file: Path) -> None:
        self.locked(file, "한글암호", "other", "AES-256")
        assert (
            self.text(file, "한글암호") == self.text(file, unicodedata.normalize("NFD", "한글암호")) == "Secret text."
        )

    @pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
    def test_an_owner_password_alone_does_not_lock(self, file: Path, algorithm: str) -> None:
        self.locked(file, "", "other", algorithm)
        assert self.text(file) == "Secret text."

    def test_a_damaged_file_gives_one_line(self, file: Path) -> None:
        file.write_bytes(b"%PDF-1.4\n")
        with pytest.raises(BrokenFile) as caught:
            open_pdf(file, "b.pdf", Options())
        assert "\n" not in str(caught.value)
        assert "b.pdf" in str(caught.value)

    def test_pages_that_are_claimed_but_not_there_are_not_read(self, file: Path) -> None:
        lie = page_of(show("One page.", 72, 700)).replace(b"/Count 1", b"/Count 2000000000")
        assert [p.text for p in read(file, lie)] == ["One page."]

    def test_too_many_pages_are_refused(self, file: Path) -> None:
        with pytest.raises(LimitExceeded, match="GAKJU_READ_PAGES"):
            read(file, pages_of([show("x", 9, 9)] * 3), most_pages=2)

    def test_the_title_comes_from_the_file_or_its_name(self, file: Path) -> None:
        file.write_bytes(page_of(""))
        assert open_pdf(file, "인사 규정.pdf", Options()).title == "인사 규정"
        writer = PdfWriter(clone_from=file)
        writer.add_metadata({"/Title": "사내 규정 모음"})
        writer.write(file)
        assert open_pdf(file, "a.pdf", Options()).title == "사내 규정 모음"
        writer.add_metadata({"/Title": "Microsoft Word - 규정.docx"})
        writer.write(file)
        assert open_pdf(file, "a.pdf", Options()).title == "a"


class TestRender:
    def test_gives_the_width_asked_for(self, file: Path) -> None:
        file.write_bytes(page_of(show("Hello", 72, 700)))
        assert Image.open(io.BytesIO(render_pdf(file, "a.pdf", 1, 306, ()))).size == (306, 396)

    @pytest.mark.parametrize("box", ["0 0 14400 14400", "0 0 10 14400", "0 0 14400 10", "0 0 612 792"])
    def test_never_passes_its_bounds(self, file: Path, box: str) -> None:
        file.write_bytes(page_of("", box=box))
        wide, high = Image.open(io.BytesIO(render_pdf(file, "a.pdf", 1, 100_000, ()))).size
        assert wide <= 4000
        assert wide * high <= 16_000_000

    def test_a_page_that_is_not_there_is_one_line(self, file: Path) -> None:
        file.write_bytes(page_of(""))
        with pytest.raises(BrokenFile, match=r"Page 2 of a\.pdf cannot be drawn"):
            render_pdf(file, "a.pdf", 2, 100, ())
