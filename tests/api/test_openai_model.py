"""What OpenAI's clients ask of a model, asked of the embedded one through the whole server."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import httpx
import pytest
from sse import parsed, text

from fronts import serving

pytestmark = pytest.mark.model

HI = [{"role": "user", "content": "Say hi in one word."}]
WEATHER = [{"role": "user", "content": "What is the weather in Seoul?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 20},
        "year": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
        "author": {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 20}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
    "required": ["title", "year", "tags", "author"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, embedded_chat) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path_factory.mktemp("home"), embedded_chat) as one,
        httpx.Client(base_url=one.url, timeout=120, trust_env=False) as client,
    ):
        yield client


def ask(http: httpx.Client, **body: object) -> httpx.Response:
    return http.post("/v1/chat/completions", json={"model": "fake", "messages": HI, "max_tokens": 8, **body})


def test_choices_seeds_and_their_tokens(http: httpx.Client) -> None:
    body = {"n": 3, "seed": 5, "temperature": 1.5, "max_tokens": 3}
    first, second = ask(http, **body).json(), ask(http, **body).json()
    assert [c["message"]["content"] for c in first["choices"]] == [c["message"]["content"] for c in second["choices"]]
    assert [c["index"] for c in first["choices"]] == [0, 1, 2]
    assert 3 <= first["usage"]["completion_tokens"] <= 9
    assert first["model"] == "embedded:qwen2.5-coder-0.5b"


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities(http: httpx.Client, stream: bool) -> None:
    response = ask(http, logprobs=True, top_logprobs=2, temperature=0, stream=stream)
    if stream:
        chunks, _ = parsed(response.text)
        tokens = [t for c in chunks for choice in c["choices"] for t in (choice["logprobs"] or {}).get("content", ())]
        said = text(chunks)
    else:
        choice = response.json()["choices"][0]
        tokens, said = choice["logprobs"]["content"], choice["message"]["content"]
    assert "".join(t["token"] for t in tokens) == said != ""
    for token in tokens:
        assert bytes(token["bytes"]).decode() == token["token"]
        assert len(token["top_logprobs"]) == 2
        assert math.exp(token["logprob"]) <= 1
        assert set(token) == {"token", "bytes", "logprob", "top_logprobs"}
    alone = ask(http, logprobs=True).json()["choices"][0]["logprobs"]["content"][0]
    assert alone["top_logprobs"] == []


def test_a_nested_schema_binds(http: httpx.Client) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "book", "strict": True, "schema": SCHEMA}}
    for seed in range(3):
        answer = ask(http, response_format=form, max_tokens=120, seed=seed, temperature=1.2).json()["choices"][0]
        book = json.loads(answer["message"]["content"])
        assert list(book) == ["title", "year", "tags", "author"]
        assert isinstance(book["year"], int)
        assert set(book["tags"]) <= {"a", "b"}
        assert list(book["author"]) == ["name"]
    assert isinstance(
        json.loads(
            ask(http, response_format={"type": "json_object"}, max_tokens=100).json()["choices"][0]["message"][
                "content"
            ]
        ),
        dict,
    )
    bad = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "bogus"}}}
    refused = ask(http, response_format=bad)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_format")


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_that_must_be_called_is_called(http: httpx.Client, choice: object, stream: bool) -> None:
    body = {"messages": WEATHER, "tools": [TOOL], "tool_choice": choice, "max_tokens": 60, "stream": stream}
    response = ask(http, **body)
    if stream:
        chunks, _ = parsed(response.text)
        (call,) = [c for chunk in chunks for c in chunk["choices"][0]["delta"].get("tool_calls", ())]
        reason = chunks[-1]["choices"][0]["finish_reason"]
        assert text(chunks) == ""
    else:
        answer = response.json()["choices"][0]
        (call,), reason = answer["message"]["tool_calls"], answer["finish_reason"]
        assert answer["message"]["content"] is None
    assert (call["function"]["name"], reason) == ("get_weather", "tool_calls")
    assert list(json.loads(call["function"]["arguments"])) == ["city"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "21 °C, sunny"}
    turns = [*WEATHER, {"role": "assistant", "content": None, "tool_calls": [call]}, result]
    assert ask(http, messages=turns, tools=[TOOL], tool_choice="none").status_code == 200


def test_the_old_completions_log_probabilities(http: httpx.Client) -> None:
    body = {"model": "fake", "prompt": "Once upon a", "max_tokens": 4, "temperature": 0, "logprobs": 2}
    choice = http.post("/v1/completions", json=body).json()["choices"][0]
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"]
    assert logprobs["tokens"][0] == " time"
    assert logprobs["text_offset"] == [0, 5, *logprobs["text_offset"][2:]]
    assert [len(t) for t in logprobs["top_logprobs"]] == [2] * 4
    by_tokens = http.post("/v1/completions", json={**body, "prompt": [12522, 5193, 264]}).json()["choices"][0]
    assert by_tokens["text"] == choice["text"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_does_not_fit(http: httpx.Client, stream: bool) -> None:
    long = [{"role": "user", "content": "word " * 1100}]
    response = ask(http, messages=long, stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "tool_calls": [{"foo": 1}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "x", "type": "function", "function": {"name": "f", "arguments": "no"}}],
        },
        {"role": "user", "content": "half \ud800"},
    ],
)
def test_what_the_template_cannot_take_is_the_callers_fault(http: httpx.Client, message: dict[str, object]) -> None:
    body = {"model": "fake", "messages": [message, *HI], "max_tokens": 2}
    response = http.post("/v1/chat/completions", content=json.dumps(body), headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert ask(http).status_code == 200
