"""Calls of tools out of what a small model writes."""

from __future__ import annotations

import json

import pytest

from gakju.errors import UsageError
from gakju.models.calls import Listener, Wanted

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": CITY}},
    {"type": "function", "function": {"name": "now"}},
]


def heard(pieces: list[str], choice: object = "auto") -> tuple[list[str], str, list[tuple[str, object]]]:
    listener = Listener(Wanted.of(TOOLS, choice))
    shown = [listener.feed(p) for p in pieces]
    rest, calls = listener.end()
    return shown, rest, [(c.name, json.loads(c.arguments)) for c in calls]


SEOUL = '{"name": "weather", "arguments": {"city": "서울"}}'


@pytest.mark.parametrize(
    "said",
    [
        SEOUL,
        f"\n{SEOUL}\n",
        f"<tool_call>\n{SEOUL}\n</tool_call>",
        f"```json\n{SEOUL}\n```",
        f"[{SEOUL}]",
        '{"name": "weather", "parameters": {"city": "서울"}}',
    ],
)
def test_the_ways_a_call_is_written(said: str) -> None:
    pieces = [said[i : i + 3] for i in range(0, len(said), 3)]
    shown, rest, calls = heard(pieces)
    assert ("".join(shown), rest) == ("", "")
    assert calls == [("weather", {"city": "서울"})]


def test_two_calls_in_their_order() -> None:
    said = f'<tool_call>{SEOUL}</tool_call>\n<tool_call>{{"name": "now", "arguments": {{}}}}</tool_call>'
    assert heard([said])[2] == [("weather", {"city": "서울"}), ("now", {})]


def test_text_is_shown_as_it_comes() -> None:
    assert heard(["It ", "is ", "{sunny}"]) == (["It ", "is ", "{sunny}"], "", [])


@pytest.mark.parametrize(
    "said",
    [
        '{"name": "delete_all", "arguments": {}}',
        '{"name": "weather", "arguments": "x"}',
        '{"name": "weather"',
        f"{SEOUL} and more",
        "```python\nprint(1)\n```",
        "[" * 5000,
    ],
)
def test_what_is_no_call_stays_text(said: str) -> None:
    shown, rest, calls = heard([said])
    assert "".join(shown) + rest == said
    assert calls == []


def test_nothing_is_held_back_where_no_tool_is_wanted() -> None:
    assert heard([SEOUL], "none") == ([SEOUL], "", [])


def test_a_named_tool_binds_to_itself() -> None:
    wanted = Wanted.of(TOOLS, {"type": "function", "function": {"name": "now"}})
    assert (wanted.names, wanted.forced) == (frozenset(["now"]), True)
    assert wanted.schema["properties"]["name"] == {"const": "now"}


def test_required_binds_to_any_and_keeps_what_references_point_at() -> None:
    shared = {"type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}, "$defs": {"P": {"type": "integer"}}}
    wanted = Wanted.of([*TOOLS, {"type": "function", "function": {"name": "f", "parameters": shared}}], "required")
    assert [c["properties"]["name"]["const"] for c in wanted.schema["anyOf"]] == ["weather", "now", "f"]
    assert wanted.schema["$defs"] == {"P": {"type": "integer"}}
    assert "$defs" not in wanted.schema["anyOf"][2]["properties"]["arguments"]


@pytest.mark.parametrize("choice", [{"type": "function", "function": {"name": "other"}}, {"type": "x"}, "any", 3, {}])
def test_a_choice_that_means_nothing(choice: object) -> None:
    with pytest.raises(UsageError) as caught:
        Wanted.of(TOOLS, choice)
    assert caught.value.details["param"] == "tool_choice"
