"""Every route by every kind of key. The routes come from the router: a new one fails until it has a row here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fronts import LEAVE, TRIP, opened
from gakju.api import create
from gakju.api.places import ANY, PUBLIC, RIGHTS, SCREEN, Places
from gakju.store.keys import RIGHTS as ALL
from gakju.store.questions import Item

HERE, ELSEWHERE = "default", "elsewhere"


@dataclass
class World:
    """A server that asks for keys, with a document in each of two collections and a thing of each kind in the first."""

    http: TestClient
    assistant: Any
    ids: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def key(self, rights: set[str], collection: str | None = None) -> str:
        collections = None if collection is None else [collection]
        return self.assistant.store.keys.add("test", rights, collections=collections)[1]

    def fresh(self, kind: str) -> str:
        """The id of a new document, file or vector store, to be deleted. The first key made it."""
        self.count += 1
        headers = {"api-key": self.ids["maker"]}
        if kind == "document":
            sent = {"files": (f"{self.count}.txt", f"{LEAVE} {self.count}".encode())}
            job = self.http.post("/v1/documents", files=sent, headers=headers).json()
            return self.assistant.jobs.wait(job["id"]).result["files"][0]["document_id"]
        if kind == "file":
            sent = {"file": (f"{self.count}.txt", f"{TRIP} {self.count}".encode())}
            return self.http.post("/v1/files", files=sent, data={"purpose": "assistants"}, headers=headers).json()["id"]
        raise AssertionError(kind)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("matrix")
    with opened(home, keys=True) as assistant:
        app = create(assistant, ui=False)
        screen = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("the screen"))])
        app.mount("/", screen)
        with TestClient(app, base_url="http://127.0.0.1:8080", raise_server_exceptions=False) as http:
            w = World(http, assistant)
            fill(w, home)
            yield w


def fill(w: World, home) -> None:
    w.ids["maker"] = w.key(set(ALL) - {"admin"}, HERE)
    (home / "leave.txt").write_text(LEAVE, "utf-8")
    (home / "trip.txt").write_text(TRIP, "utf-8")
    w.ids["document"] = w.assistant.add([home / "leave.txt"])[0].document_id
    w.assistant.add([home / "trip.txt"], collection=ELSEWHERE)
    headers = {"api-key": w.ids["maker"]}
    job = w.http.post("/v1/ask", json={"question": "연차휴가는 며칠인가?", "stream": False}, headers=headers)
    assert job.status_code == 200
    w.ids["job"] = next(j.id for j in w.assistant.store.jobs(kinds=["ask"]))
    w.ids["file"] = w.fresh("file")
    stores = w.http.get("/v1/vector_stores", headers=headers).json()["data"]
    w.ids["vs"] = next(s["id"] for s in stores if s["name"] == HERE)
    attached = w.http.post(
        f"/v1/vector_stores/{w.ids['vs']}/file_batches", json={"file_ids": [w.ids["file"]]}, headers=headers
    ).json()
    w.ids["batch"] = attached["id"]
    for waiting in w.assistant.store.jobs(kinds=["add"]):
        w.assistant.jobs.wait(waiting.id)
    w.ids["response"] = "resp_1"
    w.assistant.store.responses.put("resp_1", {"response": {"id": "resp_1"}, "input": []})
    w.assistant.store.keys.made("resp_1", w.assistant.store.keys.find(w.ids["maker"]).id)
    w.ids["watch"] = w.assistant.store.watches.put("http://127.0.0.1:9/", HERE, 24).id
    asked = [Item(str(n), f"{n}?", (str(n),)) for n in range(3)]
    w.ids["set"] = w.assistant.store.questions.put("asked", asked).id
    w.ids["doomed key"] = w.assistant.store.keys.add("doomed")[0].id


QUESTION = {"question": "연차휴가는 며칠인가?", "stream": False}
LOOKED = b'{"question": "x", "document": "leave.txt"}'
UPLOAD = {"files": {"files": ("a.txt", b"x")}}
SETS = "/v1/question_sets"
ASKED = b'{"question": "x", "answers": []}'
COMPARED = {"questions": "{set}", "arms": ["plain"], "models": ["fake"]}
SHOTS = {"test": "{set}", "counts": [0], "kind": "answer", "model": "fake"}
CHAT = {"model": "gakju", "messages": [{"role": "user", "content": "연차휴가는 며칠인가?"}]}
EMBEDDER = "embedded:multilingual-e5-small"
EMBED = {"model": EMBEDDER, "input": "x"}
AZURE = "/openai/deployments"
NO_EXAMPLES = {"model": "qwen2.5-coder-0.5b"}
TUNE, TUNING = {"model": "qwen2.5-coder-0.5b", "training_file": "file-none"}, "/v1/fine_tuning/jobs/ftjob-none"
VS, VS_FILE = "/v1/vector_stores/{vs}", "/v1/vector_stores/{vs}/files/{file}"

# Route: (path, what is sent, status with a key of another collection, status with the right key).
# Without a key and with a wrong one it is 401, with a key that lacks the right 403, but where a key is not asked for.
ROWS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "GET /healthz": ("/healthz", {}, 200, 200),
    "GET /readyz": ("/readyz", {}, 503, 503),
    "GET /metrics": ("/metrics", {}, 403, 200),
    "GET /v1/docs": ("/v1/docs", {}, 200, 200),
    "GET /v1/docs/{name}": ("/v1/docs/swagger-ui.css", {}, 200, 200),
    "GET /v1/openapi.json": ("/v1/openapi.json", {}, 200, 200),
    "POST /key": ("/key", {"data": {"key": "wrong"}}, 401, 401),
    "POST /key/leave": ("/key/leave", {}, 204, 204),
    "MOUNT ": ("/chat", {}, 403, 200),
    "GET /v1/collections": ("/v1/collections", {}, 200, 200),
    "GET /v1/collections/{name}/words": ("/v1/collections/default/words", {}, 403, 200),
    "PUT /v1/collections/{name}/words": ("/v1/collections/default/words", {"json": {"words": []}}, 403, 200),
    "GET /v1/documents": ("/v1/documents?collection=default", {}, 403, 200),
    "POST /v1/documents": ("/v1/documents", UPLOAD, 403, 202),
    "POST /v1/pages": ("/v1/pages", {"json": {"urls": ["http://127.0.0.1:9/"]}}, 403, 400),  # the web is switched off
    "GET /v1/pages": ("/v1/pages", {}, 200, 200),
    "POST /v1/pages/{watch_id}/refresh": ("/v1/pages/{watch}/refresh", {}, 404, 400),
    "DELETE /v1/pages/{watch_id}": ("/v1/pages/{watch}", {}, 404, 204),
    "GET /v1/documents/{document_id}": ("/v1/documents/{document}", {}, 404, 200),
    "DELETE /v1/documents/{document_id}": ("/v1/documents/{fresh document}", {}, 404, 204),
    "GET /v1/documents/{document_id}/pages/{number}": ("/v1/documents/{document}/pages/1", {}, 404, 200),
    "GET /v1/documents/{document_id}/pages/{number}/boxes": (
        "/v1/documents/{document}/pages/1/boxes?start=0&end=3",
        {},
        404,
        200,
    ),
    # A text has no picture: 404 for the right key too, told apart below.
    "GET /v1/documents/{document_id}/pages/{number}/image": ("/v1/documents/{document}/pages/1/image", {}, 404, 404),
    "GET /v1/documents/{document_id}/chunks": ("/v1/documents/{document}/chunks", {}, 404, 200),
    "GET /v1/documents/{document_id}/original": ("/v1/documents/{document}/original", {}, 404, 200),
    "POST /v1/search": ("/v1/search", {"json": {"query": "연차휴가"}}, 403, 200),
    "POST /v1/ask": ("/v1/ask", {"json": QUESTION}, 403, 200),
    "POST /v1/evaluations": ("/v1/evaluations", {"files": {"file": ("a.jsonl", LOOKED)}}, 403, 202),
    "GET /v1/question_sets": (SETS, {}, 403, 200),
    "POST /v1/question_sets": (SETS, {"files": {"file": ("a.jsonl", ASKED)}, "data": {"name": "new"}}, 403, 201),
    "POST /v1/question_sets/propose": (f"{SETS}/propose", {"json": {"name": "x", "count": 1}}, 403, 202),
    "POST /v1/question_sets/feedback": (f"{SETS}/feedback", {"json": {"name": "x"}}, 403, 400),  # nothing is liked
    "GET /v1/question_sets/{set_id}": (f"{SETS}/{{set}}", {}, 403, 200),
    "PATCH /v1/question_sets/{set_id}": (f"{SETS}/{{set}}", {"json": {"confirm": True}}, 403, 200),
    "GET /v1/question_sets/{set_id}/items": (f"{SETS}/{{set}}/items", {}, 403, 200),
    "GET /v1/question_sets/{set_id}/export": (f"{SETS}/{{set}}/export?format=csv", {}, 403, 200),
    "POST /v1/question_sets/{set_id}/split": (f"{SETS}/{{set}}/split", {"json": {"tests": 1}}, 403, 201),
    "GET /v1/fewshot": ("/v1/fewshot", {}, 403, 200),
    "POST /v1/fewshot": ("/v1/fewshot", {"json": SHOTS}, 403, 202),
    # The fake model has no vocabulary: o200k_base counts in its place.
    "POST /v1/fewshot/estimate": ("/v1/fewshot/estimate", {"json": SHOTS}, 403, 200),
    "GET /v1/comparisons": ("/v1/comparisons", {}, 403, 200),
    "POST /v1/comparisons": ("/v1/comparisons", {"json": COMPARED}, 403, 202),
    "POST /v1/comparisons/estimate": ("/v1/comparisons/estimate", {"json": COMPARED}, 403, 200),
    "GET /v1/comparisons/{job_id}/report": ("/v1/comparisons/none/report", {}, 403, 404),
    "POST /v1/fewshot/prompt": ("/v1/fewshot/prompt", {"json": {"plan": SHOTS}}, 403, 200),
    "DELETE /v1/question_sets/{set_id}": (f"{SETS}/{{set}}", {}, 403, 200),
    "POST /v1/question_sets/{set_id}/restore": (f"{SETS}/{{set}}/restore", {}, 403, 200),
    "POST /v1/reindex": ("/v1/reindex", {}, 403, 202),
    "GET /v1/jobs": ("/v1/jobs", {}, 200, 200),
    "GET /v1/jobs/{job_id}": ("/v1/jobs/{job}", {}, 404, 200),
    "POST /v1/jobs/{job_id}/cancel": ("/v1/jobs/{job}/cancel", {}, 404, 200),
    "GET /v1/jobs/{job_id}/events": ("/v1/jobs/{job}/events", {}, 404, 200),
    "GET /v1/keys": ("/v1/keys", {}, 403, 200),
    "POST /v1/keys": ("/v1/keys", {"json": {"name": "new"}}, 403, 201),
    "DELETE /v1/keys/{key_id}": ("/v1/keys/{doomed key}", {}, 403, 200),
    "GET /v1/usage": ("/v1/usage", {}, 200, 200),
    "GET /v1/audit": ("/v1/audit", {}, 403, 200),
    "POST /v1/files": ("/v1/files", {"files": {"file": ("a.txt", b"x")}, "data": {"purpose": "assistants"}}, 200, 200),
    "GET /v1/files": ("/v1/files", {}, 200, 200),
    "GET /v1/files/{file_id}": ("/v1/files/{file}", {}, 404, 200),
    "GET /v1/files/{file_id}/content": ("/v1/files/{file}/content", {}, 404, 200),
    "DELETE /v1/files/{file_id}": ("/v1/files/{fresh file}", {}, 404, 200),
    "POST /v1/vector_stores": ("/v1/vector_stores", {"json": {"name": "default new"}}, 403, 403),
    "GET /v1/vector_stores": ("/v1/vector_stores", {}, 200, 200),
    "GET /v1/vector_stores/{store_id}": (VS, {}, 404, 200),
    "POST /v1/vector_stores/{store_id}": (VS, {"json": {"name": "default"}}, 404, 200),
    "GET /v1/vector_stores/{store_id}/files": (f"{VS}/files", {}, 404, 200),
    "GET /v1/vector_stores/{store_id}/files/{file_id}": (VS_FILE, {}, 404, 200),
    "POST /v1/vector_stores/{store_id}/files/{file_id}": (VS_FILE, {"json": {"attributes": {}}}, 404, 200),
    "GET /v1/vector_stores/{store_id}/files/{file_id}/content": (f"{VS_FILE}/content", {}, 404, 200),
    "GET /v1/vector_stores/{store_id}/file_batches/{batch_id}": (f"{VS}/file_batches/{{batch}}", {}, 404, 200),
    "POST /v1/vector_stores/{store_id}/file_batches/{batch_id}/cancel": (
        f"{VS}/file_batches/{{batch}}/cancel",
        {},
        404,
        200,
    ),
    "GET /v1/vector_stores/{store_id}/file_batches/{batch_id}/files": (
        f"{VS}/file_batches/{{batch}}/files",
        {},
        404,
        200,
    ),
    "POST /v1/vector_stores/{store_id}/file_batches": (
        f"{VS}/file_batches",
        {"json": {"file_ids": ["{file}"]}},
        404,
        200,
    ),
    "POST /v1/vector_stores/{store_id}/files": (f"{VS}/files", {"json": {"file_id": "{file}"}}, 404, 200),
    "POST /v1/vector_stores/{store_id}/search": (f"{VS}/search", {"json": {"query": "연차휴가"}}, 404, 200),
    "DELETE /v1/vector_stores/{store_id}/files/{file_id}": (VS_FILE, {}, 404, 200),
    "GET /v1/models": ("/v1/models", {}, 200, 200),
    "GET /v1/models/{model:path}": ("/v1/models/gakju", {}, 200, 200),
    "POST /v1/chat/completions": ("/v1/chat/completions", {"json": CHAT}, 403, 200),
    "POST /v1/completions": ("/v1/completions", {"json": {"model": "fake", "prompt": "x"}}, 200, 200),
    "POST /v1/embeddings": ("/v1/embeddings", {"json": EMBED}, 200, 200),
    "POST /v1/moderations": ("/v1/moderations", {"json": {"input": "x"}}, 200, 200),
    "GET /v1/finetune": ("/v1/finetune", {}, 403, 200),
    "POST /v1/finetune": ("/v1/finetune", {"data": NO_EXAMPLES}, 403, 400),
    "POST /v1/finetune/check": ("/v1/finetune/check", {"data": NO_EXAMPLES}, 403, 400),
    "POST /v1/finetune/price": ("/v1/finetune/price", {"data": NO_EXAMPLES}, 403, 400),
    "GET /v1/finetune/{name}": ("/v1/finetune/none", {}, 403, 404),
    "DELETE /v1/finetune/{name}": ("/v1/finetune/none", {}, 403, 404),
    "POST /v1/finetune/{name}/{action}": ("/v1/finetune/none/stop", {}, 403, 404),
    "GET /v1/fine_tuning/jobs": ("/v1/fine_tuning/jobs", {}, 403, 200),
    "POST /v1/fine_tuning/jobs": ("/v1/fine_tuning/jobs", {"json": TUNE}, 403, 404),
    "GET /v1/fine_tuning/jobs/{job_id}": (f"{TUNING}", {}, 403, 404),
    "POST /v1/fine_tuning/jobs/{job_id}/cancel": (f"{TUNING}/cancel", {}, 403, 404),
    "GET /v1/fine_tuning/jobs/{job_id}/events": (f"{TUNING}/events", {}, 403, 404),
    "GET /v1/fine_tuning/jobs/{job_id}/checkpoints": (f"{TUNING}/checkpoints", {}, 403, 404),
    "POST /v1/responses": ("/v1/responses", {"json": {"model": "gakju", "input": "연차휴가는 며칠인가?"}}, 403, 200),
    "POST /openai/deployments/{deployment}/chat/completions": (
        f"{AZURE}/gakju/chat/completions",
        {"json": CHAT},
        403,
        200,
    ),
    "POST /openai/deployments/{deployment}/completions": (
        f"{AZURE}/fake/completions",
        {"json": {"prompt": "x"}},
        200,
        200,
    ),
    "POST /openai/deployments/{deployment}/embeddings": (
        f"{AZURE}/{EMBEDDER}/embeddings",
        {"json": {"input": "x"}},
        200,
        200,
    ),
    "POST /openai/v1/chat/completions": ("/openai/v1/chat/completions", {"json": CHAT}, 403, 200),
    "POST /openai/v1/completions": ("/openai/v1/completions", {"json": {"model": "fake", "prompt": "x"}}, 200, 200),
    "POST /openai/v1/embeddings": ("/openai/v1/embeddings", {"json": EMBED}, 200, 200),
    "GET /openai/v1/models": ("/openai/v1/models", {}, 200, 200),
    "GET /openai/models": ("/openai/models", {}, 200, 200),
    "POST /mcp": ("/mcp", {"json": {}}, 400, 400),
    "GET /v1/responses/{response_id}": ("/v1/responses/{response}", {}, 404, 200),
    "GET /v1/responses/{response_id}/input_items": ("/v1/responses/{response}/input_items", {}, 404, 200),
    "DELETE /v1/responses/{response_id}": ("/v1/responses/{response}", {}, 404, 200),
    "DELETE /v1/vector_stores/{store_id}": (VS, {}, 404, 200),
}
ANYWHERE = {
    "GET /metrics",
    "POST /v1/reindex",
    "GET /v1/keys",
    "POST /v1/keys",
    "DELETE /v1/keys/{key_id}",
    "GET /v1/audit",
    "MOUNT ",
    *(
        route
        for route in RIGHTS
        if any(f"/v1/{lab}" in route for lab in ("question_sets", "fewshot", "comparisons", "finetune", "fine_tuning"))
    ),
}
"""What only a key for all collections may do."""


def call(w: World, route: str, token: str) -> int:
    path, sent, _, _ = ROWS[route]
    method = "GET" if route.startswith("MOUNT") else route.partition(" ")[0]
    for kind in ("document", "file"):
        if (mark := f"{{fresh {kind}}}") in path:
            path = path.replace(mark, w.fresh(kind))
    if "json" in sent:
        sent = {"json": filled(sent["json"], w.ids)}
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return w.http.request(method, filled(path, w.ids), headers=headers, **sent).status_code


def filled(value: Any, ids: dict[str, str]) -> Any:
    match value:
        case str():
            for name, found in ids.items():
                value = value.replace(f"{{{name}}}", found)
            return value
        case list():
            return [filled(v, ids) for v in value]
        case dict():
            return {k: filled(v, ids) for k, v in value.items()}
    return value


def test_every_route_has_a_place_and_a_row(world: World) -> None:
    routes = Places(world.http.app.routes, RIGHTS).names()
    assert sorted(set(routes) - set(RIGHTS)) == [], "give it a right in api/places.py"
    assert sorted(set(routes) - set(ROWS)) == [], "give it a row here"
    assert sorted(set(RIGHTS) - set(routes)) == [], "no route has it any more"
    assert len(routes) == len(set(routes))


def test_what_is_open_to_everyone_is_listed_by_hand() -> None:
    assert {r for r, right in RIGHTS.items() if right == PUBLIC} == {
        "GET /healthz", "GET /readyz", "POST /key", "POST /key/leave",
    }  # fmt: skip
    assert {r for r, right in RIGHTS.items() if right == ANY} == {
        "GET /v1/docs", "GET /v1/docs/{name}", "GET /v1/openapi.json", "GET /v1/usage", "POST /v1/moderations",
    }  # fmt: skip


@pytest.mark.parametrize("route", list(ROWS))
def test_a_route_by_every_kind_of_key(world: World, route: str) -> None:
    right = RIGHTS[route]
    lacking = set(ALL) - {"admin", *right.split("|")} if right != SCREEN else {"ask"}
    holding = {right.split("|")[0]} if right not in {SCREEN, ANY, PUBLIC} else {"ask", "read", "write"}
    if right == "ask|read|write":
        holding = set(ALL) - {"admin"}
    _, _, other, good = ROWS[route]
    here = None if route in ANYWHERE else HERE
    maker = world.ids["maker"] if here is not None and "admin" not in right else ""
    seen = (
        call(world, route, ""),
        call(world, route, "gk-wrong"),
        call(world, route, world.key(lacking)) if lacking else 403,
        call(world, route, world.key((holding if right != "admin" else set(ALL)) - {"admin"}, ELSEWHERE)),
        call(world, route, maker or world.key(holding, here)),
    )
    asked = 403 if right != ANY else good
    expected = (401, 401, asked, other, good) if right != PUBLIC else (good,) * 5
    assert seen == expected
