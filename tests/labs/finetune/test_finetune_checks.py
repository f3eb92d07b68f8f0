"""What is refused and what is doubted before a training."""

from __future__ import annotations

import json
import time

import pytest

from gakju.labs.finetune import checks, personal, volatile
from gakju.labs.finetune.dataset import Dataset, Example, example, split


def line(*messages: tuple[str, str], **more: object) -> str:
    return json.dumps({"messages": [{"role": r, "content": c} for r, c in messages], **more})


GOOD = line(("system", "s"), ("user", "q"), ("assistant", "a"))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("{", "not_json"),
        ("[" * 50_000, "not_json"),
        (line(("user", "half \ud800"), ("assistant", "a")), "not_json"),
        ("[1]", "no_messages"),
        ('{"messages": []}', "no_messages"),
        ('{"messages": ["x"]}', "no_role"),
        (line(("user", "q"), ("assistant", "a"), prompt="x"), "unknown_key"),
        (line(("user", "q"), ("assistant", "a"), tools=[]), "no_tools"),
        (line(("boss", "q"), ("assistant", "a")), "wrong_role"),
        (line(("user", "q"), ("tool", "x"), ("assistant", "a")), "no_tools"),
        (line(("user", " "), ("assistant", "a")), "no_content"),
        ('{"messages": [{"role": "user", "content": null}]}', "no_content"),
        ('{"messages": [{"role": "user", "content": "q", "weight": 1}]}', "wrong_weight"),
        ('{"messages": [{"role": "assistant", "content": "q", "weight": 2}]}', "wrong_weight"),
        ('{"messages": [{"role": "assistant", "content": "q", "weight": true}]}', "wrong_weight"),
        (line(("user", "q"), ("system", "s"), ("assistant", "a")), "system_not_first"),
        (line(("system", "s"), ("assistant", "a")), "no_user"),
        (line(("user", "q")), "last_not_assistant"),
        (line(("assistant", "a"), ("user", "q"), ("assistant", "a")), "wrong_order"),
        (line(("user", "q"), ("assistant", "a"), ("assistant", "a")), "wrong_order"),
        (
            '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]}',
            "nothing_learnt",
        ),
    ],
)
def test_lines_that_openai_would_not_take(bad: str, code: str) -> None:
    examples, found = checks.lines(f"{GOOD}\n\n{bad}\n".encode())
    assert [e.line for e in examples] == [1]
    assert [(f.code, f.refuses, f.lines) for f in found] == [(code, True, (3,))]


def test_a_conversation_is_read_as_it_stands() -> None:
    told = {"messages": [
        {"role": "developer", "content": "s"}, {"role": "user", "content": "q"},
        {"role": "assistant", "content": "no", "weight": 0}, {"role": "user", "content": "q2"},
        {"role": "assistant", "content": "yes"},
    ]}  # fmt: skip
    (one,), found = checks.lines(b"\xef\xbb\xbf" + json.dumps(told).encode() + b"\r\n")
    assert found == []
    assert [(m.role, m.weight) for m in one.messages][0::2] == [("system", 1), ("assistant", 0), ("assistant", 1)]
    assert (one.question, one.answer) == ("q2", "yes")
    assert one.json()["messages"][2]["weight"] == 0


def checked(train: list[Example], held: list[Example] | None = None) -> checks.Report:
    held = [example(f"채점 물음 {n * 131}", f"답 {n}") for n in range(20)] if held is None else held
    return checks.check(Dataset(tuple(train), tuple(held)), tokens=lambda e: len(e.text), limit=400)


def codes(report: checks.Report) -> list[tuple[str, bool]]:
    return [(f.code, f.refuses) for f in report.findings]


def many(count: int, answer: str = "답은 {n}번 상자") -> list[Example]:
    return [example(f"배울 물음 {n * 977}", answer.format(n=n), line=n + 1) for n in range(count)]


def test_how_many() -> None:
    assert codes(checked(many(9))) == [("too_few", True)]
    assert codes(checked(many(49))) == [("few", False)]
    assert codes(checked(many(50))) == []
    assert codes(checked(many(50), [])) == [("few_held", False)]


def test_the_same_twice_and_against_itself() -> None:
    report = checked(
        [*many(50), example("배울  물음 977!", "답은 1번 상자", line=51), example("배울 물음 977", "x", line=52)]
    )
    assert [(f.code, f.lines) for f in report.findings] == [("contradiction", (52,)), ("duplicate", (51,))]


