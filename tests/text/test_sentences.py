"""Sentence borders. Each case is a text and the sentences it must give, in order."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gakju.text.sentences import is_open, sentence_spans

CASES = {
    "decimals and tight Korean": (
        "연차는 15일이다. 3.5% 인상되었다.그는 갔다.",
        ["연차는 15일이다.", "3.5% 인상되었다.", "그는 갔다."],
    ),
    "polite endings and questions": (
        "정말요? 네, 그렇습니다. 갈까요! 좋아요",
        ["정말요?", "네, 그렇습니다.", "갈까요!", "좋아요"],
    ),
    "articles and dates": (
        "제1조(목적) 이 규정은 2024. 2. 21. 시행한다. 제2조. 용어는 다음과 같다.",
        ["제1조(목적) 이 규정은 2024. 2. 21. 시행한다.", "제2조. 용어는 다음과 같다."],
    ),
    "list lines": (
        "다음과 같다.\n1. 근로자란 사람이다.\n2. 사용자란\n회사를 말한다.\n가. 하나\n① 둘\n- 셋\n• 넷",
        ["다음과 같다.", "1. 근로자란 사람이다.", "2. 사용자란\n회사를 말한다.", "가. 하나", "① 둘", "- 셋", "• 넷"],
    ),
    "nested marks": ("1. 가. 첫째 항목이다. 1.2. 개요를 둔다.", ["1. 가. 첫째 항목이다.", "1.2. 개요를 둔다."]),
    "a line break is white space": ("연차휴가는 매년\n1월에 준다.\n끝", ["연차휴가는 매년\n1월에 준다.", "끝"]),
    "a blank line is a border": ("제목 없음\n\n본문 이다 그리고\n \n끝", ["제목 없음", "본문 이다 그리고", "끝"]),
    "titles and initials": (
        "Dr. Kim met J. Smith at 5 p.m. in the U.S. Army base. It was fine.",
        ["Dr. Kim met J. Smith at 5 p.m. in the U.S. Army base.", "It was fine."],
    ),
    "abbreviations that may end": (
        "See Fig. 3 and e.g. this etc. The end. Apple Inc. sells it for $3.50. Ok.",
        ["See Fig. 3 and e.g. this etc.", "The end.", "Apple Inc. sells it for $3.50.", "Ok."],
    ),
    "Korean quotes": (
        '그는 “정말이다. 그렇다.”라고 말했다. "갔다." 라고 했다. “끝.” 그는 갔다.',
        ["그는 “정말이다. 그렇다.”라고 말했다.", '"갔다." 라고 했다.', "“끝.”", "그는 갔다."],
    ),
    "English quotes and brackets": (
        '"Really? Yes." he said. (See above. It is.) Next one.',
        ['"Really? Yes." he said.', "(See above. It is.)", "Next one."],
    ),
    "ellipsis": ("그런데… 나는 갔다… 그래서 울었다.", ["그런데… 나는 갔다…", "그래서 울었다."]),
    "leader dots": ("제1장 총칙 ........ 3\n제2장 복무 ........ 5", ["제1장 총칙 ........ 3", "제2장 복무 ........ 5"]),
    "rows": ("이름\t값\n전압\t3.3 V\n설명이다. 끝", ["이름\t값", "전압\t3.3 V", "설명이다.", "끝"]),
    "Japanese": ("これは文です。次の文です。", ["これは文です。", "次の文です。"]),
    "nothing": (" \n\n \t", []),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_borders(text, expected):
    assert [text[a:b] for a, b in sentence_spans(text)] == expected


@given(st.text(alphabet='가다요.?!… \n\t"“”()1-①aA제조', max_size=80))
def test_every_visible_character_is_in_exactly_one_span(text):
    spans = sentence_spans(text)
    covered = "".join(text[a:b] for a, b in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(a < b for a, b in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))


@pytest.mark.parametrize("hostile", ["(", '"', "“", ".", ". ", "a\t", "\n ", "1. ", "다.", "\n-", "(a", ' "a', "가"])
def test_hostile_repetition_stays_fast(hostile):
    started = time.process_time()
    sentence_spans(hostile * 50_000)
    assert time.process_time() - started < 2


def test_a_million_characters_a_second():
    text = "제3조에 따라 연차휴가는 3.5일을 더 준다. It holds, e.g. for staff. " * 5_000
    started = time.process_time()
    assert len(sentence_spans(text)) == 10_000
    assert len(text) / (time.process_time() - started) > 500_000  # 1M where nothing else runs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("회사는 근로자에게 매년", True),
        ("준다.", False),
        ("다음과 같다:", False),
        ("준다", False),
        ("the staff of", True),
        ("", False),
    ],
)
def test_is_open(text, expected):
    assert is_open(text) is expected


def test_a_run_of_signs_within_a_line_costs_no_more_than_other_text() -> None:
    text = "?!" * 50_000 + "x 끝."
    began = time.process_time()
    assert sentence_spans(text) == [(0, len(text))]
    assert time.process_time() - began < 1
