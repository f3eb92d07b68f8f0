"""Scores worked out by hand from the rules of the two official scripts."""

from __future__ import annotations

import pytest

from gakju.evaluation.match import exact, f1, holds, is_korean, normalised


@pytest.mark.parametrize(
    ("text", "korean", "plain"),
    [
        ("《서울》의 '봄', 1987년!", True, "서울 의 봄 1987년"),
        ("〈나는-나〉 (ABC)", True, "나는나 abc"),
        ("“그대로”·둔다", True, "“그대로”·둔다"),
        ("the a 관사", True, "the a 관사"),  # KorQuAD leaves articles
        ("The U.S.A., an (old)  state", False, "usa old state"),
        ("a-b theory", False, "ab theory"),
    ],
)
def test_normalising_follows_each_script(text: str, korean: bool, plain: str) -> None:
    assert normalised(text, korean=korean) == plain


def test_korean_f1_is_of_syllables() -> None:
    assert f1("1989년 2월 15일이다", ["1989년 2월 15일"], korean=True) == pytest.approx(2 * 10 / (12 + 10))
    assert f1("임 종석", ["임종석"], korean=True) == 1
    assert f1("가가", ["가"], korean=True) == pytest.approx(2 / 3)  # counted as often as it is there
    assert f1("나", ["가"], korean=True) == 0


def test_english_f1_is_of_words_and_takes_the_best_answer() -> None:
    assert f1("in the 10th century", ["10th", "10th century"], korean=False) == pytest.approx(0.8)
    assert exact("The 10th century.", ["10th", "10th century"], korean=False) == 1
    assert exact("10th centuries", ["10th century"], korean=False) == 0


def test_a_question_without_an_answer_wants_none() -> None:
    assert (f1("", [], korean=False), exact("", [], korean=False)) == (1, 1)
    assert (f1("Rollo", [], korean=False), f1("", ["Rollo"], korean=False)) == (0, 0)


def test_holding_is_of_whole_words_in_english_and_blind_to_spaces_in_korean() -> None:
    assert holds("It was Rollo, their leader.", ["Rollo"], korean=False)
    assert not holds("Rollover", ["Rollo"], korean=False)
    assert holds("지명수배된 날은 1989년2월15일이다.", ["1989년 2월 15일"], korean=True)
    assert not holds("아무것", ["", "..."], korean=True)
    assert not holds("anything", ["the"], korean=False)


def test_korean_is_what_has_hangul() -> None:
    assert is_korean("KBS는?")
    assert not is_korean("Who is 李?")
