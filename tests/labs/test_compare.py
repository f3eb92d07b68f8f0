"""A comparison from plan to recommendation: same questions, same judge, remembered, budgeted, resumed."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fronts import opened
from gakju.errors import ModelFailed, QuotaSpent, RateLimited, UnknownModel, UsageError
from gakju.jobs import Context
from gakju.labs import compare
from gakju.labs.compare import Arm, Budget, Comparisons, Way, as_plan, load, loads, setup
from gakju.labs.finetune.tuner import adapter_id
from gakju.models.adapters import Adapters
from gakju.models.fakes import FakeChat
from gakju.store.questions import as_item, item_id

QUESTIONS = [
    {
        "id": "a",
        "question": "연차휴가는 며칠인가요?",
        "answers": ["15일"],
        "gold": [{"document": "leave.txt", "page": 1}],
    },
    {"id": "b", "question": "출장비는 하루에 얼마인가요?", "answers": ["5만 원"]},
    {"id": "c", "question": "사장님의 생일은 언제인가요?", "answers": []},
]
MANY = [{"id": str(i), "question": f"{i}?", "answers": []} for i in range(2000)]
EXAMPLES = [
    {"id": "x", "question": "영수증은 며칠 안에 내나요?", "answers": ["7일"]},
    {"id": "y", "question": "점심은 몇 시인가요?", "answers": []},
]
PLAN: dict[str, Any] = {
    "questions": QUESTIONS,
    "examples": EXAMPLES,
    "arms": ["plain", {"shots": 1, "pick": "fixed"}, {"documents": "free"}, {"web": True}],
}


def said(messages: Any) -> str:
    """Knows leave only, and that it does not know where it was shown an example."""
    text = messages[-1].content
    if "<evidence>" in text:
        return "연차휴가는 15일이다. [1]" if "연차" in text.rpartition("\n")[2] else "NO_ANSWER"
    shown = any(m.role == "assistant" for m in messages)
    return "연차는 15일입니다." if "연차" in text else "알 수 없음" if shown else "3월 5일입니다."


def asked(messages: Any) -> str:
    """The question, which stands last."""
    return messages[-1].content.rpartition("\n")[2]


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat(said)


@pytest.fixture
def lab(tmp_path: Path, folder: Path, chat: FakeChat) -> Iterator[Comparisons]:
    with opened(tmp_path / "home", chat) as assistant:
        assistant.add([folder])
        yield compare.of(assistant)


def run(lab: Comparisons, plan: dict[str, Any]) -> dict[str, Any]:
    job = lab._assistant.jobs.wait(lab.submit(as_plan(plan)).id)
    assert job.state == "done", job.error
    return job.result


def row(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(way for way in result["ways"] if way["name"] == name)


def test_each_way_is_asked_the_same_and_judged_alike(lab: Comparisons, chat: FakeChat) -> None:
    result = run(lab, PLAN)
    assert [way["name"] for way in result["ways"]] == ["plain", "1-shot fixed", "documents free", "web"]
    plain, shot, free, web = result["ways"]
    assert (plain["accuracy"], plain["refused_rightly"], plain["refused_wrongly"]) == (0.3333, 0.0, 0.0)
    assert (shot["accuracy"], shot["refused_rightly"], shot["refused_wrongly"]) == (0.6667, 1.0, 0.5)
    assert free["accuracy"] == 0.6667
    assert (plain["cited_page"], free["cited_page"]) == (None, 1.0)
    assert plain["supported"] < free["supported"] == 1.0
    assert (web["state"], web["why"][:24]) == ("not run", "The web is switched off.")
    assert result["items"][0]["right"] == ["plain", "1-shot fixed", "documents free"]
    assert result["items"][2]["refused"] == ["1-shot fixed", "documents free"]
    assert shot["setup"] == {"machine_seconds": 0.0, "about": False, "person_minutes": 4.0, "examples": 2}
    assert free["setup"]["machine_seconds"] > 0
    first = chat.calls[0]
    assert (first.temperature, first.max_tokens, first.extra) == (0.0, 96, {"seed": 0})
    assert [m.role for m in chat.calls[3].messages] == ["system", "user", "assistant", "user"]


def test_the_same_again_asks_nothing_and_says_the_same(lab: Comparisons, chat: FakeChat) -> None:
    first = run(lab, PLAN)
    before = len(chat.calls)
    again = run(lab, PLAN)
    assert len(chat.calls) == before
    assert [way["recalled"] for way in again["ways"][:3]] == [3, 3, 3]
    for result in (first, again):
        result["ways"] = [{k: v for k, v in way.items() if k != "recalled"} for way in result["ways"]]
    assert first["ways"] == again["ways"]
    assert (first["pairs"], first["advice"]) == (again["pairs"], again["advice"])
    run(lab, {**PLAN, "fresh": True})
    assert len(chat.calls) > before


def test_a_killed_run_goes_on_and_asks_only_what_is_missing(tmp_path: Path, folder: Path) -> None:
    plan = as_plan({**PLAN, "arms": [{"documents": "free"}], "fresh": True})
    reached = threading.Event()

    def stuck(messages: Any) -> str:
        """The process closes while the second question is under way."""
        if asked(messages).startswith("출장비"):
            reached.set()
            while not assistant.jobs.is_cancelled(""):
                time.sleep(0.01)
        return "하루 5만 원입니다."

    first = FakeChat(stuck)
    with opened(tmp_path / "home", first) as assistant:
        assistant.add([folder])
        job = compare.of(assistant).submit(plan)
        assert reached.wait(60)
    assert len(first.calls) == 2
    with opened(tmp_path / "spent", first) as assistant:  # a budget counts what was asked before a kill
        reply = {"text": "", "refused": False, "prompt_tokens": 60, "completion_tokens": 0, "seconds": 90.0}
        assistant.add([folder])
        lab = compare.of(assistant)
        ready = lab.ready(plan)
        killed = assistant.store.add_job("none", {})
        assistant.store.replies.put(ready.keys_of(ready.ways[0])[0], {**reply, "job": killed.id})
        for budget in ({"tokens": 50}, {"minutes": 1}):
            with pytest.raises(UsageError, match="has used"):
                lab._way(Context(assistant.jobs, killed), ready, ready.ways[0], 0, compare._Spent(Budget(**budget)))
    assert len(first.calls) == 2
    second = FakeChat(["3월 5일입니다."])
    with opened(tmp_path / "home", second) as assistant:
        compare.of(assistant)
        done = assistant.jobs.wait(job.id)
        assert done.state == "done", done.error
        assert done.result["ways"][0]["recalled"] == 2
    assert [asked(call.messages) for call in second.calls] == ["사장님의 생일은 언제인가요?"]


def test_a_way_whose_model_fails_is_told_and_the_others_go_on(lab: Comparisons, chat: FakeChat) -> None:
    def failing(messages: Any) -> Any:
        return ModelFailed("It broke.") if asked(messages).startswith("사장") and len(messages) == 2 else said(messages)

    chat._script = failing
    result = run(lab, {**PLAN, "arms": ["plain", {"shots": 1, "pick": "fixed"}]})
    assert [(way["state"], way.get("why")) for way in result["ways"]] == [("not run", "It broke."), ("done", None)]
    assert result["advice"]["take"] == "1-shot fixed"


@pytest.mark.parametrize("error", [RateLimited("Too many."), QuotaSpent("The day's tokens are used up.")])
def test_a_server_that_takes_no_more_ends_its_way_alone(lab: Comparisons, chat: FakeChat, error: Exception) -> None:
    chat._script = lambda messages: error if len(messages) == 2 else said(messages)
    result = run(lab, {**PLAN, "arms": ["plain", {"shots": 1, "pick": "fixed"}]})
    assert [(way["state"], way.get("why")) for way in result["ways"]] == [("not run", str(error)), ("done", None)]


def test_what_was_answered_beside_a_question_that_failed_is_kept(lab: Comparisons, chat: FakeChat) -> None:
    others = threading.Barrier(3, timeout=60)

    def failing(messages: Any) -> Any:
        others.wait()
        return ModelFailed("It broke.") if asked(messages).startswith("연차") else said(messages)

    chat._script = failing
    assert run(lab, {**PLAN, "arms": ["plain"]})["ways"][0]["state"] == "not run"
    chat._script = said
    before = len(chat.calls)
    assert run(lab, {**PLAN, "arms": ["plain"]})["ways"][0]["recalled"] == 2
    assert [asked(call.messages) for call in chat.calls[before:]] == ["연차휴가는 며칠인가요?"]


def test_a_run_that_waits_is_of_the_sets_it_was_given(lab: Comparisons) -> None:
    sets, items = lab._assistant.store.questions, [as_item(told) for told in QUESTIONS]
    made = sets.put("묻는 것", items)
    given = lab.payload(as_plan({**PLAN, "questions": "묻는 것", "arms": ["plain"]}))
    sets.rename("묻는 것", "다른 이름")
    sets.put("묻는 것", items[:1])
    assert given["plan"]["questions"] == made.id
    ready = lab.ready(as_plan(given["plan"]))
    assert (ready.plan.questions, len(ready.items)) == ("다른 이름", 3)


def test_over_the_budget_nothing_starts(lab: Comparisons, chat: FakeChat) -> None:
    told = lab.estimate(as_plan(PLAN))
    assert told["questions"] == 12
    assert told["ways"][3]["why"].startswith("The web is switched off.")
    assert 0 < told["tokens"] < 10_000
    with pytest.raises(UsageError, match=r"takes about [\d,]+ tokens; its budget is 100\."):
        lab.submit(as_plan({**PLAN, "budget": {"tokens": 100}}))
    with pytest.raises(UsageError, match="What it costs is not known: plain"):
        lab.submit(as_plan({**PLAN, "budget": {"money": 1}}))
    assert chat.calls == []


def test_a_budget_that_is_spent_on_the_way_ends_the_run_and_keeps_what_was_answered(
    lab: Comparisons, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gakju.labs.compare.forecast._prompt", lambda *_: 0.0)
    monkeypatch.setattr("gakju.labs.compare.forecast._written", lambda *_: 0.0)
    short = as_plan({**PLAN, "arms": ["plain"], "budget": {"tokens": 30}})
    job = lab._assistant.jobs.wait(lab.submit(short).id)
    assert (job.state, job.error["code"]) == ("failed", "usage")
    assert re.match(r"The comparison has used \d+ tokens; its budget is 30\.", job.error["message"])
    run(lab, {**PLAN, "arms": ["plain"]})
    kept = run(lab, {**PLAN, "arms": ["plain"]})
    assert kept["ways"][0]["recalled"] == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arms": []}, "arms"),
        ({"arms": [{"persona": "p", "documents": "free"}]}, "a persona is for a model alone"),
        ({"arms": [{"shots": 1, "documents": "verbatim"}]}, "the mode free only"),
        ({"arms": [{"remedy": "magic"}]}, "arms.0.remedy"),
        ({"arms": [{"shots": 3}]}, "3 examples are wanted and 2 are there"),
        ({"examples": QUESTIONS[:1]}, "among the examples too"),
        ({"examples": ""}, "no examples to choose from"),
        ({"questions": "no such set"}, "There is no question set"),
        ({"questions": [*QUESTIONS, QUESTIONS[0]]}, "same id"),
        ({"questions": [{"question": "?"}]}, "question 1: answers: Field required"),
        ({"questions": [QUESTIONS[0], {**QUESTIONS[1], "answers": 5}]}, "question 2: answers"),
        ({"models": ["http://192.0.2.1/v1#m"]}, "does not exist here"),
        ({"models": ["gakju"]}, "is no chat model"),
        ({"questions": MANY, "arms": ["plain"] * 11}, "22,000 answers are wanted"),
        ({"arms": [{"web": True}]}, "No arm can be run. web: The web is switched off."),
        ({"collection": "empty", "arms": [{"documents": "free"}]}, "no document in the collection 'empty'"),
    ],
)
def test_what_cannot_be_compared_is_refused(lab: Comparisons, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        lab.submit(as_plan({**PLAN, **change}))


def test_a_plan_is_one_file_with_the_questions_beside_it(tmp_path: Path) -> None:
    lines = [json.dumps(q, ensure_ascii=False) for q in QUESTIONS]
    (tmp_path / "q.jsonl").write_text("\n".join(lines), "utf-8")
    (tmp_path / "leave.yaml").write_text("questions: q.jsonl\narms: [plain, {documents: free}]\n", "utf-8")
    plan = load(tmp_path / "leave.yaml")
    assert (plan.name, [q["id"] for q in plan.questions]) == ("leave", ["a", "b", "c"])
    assert [arm.title for arm in plan.arms] == ["plain", "documents free"]
    by_hand = loads("questions:\n- question: 며칠인가?\n  answers: 15일\narms: [plain]")
    (one,) = as_plan(by_hand).questions
    assert (one["answers"], one["id"]) == (["15일"], item_id("며칠인가?"))


@pytest.mark.parametrize("text", ["a: [", "- 1", "a: &x 1\nb: *x", "!!python/object:os.system {}"])
def test_a_file_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="The plan"):
        loads(text)


@pytest.mark.parametrize("name", ["compare.md", "compare.ko.md"])
def test_the_guide_shows_a_plan_that_loads(name: str, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide" / name).read_text("utf-8")
    blocks = re.findall(r"```(json|yaml)\n(.*?)```", guide, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["json", "yaml"]
    (tmp_path / "questions.jsonl").write_text(blocks[0][1], "utf-8")
    (tmp_path / "examples.jsonl").write_text(blocks[0][1], "utf-8")
    (tmp_path / "run.yaml").write_text(blocks[1][1], "utf-8")
    plan = load(tmp_path / "run.yaml")
    assert (len(plan.arms), len(plan.questions), plan.budget.money) == (9, 2, 5)


def test_a_tuned_model_is_known_by_its_adapter_and_costs_its_training(lab: Comparisons, tmp_path: Path) -> None:
    a = lab._assistant
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    tuning = a.store.tunings.add("qwen2.5-coder-0.5b", "local", "mine", {})
    a.store.tunings.set(tuning.id, state="done", seconds=61.5)
    Adapters(a.settings.models).put(adapter_id(tuning.id), tuning.base, tmp_path / "a.gguf")
    way = Way("tuned", Arm(), f"embedded:{tuning.base}+{adapter_id(tuning.id)}")
    shelf = setup.library(a, "default")
    assert setup.setup(a, as_plan(PLAN), way, 0, shelf)["machine_seconds"] == 61.5
    with pytest.raises(UnknownModel, match="nobody"):
        setup.setup(a, as_plan(PLAN), Way("tuned", Arm(), f"embedded:{tuning.base}+nobody"), 0, shelf)
