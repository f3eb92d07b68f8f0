"""An app's file: what is taken, what is told of what is not, and that a stranger's file can do nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gakju.apps import AppError, checked, parse
from gakju.apps import form as form_module
from gakju.apps.shelf import shipped
from gakju.apps.source import LONGEST, read
from gakju.apps.template import fill, names
from gakju.language import catalogue

HEAD = "name: a\ntitle: 제목\n"
MESSAGES = "messages:\n  - {role: user, content: hi}\n"
WHOLE = HEAD + MESSAGES


def told(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(AppError) as raised:
        parse(text)
    return [(t.line, t.place, t.code) for t in raised.value.troubles]


def test_a_small_app_has_every_default() -> None:
    app = parse(WHOLE)
    assert (app.name, app.title.ko, app.title.en) == ("a", "제목", "제목")
    assert (app.model, app.temperature, app.output, app.run.en) == ("", 0.5, "text", "Run")
    assert [m.content for m in app.messages_for({}, "ko")] == ["hi"]


@pytest.mark.parametrize(
    ("text", "troubles"),
    [
        ("", [(1, "", "mapping")]),
        ("- 1", [(1, "", "mapping")]),
        ("name: a\nb: [", [(3, "", "yaml")]),
        ("name: a\nname: b", [(2, "", "twice")]),
        (WHOLE + "---\nname: b", [(5, "", "one_app")]),
        ("name: !!python/object/apply:os.system [ls]", [(1, "", "tags")]),
        ("name: a\ntitle: &t x\ndescription: *t", [(2, "", "anchors")]),
        ("name: a\n? [a]\n: b", [(2, "", "key_word")]),
        ("name: a\x00", [(1, "", "character")]),
        ("name: a\n" + "x: " + "[" * 20_000, [(2, "", "deep")]),
        ("x: [" + "1, " * 3000 + "1]", [(1, "", "deep")]),
        ("#" * (LONGEST + 1), [(1, "", "big")]),
        (HEAD, [(1, "messages", "missing")]),
        (WHOLE + "colour: red", [(5, "colour", "unknown_key")]),
        (WHOLE + "temperature: 3", [(5, "temperature", "not_more")]),
        (WHOLE + "max_tokens: many", [(5, "max_tokens", "kind")]),
        (WHOLE + "model: app:poet", [(5, "model", "pattern_model")]),
        (WHOLE + "output: pdf", [(5, "output", "one_of")]),
        (WHOLE + "evidence: whole", [(5, "evidence", "whole_document")]),
        ("name: A b\ntitle: x\n" + MESSAGES, [(1, "name", "pattern_name")]),
        ("name: a\ntitle: ''\n" + MESSAGES, [(2, "title", "title_needed")]),
        (HEAD + "messages: []", [(3, "messages", "too_short")]),
        (HEAD + "messages:\n  - {role: usr, content: x}", [(4, "messages.1.role", "one_of")]),
        (HEAD + "messages:\n  - role: user\n    content: '{x}'", [(5, "messages.1.content", "no_such_field")]),
        (
            HEAD + "messages:\n  - role: user\n    content: {ko: a, en: '{x}'}",
            [(5, "messages.1.content", "no_such_field")],
        ),
        (WHOLE + "fields: 3", [(5, "fields", "kind")]),
        (WHOLE + "fields:\n  - {name: a, label: x}\n  - {name: a, label: x}", [(7, "fields.2.name", "twice")]),
        (WHOLE + "fields:\n  - {name: a, label: x, type: select}", [(6, "fields.1.options", "options_select")]),
        (WHOLE + "fields:\n  - {name: a, label: x, options: [1]}", [(6, "fields.1.options", "options_select")]),
        (
            WHOLE + "fields:\n  - {name: a, label: x, type: select, options: [1, 2], default: 3}",
            [(6, "fields.1.default", "default_option")],
        ),
        (WHOLE + "fields:\n  - {name: a, label: x, min: 1}", [(6, "fields.1", "number_only")]),
        (
            WHOLE + "fields:\n  - {name: a, label: x, type: number, max: 10, default: 11}",
            [(6, "fields.1.default", "default_range")],
        ),
        (WHOLE + "fields:\n  - {name: a, label: x, type: number, min: inf}", [(6, "fields.1.min", "other")]),
        (WHOLE + "fields:\n  - {name: a, label: x, type: number, max: 1e300}", [(6, "fields.1.max", "not_more")]),
        (
            WHOLE + "fields:\n  - nam: a\n    label: {ko: 가}\n    type: txt",
            [
                (6, "fields.1.name", "missing"),
                (6, "fields.1.nam", "unknown_key"),
                (7, "fields.1.label.en", "missing"),
                (8, "fields.1.type", "one_of"),
            ],
        ),
    ],
)
def test_every_trouble_has_its_line_place_and_word(text: str, troubles: list[tuple[int, str, str]]) -> None:
    assert told(text) == troubles


def test_troubles_are_said_in_both_languages() -> None:
    with pytest.raises(AppError) as raised:
        parse(HEAD + "messages:\n  - role: usr\n    content: hi\noutput: 3", name="mine.yaml")
    error = raised.value
    assert str(error) == "mine.yaml: Line 4: messages.1.role: must be one of system, user, assistant. (+1)"
    assert [t.said("ko") for t in error.troubles] == [
        "messages.1.role: 다음 가운데 하나여야 합니다: system, user, assistant.",
        "output: 다음 가운데 하나여야 합니다: text, markdown, footnotes, list, json.",
    ]


def test_every_code_that_is_raised_has_words() -> None:
    import re
    from pathlib import Path

    folder = Path(form_module.__file__).parent
    source = "\n".join(p.read_text("utf-8") for p in folder.glob("*.py"))
    raised = set(re.findall(r'(?:trouble|_wrong|_Unfit|Trouble)\("(\w+)"', source))
    assert len(raised) > 20
    assert raised - set(catalogue("apps", "en")) == set()


def test_words_are_words_whatever_they_look_like() -> None:
    data, lines = read("a: no\nb: 2026-01-01\nc: 12:30\nd: true\ne: 1.5\nf: '7'\ng: 0x1F\nh:\n  - 1_000\n  - ~\n")
    assert data == {
        "a": "no",
        "b": "2026-01-01",
        "c": "12:30",
        "d": True,
        "e": 1.5,
        "f": "7",
        "g": "0x1F",
        "h": ["1_000", None],
    }
    assert lines[("h", 1)] == 10


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("abc:-{}[]&*!|>'\"#%@`,? \n\t가0.\x00\ud800"), max_size=80))
def test_whatever_stands_in_a_file_it_is_read_or_told(text: str) -> None:
    try:
        parse(text)
        found = []
    except AppError as error:
        found = list(error.troubles) or [None]
    assert all(1 <= t.line <= text.count("\n") + 2 for t in found)
    assert all(t.said(language) for t in found for language in ("ko", "en"))


# Templates


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{a} and {b}", "1 and {a}"),
        ("{{a}} {a}", "{a} 1"),
        ('{"k": "{a}"} {} {A} {a.b} {a!r} {a[0]} {0}', '{"k": "1"} {} {A} {a.b} {a!r} {a[0]} {0}'),
        ("{__class__} {a_", "{__class__} {a_"),
        ("{{{a}}}", "{{a}}"),
    ],
)
def test_a_template_only_fills_in_names(template: str, result: str) -> None:
    assert fill(template, {"a": "1", "b": "{a}"}) == result


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=20)),
    st.lists(st.sampled_from(["{a}", "{b}", "x", "{"]), max_size=8),
)
def test_what_is_filled_in_is_never_looked_at_again(values: dict[str, str], parts: list[str]) -> None:
    template = " ".join(parts)
    expected = " ".join(values.get(p[1:-1], p) if p in {"{a}", "{b}"} else p for p in parts)
    assert fill(template, values) == expected
    assert names(template) == list(dict.fromkeys(p[1:-1] for p in parts if p in {"{a}", "{b}"}))


# Filling in

FORM = """
fields:
  - {name: who, label: x, longest: 5}
  - {name: how, label: x, type: select, options: [a, b], default: a}
  - {name: many, label: x, type: number, min: 1, max: 3, required: false}
  - {name: doc, label: x, type: file, longest: 4, required: false}
