"""The reader's own words: kept, checked, used at once by questions and at the next indexing by documents."""

from __future__ import annotations

import json
from dataclasses import asdict

import httpx
import pytest
from click.testing import CliRunner

from fronts import opened
from gakju.assistant.words import MOST
from gakju.cli import main
from gakju.errors import UsageError
from gakju.text.lexicon import Word

WORD = Word("가람톡플러스", ("GTP",))


@pytest.fixture
def assistant(tmp_path):
    with opened(tmp_path / "home") as one:
        yield one


def add(assistant, path, text: str) -> None:
    path.write_text(text, "utf-8")
    assert [a.status for a in assistant.add([path])] == ["added"]


def words_of(assistant) -> set[str]:
    """Of every chunk in the index."""
    return {w for w in ("가람톡플러스",) if assistant.parts.index.matching([w], 10)}


def test_documents_wait_until_they_are_indexed_again(assistant, tmp_path) -> None:
    add(assistant, tmp_path / "price.txt", "GTP의 요금은 달마다 만 원이다.")
    assert assistant.words.waiting("default") == 0
    assistant.words.put("default", [WORD])
    assert assistant.words.waiting("default") == 1
    assert assistant.words.waiting("other") == 0
    assert words_of(assistant) == set()
    assert [h.document.title for h in assistant.search("가람톡플러스", retrievers=["bm25"])] == ["price"]
    add(assistant, tmp_path / "new.txt", "가람톡 플러스는 새로 나왔다.")
    assert assistant.words.waiting("default") == 1
    assert words_of(assistant) == {"가람톡플러스"}
    assistant.jobs.wait(assistant.submit_reindex().id)
    assert assistant.words.waiting("default") == 0
    assert len(assistant.parts.index.matching(["가람톡플러스"], 10)) == 2


def test_the_same_words_again_make_nobody_wait(assistant, tmp_path) -> None:
    assistant.words.put("default", [WORD])
    add(assistant, tmp_path / "price.txt", "GTP의 요금은 달마다 만 원이다.")
    assistant.words.put("default", [WORD])
    assert assistant.words.waiting("default") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([Word("가")], "no word to keep"),
        ([Word("++")], "no word to keep"),
        ([Word("가" * 65)], "no word to keep"),
        ([Word("가람톡"), Word("가람 톡")], "there twice"),
        ([Word("가람톡", tuple(f"이름{n}" for n in range(10)))], "11 names"),
        ([Word(f"낱말{n}") for n in range(MOST + 1)], "too many"),
    ],
)
def test_what_is_no_word_is_refused(assistant, words, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        assistant.words.put("default", words)
    assert assistant.words.get("default") == ()


def test_over_http(served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        path = "/v1/collections/default/words"
        assert http.get(path).json() == {"words": [], "waiting": 0}
        put = http.put(path, json={"words": [{"word": " 가람톡플러스 ", "also": ["GTP", "GTP"]}]})
        assert put.json() == {"words": [{"word": "가람톡플러스", "also": ["GTP"]}], "waiting": 0}
        assert http.get(path).json() == put.json()
        assert http.put(path, json={"words": [{"word": "+"}]}).status_code == 400
        assert http.put("/v1/collections/a%2Fb/words", json={"words": []}).status_code in {400, 404}


def test_on_the_command_line(tmp_path) -> None:
    def run(*args: str) -> tuple[int, dict]:
        done = CliRunner().invoke(main, ["words", *args, "--home", str(tmp_path), "--json"])
        return done.exit_code, json.loads(done.stdout) if done.exit_code == 0 else {}

    assert run("list") == (0, {"words": [], "waiting": 0})
    assert run("add", "가람톡플러스", "--also", "GTP") == (0, {"words": [wire(WORD)], "waiting": 0})
    assert run("add", "가람톡플러스") == (0, {"words": [wire(Word("가람톡플러스"))], "waiting": 0})
    assert run("remove", "없는말")[0] == 2
    assert run("remove", "가람톡플러스") == (0, {"words": [], "waiting": 0})


def wire(word: Word) -> dict:
    return {**asdict(word), "also": list(word.also)}
