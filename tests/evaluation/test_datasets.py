"""Files with known answers: what is right is read whole, what is wrong is said with its line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gakju.errors import UsageError
from gakju.evaluation.datasets import Passage, Question, Statement, questions, retrieval_set, statements

ROOT = Path(__file__).parents[2]


def beir(folder: Path, **files: str) -> Path:
    """A folder with two passages and two judged queries, some of its files as given."""
    whole = {
        "corpus.jsonl": '{"_id": "a", "title": "휴가", "text": "연차는 15일이다."}\n{"_id": "b", "text": "출장비."}\n',
        "queries.jsonl": '{"_id": "1", "text": "연차"}\n{"_id": "2", "text": "출장"}\n{"_id": "3", "text": "없음"}\n',
        "qrels/dev.tsv": "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t0\n2\tb\t1\n9\ta\t1\n",
    }
    for name, text in {**whole, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def test_a_set_holds_what_its_split_judges(tmp_path: Path) -> None:
    data = retrieval_set(beir(tmp_path / "set"), "dev")
    assert data.name == "set"
    assert data.queries == {"1": "연차", "2": "출장"}
    assert data.relevant == {"1": {"a": 2}, "2": {"b": 1}}
    assert list(data.corpus()) == [Passage("a", "휴가", "연차는 15일이다."), Passage("b", "", "출장비.")]
    assert data.size() == 2
    assert data.digest() == hashlib.sha256((tmp_path / "set" / "corpus.jsonl").read_bytes()).hexdigest()


def test_what_other_tools_write_is_read_too(tmp_path: Path) -> None:
    """A byte order mark, no header, numbers as ids, null for a title, blank lines, decomposed Hangul, half a pair."""
    files = {
        "corpus.jsonl": '\ufeff{"_id": 7, "title": null, "text": "\u1100\u1161 \\ud800"}\n\n',
        "queries.jsonl": '{"_id": 1, "text": "가"}\n',
        "qrels/dev.tsv": "1\t7\t1\n",
    }
    data = retrieval_set(beir(tmp_path, **files), "dev")
    assert list(data.corpus()) == [Passage("7", "", "가 ?")]
    assert data.relevant == {"1": {"7": 1}}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}', "line 2: the id 'a' a second time"),
        ("corpus.jsonl", '{"_id": "a"}', "line 1: no text in 'text'"),
        ("corpus.jsonl", '{"text": "x"}', "line 1: no _id"),
        ("corpus.jsonl", "\n\n{", "line 3: no JSON"),
        ("corpus.jsonl", "[" * 100_000, "line 1: no JSON"),
        ("corpus.jsonl", "[1]", "line 1: no JSON object"),
        ("queries.jsonl", '{"_id": "1", "text": 5}', "line 1: no text in 'text'"),
        ("qrels/dev.tsv", "1 a 1", "line 1: not a query"),
        ("qrels/dev.tsv", "query-id\tcorpus-id\tscore\n1\ta\tyes", "line 2: not a query"),
        ("qrels/dev.tsv", "1\ta\t0", "No query of"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    folder = beir(tmp_path, **{name: text})
    with pytest.raises(UsageError) as raised:
        list(retrieval_set(folder, "dev").corpus())
    assert said in raised.value.message
    assert raised.value.hint


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        retrieval_set(tmp_path / "none", "dev")
    with pytest.raises(UsageError, match=r"no corpus\.jsonl"):
        retrieval_set(tmp_path, "dev")
    with pytest.raises(UsageError, match=r"no split 'test'\. It has: dev\."):
        retrieval_set(beir(tmp_path), "test")
    with pytest.raises(UsageError, match=r"no split '\.\./dev'"):
        retrieval_set(beir(tmp_path), "../dev")
    (tmp_path / "queries.jsonl").write_bytes(b'{"_id": "1", "text": "\xff"}')
    with pytest.raises(UsageError, match="not UTF-8"):
        retrieval_set(tmp_path, "dev")


def test_statements(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    rows = [
        {"context": "c", "question": "q", "answer": "a", "supported": 1, "lang": "en"},
        {"context": "c", "answer": "b", "supported": False},
    ]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert statements(file) == [Statement("c", "q", "a", True), Statement("c", "", "b", False)]
    file.write_text('{"context": "c", "answer": "a", "supported": "yes"}', "utf-8")
    with pytest.raises(UsageError, match="line 1: supported"):
        statements(file)
    file.write_text("", "utf-8")
    with pytest.raises(UsageError, match="empty"):
        statements(file)
    with pytest.raises(UsageError, match="cannot be read"):
        statements(tmp_path / "none.jsonl")


def test_our_own_questions(tmp_path: Path) -> None:
    found = questions(ROOT / "bench" / "questions" / "real_pdfs.jsonl")
    assert len(found) == 100
    assert found[0] == Question(
        "육아휴직은 자녀 1명당 최대 몇 년까지 쓸 수 있나요?", "ko", "2_05_인사규정(240221).pdf", 6, "3년 이내"
    )
    file = tmp_path / "q.jsonl"
    file.write_text('{"question": "q", "lang": "ko", "document": "d", "answer": "a", "page": 0}', "utf-8")
    with pytest.raises(UsageError, match="line 1: page"):
        questions(file)
