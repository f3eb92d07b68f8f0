"""The judge: numbers whole, documents asked for each sentence."""

from __future__ import annotations

import pytest

from gakju.labs.compare import judge
from gakju.store.questions import Item
from gakju.types import DocumentRef, Evidence, Judgement


@pytest.mark.parametrize(
    ("answers", "text", "held"),
    [
        (("3년",), "기간은 3 년입니다.", True),
        (("3년",), "기간은 13년입니다.", False),
        (("3년",), "기간은 3.5년입니다.", False),
        (("854,338억",), "854338억 원이었다.", True),
        (("4.0%",), "가산이율은 4.0% 이다", True),
        (("4.0%",), "40 이다", False),
        ((".9", "0.9"), "온도 0.9로 시작한다", True),
        (("5",), "한도는 15", False),
        (("팹리스", "fabless"), "Fabless라고 합니다", True),
        (("감봉 또는 견책",), "감봉또는 견책을 뜻한다", True),
    ],
)
def test_a_known_answer_is_held_with_its_numbers_whole(answers: tuple[str, ...], text: str, held: bool) -> None:
    assert judge.holds(Item("i", "질문?", answers), text) is held


def test_a_refusal_is_right_only_where_there_is_no_answer() -> None:
    known, none = Item("a", "며칠?", ("15일",)), Item("b", "누구?", ())
    assert [judge.right(known, "15일", False), judge.right(known, "15일", True)] == [True, False]
    assert [judge.right(none, "김 씨", False), judge.right(none, "", True)] == [False, True]
    assert [judge.f1(known, "15일", False), judge.f1(known, "", True), judge.f1(none, "", True)] == [1.0, 0.0, 1.0]


def test_each_sentence_is_checked_against_what_is_found_for_it_and_for_the_question() -> None:
    document = DocumentRef("d", "d", "d.txt")
    seen: list[tuple[str, list[str]]] = []

    def find(text: str) -> list[Evidence]:
        return [Evidence(1, text, document, f"chunk of {text}", (), (), 1.0)]

    class Words:
        def judge(self, claim: str, evidence, *, question: str = "") -> Judgement:
            seen.append((claim, [e.text for e in evidence]))
            return Judgement("supported" if "참" in claim else "unsupported", 1.0)

    assert judge.borne_out("참이다. 아니다.", "질문?", find, Words()) == (1, 2)
    assert seen == [("참이다.", ["질문?", "참이다."]), ("아니다.", ["질문?", "아니다."])]
    assert judge.borne_out("", "질문?", find, Words()) == (0, 0)