"""


@pytest.mark.parametrize(
    ("values", "troubles"),
    [
        ({"who": "", "how": "a"}, [("who", "field_needed")]),
        ({"who": "sixsix", "how": "c"}, [("who", "field_long"), ("how", "field_choice")]),
        ({"who": "x", "how": "a", "many": 4}, [("many", "field_between")]),
        ({"who": "x", "how": "a", "many": "nan"}, [("many", "field_between")]),
        ({"who": "x", "how": "a", "many": "two"}, [("many", "field_number")]),
        ({"who": ["x"], "how": True}, [("who", "field_text"), ("how", "field_text")]),
        ({"who": "x", "how": "a", "more": 1}, [("more", "field_unknown")]),
        ({"who": {"digest": "x", "path": "/etc/passwd"}, "how": "a"}, [("who", "field_text")]),
    ],
)
def test_a_form_filled_in_wrongly_names_its_fields(values: dict[str, object], troubles: list[tuple[str, str]]) -> None:
    with pytest.raises(AppError) as raised:
        checked(parse(WHOLE + FORM), values)
    assert [(t.place, t.code) for t in raised.value.troubles] == troubles
    assert raised.value.details["param"] == troubles[0][0]


def test_a_form_filled_in_well_is_text_and_a_file_is_cut() -> None:
    values = {"who": " 하늘 ", "how": "b", "many": 2.0, "doc": "abcdefg"}
    assert checked(parse(WHOLE + FORM), values) == {"who": "하늘", "how": "b", "many": "2", "doc": "abcd"}


def test_a_form_without_anything_in_it_is_not_sent() -> None:
    with pytest.raises(AppError) as raised:
        checked(shipped()["actions"].app, {"notes": " ", "file": ""})
    assert [(t.place, t.code) for t in raised.value.troubles] == [("notes", "field_needed")]


def test_a_message_whose_fields_are_empty_is_left_out() -> None:
    poet = shipped()["poet"].app
    filled = {"name": "", "subject": "비", "contents": ""}
    assert [m.content for m in poet.messages_for(filled, "en")] == [
        "You are a poet. You answer with a poem and nothing else. Every verse stands on a line of its own.",
        "The poem's subject is 비.",
        "Please make a poem of eight lines with this information.",
    ]


# Those that ship


def test_five_apps_ship_in_both_languages() -> None:
    assert list(shipped()) == ["poet", "summary", "email", "translation", "actions"]
    for entry in shipped().values():
        app = entry.app
        assert app.title.ko != app.title.en
        assert app.description.ko
        assert app.description.en
        for field in app.fields:
            assert field.label.ko != field.label.en
        for words in (app.run, app.spinner, app.heading, app.done):
            assert any("가" <= c <= "힣" for c in words.ko)
            assert not any("가" <= c <= "힣" for c in words.en)
