"""/v1/chat/completions, /v1/completions, /v1/models and Azure's paths over real HTTP, with a model of paper."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sse import parsed, text

from fronts import serving
from gakju.errors import ContextTooLong, ModelFailed, RequestRefused
from gakju.models.fakes import FakeChat

FAILS = {
    "too long": ContextTooLong("The prompt is longer than it can take.", param="messages"),
    "refused": RequestRefused("It does not take this.", param="temperature", code="unsupported_value"),
    "broken": ModelFailed("It broke."),
}


def reply(messages):
    said = messages[-1].content
    return FAILS.get(said) or f"You said {said}."


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    aliases = {"gpt-4o-mini": "fake", "books": "gakju"}
    with (
        serving(tmp_path_factory.mktemp("home"), FakeChat(reply), aliases=aliases) as one,
        httpx.Client(base_url=one.url, timeout=30, trust_env=False) as client,
    ):
        yield client


def user(content: object = "hi") -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


def ask(http: httpx.Client, **body: object) -> httpx.Response:
    return http.post("/v1/chat/completions", json={"model": "fake", "messages": user(), **body})


def test_a_whole_answer(http: httpx.Client) -> None:
    answer = ask(http).json()
    assert answer["object"] == "chat.completion"
    assert answer["id"].startswith("chatcmpl-")
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "You said hi.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert {k: answer["usage"][k] for k in ("prompt_tokens", "completion_tokens", "total_tokens")} == {
        "prompt_tokens": 1,
        "completion_tokens": 4,
        "total_tokens": 5,
    }


def test_a_stream_begins_with_the_role_and_ends_with_the_reason(http: httpx.Client) -> None:
    response = ask(http, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks, comments = parsed(response.text)
    assert comments == []
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert text(chunks) == "You said hi."
    reasons = [c["choices"][0]["finish_reason"] for c in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert not any("usage" in c for c in chunks)
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1


def test_usage_at_the_end_where_it_is_asked_for(http: httpx.Client) -> None:
    chunks, _ = parsed(ask(http, stream=True, stream_options={"include_usage": True}).text)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 5


def test_several_choices(http: httpx.Client) -> None:
    answer = ask(http, n=3).json()
    assert [(c["index"], c["message"]["content"]) for c in answer["choices"]] == [(i, "You said hi.") for i in range(3)]
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (1, 12)
    chunks, _ = parsed(ask(http, n=2, stream=True).text)
    assert [text(chunks, i) for i in range(2)] == ["You said hi."] * 2


def test_content_in_parts_and_the_limits(http: httpx.Client) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    said = ask(http, messages=user(parts), max_completion_tokens=3).json()
    assert said["choices"][0]["message"]["content"] == "You said a\n"
    assert ask(http, max_tokens=2).json()["choices"][0]["message"]["content"] == "You said "
    assert ask(http, stop="said").json()["choices"][0]["message"]["content"] == "You "


def test_the_old_completions(http: httpx.Client) -> None:
    body = {"model": "fake", "prompt": ["a", "b"], "n": 2, "echo": True}
    answer = http.post("/v1/completions", json=body).json()
    assert answer["object"] == "text_completion"
    assert [c["text"] for c in answer["choices"]] == ["aYou said a."] * 2 + ["bYou said b."] * 2
    assert answer["usage"]["prompt_tokens"] == 2
    chunks, _ = parsed(http.post("/v1/completions", json={"model": "fake", "prompt": "a", "stream": True}).text)
    assert "".join(c["choices"][0]["text"] for c in chunks) == "You said a."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_models(http: httpx.Client) -> None:
    found = http.get("/v1/models").json()
    assert found["object"] == "list"
    names = [m["id"] for m in found["data"]]
    assert names[0] == "gakju"
    assert {"fake", "gpt-4o-mini", "books", "embedded:multilingual-e5-small"} <= set(names)
    for name in names:
        assert http.get(f"/v1/models/{name}").json() == next(m for m in found["data"] if m["id"] == name)
    assert http.get("/openai/v1/models").json() == found


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/chat/completions", "gpt-4o-mini"),
        ("/openai/deployments/dev-model/chat/completions?api-version=2023-05-15", None),
        ("/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21", "something else"),
        ("/openai/v1/chat/completions", "my-deployment"),
    ],
)
def test_names_that_programs_have(http: httpx.Client, path: str, model: str | None) -> None:
    body = {"messages": user(), **({"model": model} if model else {})}
    answer = http.post(path, json=body, headers={"api-key": "anything"})
    assert answer.json()["choices"][0]["message"]["content"] == "You said hi."


def test_azures_old_completions(http: httpx.Client) -> None:
    answer = http.post("/openai/deployments/x/completions?api-version=2023-05-15", json={"prompt": "a"}).json()
    assert answer["choices"][0]["text"] == "You said a."


WRONG: dict[str, tuple[dict[str, object], int, str, str | None]] = {
    "unknown model": ({"model": "gpt-4o"}, 404, "model_not_found", "model"),
    "unknown embedded model": ({"model": "embedded:x"}, 404, "model_not_found", "model"),
    "unknown collection": ({"model": "gakju:x"}, 404, "model_not_found", "model"),
    "a model without its key": ({"model": "openai:gpt-4o"}, 400, "usage", None),
    "empty model": ({"model": ""}, 400, "invalid_value", "model"),
    "no messages": ({"messages": []}, 400, "invalid_value", "messages"),
    "messages as text": ({"messages": "hi"}, 400, "invalid_value", "messages"),
    "no such role": ({"messages": [{"role": "king", "content": ""}]}, 400, "invalid_value", "messages.0.role"),
    "a role missing": ({"messages": [{"content": ""}]}, 400, "missing_required_parameter", "messages.0.role"),
    "a picture": (
        {"messages": user([{"type": "image_url", "image_url": {"url": "x"}}])},
        400,
        "usage",
        "messages.0.content",
    ),
    "temperature": ({"temperature": 3}, 400, "invalid_value", "temperature"),
    "n": ({"n": 0}, 400, "invalid_value", "n"),
    "too many choices": ({"n": 100}, 400, "usage", "n"),
    "max_tokens": ({"max_tokens": 0}, 400, "invalid_value", "max_tokens"),
    "top_logprobs alone": ({"top_logprobs": 3}, 400, "usage", "top_logprobs"),
    "bias": ({"logit_bias": {"1": 500}}, 400, "invalid_value", "logit_bias"),
    "old functions": ({"functions": [{"name": "f"}]}, 400, "usage", "functions"),
    "a tool's name": (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        400,
        "invalid_value",
        "tools.0.function.name",
    ),
    "no such tool": (
        {
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": {"type": "function", "function": {"name": "g"}},
        },
        400,
        "usage",
        "tool_choice",
    ),
    "no schema": ({"response_format": {"type": "json_schema"}}, 400, "usage", "response_format.json_schema.schema"),
    "no such format": ({"response_format": {"type": "xml"}}, 400, "invalid_value", "response_format.type"),
    "too long": ({"messages": user("too long")}, 400, "context_length_exceeded", "messages"),
    "refused by the model": ({"messages": user("refused")}, 400, "unsupported_value", "temperature"),
    "model failed": ({"messages": user("broken")}, 503, "model_failed", None),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_status(http: httpx.Client, name: str, stream: bool) -> None:
    body, status, code, param = WRONG[name]
    response = ask(http, **body, stream=stream)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == ("invalid_request_error" if status < 500 else "server_error")
    assert set(error) == {"message", "type", "param", "code", "hint"}
    assert error["message"]
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        ("{", "application/json", 400, "invalid_json"),
        ("[]", "application/json", 400, "invalid_value"),
        ("", "application/json", 400, "missing_required_parameter"),
        ("a=1", "text/plain", 415, "unsupported_media_type"),
        ('{"model": "x\\ud800", "messages": []}', "application/json", 400, "invalid_value"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"])
def test_bodies_that_cannot_be_read(
    http: httpx.Client, path: str, content: str, kind: str, status: int, code: str
) -> None:
    response = http.post(path, content=content, headers={"content-type": kind})
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_method_and_a_wrong_path(http: httpx.Client) -> None:
    response = http.get("/v1/chat/completions")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert http.post("/v1/chat/nothing", json={}).json()["error"]["code"] == "not_found"
    assert http.get("/v1/models/nothing/at/all").json()["error"]["code"] == "model_not_found"


def test_every_answer_has_an_id_of_its_own(http: httpx.Client) -> None:
    paths = ["/healthz", "/v1/models", "/v1/nothing", "/v1/documents"]
    ids = [http.get(p).headers["x-request-id"] for p in paths]
    refused = http.get("/healthz", headers={"host": "evil.example"})
    assert refused.status_code == 421
    assert len({*ids, refused.headers["x-request-id"]}) == 5


def test_what_was_used_is_on_account(tmp_path) -> None:
    with serving(tmp_path, FakeChat(["one two three"])) as one:
        url = one.url + "/v1/chat/completions"
        httpx.post(url, json={"model": "fake", "messages": user()}, timeout=30)
        httpx.post(url, json={"model": "fake", "messages": user(), "stream": True}, timeout=30)
        spent = one.assistant.store.usage.days("")
        assert [(d.model, d.requests, d.prompt_tokens, d.completion_tokens) for d in spent] == [("fake", 2, 2, 6)]
