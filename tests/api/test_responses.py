"""/v1/responses, as OpenAI's own client uses it: typed events, citations, going on from an earlier one."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

import httpx
import openai
import pytest

from fronts import LEAVE, TRIP, serving
from gakju.assistant.vector_stores import id_of
from gakju.errors import ContextTooLong
from gakju.models.fakes import FakeChat

QUESTION = "연차휴가는 며칠인가?"
SENTENCE = "연차휴가는 15일이다."
DEFAULT = id_of("default")


def say(messages) -> str:
    """A model that writes as it is asked to: from evidence with a mark, else about what it was told."""
    if "<evidence>" in messages[-1].content:
        return f"{SENTENCE} [1]"
    return f"{len(messages)}: {messages[0].content}"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("responses")
    (folder / "leave.txt").write_text(LEAVE, "utf-8")
    (folder / "trip.txt").write_text(TRIP, "utf-8")
    with serving(folder / "home", FakeChat(say)) as one:
        one.assistant.add([folder / "leave.txt", folder / "trip.txt"])
        yield one


@pytest.fixture
def client(running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0)


def search(**more) -> dict:
    return {"type": "file_search", "vector_store_ids": [DEFAULT], **more}


def test_file_search_answers_with_citations(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gakju", input=QUESTION, tools=[search()], metadata={"a": "b"})
    call, message = made.output
    assert (call.type, call.status, call.queries, call.results) == ("file_search_call", "completed", [QUESTION], None)
    assert made.output_text == f"{SENTENCE} [1]"
    (note,) = message.content[0].annotations
    assert (note.type, note.index, note.filename) == ("file_citation", len(SENTENCE) + 1, "leave.txt")
    assert client.files.content(note.file_id).read() == LEAVE.encode()
    assert note.gakju["quote"] == SENTENCE
    assert (made.status, made.object, made.metadata, made.error) == ("completed", "response", {"a": "b"}, None)
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 0
    (claim,) = made.gakju["claims"]
    assert (claim["verdict"], claim["footnotes"][0]["page"]) == ("supported", 1)


def test_results_of_the_search_are_included_where_asked_for(client: openai.OpenAI, running) -> None:
    include = ["file_search_call.results"]
    made = client.responses.create(model="gakju", input=QUESTION, tools=[search(max_num_results=1)], include=include)
    (result,) = made.output[0].results
    assert (result.filename, result.text) == ("leave.txt", LEAVE)
    assert 0 <= result.score <= 1
    trip = running.assistant.documents()[1]
    client.vector_stores.files.update(f"file-{trip.id}", vector_store_id=DEFAULT, attributes={"about": "trip"})
    only = {"type": "eq", "key": "about", "value": "trip"}
    made = client.responses.create(model="gakju", input=QUESTION, tools=[search(filters=only)], include=include)
    assert {r.filename for r in made.output[0].results} == {"trip.txt"}
    assert {e["document"]["id"] for e in made.gakju["evidence"]} == {trip.id}
    nothing = {"type": "eq", "key": "about", "value": "nothing"}
    made = client.responses.create(model="gakju", input=QUESTION, tools=[search(filters=nothing)], include=include)
    assert (made.output[0].results, made.gakju["refused"], made.output[1].content[0].annotations) == ([], True, [])
    assert "찾지 못했습니다" in made.output_text


def test_several_stores_are_searched_together(client: openai.OpenAI, running, tmp_path) -> None:
    (tmp_path / "gym.txt").write_text("체육관은 밤 10시에 닫는다.", "utf-8")
    running.assistant.add([tmp_path / "gym.txt"], collection="gym")
    tool = {"type": "file_search", "vector_store_ids": [DEFAULT, id_of("gym")], "max_num_results": 50}
    made = client.responses.create(
        model="gakju", input="체육관은 언제 닫는가?", tools=[tool], include=["file_search_call.results"]
    )
    assert {r.filename for r in made.output[0].results} == {"gym.txt", "leave.txt", "trip.txt"}
    assert made.output[0].results[0].filename == "gym.txt"


def test_the_events_of_a_stream_come_in_order_and_make_up_the_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model="gakju", input=QUESTION, tools=[search()]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.type.removeprefix("response.") for e in events if not e.type.endswith("delta")] == [
        "created",
        "in_progress",
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == final.output_text
    assert final.output_text == f"{SENTENCE} [1]"
    assert client.responses.retrieve(final.id).output_text == final.output_text


def test_gakju_needs_no_tool_and_names_a_collection(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gakju", input=QUESTION)
    (message,) = made.output
    assert message.content[0].annotations[0].filename == "leave.txt"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.responses.create(model="gakju:nowhere", input=QUESTION)
    assert unknown.value.code == "model_not_found"


def test_a_response_goes_on_from_another_and_can_be_forgotten(client: openai.OpenAI, running) -> None:
    first = client.responses.create(model="fake", input="하나", instructions="Be brief.")
    assert first.output_text == "2: Be brief."
    second = client.responses.create(model="fake", input="둘", previous_response_id=first.id)
    assert second.output_text == "3: 하나"  # instructions are not carried over
    items = client.responses.input_items.list(second.id)
    assert [(i.role, i.content[0].text) for i in items.data] == [("user", "둘")]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError) as gone:
        client.responses.create(model="fake", input="셋", previous_response_id=first.id)
    assert gone.value.param == "previous_response_id"
    kept = client.responses.create(model="fake", input="넷", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept.id)


def test_earlier_turns_reach_the_library_without_their_marks(client: openai.OpenAI, running) -> None:
    first = client.responses.create(model="gakju", input=QUESTION)
    client.responses.create(model="gakju", input="그것을 넘길 수 있는가?", previous_response_id=first.id)
    asked = running.chat.calls[-1].messages
    assert [(m.role, m.content) for m in asked[1:3]] == [("user", QUESTION), ("assistant", SENTENCE)]
    own = [
        {"role": "user", "content": QUESTION},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"{SENTENCE} [1]"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "그것을 넘길 수 있는가?"}]},
    ]
    client.responses.create(model="gakju", input=own)
    assert running.chat.calls[-1].messages == asked


class Scripted(FakeChat):
    """A model with an API of its own, which keeps what it was asked and says what it is told to."""

    def __init__(self, *chunks: dict) -> None:
        super().__init__([""])
        self.chunks, self.asked = chunks, []
        self.raw = self

    async def stream(self, path, body, caller):  # type: ignore[override]
        self.asked.append(body)
        for delta, reason in self.chunks:
            yield {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        yield {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}


@contextmanager
def asking(home, *chunks):
    model = Scripted(*chunks)
    with serving(home, model) as one:
        yield openai.OpenAI(base_url=f"{one.url}/v1", api_key="none", max_retries=0), model


def test_a_schema_goes_to_a_plain_model_only(tmp_path, client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    wanted = {"format": {"type": "json_schema", "name": "x", "schema": schema, "strict": True}}
    with asking(tmp_path, ({"content": '{"a": "b"}'}, "stop")) as (plain, model):
        made = plain.responses.create(
            model="fake", input="x", text=wanted, max_output_tokens=50, temperature=0.5, top_p=0.9
        )
    assert (made.output_text, made.usage.input_tokens, made.usage.output_tokens) == ('{"a": "b"}', 5, 2)
    assert model.asked[0] == {
        "model": "fake",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}},
    }
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="gakju", input="x", text=wanted)
    assert refused.value.param == "text.format"


def test_functions_are_called_and_their_results_go_back(tmp_path) -> None:
    def piece(**function):
        return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}

    tool = {"type": "function", "name": "days", "description": "Days of leave.", "parameters": {"type": "object"}}
    chunks = (
        ({"content": "Let me look."}, None),
        (piece(name="days", arguments='{"y"'), None),
        (piece(arguments=": 1}"), "tool_calls"),
    )
    with asking(tmp_path, *chunks) as (plain, model):
        with plain.responses.stream(model="fake", input="x", tools=[tool], tool_choice="required") as stream:
            kinds = [e.type.removeprefix("response.") for e in stream if "function" in e.type or "item" in e.type]
            made = stream.get_final_response()
        message, call = made.output
        assert message.content[0].text == "Let me look."
        assert (call.type, call.call_id, call.name, call.arguments) == ("function_call", "call_1", "days", '{"y": 1}')
        assert kinds[-4:] == [
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
        ]
        result = {"type": "function_call_output", "call_id": "call_1", "output": "15"}
        plain.responses.create(model="fake", input=[result], previous_response_id=made.id, tools=[tool])
    asked = model.asked[1]["messages"]
    assert [m["role"] for m in asked] == ["user", "assistant", "assistant", "tool"]
    assert asked[2]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "days", "arguments": '{"y": 1}'}}
    ]
    assert asked[3] == {"role": "tool", "tool_call_id": "call_1", "content": "15"}
    function = {"name": "days", "description": "Days of leave.", "parameters": {"type": "object"}}
    assert model.asked[0]["tools"] == [{"type": "function", "function": function}]
    assert model.asked[0]["tool_choice"] == "required"


def test_what_is_cut_short_is_incomplete(tmp_path) -> None:
    with asking(tmp_path, ({"content": "Once"}, "length")) as (plain, _):
        made = plain.responses.create(model="fake", input="x", max_output_tokens=1)
        assert (made.status, made.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        with plain.responses.stream(model="fake", input="x", max_output_tokens=1) as stream:
            assert list(stream)[-1].type == "response.incomplete"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "gakju", "input": ""}, 400, "input"),
        ({"model": "gakju", "input": [{"role": "assistant", "content": "x"}]}, 400, "input"),
        ({"model": "gakju", "input": [{"type": "item_reference", "id": "x"}]}, 400, "input[0]"),
        ({"model": "gakju", "input": [{"role": "user", "content": [{"type": "input_image"}]}]}, 400, "input[0]"),
        ({"model": "gakju", "input": "x", "tools": [{"type": "web_search"}]}, 400, "tools[0].type"),
        ({"model": "gakju", "input": "x", "tools": [{"type": "file_search"}]}, 400, "tools[0].vector_store_ids"),
        ({"model": "gakju", "input": "x", "background": True}, 400, "background"),
        ({"model": "gakju", "input": "x", "previous_response_id": "resp_1"}, 404, "previous_response_id"),
        ({"model": "nobody:nothing", "input": "x"}, 404, "model"),
        (
            {"model": "gakju", "input": "x", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
            404,
            None,
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_has_a_status_before_anything_is_streamed(running, body, status, param, stream) -> None:
    response = httpx.post(f"{running.url}/v1/responses", json={**body, "stream": stream}, trust_env=False, timeout=60)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param), response.text


@pytest.mark.parametrize("wrong", ['"\\ud800"', "NaN", '[{"role": "user", "content": "\\ud800"}]'])
def test_what_cannot_be_told_again_is_refused(running, wrong) -> None:
    for field in ("input", "tools"):
        content = f'{{"model": "gakju", "input": "x", "{field}": {wrong}}}'
        response = httpx.post(f"{running.url}/v1/responses", content=content, trust_env=False, timeout=60)
        assert response.status_code == 400, (field, response.text)


FUNCTION = {"type": "function", "name": "a"}
CALLED = {"type": "function", "function": {"name": "a", "parameters": {"$defs": 3}}}


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("responses", {"model": "gakju", "input": [{"role": [], "content": "x"}]}, 400, "input[0]"),
        ("responses", {"model": "gakju", "input": [{"role": "user", "content": [{"type": []}]}]}, 400, "input[0]"),
        ("responses", {"model": "fake", "input": "x", "tools": [{**FUNCTION, "name": [1]}]}, 400, "tools.0.name"),
        (
            "responses",
            {"model": "fake", "input": "x", "tools": [{**FUNCTION, "parameters": 1}]},
            400,
            "tools.0.parameters",
        ),
        (
            "chat/completions",
            {
                "model": "fake",
                "messages": [{"role": "user", "content": "x"}],
                "tools": [CALLED],
                "tool_choice": "required",
            },
            400,
            "tools",
        ),
        ("ask", {"question": "x", "history": [{"role": "user", "content": "\ud800"}]}, 422, "history.0.content"),
        ("keys", {"name": "a", "collections": ["\ud800"]}, 422, "collections.0"),
        ("keys", {"name": "a", "expires_at": "9999-12-31T23:59:59-23:59"}, 400, "expires_at"),
    ],
)
def test_what_no_program_means_is_refused_by_its_place(running, path, body, status, param) -> None:
    sent = {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
    response = httpx.post(f"{running.url}/v1/{path}", **sent, trust_env=False, timeout=60)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param), response.text


def test_a_number_that_no_database_has_is_refused(running) -> None:
    told = httpx.get(
        f"{running.url}/v1/jobs/x/events", headers={"last-event-id": str(1 << 63)}, trust_env=False, timeout=60
    )
    assert (told.status_code, told.json()["error"]["param"]) == (422, "last-event-id")


def test_a_function_is_told_again_as_it_was_given(tmp_path) -> None:
    with asking(tmp_path, ({"content": "x"}, "stop")) as (plain, _):
        made = plain.responses.with_raw_response.create(model="fake", input="x", tools=[FUNCTION])
        assert json.loads(made.text)["tools"] == [FUNCTION]


def test_a_model_that_fails_fails_the_response(tmp_path) -> None:
    with serving(tmp_path, FakeChat([ContextTooLong("Too long.")])) as one:
        client = openai.OpenAI(base_url=f"{one.url}/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="fake", input="x")
        assert refused.value.code == "context_length_exceeded"
        events = list(client.responses.create(model="fake", input="x", stream=True))
        assert events[-1].type == "response.failed"
        assert events[-1].response.error.message == "Too long."


def test_who_goes_away_stops_the_answer(slow) -> None:
    with httpx.Client(base_url=slow.url, timeout=60, trust_env=False) as http:
        body = {"model": "fake", "input": "x", "stream": True}
        with http.stream("POST", "/v1/responses", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and json.loads(line[6:])["type"] == "response.output_text.delta":
                    break
        deadline = time.monotonic() + 60
        while not slow.chat.closed:
            assert time.monotonic() < deadline
            time.sleep(0.05)
