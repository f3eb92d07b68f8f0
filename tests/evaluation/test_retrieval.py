"""A small set through the real library and search, with the fake embedder; once with the real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner, Result

from conformance import loopback
from fronts import shared
from gakju.assistant.parts import Parts
from gakju.cli import main
from gakju.evaluation.datasets import retrieval_set
from gakju.evaluation.plot import svg
from gakju.evaluation.retrieval import METRICS, Measured, evaluate, library, picked, report
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.settings import Settings

TEXTS = {
    "leave": ("휴가 규정", "연차휴가는 15일이다. 연차휴가는 이듬해로 넘길 수 없다."),
    "trip": ("출장 규정", "출장비는 하루 5만 원이다. 영수증은 7일 안에 낸다."),
    "seal": ("", "법인 인감은 총무팀이 보관한다."),
    "card 'x'": ("Card", "The corporate card PPR-9087 is for travel only."),
    "empty": ("비었음", ""),
}
QUERIES = {
    "q1": ("연차휴가는 며칠인가요?", "leave"),
    "q2": ("출장비로 하루에 얼마를 쓰나요?", "trip"),
    "q3": ("인감은 누가 보관하나요?", "seal"),
    "q4": ("PPR-9087", "card 'x'"),
    "q5": ("영수증은 언제까지 내나요?", "trip"),
}


def made(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    corpus = [json.dumps({"_id": i, "title": t, "text": x}) for i, (t, x) in TEXTS.items()]
    queries = [json.dumps({"_id": i, "text": q}) for i, (q, _) in (QUERIES | {"q9": ("아무것", "")}).items()]
    (folder / "corpus.jsonl").write_text("\n".join(corpus), "utf-8")
    (folder / "queries.jsonl").write_text("\n".join(queries), "utf-8")
    rows = "".join(f"{i}\t{d}\t1\n" for i, (_, d) in QUERIES.items())
    (folder / "qrels" / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}", "utf-8")
    return folder


@pytest.fixture
def parts(tmp_path: Path):
    # 250 directions: words that share none are never near by chance.
    return Parts(Settings(home=tmp_path / "own"), embedder=FakeEmbedder(250), morphemes=shared()["morphemes"])


def test_a_set_is_asked_through_the_search_that_users_have(parts: Parts, tmp_path: Path) -> None:
    data = retrieval_set(made(tmp_path / "small"), "dev")
    steps = []
    with library(parts, data, tmp_path / "work", steps.append) as assistant:
        assert [d.id for d in assistant.documents()] == sorted(TEXTS)
        assert assistant.document("card 'x'").title == "Card"
        assert assistant.document("seal").title == "seal"
        found = evaluate(assistant, data, data.queries, ["bm25", "hybrid"], steps.append)
    assert list(found) == ["bm25", "hybrid"]
    for measured in found.values():
        assert measured.queries == tuple(QUERIES)
        assert {name: values.tolist() for name, values in measured.values.items()} == {m: [1.0] * 5 for m in METRICS}
        assert (measured.seconds > 0).all()
    assert [(s.stage, s.done, s.total) for s in steps] == [
        ("embedding", 5, 5),
        *(("evaluating", n, 10) for n in range(1, 11)),
    ]
    assert not (tmp_path / "own").exists()


def test_what_is_kept_is_used_again_until_something_changes(parts: Parts, tmp_path: Path) -> None:
    folder, work = made(tmp_path / "small"), tmp_path / "work"
    embedder = parts.embedder

    def passages() -> int:
        with library(parts, retrieval_set(folder, "dev"), work) as assistant:
            assert len(assistant.documents()) == 5
            assert assistant.parts.index.stale == ()
            assert assistant.search("법인 인감은 총무팀이 보관한다", 1)[0].document.id == "seal"
        calls, embedder.calls = embedder.calls, []
        return sum(len(texts) for side, texts in calls if side == "passage")

    first = passages()
    assert first >= 4
    assert passages() == 0
    embedder.name = "another"
    assert passages() == first
    assert passages() == 0
    assert len(list(work.iterdir())) == 1
    (folder / "corpus.jsonl").write_text((folder / "corpus.jsonl").read_text() + "\n", "utf-8")
    assert passages() == first
    assert len(list(work.iterdir())) == 2


def test_a_stopped_run_goes_on_where_it_was(parts: Parts, tmp_path: Path, monkeypatch) -> None:
    data = retrieval_set(made(tmp_path / "small"), "dev")
    monkeypatch.setattr("gakju.evaluation.retrieval._BATCH", 2)
    monkeypatch.setattr("gakju.evaluation.retrieval._COMMIT", 2)

    def stop(step) -> None:
        if step.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), library(parts, data, tmp_path / "work", stop):
        pass
    steps = []
    with library(parts, data, tmp_path / "work", steps.append) as assistant:
        assert len(assistant.documents()) == 5
    assert [(s.done, s.total) for s in steps] == [(1, 1)]


def test_a_sample_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    data = retrieval_set(made(tmp_path / "small"), "dev")
    assert picked(data, None, 0) == data.queries
    assert picked(data, 99, 0) == data.queries
    three = picked(data, 3, 1)
    assert len(three) == 3
    assert three == picked(data, 3, 1)
    assert any(three.keys() != picked(data, 3, seed).keys() for seed in range(2, 9))


def test_each_retriever_asks_its_own_parts(tmp_path: Path) -> None:
    class Asked:
        def __init__(self) -> None:
            self.calls: list[tuple[int, tuple[str, ...]]] = []

        def search(self, text, k, *, retrievers):
            self.calls.append((k, tuple(retrievers)))
            return []

    data, asked = retrieval_set(made(tmp_path / "small"), "dev"), Asked()
    found = evaluate(asked, data, {"q1": "연차"}, ["hybrid", "bm25", "dense"])
    # Once to warm up, once for the time of ten, once deep for the ranking.
    parts = [("bm25", "dense"), ("bm25",), ("dense",)]
    assert asked.calls == [(k, own) for own in parts for k in (200, 10, 200)]
    assert all(one.values[metric].tolist() == [0.0] for one in found.values() for metric in METRICS)


def measured(*ndcg: float) -> Measured:
    values = np.array(ndcg)
    return Measured(tuple(map(str, range(len(ndcg)))), dict.fromkeys(METRICS, values), np.full(len(ndcg), 0.004))


def test_a_report_has_what_is_agreed_and_how_sure_it_is() -> None:
    told = report({"hybrid": measured(*[1.0] * 8), "bm25": measured(*[1.0] * 8), "dense": measured(*[0.5] * 8)})
    assert list(told) == ["hybrid", "bm25", "dense"]
    assert told["hybrid"] == {
        "ndcg@10": 1.0,
        "recall@10": 1.0,
        "recall@100": 1.0,
        "mrr@10": 1.0,
        "queries": 8,
        "seconds": 0.03,
        "p50_ms": 4.0,
        "p95_ms": 4.0,
        "ndcg@10_ci": [1.0, 1.0],
    }
    assert (told["bm25"]["p_vs_hybrid"], told["dense"]["p_vs_hybrid"]) == (1.0, round(2 / 2**8, 4))
    assert "p_vs_hybrid" not in report({"bm25": measured(1.0)})["bm25"]


def test_a_plot_has_a_dot_and_a_line_each(tmp_path: Path) -> None:
    told = {"a <set>": report({"hybrid": measured(1.0, 0.5), "bm25": measured(0.25, 0.25)})}
    drawn = ElementTree.fromstring(svg(told, "ndcg@10"))
    space = "{http://www.w3.org/2000/svg}"
    hybrid, bm25 = drawn.findall(f"{space}circle")
    assert float(hybrid.get("cx")) - float(bm25.get("cx")) == pytest.approx(0.5 * 520)
    texts = [t.text for t in drawn.findall(f"{space}text")]
    assert texts[-5:] == ["a <set>", "hybrid", "0.750", "bm25", "0.250"]


# The command


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gakju.models.open_embedder", lambda *_, **__: FakeEmbedder(250))
    monkeypatch.setattr(Parts, "morphemes", property(lambda _: shared()["morphemes"]))

    def run(*arguments: str) -> Result:
        env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "own"), "TMPDIR": str(tmp_path)}
        return CliRunner().invoke(main, ["eval", *arguments], env=env, catch_exceptions=False)

    return run


def test_the_command_prints_what_is_agreed(run, tmp_path: Path) -> None:
    folder = str(made(tmp_path / "small"))
    result = run("retrieval", folder, "--split", "dev", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert list(told) == ["hybrid"]
    agreed = {"ndcg@10", "recall@10", "recall@100", "mrr@10", "queries", "seconds", "p50_ms", "p95_ms"}
    assert agreed <= set(told["hybrid"])
    assert (told["hybrid"]["ndcg@10"], told["hybrid"]["queries"]) == (1.0, 5)
    assert not (tmp_path / "own" / "library").exists()


def test_the_command_takes_several_retrievers_and_sets(run, tmp_path: Path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    plot = tmp_path / "plot.svg"
    options = ["--split", "dev", "--retriever", "dense,hybrid", "--queries", "3", "--keep", str(tmp_path / "kept")]
    result = run("retrieval", str(one), str(two), *options, "--plot", str(plot), "--json")
    told = json.loads(result.stdout)
    assert [(name, list(told[name])) for name in told] == [("one", ["dense", "hybrid"]), ("two", ["dense", "hybrid"])]
    assert told["two"]["dense"]["queries"] == 3
    assert 0 < told["two"]["dense"]["p_vs_hybrid"] <= 1
    assert plot.read_text("utf-8").count("<circle") == 4
    shown = run("retrieval", str(one), *options).stdout.splitlines()
    assert [line.split()[:2] for line in shown] == [["set", "ndcg@10"], ["one", "dense"], ["one", "hybrid"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "dev", "--retriever", "splade"], "'splade' is no retriever. There are: hybrid, bm25, dense."),
        (["--split", "dev", "--retriever", ","], "Nothing is no retriever."),
        (["--split", "dev", "--plot", "x.png"], "A plot cannot be written to 'x.png'."),
        (["--split", "dev", "--queries", "0"], "--queries"),
        ([], "no split 'test'. It has: dev."),
    ],
)
def test_wrong_usage_costs_no_time(run, tmp_path: Path, options: list[str], said: str) -> None:
    result = run("retrieval", str(made(tmp_path / "small")), *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_nothing_behind(tmp_path: Path, sign: signal.Signals) -> None:
    folder = made(tmp_path / "small")
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for n in range(50_000):
            corpus.write(f'{{"_id": "{n}", "text": "{n}번 조항은 {n}일을 넘기지 못한다."}}\n')
    command = [Path(sys.executable).with_name("gakju"), "eval", "retrieval", folder, "--split", "dev", "--json"]
    pipe = subprocess.PIPE
    with loopback.serving(FakeChat([""])) as server:
        env = {"LC_ALL": "C", "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "GAKJU_HOME": str(tmp_path / "own")}
        env |= {"GAKJU_EMBEDDER": f"{server.url}#embed"}
        running = subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("gakju-eval-*/*/library")):
            assert time.monotonic() < deadline
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        running.send_signal(sign)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err.strip()) == (130, "", "gakju: Stopped.")
    assert not list(tmp_path.glob("gakju-eval-*"))


@pytest.mark.model
def test_the_real_embedder_finds_what_words_do_not(e5, tmp_path: Path) -> None:
    folder = made(tmp_path / "small")
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "How many vacation days do I get?"}', "utf-8")
    data = retrieval_set(folder, "dev")
    parts = Parts(Settings(home=tmp_path / "own"), embedder=e5, morphemes=shared()["morphemes"])
    with library(parts, data, tmp_path / "work") as assistant:
        found = evaluate(assistant, data, data.queries, ["hybrid", "bm25", "dense"])
    ndcg = {name: one.values["ndcg@10"][0] for name, one in found.items()}
    assert ndcg["bm25"] == 0.0
    assert min(ndcg["hybrid"], ndcg["dense"]) > 0.6
