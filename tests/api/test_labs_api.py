"""Question sets and N-shot runs over HTTP: what comes back, what is refused, what a job tells."""

from __future__ import annotations

import json

import httpx

from gakju import wire

SETS = "/v1/question_sets"
BANK = [("축구를 했다", "운동"), ("선거를 했다", "정치")]


def put(http: httpx.Client, name: str, pairs, **more: object) -> dict:
    lines = "\n".join(json.dumps({"question": q, "answers": [a], **more}, ensure_ascii=False) for q, a in pairs)
    answer = http.post(SETS, files={"file": ("x.jsonl", lines.encode())}, data={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_set_is_kept_changed_and_given_back(http: httpx.Client) -> None:
    made = put(http, "뉴스", BANK, state="proposed")
    assert (made["items"], made["proposed"], made["version"]) == (2, 2, 1)
    one = f"{SETS}/{made['id']}"
    first, second = http.get(f"{one}/items").json()
    assert http.get(f"{one}/items", params={"start": 1}).json() == [second]
    changed = http.patch(
        one, json={"name": "새 이름", "items": [{**first, "question": "야구를 했다"}], "confirm": True}
    )
    assert (changed.json()["name"], changed.json()["proposed"]) == ("새 이름", 0)
    told = http.get(one).json()
    assert [v["version"] for v in told["versions"]] == list(range(told["version"], 0, -1))
    answer = http.get(f"{one}/export", params={"format": "csv", "version": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert "축구를 했다" in answer.content.decode("utf-8-sig")
    assert http.delete(one).json()["deleted"]
    assert http.get(one).status_code == 404
    assert http.get(SETS).json() == []
    assert http.post(f"{one}/restore").json()["name"] == "새 이름"


WRONG_FILES = [
    ("x.jsonl", b'{"question": "a", "answers": []}\n{"question": ""}', "Line 2: question"),
    ("x.csv", b"question,answers\na", "Line 2: 1 cells"),
    ("x.xlsx", b"PK", "neither .jsonl nor .csv"),
]


def test_a_wrong_file_is_refused_with_its_line(http: httpx.Client) -> None:
    for filename, data, said in WRONG_FILES:
        answer = http.post(SETS, files={"file": (filename, data)}, data={"name": "x"})
        assert answer.status_code == 400, filename
        assert said in answer.json()["error"]["message"]
    assert http.get(SETS).json() == []


def test_a_run_tells_each_cell_and_ends_with_all(http: httpx.Client) -> None:
    put(http, "bank", BANK)
    put(http, "test", [("농구를 했다", "운동")])
    plan = {"examples": "bank", "test": "test", "counts": [0, 1], "picks": ["fixed"]}
    answer = http.post("/v1/fewshot", json=plan)
    assert answer.status_code == 202
    with http.stream("GET", f"{answer.headers['location']}/events") as stream:
        events = list(wire.events(stream.iter_bytes()))
    assert [data["n"] for kind, data in events if kind == "cell"] == [0, 1]
    end = events[-1][1]
    assert end["state"] == "done", end["error"]
    assert end["result"]["items"][0]["answers"] == ["운동"]
    (listed,) = http.get("/v1/fewshot").json()
    assert [c["n"] for c in listed["result"]["cells"]] == [0, 1]
    assert "items" not in listed["result"]


WRONG_PLANS = [
    ({"test": "gone", "counts": [0]}, 404, "no question set 'gone'"),
    ({"test": "bank", "examples": "bank"}, 400, "examples and test at once"),
    ({"test": "bank", "counts": [0], "model": "gakju"}, 400, "answers from documents"),
    ({"test": "bank", "counts": [0], "model": "http://evil.example/v1#x"}, 404, "does not exist here"),
    ({"test": "bank", "counts": [99]}, 422, "less than or equal to 64"),
]


def test_a_run_that_cannot_be_is_refused(http: httpx.Client) -> None:
    put(http, "bank", BANK)
    for plan, status, said in WRONG_PLANS:
        answer = http.post("/v1/fewshot", json=plan)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert http.get("/v1/fewshot").json() == []
