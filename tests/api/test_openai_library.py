"""The library as a model: marks in the text, their places in fields."""

from __future__ import annotations

import httpx
import pytest
from sse import parsed, text

from fronts import REPLY, serving
from gakju.api.openai.library import Writer
from gakju.models.fakes import FakeChat

QUESTION = {"role": "user", "content": "연차휴가는 며칠인가?"}


@pytest.fixture
def asked(tmp_path, folder):
    chat = FakeChat([REPLY])
    with serving(tmp_path / "home", chat) as one:
        one.assistant.add([folder])
        with httpx.Client(base_url=one.url, timeout=60, trust_env=False) as http:
            yield (
                lambda **body: http.post(
                    "/v1/chat/completions", json={"model": "gakju", "messages": [QUESTION], **body}
                ),
                chat,
            )


def test_marks_annotations_and_the_whole_answer(asked) -> None:
    ask, chat = asked
    answer = ask().json()
    message = answer["choices"][0]["message"]
    assert message["content"] == "연차휴가는 15일이다. [1]"
    (annotation,) = message["annotations"]
    cited = annotation["url_citation"]
    assert annotation["type"] == "url_citation"
    assert message["content"][cited["start_index"] : cited["end_index"]] == "[1]"
    page = httpx.get(cited["url"], timeout=60)
    assert page.json()["text"].startswith("연차휴가는 15일이다.")
    note = answer["gakju"]["footnotes"][0]
    assert (note["number"], note["quote"]) == (1, "연차휴가는 15일이다.")
    assert answer["gakju"]["claims"][0]["verdict"] == "supported"
    assert answer["gakju"]["refused"] is False
    assert answer["usage"]["total_tokens"] == sum(answer["gakju"]["usage"].values())

    chunks, _ = parsed(ask(stream=True, stream_options={"include_usage": True}).text)
    assert text(chunks) == message["content"]
    assert [c.get("gakju", {}).get("answer") for c in chunks[-2:]] == ["연차휴가는 15일이다.", None]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-2]["choices"][0]["delta"]["annotations"][0]["type"] == "url_citation"
    assert chunks[-1]["usage"] == answer["usage"]

    turns = [
        QUESTION,
        {"role": "assistant", "content": "연차휴가는 15일이다. [1][2]"},
        {"role": "user", "content": "왜?"},
    ]
    ask(messages=[{"role": "system", "content": "x"}, *turns])
    assert [m.content for m in chat.calls[-1].messages if m.role == "assistant"] == ["연차휴가는 15일이다."]


def test_what_an_answer_from_the_library_cannot_obey(asked) -> None:
    ask, _ = asked
    for param, value in {
        "n": 2,
        "logprobs": True,
        "response_format": {"type": "json_object"},
        "tool_choice": "required",
    }.items():
        error = ask(**{param: value}).json()["error"]
        assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert ask(messages=[{"role": "system", "content": "x"}]).json()["error"]["param"] == "messages"
    assert (
        ask(messages=[{"role": "user", "content": "왜? " * 5000}]).json()["error"]["code"] == "context_length_exceeded"
    )
    assert ask(model="gakju:elsewhere").status_code == 404
    assert ask(model="gakju:default").json()["model"] == "gakju:default"


def note(page: int, start: int, boxes: list[list[float]]) -> dict[str, object]:
    document = {"id": "d", "title": "휴가 규정", "path": "x.pdf"}
    return {"document": document, "page": page, "start": start, "end": start + 5, "boxes": boxes, "quote": "q"}


def test_a_place_has_one_number_and_a_doubt_is_said() -> None:
    writer = Writer("gakju", "며칠?", "http://here")
    first, second = note(1, 0, [[1, 72.0, 90.5, 300.0, 104.0]]), note(2, 7, [])
    writer.token("하나. 둘.")
    said = writer.claim({"text": "하나.", "verdict": "supported", "footnotes": [first, second]})
    writer.token("\n셋.")
    said += writer.claim({"text": "둘.", "verdict": "partial", "footnotes": [second]})
    said += writer.claim({"text": "셋.", "verdict": "unsupported", "footnotes": []})
    assert said == "하나. [1][2] 둘. (일부만 근거 있음) [2]\n셋. (근거 없음)"
    assert [said[a["url_citation"]["start_index"] : a["url_citation"]["end_index"]] for a in writer.annotations] == [
        "[1]",
        "[2]",
        "[2]",
    ]
    assert [a["url_citation"]["url"] for a in writer.annotations[:2]] == [
        "http://here/v1/documents/d/pages/1/image?boxes=72%2C90.5%2C300%2C104",
        "http://here/v1/documents/d/pages/2",
    ]
    assert [n["number"] for n in writer.footnotes] == [1, 2]


def test_a_refusal_is_an_answer(tmp_path) -> None:
    with serving(tmp_path) as one:
        body = {"model": "gakju", "messages": [QUESTION]}
        answer = httpx.post(one.url + "/v1/chat/completions", json=body, timeout=60).json()
        assert answer["gakju"]["refused"] is True
        assert answer["choices"][0]["message"]["content"] == answer["gakju"]["answer"]
        assert answer["choices"][0]["finish_reason"] == "stop"
        chunks, _ = parsed(httpx.post(one.url + "/v1/chat/completions", json={**body, "stream": True}, timeout=60).text)
        assert text(chunks) == answer["gakju"]["answer"]
