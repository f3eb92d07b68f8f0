"""/v1/search and /v1/ask."""

from __future__ import annotations

import json
import time

import httpx


def events(text: str) -> list[tuple[str, dict]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_search_gives_the_best_first(library: httpx.Client) -> None:
    found = library.post("/v1/search", json={"query": "출장비는 하루 얼마인가", "k": 2}).json()
    assert found[0]["document"]["title"] in {"trip", "출장"}
    assert set(found[0]) >= {"chunk_id", "document", "page", "score", "text", "boxes"}
    assert found[0]["score"] >= found[-1]["score"]
    assert len(library.post("/v1/search", json={"query": "연차휴가", "k": 1}).json()) == 1
    assert library.post("/v1/search", json={"query": "연차휴가", "collection": "other"}).json() == []


def test_an_answer_comes_as_events_evidence_first(library: httpx.Client) -> None:
    response = library.post("/v1/ask", json={"question": "연차휴가는 며칠인가?"})
    assert response.headers["content-type"].startswith("text/event-stream")
    told = events(response.text)
    kinds = [kind for kind, _ in told]
    assert kinds[0] == "evidence"
    assert kinds[-1] == "done"
    assert set(kinds[1:-1]) <= {"token", "claim"}
    assert "15일" in told[0][1]["evidence"][0]["text"]
    done = told[-1][1]
    assert [c for k, c in told if k == "claim"] == done["claims"]
    (note,) = done["claims"][0]["footnotes"]
    page = library.get(f"/v1/documents/{note['document']['id']}/pages/{note['page']}").json()
    assert page["text"][note["start"] : note["end"]] == note["quote"]


def test_an_answer_in_one_piece_is_the_same(library: httpx.Client) -> None:
    body = {"question": "연차휴가는 며칠인가?"}
    whole = library.post("/v1/ask", json={**body, "stream": False}).json()
    told = events(library.post("/v1/ask", json=body).text)
    assert {**whole, "timings": {}} == {**told[-1][1], "timings": {}}
    assert not whole["refused"]
    assert [j["state"] for j in library.get("/v1/jobs").json() if j["kind"] == "ask"] == ["done", "done"]


def test_the_mode_of_an_answer_is_chosen_where_it_is_asked(library: httpx.Client) -> None:
    body = {"question": "연차휴가는 며칠인가?", "stream": False}
    modes = [library.post("/v1/ask", json={**body, "mode": m}).json()["mode"] for m in ("free", "verbatim")]
    assert modes == ["free", "verbatim"]
    assert library.post("/v1/ask", json={**body, "mode": "loud"}).status_code == 422


def test_what_is_wrong_with_the_question_has_a_status(library: httpx.Client) -> None:
    response = library.post("/v1/ask", json={"question": "x", "collection": "a/b"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "usage")


def test_an_error_on_the_way_is_the_last_event(library: httpx.Client) -> None:
    body = {"question": "연차휴가는 며칠인가?", "model": "nobody:nothing"}
    kind, data = events(library.post("/v1/ask", json=body).text)[-1]
    assert kind == "error"
    assert data["error"]["code"] == "model_not_found"
    whole = library.post("/v1/ask", json={**body, "stream": False})
    assert (whole.status_code, whole.json()["error"]["code"]) == (404, "model_not_found")


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_goes_away_stops_the_answer(slow) -> None:
    with httpx.Client(base_url=slow.url, timeout=60, trust_env=False) as http:
        with http.stream("POST", "/v1/ask", json={"question": "연차휴가는 며칠인가?"}) as response:
            for line in response.iter_lines():
                if line == "event: token":
                    break
        wait_for(lambda: slow.chat.closed == 1)
        wait_for(lambda: http.get("/v1/jobs").json()[0]["state"] == "cancelled")


def test_a_stopped_job_ends_the_stream_with_an_error(slow) -> None:
    with httpx.Client(base_url=slow.url, timeout=60, trust_env=False) as http:
        with http.stream("POST", "/v1/ask", json={"question": "연차휴가는 며칠인가?"}) as response:
            text = ""
            for line in response.iter_lines():
                text += f"{line}\n"
                if line == "event: token" and slow.assistant:
                    job = slow.assistant.store.jobs(kinds=["ask"])[0]
                    slow.assistant.jobs.cancel(job.id)
        assert events(text)[-1][1]["error"]["code"] == "cancelled"
        wait_for(lambda: slow.chat.closed == 1)
