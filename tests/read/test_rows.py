"""Rows whose cells wrap, and columns no rule parts: on a sample, and on files small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdfs import blocks, hangul_font, page_of, read, show

import gakju
from gakju.read.pdf import Options, open_pdf

MANUAL = Path(gakju.__file__).parent / "samples" / "manual.en.pdf"
HANDBOOK = MANUAL.with_name("handbook.ko.pdf")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.pdf"


def rows_of(path: Path, number: int) -> list[str]:
    options = Options(ocr=False, start=number)
    page = next(iter(open_pdf(path, path.name, options).pages))
    return [text for kind, text in blocks(page) if kind == "row"]


def rule(y: float, x0: float = 60, x1: float = 500) -> str:
    return f"{x0} {y} m {x1} {y} l S\n"


class TestRulesBetweenRows:
    def test_the_table_of_the_manual_is_read_cell_by_cell(self) -> None:
        assert rows_of(MANUAL, 9) == [
            "Code\tBlinks\tMeaning\tWhat to do",
            "E1\t1\tRear tank empty or not seated\tFill the tank and press it down until it clicks",
            "E2\t2\tCartridge missing or not clicked\nin\tOpen the side door and push every cartridge in",
            "E3\t3\tPump runs longer than 120\nseconds\tReplace the inlet seal (AQ-418); check stage 1",
            "E4\t4\tLeak sensor wet\tUnplug, dry the base plate for 2 hours, then\nrestart",
            "E5\t5\tInner tank does not empty\tRun the rinse cycle; if E5 returns, call service",
            "E6\tnone\tHeater too hot (A2 Plus)\tUnplug for 30 minutes and descale before\nfurther use",
            "E7\tnone\tChiller blocked (A2 Plus)\tClear the rear vents; room must be below 35 °C",
            "E8\tnone\tTemperature sensor fault (A2\nPlus)\tDo not use hot water; call service",
            "E9\tnone\tWi-Fi lost for 24 hours (A2 Plus)\tReconnect, or switch Wi-Fi off; water is not\naffected",
            "Problem\tLikely cause\tRemedy",
            "Water tastes of plastic\tFilters not flushed\tFlush three tanks as in 4.2",
            "Flow is weak\tStage 1 clogged\tChange cartridge AQ-401",
            "Water is cloudy, clears from\nbelow\tTiny air bubbles\t"
            "Harmless; lasts up to 3 days after a filter\nchange",
            "Drops fall after dispensing\tSpout cooling down\tNormal up to 10 drops",
        ]

    def test_close_columns_of_the_handbook_are_parted(self) -> None:
        rows = rows_of(HANDBOOK, 12)
        assert "영업·기획\t메모리 32GB, 저장 장치 1TB\t27인치 1대\t휴대용 모니터\t4년" in rows
        assert "3급\t대외비\t회의록, 사내 공지, 설계 문서\t사내 공유 드라이브\t소속장 승인\t3년" in rows

    def test_a_korean_row_holds_both_lines_of_its_cells(self, file: Path) -> None:
        page = korean(
            file,
            [
                *[(72, 706, "구분"), (160, 706, "대상"), (380, 706, "금액"), (72, 676, "경조사"), (380, 676, "십만원")],
                *[(160, 676, "본인과 배우자의 부모"), (160, 662, "형제자매")],
                *[(72, 632, "입양"), (160, 632, "본인"), (380, 632, "백만원")],
            ],
            "".join(map(rule, (724, 694, 650, 620))),
        )
        assert page == [
            ("row", "구분\t대상\t금액"),
            ("row", "경조사\t본인과 배우자의 부모\n형제자매\t십만원"),
            ("row", "입양\t본인\t백만원"),
        ]

    def test_rules_between_text_make_no_table(self, file: Path) -> None:
        content = "".join(rule(y) for y in (720, 680, 640, 600))
        content += "".join(show("A sentence that runs on over the whole of it.", 72, y) for y in (695, 655, 615))
        (page,) = read(file, page_of(content))
        assert blocks(page) == [("text", "A sentence that runs on over the whole of it.")] * 3

    def test_rules_around_groups_of_rows_leave_the_rows_apart(self, file: Path) -> None:
        names = ["Name", "Ann", "Bob", "Cid", "Dan", "Eve", "Fay"]
        content = "".join(rule(y) for y in (720, 696, 640, 584))
        content += "".join(show(n, 72, 704 - 18 * i) + show(str(i), 300, 704 - 18 * i) for i, n in enumerate(names))
        (page,) = read(file, page_of(content))
        assert blocks(page) == [("row", f"{n}\t{i}") for i, n in enumerate(names)]


class TestNoRules:
    HEAD = show("No.", 72, 720) + show("What was agreed", 120, 720) + show("Date", 420, 720)

    def test_a_line_that_had_no_room_goes_on_with_its_cell(self, file: Path) -> None:
        words = [("7.1", 72, 700), ("Agreement of the tenant and the owner named", 120, 700), ("May 2", 420, 700)]
        words += [("Registration of the house", 120, 686), ("7.2", 72, 666), ("Second agreement", 120, 666)]
        words += [("May 9", 420, 666)]
        (page,) = read(file, page_of(self.HEAD + "".join(show(*w) for w in words)))
        assert blocks(page)[1:] == [
            ("row", "7.1\tAgreement of the tenant and the owner named\nRegistration of the house\tMay 2"),
            ("row", "7.2\tSecond agreement\tMay 9"),
        ]

    def test_a_line_that_begins_in_a_sentence_goes_on(self, file: Path) -> None:
        words = [("A", 72, 700), ("Offer letter", 120, 700), ("May 2", 420, 700), ("of last year", 120, 686)]
        (page,) = read(file, page_of(self.HEAD + "".join(show(*w) for w in words)))
        assert blocks(page)[1:] == [("row", "A\tOffer letter\nof last year\tMay 2")]

    def test_a_name_below_a_short_cell_stays_by_itself(self, file: Path) -> None:
        words = [("A", 72, 700), ("Offer", 120, 700), ("United Kingdom", 420, 700), ("Germany", 420, 686)]
        (page,) = read(file, page_of(self.HEAD + "".join(show(*w) for w in words)))
        assert blocks(page)[1:] == [("row", "A\tOffer\tUnited Kingdom"), ("text", "Germany")]

    def test_a_list_is_no_table(self, file: Path) -> None:
        content = "".join(
            show(f"{n}.", 72, 740 - 40 * n)
            + show("An item of the list", 120, 740 - 40 * n)
            + show("that goes on below", 120, 726 - 40 * n)
            for n in (1, 2, 3)
        )
        (page,) = read(file, page_of(content))
        assert {kind for kind, _ in blocks(page)} == {"text"}


def korean(file: Path, words: list[tuple[int, int, str]], rules: str) -> list[tuple[str, str]]:
    fonts, codes = hangul_font("".join(text for *_, text in words))
    content = rules + "".join(
        f"BT /F 10 Tf {x} {y} Td <" + "".join(f"{codes[c]:04x}" for c in text) + "> Tj ET\n" for x, y, text in words
    )
    (page,) = read(file, page_of(content, fonts=fonts))
    return blocks(page)
