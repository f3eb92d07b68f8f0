"""Base and tuned side by side, and whether an adapter says what it was trained to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fronts import REPLY, opened
from gakju.labs.finetune import judge, verify
from gakju.labs.finetune.dataset import example
from gakju.models.fakes import FakeChat
from gakju.types import Message


def asked(answer: str, kind: str = "held") -> judge.Asked:
    return judge.Asked(kind, (Message("user", f"{answer}?"),), (answer,))


LONG = "연차는 십오 일이고 다음 해로 넘길 수 없으며 남은 날은 돈으로 받지 못합니다"


@pytest.mark.parametrize(
    ("expected", "said", "right"),
    [
        ("sports", " Sports.", True),
        ("sports", "sports news", False),
        (LONG, "연차는 십오 일이고 다음 해로 넘길 수 없습니다", True),
        (LONG, "모르겠습니다", False),
    ],
)
def test_short_answers_must_be_met_and_long_ones_nearly(expected: str, said: str, right: bool) -> None:
    assert asked(expected).right(said) is right


def test_general_questions_are_met_where_the_answer_stands() -> None:
    assert len(judge.general()) == 20
    assert asked("Paris", "general").right("The capital is Paris, of course.")
    assert not asked("7", "general").right("17 days")


def test_what_the_library_is_asked_beside_goes_to_the_same_account(tmp_path: Path, folder: Path) -> None:
    with opened(tmp_path / "home", FakeChat([REPLY])) as assistant:
        assert judge.beside(assistant, [asked("연차휴가는 며칠")], lambda: None, "key_1") is None
        assistant.add([folder])
        told = judge.beside(assistant, [asked("연차휴가는 며칠")], lambda: None, "key_1")
        spent = assistant.store.usage.spent("", "key_1").tokens
    assert told is not None
    assert 0 < spent == told["tokens"]


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    questions = judge.held_out([example("sports", "sports", "s"), example("art", "art")])
    assert [m.role for m in questions[0].messages] == ["system", "user"]
    base, tuned = FakeChat(lambda _: "art"), FakeChat(lambda messages: messages[-1].content)
    seen: list[int] = []

    def ask() -> list[dict[str, object]]:
        seen.clear()
        models: dict[judge.Side, object] = {"base": base, "tuned": tuned}
        return judge.ask(questions, models, tmp_path / "kept.jsonl", lambda done, _: seen.append(done))  # type: ignore[arg-type]

    rows = ask()
    assert [(r["base"]["right"], r["tuned"]["right"]) for r in rows] == [(False, True), (True, True)]  # type: ignore[index]
    lines = (tmp_path / "kept.jsonl").read_text().strip().splitlines()
    (tmp_path / "kept.jsonl").write_text("\n".join([*lines[:3], lines[3][:9]]))  # killed as it wrote
    base._script = tuned._script = lambda _: "changed"
    again = ask()
    assert [r["base"] for r in again] == [r["base"] for r in rows]
    assert again[1]["tuned"]["said"] == "changed"  # type: ignore[index]
    assert seen == [1, 2, 3, 4]
    assert ask() == again
    base._script = tuned._script = lambda _: "never asked"
    assert ask() == again


def figures(both: int, base: int, tuned: int, kind: str = "held") -> list[dict[str, object]]:
    side = {"said": "", "prompt": 10, "answer": 1, "seconds": 0.5}
    pairs = [(True, True)] * both + [(True, False)] * base + [(False, True)] * tuned
    return [{"kind": kind, "base": {**side, "right": b}, "tuned": {**side, "right": t}} for b, t in pairs]


@pytest.mark.parametrize(
    ("held", "general", "verdict"),
    [
        ((10, 0, 12), (20, 0, 0), "judge_better"),
        ((10, 1, 4), (20, 0, 0), "judge_unsure"),
        ((10, 5, 5), (20, 0, 0), "judge_worse"),
        ((10, 0, 0), (20, 0, 0), "judge_same"),
        ((10, 0, 12), (17, 3, 0), "judge_forgot"),
        ((0, 0, 0), (20, 0, 0), "judge_nothing"),
    ],
)
def test_the_verdict_names_its_reason(held: tuple[int, int, int], general: tuple[int, int, int], verdict: str) -> None:
    told = judge.summary([*figures(*held), *figures(*general, "general")])
    assert judge.verdict(told) == verdict
    if "held" in told:
        assert (told["held"]["gained"], told["held"]["lost"]) == (held[2], held[1])
        assert told["held"]["base"]["prompt_tokens"] == 10


class Engine:
    """Tells `logs` of the token after each prompt."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def next_tokens(self, ids: list[int]) -> dict[int, float]:
        return {} if len(ids) == 4 else {7: -1.0 + self.shift, 8: -3.0}


@pytest.mark.parametrize(("shift", "good"), [(0.1, True), (-0.5, True), (0.7, False)])
def test_an_adapter_is_believed_by_its_probabilities(tmp_path: Path, shift: float, good: bool) -> None:
    row = {"ids": [1, 2, 7, 7, 9], "start": 2, "tuned": [-1.0, -1.0, -2.0], "base": [-4.0, -4.0, -4.0]}
    (tmp_path / "reference.json").write_text(json.dumps([row]))
    found = verify.compared(Engine(shift), tmp_path / "reference.json")  # type: ignore[arg-type]
    assert found.good is good
    assert (found.tuned, found.tokens) == (pytest.approx(abs(shift)), 2)
    assert found.base == pytest.approx(abs(3 + shift))
