"""Evaluations over the API: what is queued, what comes of it, what is refused."""

from __future__ import annotations

import json

import httpx
import pytest


def sent(http: httpx.Client, *lines: object, **form: str) -> httpx.Response:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    return http.post("/v1/evaluations", files={"file": ("known.jsonl", text.encode())}, data=form)


def test_questions_are_looked_up_in_the_library_that_is_there(served, library: httpx.Client) -> None:
    leave = {"question": "연차휴가는 며칠인가?", "document": "leave.txt", "page": 1}
    trip = {"question": "출장비는 언제 정산하나?", "document": "trip.md"}
    answer = sent(library, leave, "", trip)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    job = served.assistant.jobs.wait(answer.json()["id"])
    assert job.state == "done", job.error
    assert job.result["ranks"] == [1, 1]
    assert {name: job.result[name] for name in ("ndcg@10", "recall@10", "mrr@10", "page_hit@10", "queries")} == {
        "ndcg@10": 1.0,
        "recall@10": 1.0,
        "mrr@10": 1.0,
        "page_hit@10": 1.0,
        "queries": 2,
    }
    assert job.progress["done"] == job.progress["total"] == 2
    shown = library.get(answer.headers["location"]).json()
    assert (shown["kind"], shown["about"]) == ("evaluate", {"collection": "default"})


def test_a_wrong_document_or_page_costs_its_part(served, library: httpx.Client) -> None:
    wrong = {"question": "연차휴가는 며칠인가?", "document": "trip.md", "page": 9}
    job = served.assistant.jobs.wait(sent(library, wrong).json()["id"])
    assert job.result["ranks"][0] != 1
    assert job.result["page_hit@10"] == 0.0
    assert job.result["ndcg@10"] < 1.0


def test_statements_are_judged(served, http: httpx.Client) -> None:
    true = {"context": "연차휴가는 15일이다.", "answer": "연차휴가는 15일이다.", "supported": True}
    false = {**true, "answer": "연차휴가는 99일이다.", "supported": 0}
    answer = sent(http, true, {**false, "supported": False}, kind="grounded")
    result = served.assistant.jobs.wait(answer.json()["id"]).result
    assert (result["n"], result["accuracy"]) == (2, 1.0)


def test_an_unknown_document_fails_the_job_with_its_name(served, library: httpx.Client) -> None:
    job = served.assistant.jobs.wait(sent(library, {"question": "x", "document": "gone.pdf"}).json()["id"])
    assert job.state == "failed"
    assert "gone.pdf" in job.error["message"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"question": "x", "document": "a"}, "{"], "Line 2"),
        ([{"question": "x"}], "Line 1: document"),
        ([{"question": "x", "document": "a", "page": 0}], "Line 1: page"),
        ([], "0 lines"),
        ([{"question": "x", "document": "a"}] * 2001, "2001 lines"),
    ],
)
def test_a_line_that_is_none_is_named(http: httpx.Client, lines: list[object], said: str) -> None:
    answer = sent(http, *lines)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_too_large_a_file_is_refused(http: httpx.Client) -> None:
    assert sent(http, "x" * (1 << 20) + "y").status_code == 413