def test_questions_to_judge_by_are_not_learnt() -> None:
    long = "이 회사의 휴가 규정에 따라 한 해에 쓸 수 있는 연차휴가의 날수를 처음부터 끝까지 모두 알려 주세요"
    train = [*many(50), example(long, "x", line=51)]
    near = [example(f"전혀 다른 물음 {n}", f"y{n}", line=100 + n) for n in range(20)]
    report = checked(train, [*near, example("배울 물음 977?", "z", line=200), example(long + "요", "x", line=201)])
    assert [(f.code, f.refuses, f.lines) for f in report.findings] == [
        ("leak", True, (200,)),
        ("near_leak", False, (201,)),
    ]


def test_too_long_and_uneven() -> None:
    assert codes(checked([*many(50), example("x" * 401, "a")])) == [("too_long", True)]
    labels = [example(f"글 {n * 31}", "sports" if n % 10 else "art") for n in range(60)]
    report = checked(labels)
    assert report.labels == {"sports": 54, "art": 6}
    assert codes(report) == [("uneven", False)]
    assert codes(checked(labels[:0] + [example(f"글 {n * 31}", "ab"[n % 2]) for n in range(60)])) == []


def test_facts_that_change_are_told_with_their_line() -> None:
    fees = [example("요금은?", "한 달에 9,900원입니다.", line=51), example("사장은?", "김민수입니다", line=52)]
    report = checked([*many(50), *fees])
    assert [(d.line, d.flag.kind) for d in report.doubts] == [(51, "price"), (52, "office")]
    assert codes(report) == [("volatile", False)]
    labels = [example(f"지금 요금은 {n}원이다", "ab"[n % 2]) for n in range(60)]
    assert checked(labels).doubts == (), "a label is no fact"
    again = checked(
        [example(f"물음 {n * 31}", ("현재 회장은 김민수이다", "고래는 젖먹이동물이다")[n % 2]) for n in range(60)]
    )
    assert (again.labels, len(again.doubts)) == ({}, 30)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("주민번호는 900101-1234567", ["resident"]),
        ("9001011234567", ["resident"]),
        ("901301-1234567", []),
        ("카드 4111 1111 1111 1111", ["card"]),
        ("4111-1111-1111-1112", []),
        ("국민은행 123456-04-123456로 입금", ["account"]),
        ("규격 123456-04-123456", []),
        ("010-1234-5678, 02-123-4567", ["phone", "phone"]),
        ("+82 10-1234-5678", ["phone"]),
        ("call a@b.co.kr", ["email"]),
        ("여권 M12345678", ["passport"]),
        ("GB29 NWBK 6016 1331 9268 19", ["account"]),
        ("2024-05-06 12:30, 3.14159, 1,000,000원", []),
    ],
)
def test_data_of_persons(text: str, kinds: list[str]) -> None:
    assert [f.kind for f in personal.find(text)] == kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The fee is 30 dollars.", "price"),
        ("현재 회원은 20명이다.", "now"),
        ("Version 5.2 fixes it.", "version"),
        ("전화는 02-555-1234입니다.", "contact"),
        ("In 1990 the fee was 30 dollars.", ""),
        ("가격이란 값을 돈으로 나타낸 것이다.", ""),
        ("The present tense tells what happens now.", ""),
    ],
)
def test_what_changes(text: str, kind: str) -> None:
    found = volatile.find(text, year=2026)
    assert [f.kind for f in found] == ([kind] if kind else [])


def test_labels_are_held_out_alike_and_the_same_question_stays_on_one_side() -> None:
    rows = [example(f"글 {n}", "abc"[n % 3]) for n in range(120)] + [example("글 1", "b")] * 3
    data = split(rows, seed=1)
    assert sorted(e.answer for e in data.held) == sorted("abc" * 6) or {e.answer for e in data.held} == set("abc")
    assert not {e.question for e in data.held} & {e.question for e in data.train}
    assert len(data.held) + len(data.train) == len(rows)
    assert split(rows, seed=1) == data


@pytest.mark.parametrize("text", ["1" * 50_000, "0.12,3." * 8000, "a" * 50_000, "12-" * 20_000, "가장 " * 20_000])
def test_rows_without_end_take_no_time(text: str) -> None:
    began = time.process_time()
    assert personal.find(text) == []
    volatile.find(text)
    assert time.process_time() - began < 2
