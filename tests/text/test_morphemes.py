"""Words of the index, by the real Kiwi."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gakju.text.lexicon import Lexicon, Word
from gakju.text.morphemes import _BROKEN, Morphemes


@pytest.fixture(scope="module")
def morphemes():
    return Morphemes(threads=1)


CASES = {
    "연차휴가를 LanceDB로 검색하는 engines!": ["연차", "휴가", "연차휴가", "lancedb", "검색", "engines"],
    "5G요금제는 월 55,000원": ["5g", "요금", "요금제", "월", "55000", "55000원", "원"],
    "3.5% 할인, 3.5mm": ["3.5%", "3.5", "할인", "3.5mm", "3.5", "mm"],
    "PPR-9087의 출력전압은?": ["ppr-9087", "ppr9087", "ppr", "9087", "출력", "전압", "출력전압"],
    "API는 documents.": ["api", "documents"],
    "ＡＰＩ는 GPT-4o로": ["api", "gpt-4o", "gpt4o", "gpt", "4o"],
    "2026-11-23부터 시행한다": ["2026-11-23", "2026", "11", "23", "시행"],
    "제1조(목적)": ["1", "1조", "조", "목적"],
    "大韓民國의 선거": ["대한", "민국", "대한민국", "선거"],
    "C++과 C#": ["c++", "c", "c#", "c"],
    "Norman's A/S": ["norman", "a/s", "a", "s"],
    "1,234,567원": ["1234567", "1234567원", "원"],
    "걸었다 아름다운 안 먹는다": ["걷", "아름답", "안", "먹"],
    "재택근무를": ["재택", "근무", "재택근무"],
    "日本語です": ["일본어", "です"],
    "제17조의2에서": ["17조의2", "17조"],
    "별지 제12호서식은": ["지", "12", "12호", "호", "서식", "12호서식"],
    "SM-G991N과 M8×25": ["sm-g991n", "smg991n", "sm", "g991n", "991", "m8x25", "25"],
    "": [],
}


@pytest.mark.parametrize(("text", "expected"), CASES.items(), ids=list(CASES))
def test_words(morphemes, text, expected):
    assert morphemes.words(text) == expected


# A question with other particles, endings or spacing than the passage must share these words with it.
QUERIES = [
    ("연차휴가는 며칠인가요?", "연차휴가를 15일 준다", {"연차", "휴가"}),
    ("출장비 정산 규정이 뭐예요", "출장비정산규정에 따른다", {"출장비", "정산", "규정"}),
    ("재택근무는 가능한가", "재택근무를 신청하면", {"재택", "근무", "재택근무"}),
    ("건강보험에서 내나요", "국민건강보험공단이 낸다", {"건강", "보험", "내"}),
    ("LanceDB로 무엇을 하나", "LanceDB는 저장한다", {"lancedb"}),
    ("GPT-4o의 가격", "GPT-4o가 비싸다", {"gpt-4o"}),
    ("PPR-9087에서 전압", "PPR-9087은 전압을", {"ppr-9087", "전압"}),
    ("5G요금제의 할인", "5G 요금제에 할인이", {"5g", "요금", "할인"}),
    ("2026-11-23의 시행", "시행은 2026-11-23에", {"2026-11-23", "시행"}),
    ("먹었던 것", "밥을 먹는다", {"먹"}),
    ("아름다웠다", "아름다운 강산", {"아름답"}),
    ("국회의원선거가", "국회의원 선거를", {"국회", "의원", "선거"}),
    ("한자 大韓民國은", "大韓民國의", {"대한민국", "대한", "민국"}),
    ("賃貸人의 保證金", "임대인이 보증금을", {"임대인", "보증금"}),
    ("PPR9087은", "PPR-9087의 전압", {"ppr9087", "ppr", "9087"}),
    ("ppr 9087", "PPR9087의 전압", {"ppr", "9087"}),
    ("17조의 2", "제17조의2(신고)", {"17조의2", "17조"}),
    ("12호 서식", "별지 제12호서식", {"12호", "서식"}),
    ("3천만원까지", "30,000,000원을 넘지", {"30000000원"}),
    ("다섯 번 넘게", "5회나 5번", {"5번"}),
    ("10밀리리터", "10 mL를", {"10ml"}),
    ("55000원이면", "55,000원을 낸다", {"55000", "55000원"}),
]


@pytest.mark.parametrize(("question", "passage", "shared"), QUERIES)
def test_questions_meet_passages(morphemes, question, passage, shared):
    assert shared <= set(morphemes.words(question)) & set(morphemes.words(passage))


def test_decomposed_hangul_is_the_same(morphemes):
    assert morphemes.words("\u1112\u1161\u11ab\u1100\u1173\u11af") == morphemes.words("한글")


def test_a_long_line_costs_no_more_than_its_length():
    started = time.process_time()
    assert _BROKEN.findall("가" * 100_000 + "\n나") == [("가" * 100_000, "나")]
    assert _BROKEN.findall("가" * 100_000) == []
    assert time.process_time() - started < 3


def test_words_broken_at_a_line_end_are_whole_again(morphemes):
    words = morphemes.words("인사위원회에 징\n계의 의결을 요구한다\n그리고 끝")
    assert "징계" in words
    assert "의결그리고" not in words
    assert words.count("요구") == 1


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("이미지와 영상에는 합\n성곱신경망이 강하다.", "이미지와 영상에는 합성곱신경망이 강하다."),
        ("피보험자의 법정상속\n인, 같은 조", "피보험자의 법정상속인, 같은 조"),
        ("해외여행 중에 발생한\n사고는 보상한다.", "해외여행 중에 발생한 사고는 보상한다."),
        ("창립기념일(10월\n17일)과\n그다음 날", "창립기념일(10월 17일)과 그다음 날"),
        (
            "commercial us-\nage of state-of-the-\nart parts\nis free",
            "commercial usage of state-of-the-art parts is free",
        ),
        ("구분\t내\n용", "구분\t내용"),
        ("\n\n", " "),
    ],
)
def test_a_text_on_one_line_has_its_broken_words_whole(morphemes, text, whole):
    assert morphemes.unbroken(text) == whole


def test_many_keeps_order_across_threads(morphemes):
    texts = [f"연차 {n}일" for n in range(200)]
    alone = [morphemes.words(text) for text in texts[:20]]
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: morphemes.many(texts), range(4)))
    assert all(batch == batches[0] for batch in batches)
    assert batches[0][:20] == alone
    assert batches[0][137][:2] == ["연차", "137"]


def test_odd_text_is_survived(morphemes):
    assert morphemes.words("한글\ud800 끝\x00") == ["한글", "끝"]
    assert len(morphemes.words("연차 " * 5_000)) == 5_000
    assert morphemes.words("(" * 20_000) == []


OWN = Lexicon([Word("가람톡 플러스", ("GTP",))])


def test_own_words_come_on_top_of_their_parts(morphemes):
    plain = morphemes.words("가람톡 플러스의 요금")
    assert morphemes.words("가람톡 플러스의 요금", OWN) == [*plain, "가람톡플러스"]
    assert morphemes.words("요금", OWN) == ["요금"]


def test_a_question_has_the_other_names_too(morphemes):
    """So that it finds documents that were indexed before the word was added."""
    said, more = morphemes.asked("GTP 요금", OWN)
    assert said == ["gtp", "요금"]
    assert more[0] == "가람톡플러스"
    assert "플러스" in more


def test_a_question_is_read_as_it_should_be_spaced(morphemes):
    assert {"주차장", "정기권"} <= set(morphemes.asked("주차 장정 기권 파는날")[1])
    assert morphemes.asked("연차휴가는 며칠인가요?") == (morphemes.words("연차휴가는 며칠인가요?"), [])


def test_a_slip_is_mended_in_words_that_nobody_knows(morphemes):
    assert "휴게" in morphemes.asked("휴개시간은 몇 분")[1]
