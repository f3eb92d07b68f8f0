"""The verifier on statements, and the command that asks it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from fronts import shared
from gakju.assistant.parts import Parts
from gakju.cli import main
from gakju.evaluation.datasets import Statement
from gakju.evaluation.grounded import evaluate, evidence, judged
from gakju.types import Judgement
from gakju.verify import LexicalVerifier

CONTEXT = "연차휴가는 15일이다. 출장비는 하루 5만 원이다."


class Told:
    """A verifier that says what it was told to, by sentence, and remembers what it was asked."""

    def __init__(self, **verdicts: tuple[str, float]) -> None:
        self._verdicts = verdicts
        self.asked = []

    def judge(self, claim, evidence, *, question=""):
        self.asked.append((claim, [e.text for e in evidence], question))
        return Judgement(*self._verdicts.get(claim.rstrip("."), ("unsupported", 0.0)))


def test_the_worst_sentence_of_an_answer_counts() -> None:
    told = Told(Good=("supported", 0.9), Half=("partial", 0.6))
    assert judged(told, Statement(CONTEXT, "왜?", "Good. Half.", True)) == (False, 0.6)
    assert judged(told, Statement(CONTEXT, "왜?", "Good.", True)) == (True, 0.9)
    assert judged(told, Statement(CONTEXT, "왜?", " ", True)) == (False, 0.0)
    context = ["연차휴가는 15일이다.", "출장비는 하루 5만 원이다."]
    assert told.asked == [("Good.", context, "왜?"), ("Half.", context, "왜?"), ("Good.", context, "왜?")]


def test_evidence_stands_where_it_says() -> None:
    first, second = evidence(CONTEXT)
    assert (first.number, second.number, second.page) == (1, 2, 1)
    assert CONTEXT[second.spans[0].start : second.spans[0].end] == second.text


def test_the_figures_are_those_of_the_verdicts() -> None:
    told = Told(A=("supported", 1.0), B=("partial", 0.5), C=("contradicted", 0.1), D=("supported", 0.8))
    rows = [Statement("c", "", f"{name}.", name in "AB") for name in "ABCD"]
    steps = []
    found = evaluate(told, rows, steps.append)
    assert found.said == (True, False, False, True)
    assert found.scores == (1.0, 0.5, 0.1, 0.8)
    summary = found.summary()
    assert summary.pop("p50_ms") >= 0
    assert summary == {"accuracy": 0.5, "f1": 0.5, "auroc": 0.75, "n": 4}
    assert [(s.done, s.total) for s in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert evaluate(told, rows[:2]).summary()["auroc"] is None


def test_the_real_verifier_tells_a_wrong_number() -> None:
    rows = [
        Statement(CONTEXT, "연차는 며칠인가?", "연차휴가는 15일이다.", True),
        Statement(CONTEXT, "연차는 며칠인가?", "연차휴가는 15일이다. 출장비는 하루 7만 원이다.", False),
    ]
    assert evaluate(LexicalVerifier(shared()["morphemes"]), rows).said == (True, False)


def test_the_command_prints_what_is_agreed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(Parts, "morphemes", property(lambda _: shared()["morphemes"]))
    file = tmp_path / "statements.jsonl"
    answers = {"연차휴가는 15일이다.": 1, "연차휴가는 20일이다.": 0}
    rows = [{"context": CONTEXT, "question": "", "answer": a, "supported": s} for a, s in answers.items()]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "own")}
    result = CliRunner().invoke(main, ["eval", "grounded", str(file), "--json"], env=env, catch_exceptions=False)
    told = json.loads(result.stdout)
    assert list(told) == ["accuracy", "f1", "auroc", "n", "p50_ms", "ci"]
    assert (result.exit_code, told["accuracy"], told["f1"], told["auroc"], told["n"]) == (0, 1.0, 1.0, 1.0, 2)
    assert told["ci"]["accuracy"] == [1.0, 1.0]
    page = tmp_path / "page.html"
    shown = CliRunner().invoke(
        main, ["eval", "grounded", str(file), "--report", str(page)], env=env, catch_exceptions=False
    )
    assert "Verdicts on statements.jsonl" in page.read_text("utf-8")
    assert shown.stdout.splitlines()[0].split()[:2] == ["accuracy", "1.0"]
    missing = CliRunner().invoke(main, ["eval", "grounded", str(tmp_path / "none")], env=env)
    assert (missing.exit_code, missing.stdout) == (2, "")
