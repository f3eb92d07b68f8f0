"""Cells, labelled lines and spans where a question says what sort of thing answers it: real documents' layouts."""

from __future__ import annotations

import pytest

from gakju.answer import compose
from gakju.answer.asked import asked
from gakju.answer.cells import cells
from gakju.answer.choose import choose
from gakju.answer.verbatim import foreign_words
from gakju.models.fakes import FakeChat
from gakju.text.morphemes import Morphemes
from gakju.types import Box, DocumentRef, Done, Evidence, Found, Judgement, Span

REF = DocumentRef("d", "취업규칙", "rules.pdf")


class Carries:
    """A verifier to whom every quotation is right."""

    def judge(self, claim, evidence, *, question=""):
        return Judgement("supported", 0.9)


def ask(chat, question, found, **options):
    *_, last = compose(question, found, lambda: chat, Carries(), refuse_below=0.0, **options)
    assert isinstance(last, Done)
    return None, last.answer


def evidence(*texts: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(i, t, REF, f"c{i}", (Span(1, 0, len(t)),), (Box(1, 0, i, 9, i + 1),), 0.9 - i / 10)
        for i, t in enumerate(texts, 1)
    )


@pytest.fixture(scope="module")
def morphemes():
    return Morphemes()


@pytest.fixture(scope="module")
def tagger(morphemes):
    return morphemes.tagged


@pytest.fixture(scope="module")
def whole(morphemes):
    return morphemes.unbroken


ROWS = (
    "구분\t2020\t2021\tCAGR\n(2020-2021)",
    "인공지능\t398.4\t553.3\n(38.9)\t41.0%",
    "근속연수\t법정 연차\t회사 가산\t합계",
    "5년 이상 7년 미만\t17일\t3일\t20일",
    "7년 이상 9년 미만\t18일\t3일\t21일",
    "구분\t대상\t휴가\t경조금",
    "사망\t배우자의\n부모\t5일\t150만 원",
    "Property\tA2\tA2 Plus",
    "Weight, empty\t6.1 kg\t8.9 kg",
    "평일\t18:30",
)


def rows(*order: int) -> tuple[Evidence, ...]:
    """Of three tables in a chunk each, best first; a table's lines stand on its page one below the other."""
    tables = {
        0: "시장",
        1: "시장",
        2: "연차",
        3: "연차",
        4: "연차",
        5: "경조",
        6: "경조",
        7: "무게",
        8: "무게",
        9: "개시",
    }
    return tuple(
        Evidence(
            n, ROWS[i], REF, tables[i], (Span(1, 100 * i, 100 * i + len(ROWS[i])),), (Box(1, 0, i, 9, i + 1),), 0.9
        )
        for n, i in enumerate(order, 1)
    )


@pytest.mark.parametrize(
    ("question", "order", "answer", "used"),
    [
        ("2021년 인공지능 시장 규모는 얼마인가요?", (1, 0), "553.3 (38.9)", (1, 0)),
        ("인공지능 시장은 연평균 몇 퍼센트 성장하나요?", (1, 0), "41.0%", (1, 0)),
        ("근속 8년인 직원의 법정 연차는 며칠인가요?", (3, 2, 4), "18일", (4, 2)),
        ("근속 8년인 직원의 연차는 모두 며칠인가요?", (3, 2, 4), "21일", (4, 2)),
        ("배우자의 부모가 사망하면 휴가는 며칠이고 경조금은 얼마인가요?", (6, 5), "5일, 150만 원", (6, 5)),
        ("What is the empty weight of the A2?", (8, 7), "6.1 kg", (8, 7)),
        ("What is the empty weight of the A2 Plus?", (8, 7), "8.9 kg", (8, 7)),
        ("평일 경기는 몇 시에 시작하나요?", (9,), "18:30", (9,)),
    ],
)
def test_the_cell_of_the_row_and_column_that_a_question_names_answers(tagger, whole, question, order, answer, used):
    _, told = ask(FakeChat([], name="embedded:t"), question, Found(rows(*order), 0.9), tagger=tagger, whole=whole)
    assert told.answer == answer
    assert [n.quote for n in told.claims[0].footnotes] == [ROWS[i] for i in used]
    assert foreign_words(told.answer, told.evidence) == []


