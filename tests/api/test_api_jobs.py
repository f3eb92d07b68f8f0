"""/v1/jobs: followed, resumed, cancelled."""

from __future__ import annotations

import json

import httpx

from fronts import LEAVE, TRIP


def add(http: httpx.Client) -> dict:
    files = [("files", ("leave.txt", LEAVE.encode())), ("files", ("trip.txt", TRIP.encode()))]
    return http.post("/v1/documents", files=files).json()


def followed(http: httpx.Client, job: dict, **options) -> list[tuple[int, str, dict]]:
    found = []
    text = http.get(f"/v1/jobs/{job['id']}/events", **options).text
    for block in filter(None, text.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((int(lines.get("id", 0)), lines["event"], json.loads(lines["data"])))
    return found


def test_a_job_is_followed_to_its_end(http: httpx.Client) -> None:
    told = followed(http, add(http))
    files = [(seq, data["path"]) for seq, kind, data in told if kind == "file"]
    assert files == [(1, "leave.txt"), (2, "trip.txt")]
    assert {kind for _, kind, _ in told} <= {"progress", "file", "end"}
    seq, kind, end = told[-1]
    assert (seq, kind, end["state"]) == (0, "end", "done")
    assert [f["path"] for f in end["result"]["files"]] == ["leave.txt", "trip.txt"]


def test_following_goes_on_after_the_last_event_known(http: httpx.Client) -> None:
    job = add(http)
    followed(http, job)
    for options in ({"params": {"after": 1}}, {"headers": {"last-event-id": "1"}}):
        assert [seq for seq, kind, _ in followed(http, job, **options) if kind == "file"] == [2]


def test_an_unknown_job_has_a_status_of_its_own(http: httpx.Client) -> None:
    for response in (
        http.get("/v1/jobs/none"),
        http.get("/v1/jobs/none/events"),
        http.post("/v1/jobs/none/cancel"),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_jobs_are_listed_newest_first_without_results(http: httpx.Client) -> None:
    first, second = add(http), add(http)
    followed(http, second)
    listed = http.get("/v1/jobs").json()
    assert [j["id"] for j in listed] == [second["id"], first["id"]]
    assert [j["result"] for j in listed] == [{}, {}]
    assert listed[0]["files"] == ["leave.txt", "trip.txt"]


def test_a_finished_job_stays_as_it_is(http: httpx.Client) -> None:
    job = add(http)
    followed(http, job)
    assert http.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "done"


def test_a_running_job_is_cancelled(slow) -> None:
    job = slow.assistant.submit_ask("연차휴가는 며칠인가?")
    with httpx.Client(base_url=slow.url, timeout=60, trust_env=False) as http:
        http.post(f"/v1/jobs/{job.id}/cancel")
        assert followed(http, {"id": job.id})[-1][2]["state"] == "cancelled"


def test_reindex_is_a_job(library: httpx.Client) -> None:
    response = library.post("/v1/reindex")
    assert response.status_code == 202
    end = followed(library, response.json())[-1][2]
    assert (end["kind"], end["state"], end["result"]) == ("reindex", "done", {"documents": 2})
    assert len(library.post("/v1/search", json={"query": "연차휴가"}).json()) >= 1


def test_looking_at_a_job_from_many_sides_leaves_room_for_short_requests(slow) -> None:
    """More followers than the pool of short requests has threads."""
    job = slow.assistant.submit_ask("연차휴가는 며칠인가?")
    limits = httpx.Limits(max_connections=100)
    with httpx.Client(base_url=slow.url, timeout=60, trust_env=False, limits=limits) as http:
        streams = [http.stream("GET", f"/v1/jobs/{job.id}/events") for _ in range(70)]
        opened = [s.__enter__() for s in streams]
        assert {r.status_code for r in opened} == {200}
        assert len(http.get("/v1/documents").json()) == 2
        http.post(f"/v1/jobs/{job.id}/cancel")
        for stream in streams:
            stream.__exit__(None, None, None)
