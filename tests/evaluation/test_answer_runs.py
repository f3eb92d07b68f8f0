"""A small set with known answers through the real library, the real verifier and a model that is scripted."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from fronts import shared
from gakju.assistant.parts import Parts
from gakju.cli import main
from gakju.errors import UsageError
from gakju.evaluation import answers, plot
from gakju.evaluation.answer_scores import Scored, curve, measures, scored, summary, worst
from gakju.evaluation.answers import Answered, Run
from gakju.evaluation.datasets import Asked, asked, retrieval_set
from gakju.evaluation.page import answers_page
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.settings import Settings

TEXTS = {
    "leave": ("휴가 규정", "연차휴가는 15일이다. 연차휴가는 이듬해로 넘길 수 없다."),
    "trip": ("출장 규정", "출장비는 하루 5만 원이다. 영수증은 7일 안에 낸다."),
}
QUERIES = [
    {"_id": "q1", "text": "연차휴가는 며칠인가요?", "metadata": {"answers": ["15일"], "answerable": True}},
    {"_id": "q2", "text": "출장비는 하루에 얼마인가요?", "metadata": {"answers": ["5만 원", "하루 5만 원"]}},
    {"_id": "q3", "text": "연차휴가는 왜 있나요?", "metadata": {"answers": [], "answerable": False, "split": "dev"}},
    {"_id": "q4", "text": "다른 나눔에 있나요?", "metadata": {"answers": [], "answerable": False, "split": "test"}},
    {"_id": "q5", "text": "판단이 없나요?", "metadata": {"answers": ["모름"], "answerable": True}},
]


def made(folder: Path, queries: object = None) -> Path:
    (folder / "qrels").mkdir(parents=True)
    corpus = [json.dumps({"_id": i, "title": t, "text": x}) for i, (t, x) in TEXTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(corpus), "utf-8")
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries or QUERIES)), "utf-8")
    (folder / "qrels" / "dev.tsv").write_text("q1\tleave\t1\nq2\ttrip\t1\n", "utf-8")
    return folder


def says(messages) -> str:
    return "연차휴가는 15일이다. [1]" if "며칠" in messages[-1].content else "출장비는 하루 7만 원이다. [1]"


def parts_of(home: Path, chat: FakeChat) -> Parts:
    settings = Settings(home=home, chat_model="fake", refuse_below=0.0)
    return Parts(settings, embedder=FakeEmbedder(250), morphemes=shared()["morphemes"], **{"chat/fake": chat})


@contextmanager
def evaluating(tmp_path: Path, chat: FakeChat):
    data = retrieval_set(tmp_path / "small" if (tmp_path / "small").exists() else made(tmp_path / "small"), "dev")
    parts = parts_of(tmp_path / "own", chat)
    run = Run(tmp_path / "kept", data, answers.decisive(parts, data, {"mode": "free"}))
    with answers.opened(parts, data, tmp_path / "kept", "") as assistant:
        yield data, run, assistant


def test_questions_are_those_of_the_split_and_those_without_an_answer(tmp_path: Path) -> None:
    found = asked(retrieval_set(made(tmp_path / "small"), "dev"), "dev")
    assert [(q.id, q.answers, sorted(q.passages), q.answerable) for q in found] == [
        ("q1", ("15일",), ["leave"], True),
        ("q2", ("5만 원", "하루 5만 원"), ["trip"], True),
        ("q3", (), [], False),
    ]


@pytest.mark.parametrize("known", [None, {}, {"answers": "15일"}, {"answers": []}, {"answers": [15]}])
def test_a_question_that_says_nothing_of_its_answers_is_told_with_its_line(tmp_path: Path, known: object) -> None:
    data = retrieval_set(made(tmp_path / "small", [QUERIES[1], {**QUERIES[0], "metadata": known}]), "dev")
    with pytest.raises(UsageError, match=r"queries\.jsonl, line 2: no metadata\.answers"):
        asked(data, "dev")


def test_a_larger_sample_begins_with_the_smaller_one() -> None:
    all_of_them = [Asked(str(n), "?", ("x",), frozenset()) for n in range(50)]
    small, large = (answers.picked(all_of_them, n, seed=3) for n in (5, 20))
    assert large[:5] == small != all_of_them[:5]
    assert answers.picked(all_of_them, 50, 3) == answers.picked(all_of_them, None, 3) == all_of_them
    assert answers.picked(all_of_them, 5, seed=4) != small


def test_an_answer_is_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    chat = FakeChat(says)
    chat.name = "fake"
    with evaluating(tmp_path, chat) as (data, run, assistant):
        questions = asked(data, "dev")[:2]
        first = answers.evaluate(assistant, run, questions[:1], mode="free")
        lines = run.folder / "answers.jsonl"
        with lines.open("a", encoding="utf-8") as file:
            file.write('{"id": "q2", "answer": "half a l')  # killed here
    assert (first[0].answer, first[0].cited, first[0].verdicts) == ("연차휴가는 15일이다.", ("leave",), ("supported",))
    assert first[0].quotes == ("연차휴가는 15일이다.",)
    assert first[0].seconds > 0
    assert first[0].foreign is None
    asked_once = len(chat.calls)
    with evaluating(tmp_path, chat) as (_, run, assistant):
        steps = []
        again = answers.evaluate(assistant, run, questions, steps.append, mode="free")
    assert again[0] == first[0]
    assert len(chat.calls) == asked_once + 1
    assert [(s.done, s.total) for s in steps] == [(1, 1)]
    assert [json.loads(line)["id"] for line in lines.read_text("utf-8").splitlines()] == ["q1", "q2"]
    assert again[1].verdicts == ("contradicted",)
    assert "7만" not in again[1].answer  # it is not asserted
    run.clear()
    assert run.answers == {}
    assert not lines.exists()


def test_what_decides_an_answer_decides_its_folder(tmp_path: Path) -> None:
    data = retrieval_set(made(tmp_path / "small"), "dev")
    one = parts_of(tmp_path / "own", FakeChat(says))
    other = Parts(one.settings.model_copy(update={"refuse_below": 0.5}), embedder=FakeEmbedder(250))
    tells = [
        answers.decisive(one, data, {"mode": "free"}),
        answers.decisive(one, data, {"mode": "verbatim"}),
        answers.decisive(other, data, {"mode": "free"}),
    ]
    folders = {Run(tmp_path, data, told).folder for told in [*tells, tells[0]]}
    assert len(folders) == 3
    assert len(answers.code()) == 16


# Scores, worked out by hand


def one(known: tuple[str, ...], said: str, *, refused: bool = False, sure: float | None = None, **more) -> Scored:
    question = Asked("q", "며칠인가요?", known, frozenset(["leave"] if known else []))
    answered = Answered("q", said, refused, more.pop("seconds", 1.0), sure, **more)
    return scored(question, answered, {"leave": "연차휴가는 15일이다. 이듬해로 넘길 수 없다.", "trip": "하루 5만 원"})


@pytest.mark.parametrize(
    ("known", "said", "right", "grounded"),
    [
        (("15일",), "연차휴가는 15일입니다", True, True),
        (("연차휴가는 15일",), "15일", True, True),
        (("연차휴가 15일",), "연차 휴가로 15일", True, True),  # F1 .93
        (("개수는 15개",), "개수는 14개", False, False),  # F1 .83
        (("15일",), "이듬해로 넘길 수 없다.", False, True),
        (("15일",), "20일 정도입니다", False, False),
        ((), "15일", False, False),
        (("15일",), "...", False, False),
    ],
)
def test_an_answer_is_judged_by_the_set_alone(known: tuple[str, ...], said: str, right: bool, grounded: bool) -> None:
    found = one(known, said, verdicts=("supported",))
    assert (found.right, found.grounded) == (right, grounded)


SCORES = [
    one(
        ("15일",), "15일", sure=0.9, cited=("trip", "leave"), quotes=("15일이다.",), verdicts=("supported",), foreign=0
    ),
    one(("15일",), "이틀", sure=0.4, cited=("trip",), verdicts=("supported", "contradicted"), foreign=2, seconds=3.0),
    one(("15일",), "찾지 못했습니다.", refused=True, sure=0.1),
    one((), "찾지 못했습니다.", refused=True, sure=0.2),
    one((), "15일", sure=0.6, verdicts=("partial",)),
]


def test_each_measure_is_of_its_own_questions() -> None:
    assert {name: values.tolist() for name, values in measures(SCORES).items()} == {
        "f1": [1, 0, 0, 1, 0],
        "exact": [1, 0, 0, 1, 0],
        "f1_answerable": [1, 0, 0],
        "exact_answerable": [1, 0, 0],
        "answered": [1, 1, 0, 0, 1],
        "citation_hit": [1, 0],
        "quote_hit": [1, 0],
        "right": [1, 0, 0],
        "unsupported_rate": [0, 1, 0],
        "unsupported_by_gold": [0, 1],
        "unsupported_by_gold_all": [0, 1, 1],
        "refusal_precision": [0, 1],
        "refusal_recall": [1, 0],
    }


def test_a_summary_has_what_is_agreed_and_how_sure_it_is() -> None:
    told = summary(SCORES)
    agreed = ("f1", "exact", "citation_hit", "refusal_precision", "refusal_recall", "unsupported_rate", "p50_ms")
    assert [told[name] for name in agreed] == [0.4, 0.4, 0.5, 0.5, 0.5, 0.3333, 1000.0]
    assert (told["questions"], told["unanswerable"], told["answers"], told["foreign_words"]) == (5, 2, 3, 2)
    assert told["ci"]["citation_hit"] == [0, 1]
    assert told["ci"]["p50_ms"] == [1000.0, 3000.0]
    none = summary(SCORES[:1])
    assert (none["refusal_precision"], none["refusal_recall"], "refusal_recall" in none["ci"]) == (None, None, False)


def test_the_curve_counts_what_a_stricter_threshold_leaves() -> None:
    assert curve(SCORES) == [
        {"threshold": 0.4, "coverage": 0.6, "wrong": 0.6667, "wrong_of_all": 0.4},
        {"threshold": 0.6, "coverage": 0.4, "wrong": 0.5, "wrong_of_all": 0.2},
        {"threshold": 0.9, "coverage": 0.2, "wrong": 0.0, "wrong_of_all": 0.0},
    ]
    assert curve([one(("x",), "x")]) == []
    drawn = ElementTree.fromstring(plot.curve(curve(SCORES), "<x>", "y"))
    dots = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert float(dots[0].get("cx")) - float(dots[2].get("cx")) == pytest.approx(0.4 * 360, abs=0.1)


def test_the_worst_are_the_surest_of_the_wrong() -> None:
    assert [(s.answered.confidence, s.answered.refused) for s in worst(SCORES)] == [
        (0.6, False),
        (0.4, False),
        (0.1, True),
    ]


def test_a_page_is_whole_and_nothing_in_it_runs() -> None:
    evil = '<script src="https://evil.example/x.js">"\'</script>'
    bad = one(("15일",), evil, sure=0.8)
    told = {**summary([*SCORES, bad]), "curve": curve(SCORES)}
    page = answers_page(evil, told, [*SCORES, bad], evil, "ko")
    assert page.count("&lt;script") == 4
    assert "<script" not in page
    assert not [tag for tag in re.findall("<[^>]+>", page) if re.search(r"\b(?:src|href|srcset|on\w+)\s*=", tag)]
    assert not re.search(r"url\(|@import", page)
    assert "default-src 'none'" in page
    assert "<svg" in page
    assert "알려진 답" in page
    assert "0.4" in page


# The command


@pytest.fixture
def command(tmp_path: Path, monkeypatch):
    chat = FakeChat(says, name="fake")
    monkeypatch.setattr("gakju.models.open_embedder", lambda *_, **__: FakeEmbedder(250))
    monkeypatch.setattr("gakju.models.open_chat", lambda *_, **__: chat)
    monkeypatch.setattr(Parts, "morphemes", property(lambda _: shared()["morphemes"]))

    def command(*arguments: str) -> Result:
        env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "own"), "GAKJU_CHAT_MODEL": "fake"}
        return CliRunner().invoke(main, ["eval", "answers", *arguments], env=env, catch_exceptions=False)

    command.chat = chat
    return command


def test_the_command_prints_what_is_agreed_and_goes_on(command, tmp_path: Path) -> None:
    folder, page = str(made(tmp_path / "small")), tmp_path / "page.html"
    options = ["--split", "dev", "--mode", "free", "--refuse-below", "0"]
    result = command(folder, *options, "--n", "2", "--report", str(page), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    agreed = {"f1", "exact", "citation_hit", "refusal_precision", "refusal_recall", "unsupported_rate", "p50_ms"}
    assert agreed <= set(told)
    assert told["questions"] == 2
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert Path(told["run"]).parent == tmp_path / "own" / "evaluation" / "runs"
    assert not (tmp_path / "own" / "library").exists()
    calls = len(command.chat.calls)
    again = command(folder, *options, "--n", "2")
    assert again.stdout.splitlines()[0].split()[:2] == ["f1", str(told["f1"])]
    assert len(command.chat.calls) == calls
    command(folder, *options, "--n", "2", "--fresh")
    assert len(command.chat.calls) > calls


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "dev", "--report", "page.txt"], "A page cannot be written to 'page.txt'."),
        (["--split", "dev", "--mode", "own"], "--mode"),
        (["--split", "dev", "--refuse-below", "2"], "--refuse-below"),
        ([], "no split 'test'. It has: dev."),
    ],
)
def test_wrong_usage_costs_no_time(command, tmp_path: Path, options: list[str], said: str) -> None:
    result = command(str(made(tmp_path / "small")), *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (tmp_path / "own").exists()