@pytest.mark.parametrize(
    "question",
    [
        "2025년 반도체 시장 규모는 얼마인가요?",
        "근속 12년인 직원의 연차는 모두 며칠인가요?",
        "인공지능은 어떤 분야인가요?",
    ],
)
def test_a_row_or_column_that_is_not_named_gives_no_cell(tagger, whole, question):
    assert cells(question, asked(question, tagger), rows(1, 0, 3, 2, 4), tagger, whole) is None


@pytest.mark.parametrize(
    ("question", "lines", "answer"),
    [
        ("어린이날 경기는 몇 시에 시작하나요?", ("* 어린이날 - 14:00", "* 일요일 경기 - 17:00"), "14:00"),
        ("개막전은 몇 시에 시작하나요?", ("* 개막전 – 3/23(토), 3/24(일) - 14:00",), "14:00"),
        (
            "견책은 몇 년이 지나면 말소하나요?",
            ("다음의 기간이 지나면 말소한다.", "나. 감봉 : 5년", "다. 견책 : 3년"),
            "3년",
        ),
    ],
)
def test_what_stands_behind_the_label_that_a_question_names_answers(tagger, whole, question, lines, answer):
    found = Found(evidence(*lines), 0.9)
    _, told = ask(FakeChat([], name="embedded:t"), question, found, tagger=tagger, whole=whole)
    assert told.answer == answer


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        (
            "2021년 공급 건수는 몇 건이었나요?",
            "정책금융 공급 건수는 2017년 28,187건에서 2021년 71,369건으로 증가함",
            "71,369건",
        ),
        ("휴직은 최대 몇 년까지 쓸 수 있나요?", "휴직은 자녀 1명당 3년 이내로 한다.", "3년 이내"),
        (
            "유효기간이 얼마나 남았을 때 재검증을 신청하나요?",
            "유효기간이 6개월 이상 12개월 미만인 시점에 재검증을 신청한다.",
            "6개월 이상 12개월 미만",
        ),
        (
            "재적위원 가운데 얼마 이상이 출석하나요?",
            "재적위원 3분의 2 이상의 출석으로 개회한다.<신설 2011.7.21.><개정 2014.2.26., 2023. 10. 25>",
            "3분의 2 이상",
        ),
        ("금요일 경기는 몇 시로 바꿀 수 있나요?", "금요일 경기는 2주 전까지 요청하면\n19:00로 바꿀 수 있다.", "19:00"),
        (
            "사망보험금은 누가 받나요?",
            "사망보험금은 제3조 제1호에 따라 법정상속\n인이 받습니다.",
            "법정상속인",
        ),
        ("창립기념일은 언제인가요?", "휴일은 창립기념일(10월\n17일)로 한다.", "10월 17일"),
        ("신청서의 서식 번호는?", "신청서(서식 HR-2041)를 팀장에게 낸다.", "HR-2041"),
    ],
)
def test_a_span_is_of_the_sort_and_the_year_that_is_asked_for(tagger, whole, question, text, answer):
    _, told = ask(FakeChat([], name="embedded:t"), question, Found(evidence(text), 0.9), tagger=tagger, whole=whole)
    assert told.answer == answer
    assert foreign_words(told.answer, told.evidence) == []


def test_a_row_without_a_figure_does_not_answer_a_question_for_one(tagger, whole):
    row = "취약점 보완 재검증\t취약점을 긴급하게 보완하기 위하여 신청할 수 있다."
    lines = (row, "암호모듈 검증은 안전성을 확인하는 제도이다.")
    chat = FakeChat([], name="embedded:t")
    question = "암호모듈 재검증을 신청할 때 내는 수수료는 얼마인가요?"
    _, told = ask(chat, question, Found(evidence(*lines), 0.96), tagger=tagger, whole=whole)
    assert told.confidence < 0.3
    assert told.answer != row.replace("\t", " · ")


def test_a_number_less_likely_than_another_span_is_a_doubtful_answer(tagger):
    text = "여수 고객센터에는 상담원 대신 자동 응답기가 하나 있다."
    question = "여수 고객센터에는 상담원이 몇 명인가요?"
    assert choose(question, asked(question, tagger), evidence(text), 0.9, tagger).confidence < 0.3


def test_a_word_that_a_line_end_parts_is_the_documents_own_when_whole():
    assert foreign_words("합성곱신경망 usage", ["합\n성곱신경망이 강하다", "us-\nage of parts"]) == []
    assert foreign_words("합성곱신경망", ["합 성곱신경망이 강하다"]) == ["합성곱신경망"]
