"""The N-shot lab: which examples go with a question, what is sent, what is refused, what is measured and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from fronts import opened, slow_chat
from gakju.assistant import Assistant
from gakju.errors import NotFound, UsageError
from gakju.labs import fewshot, leaks
from gakju.labs.fewshot import Cell, FewShot, Picker, Plan, as_plan
from gakju.labs.fewshot.picture import svg
from gakju.labs.fewshot.prompt import parts, task
from gakju.labs.fewshot.score import score
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.settings import Settings
from gakju.store.questions import Item
from gakju.types import Message


def item(question: str, *answers: str, name: str = "") -> Item:
    return Item(name or question, question, answers)


BANK = (
    item("축구 경기가 열렸다", "운동"),
    item("축구 선수가 뛰었다", "운동"),
    item("선거에서 이겼다", "정치"),
    item("국회가 법을 고쳤다", "정치"),
    item("감기가 낫지 않는다", "건강"),
)
TESTS = (item("축구 경기에서 졌다", "운동"), item("국회가 열렸다", "정치"), item("감기가 심하다", "건강"))


# Which examples


@pytest.fixture
def picker() -> Picker:
    embedder = FakeEmbedder(1024)  # with few dimensions chance makes texts alike
    return Picker(lambda: embedder, BANK, [t.question for t in TESTS])


def test_fixed_ones_are_the_same_for_all_and_fewer_are_among_more(picker: Picker) -> None:
    two, four = picker.pick("fixed", 2, 0), picker.pick("fixed", 4, 0)
    assert four[:2] == two
    assert picker.pick("fixed", 4, 1) == four
    assert Picker(FakeEmbedder, BANK, [], seed=1).pick("fixed", 5, 0) != picker.pick("fixed", 5, 0)
    assert picker.pick("similar", 0, 0) == []


def test_the_likest_stands_last(picker: Picker) -> None:
    assert [i.question for i in picker.pick("similar", 2, 0)] == ["축구 선수가 뛰었다", "축구 경기가 열렸다"]
    assert picker.pick("similar", 1, 1)[0].question == "국회가 법을 고쳤다"


def test_balanced_ones_hold_each_label_before_one_twice(picker: Picker) -> None:
    chosen = picker.pick("balanced", 3, 0)
    assert sorted(i.answers[0] for i in chosen) == ["건강", "운동", "정치"]
    assert chosen[-1].question == "축구 경기가 열렸다"
    assert sorted(i.answers[0] for i in picker.pick("balanced", 5, 0)) == ["건강", "운동", "운동", "정치", "정치"]


def test_varied_ones_are_unlike_each_other() -> None:
    class Plane:
        def embed_queries(self, texts: list[str]):
            places = {"q": (1, 0), "near": (0.99, 0.14), "twin": (0.98, 0.2), "far": (0.6, -0.8)}
            return np.array([places[text] for text in texts], np.float32)

    picker = Picker(Plane, [item("twin", "1"), item("near", "1"), item("far", "1")], ["q"])
    assert [i.question for i in picker.pick("similar", 2, 0)] == ["twin", "near"]
    assert [i.question for i in picker.pick("diverse", 2, 0)] == ["far", "near"]


def test_more_than_there_are_are_refused(picker: Picker) -> None:
    with pytest.raises(UsageError, match="6 examples are wanted and 5"):
        picker.pick("similar", 6, 0)


# What is sent


def test_what_never_changes_comes_first() -> None:
    asked = task("classification", [*BANK, *TESTS])
    assert asked.labels == ("건강", "운동", "정치")
    assert asked.messages(BANK[:1], "?") == [
        Message("system", "글을 다음 가운데 하나로 분류한다: 건강, 운동, 정치. 이름만 답한다."),
        Message("user", "축구 경기가 열렸다"),
        Message("assistant", "운동"),
        Message("user", "?"),
    ]
    own = task("classification", BANK, "One of {labels}, not {other}.")
    assert own.instruction == "One of 건강, 운동, 정치, not {other}."


def test_a_small_model_can_say_a_label_only() -> None:
    asked = task("classification", [item("a", 'say "no"'), item("b", "b/c")])
    assert asked.bound("embedded:x") == {"grammar": 'root ::= "b/c" | "say \\"no\\""'}
    schema = asked.bound("openai:x")["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["label"]["enum"] == ["b/c", 'say "no"']
    assert asked.said('{"label": "b/c"}') == "b/c"
    assert asked.said(" b/c\n") == "b/c"
    assert asked.said('{"label"') == '{"label"'
    assert task("answer", BANK).bound("embedded:x") == {}
    assert task("classification", [item("a", "x" * 90), item("b", "y")], max_tokens=5).max_tokens > 90
    assert task("answer", BANK, max_tokens=5).max_tokens == 5


def test_fields_are_those_of_the_answers() -> None:
    rows = [item("kim, 3", '{"name": "kim", "age": 3}'), item("lee", '{"name": "lee"}')]
    asked = task("extraction", rows)
    assert asked.fields == ("name", "age")
    assert asked.bound("embedded:x")["response_format"]["json_schema"]["schema"]["required"] == ["name", "age"]
    assert task("extraction", [*rows, item("x", "plain")]).fields == ()


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([item("a", "x"), item("b")], "1 items have no label"),
        ([item("a", "x"), item("b", "y", "z")], "no label, or several"),
        ([item("a", "x")], "have 1 labels"),
    ],
)
def test_a_classification_wants_one_label_each(items: list[Item], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        task("classification", items)


def test_each_part_of_a_prompt_has_its_share() -> None:
    told = task("classification", BANK).messages(BANK[:2], "감기가 심하다")
    found, exact = parts(told, "openai:gpt-4o", Settings())
    assert [p.kind for p in found] == ["instruction", *["example"] * 4, "question", "format"]
    assert [p.text for p in found[:-1]] == [m.content for m in told]
    assert all(p.tokens > 0 for p in found)
    assert sum(p.share for p in found) == pytest.approx(1)
    assert exact


# What is right


def test_what_counts_as_right() -> None:
    label = task("classification", [item("a", "Sport"), item("b", "Law")])
    assert [score(label, item("q", "Sport"), said) for said in ("sport ", "Law", "")] == [1, 0, 0]
    free = task("answer", [item("Who?", "Kim")])
    assert score(free, item("Who?", "Kim", "Lee"), "It was Lee.") == 1
    assert score(free, item("Who?", "Kim"), "unknown") == 0
    assert score(free, item("Who?"), "Unknown.") == 1
    assert score(free, item("Who?"), "Kim") == 0
    taken = task("extraction", [item("a", "Kim")])
    assert [score(taken, item("a", "Kim"), said) for said in ("kim.", "Mr Kim")] == [1, 0]
    fields = task("extraction", [item("a", '{"name": "Kim", "age": 3}')])
    right = item("a", '{"name": "Kim", "age": 3}')
    assert [score(fields, right, said) for said in ('{"name": "kim", "age": "3"}', '{"name": "Kim"}', "{")] == [
        1,
        0.5,
        0,
    ]


# Doubles and leaks


def test_doubles_and_leaks_are_found_however_they_are_written() -> None:
    bank = [item("Is it  LATE?", "a", name="1"), item("is it late", "b", name="2"), item("가나", "c", name="3")]
    decomposed = item("\u1100\u1161\u1102\u1161!", "c", name="t")
    found = leaks.find(bank, [decomposed, item("else", "x")])
    assert [(a.id, b.id) for a, b in found.doubles] == [("1", "2")]
    assert [(a.id, b.id) for a, b in found.leaks] == [("3", "t")]
    with pytest.raises(UsageError, match=r"1 test question stands among the examples too: 3 = t"):
        found.refuse()
    assert [i.id for i in leaks.without(bank, [decomposed])] == ["1"]
    assert leaks.likeness("!?") != leaks.likeness("?!")


# A run


class Lab:
    """An assistant with two sets, and a model that says the label of the last example, or "정치" without one."""

    def __init__(self, assistant: Assistant, chat: FakeChat) -> None:
        self.assistant, self.chat = assistant, chat
        assistant.store.questions.put("bank", BANK)
        assistant.store.questions.put("test", TESTS)
        self.lab = fewshot.of(assistant)

    def done(self, **wanted: object):
        job = self.lab.submit(Plan(**{"examples": "bank", "test": "test", **wanted}))
        return self.assistant.jobs.wait(job.id)


def last(messages) -> str:
    said = [m.content for m in messages if m.role == "assistant"]
    return said[-1] if said else "정치"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    chat = FakeChat(last)
    with opened(tmp_path / "home", chat, prices={"fake": (2.0, 4.0)}) as assistant:
        assistant.parts._made["embedder"] = FakeEmbedder(1024)
        yield Lab(assistant, chat)


def test_a_run_ends_where_the_budget_of_its_key_does(lab: Lab) -> None:
    key, _ = lab.assistant.store.keys.add("few", ("models",), tokens_per_day=1)
    payload = lab.lab.payload(Plan(examples="bank", test="test", counts=(0, 2), picks=("fixed",)))
    job = lab.assistant.jobs.wait(lab.assistant.submit(fewshot.KIND, payload, owner=key.id).id)
    assert (job.state, job.error["code"]) == ("failed", "insufficient_quota")
    assert 0 < len(lab.chat.calls) <= 3  # those of the first cell are asked at the same time


def test_a_run_measures_each_cell_and_asks_nothing_twice(lab: Lab) -> None:
    job = lab.done(counts=(2, 0), picks=("similar", "fixed"))
    assert job.state == "done", job.error
    cells = job.result["cells"]
    assert [(c["pick"], c["n"]) for c in cells] == [("none", 0), ("fixed", 2), ("similar", 2)]
    assert [round(c["accuracy"], 2) for c in cells] == [0.33, 0.33, 1.0]
    assert cells[0]["prompt_tokens"] < cells[1]["prompt_tokens"]
    money = 1e-3 * (2 * cells[2]["prompt_tokens"] + 4 * cells[2]["completion_tokens"])
    assert cells[2]["money"] == pytest.approx(money, rel=0.01)
    (against,) = [p for p in job.result["pairs"] if p["against"] == ["fixed", 2]]
    assert (against["cell"], round(against["difference"], 2)) == (["similar", 2], 0.67)
    assert [i["scores"][0] for i in job.result["items"]] == [0.0, 1.0, 0.0]
    assert [i["said"][2] for i in job.result["items"]] == ["운동", "정치", "건강"]
    events = lab.assistant.store.events(job.id)
    assert [e.data["n"] for e in events if e.kind == "cell"] == [0, 2, 2]
    assert job.progress["done"] == job.progress["total"] == 9
    asked = len(lab.chat.calls)
    assert asked == 9
    again = lab.done(counts=(0, 2), picks=("fixed", "similar"))
    assert again.result["cells"] == cells
    assert len(lab.chat.calls) == asked
    assert lab.lab.runs()[0].id == again.id


def test_a_model_that_was_trained_anew_is_asked_anew(lab: Lab) -> None:
    for adapter, asked in (("", 3), ("tune_1", 6), ("tune_1", 6), ("tune_2", 9), ("", 9)):
        lab.chat.adapter = lambda adapter=adapter: adapter
        lab.done(counts=(0,))
        assert len(lab.chat.calls) == asked


def test_a_run_is_of_the_versions_there_were(lab: Lab) -> None:
    plan = lab.lab.ready(Plan(examples="bank", test="test", counts=(4,))).plan
    assert (plan.test_version, plan.examples_version, plan.model) == (1, 1, "fake")
    lab.assistant.store.questions.put("test", TESTS[:1])
    assert len(lab.lab.ready(plan).tests) == 3
    assert len(lab.lab.ready(Plan(examples="bank", test="test", counts=(4,))).tests) == 1


def test_a_leak_is_refused_unless_it_is_to_be_dropped(lab: Lab) -> None:
    lab.assistant.store.questions.put("bank", [*BANK, item("축구 경기에서  졌다!", "운동", name="leak")])
    with pytest.raises(UsageError, match="1 test question stands"):
        lab.lab.submit(Plan(examples="bank", test="test"))
    kept = lab.lab.ready(Plan(examples="bank", test="test", counts=(1,), drop_leaks=True))
    assert (kept.bank, kept.dropped) == (BANK, 1)
    with pytest.raises(UsageError, match="examples and test at once"):
        lab.lab.submit(Plan(examples="test", test="test", counts=(1,)))
    with pytest.raises(UsageError, match="8 examples are wanted and 5"):
        lab.lab.submit(Plan(examples="bank", test="test", drop_leaks=True))
    with pytest.raises(NotFound):
        lab.lab.submit(Plan(examples="gone", test="test"))
    with pytest.raises(UsageError, match="no examples"):
        lab.lab.submit(Plan(test="test"))


def test_what_is_proposed_is_neither_asked_nor_shown(lab: Lab) -> None:
    made = [Item("p", "제안된 질문?", ("운동",), state="proposed")]
    lab.assistant.store.questions.put("proposed", made)
    with pytest.raises(UsageError, match="no confirmed question"):
        lab.lab.ready(Plan(examples="bank", test="proposed"))


def test_a_prompt_is_shown_as_it_is_sent(lab: Lab) -> None:
    ready = lab.lab.ready(Plan(examples="bank", test="test", counts=(1,)))
    found, exact = lab.lab.shown(ready, Cell("similar", 1), 2)
    lab.done(counts=(1,), picks=("similar",))
    assert [p.text for p in found[:-1]] == [m.content for m in lab.chat.calls[2].messages]
    assert not exact  # nobody knows the fake's vocabulary
    with pytest.raises(NotFound):
        lab.lab.shown(ready, Cell("similar", 1), 3)


def test_an_estimate_is_near_what_is_sent(lab: Lab) -> None:
    ready = lab.lab.ready(Plan(examples="bank", test="test", counts=(0, 5), picks=("fixed",)))
    none, five = lab.lab.estimate(ready)
    sent = []
    for cell in ready.plan.cells:
        totals = [sum(p.tokens for p in lab.lab.shown(ready, cell, q)[0]) for q in range(3)]
        sent.append(sum(totals) / 3)
    assert [none["prompt_tokens"], five["prompt_tokens"]] == pytest.approx(sent, rel=0.05)
    assert five["money"] == pytest.approx(2e-6 * five["tokens"], rel=0.2)


def test_a_cell_that_does_not_fit_leaves_the_others(lab: Lab) -> None:
    lab.chat.context = 30
    job = lab.done(counts=(0, 5), picks=("fixed",))
    assert job.state == "done", job.error
    assert "accuracy" in job.result["cells"][0]
    assert "longer than" in job.result["cells"][1]["error"]


def test_a_run_can_be_stopped(tmp_path: Path) -> None:
    with opened(tmp_path / "home", slow_chat()) as assistant:
        slow = FakeChat(last)
        told = slow.stream

        def stream(*args, **options):
            assistant.jobs.cancel(job.id)
            return told(*args, **options)

        slow.stream = stream
        assistant.parts._made["chat/fake"] = slow
        lab = Lab(assistant, slow)
        job = lab.lab.submit(Plan(examples="bank", test="test", counts=(0, 1)))
        assert assistant.jobs.wait(job.id).state == "cancelled"
        assert 0 < len(slow.calls) < 9


def test_a_wrong_plan_names_what_is_wrong() -> None:
    assert as_plan({"test": "x", "counts": [4, 0, 4]}).counts == (4, 0)
    for told, said in (
        ({"test": "x", "counts": [65]}, "counts.0: Input should be less than or equal to 64"),
        ({"test": "x", "pick": "y"}, "pick: Extra"),
        ({}, "test: Field required"),
    ):
        with pytest.raises(UsageError) as raised:
            as_plan(told)
        assert said in raised.value.message


def test_what_is_asked_first_is_what_an_engine_reads_once() -> None:
    plan = Plan(test="x", counts=(8, 0, 1), picks=("similar", "fixed"))
    assert [str(cell) for cell in plan.cells] == ["0", "fixed 1", "fixed 8", "similar 1", "similar 8"]


def test_one_lab_serves_an_assistant(lab: Lab) -> None:
    assert fewshot.of(lab.assistant) is lab.lab
    assert isinstance(lab.lab, FewShot)


def test_the_picture_holds_each_cell_that_was_measured() -> None:
    cells = [
        {"pick": "none", "n": 0, "accuracy": 0.5, "ci": [0.4, 0.6], "prompt_tokens": 50},
        {"pick": "similar", "n": 4, "accuracy": 0.75, "ci": [0.7, 0.8], "prompt_tokens": 200},
        {"pick": "similar", "n": 8, "error": "too long"},
    ]
    drawn = svg(cells, "tokens <&>", "accuracy", {"similar": "비슷한 것"})
    found = ElementTree.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    dots = [c for c in found.iter(f"{space}circle") if len(c)]
    assert [dot[0].text for dot in dots] == ["0: 0.500 (0.400 – 0.600)", "4: 0.750 (0.700 – 0.800)"]
    assert float(dots[1].get("cy")) < float(dots[0].get("cy"))
    assert {"tokens <&>", "비슷한 것"} <= {t.text for t in found.iter(f"{space}text")}
    assert json.dumps(svg([], "x", "y", {}))
