"""Errors that people meet are told whole in Korean, and only as the code raises them."""

from __future__ import annotations

import ast
import re
import time
from functools import cache
from pathlib import Path

import pytest

from gakju import errors, language
from gakju.labs.playground import Request
from gakju.language import catalogue, explain

SOURCE = Path(language.__file__).parents[1]
ANY = "\0"
"""A value in a text of the source."""

Texts = dict[str, list[ast.expr]]


def texts(made: ast.expr | None, named: Texts, depth: int = 3) -> set[str]:
    """What an expression may say, with `ANY` for what is known only as it runs."""
    match made:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr(values=parts):
            return {"".join(p.value if isinstance(p, ast.Constant) else ANY for p in parts)}
        case ast.Attribute():
            return {ANY}
        case ast.IfExp(body=one, orelse=other):
            return texts(one, named, depth) | texts(other, named, depth)
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if depth:
            return set().union(*(texts(one, named, depth - 1) for one in named.get(name, ())))
    return set()


def raised_in(source: str) -> set[tuple[str, str]]:
    """Message and hint of every error that this source makes."""
    tree, named = ast.parse(source), dict[str, list[ast.expr]]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return) and node.body[-1].value:
            named.setdefault(node.name, []).append(node.body[-1].value)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and hasattr(errors, node.func.id):
            hint = next((k.value for k in node.keywords if k.arg == "hint"), ast.Constant(""))
            messages = texts(node.args[0] if node.args else None, named)
            found |= {(one, two) for one in messages for two in texts(hint, named)}
    return found


@cache
def raised() -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    pairs = set().union(*(raised_in(p.read_text("utf-8")) for p in SOURCE.rglob("*.py")))
    return [(shape(message), shape(hint)) for message, hint in sorted(pairs) if len(message.replace(ANY, "")) > 5]


def shape(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split(ANY)))


def entries() -> list[tuple[str, str, str]]:
    """Key, message and hint of the English catalogue, each value as its name in brackets."""
    return [(key, *text.format_map(Named()).partition("\n")[::2]) for key, text in catalogue("mistakes", "en").items()]


class Named(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def test_the_source_is_read_as_it_raises() -> None:
    source = 'hint = "b" if x else f"{c} d"\nUsageError(f"one {two}" " three.", hint=hint)\nNotFound("four")'
    assert raised_in(source) == {(f"one {ANY} three.", "b"), (f"one {ANY} three.", f"{ANY} d"), ("four", "")}
    assert len(raised()) > 350


@pytest.mark.parametrize(("key", "message", "hint"), entries())
def test_every_mistake_is_one_that_the_code_raises(key: str, message: str, hint: str) -> None:
    assert any(said.fullmatch(message) and next_step.fullmatch(hint) for said, next_step in raised()), (message, hint)


@pytest.mark.parametrize(("key", "message", "hint"), entries())
def test_every_mistake_is_told_in_its_own_words(key: str, message: str, hint: str) -> None:
    told = explain(errors.UsageError(message, hint=hint), "ko")
    korean = language.say("mistakes", key, "ko", **{n: f"<{n}>" for n in re.findall(r"<(\w+)>", f"{message} {hint}")})
    assert told == korean
    assert not told.startswith(catalogue("errors", "ko")["usage"])


def test_no_two_mistakes_are_written_alike() -> None:
    """A value called otherwise makes no other error."""
    bare = [re.sub(r"<\w+>", "<>", f"{message}\n{hint}") for _, message, hint in entries()]
    assert len(set(bare)) == len(bare)


@pytest.mark.parametrize(
    ("message", "hint", "korean"),
    [
        ("There is nothing to answer.", "Write something as the user.",
         "답할 말이 없습니다. 사용자 차례에 물어볼 말을 적으세요."),
        ("'휴가' cannot be the name of a collection.", "Use up to 64 letters, digits, spaces, . - or _.",
         "'휴가'는 모음 이름으로 쓸 수 없습니다. 글자, 숫자, 빈칸과 . - _만 64자까지 쓸 수 있습니다."),
        ("'규정' cannot be the name of a collection.", "Use up to 64 letters, digits, spaces, . - or _.",
         "'규정'은 모음 이름으로 쓸 수 없습니다. 글자, 숫자, 빈칸과 . - _만 64자까지 쓸 수 있습니다."),
        ("Line 3: 4 cells, and the header has 2.", "Put a cell with commas between double quotes.",
         "3번째 줄은 4칸인데 첫 줄은 2칸입니다. 쉼표가 든 칸은 큰따옴표로 묶으세요."),
        ("The schema is no JSON object.", 'It begins with {"type": "object".',
         '스키마가 JSON 객체가 아닙니다. {"type": "object"로 시작해야 합니다.'),
        ("m\n is  no chat model.", "There are: a,\tb.",
         "m은 답하는 모델이 아닙니다. 쓸 수 있는 것: a, b."),
        ("e5 (45 MB) is not on this machine, and Gakju is offline.",
         "Run `gakju models pull e5` with a connection. Or copy e5.bin to /m/e5.bin.",
         "e5(45 MB)는 이 컴퓨터에 없고, 각주는 오프라인입니다. 인터넷에 연결된 상태에서 `gakju models pull e5` 명령을"
         " 실행하거나, e5.bin 파일을 /m/e5.bin에 복사하세요."),
        ("<b>{0}</b> 은(은) needs a key.", "Set GAKJU_OPENAI_API_KEY.",
         "<b>{0}</b> 은(은)을 쓰려면 키가 필요합니다. GAKJU_OPENAI_API_KEY를 정하세요."),
        ("Stopped.", "", "중지했습니다."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_whole(message: str, hint: str, korean: str) -> None:
    raised = errors.UsageError(message, hint=hint)
    assert explain(raised, "ko") == korean
    assert explain(raised, "en") == str(raised)


@pytest.mark.parametrize(
    ("message", "korean"),
    [
        ("m failed: no file.", "m에서 오류가 났습니다: no file."),
        ("m does not take this request: it failed: no file.", "m이 받지 않는 요청입니다: it failed: no file."),
        ("The embedding model failed: no file.", "임베딩 모델에서 오류가 났습니다: no file."),
        ("m: the fine-tuning failed: no file.", "m: 미세 조정이 실패했습니다: no file."),
    ],
)
def test_the_mistake_with_more_words_of_its_own_is_told(message: str, korean: str) -> None:
    assert explain(errors.ModelFailed(message), "ko") == korean


def test_a_file_or_folder_is_no_file_of_that_name() -> None:
    raised = errors.UsageError("There is no file or folder '/x'.", hint="Check the spelling.")
    assert explain(raised, "ko") == "'/x' 파일이나 폴더가 없습니다. 이름을 확인하세요."


def test_a_mistake_that_a_person_makes_is_told_whole() -> None:
    with pytest.raises(errors.UsageError) as caught:
        Request(turns=(("user", " "),)).body()
    assert explain(caught.value, "ko") == "답할 말이 없습니다. 사용자 차례에 물어볼 말을 적으세요."


@pytest.mark.parametrize(
    ("message", "hint", "told"),
    [
        ("Something nobody thought of.", "Mend it.", "(Something nobody thought of. Mend it.)"),
        ("There is nothing to answer.", "Another step.", "(There is nothing to answer. Another step.)"),
        ("There is nothing to answer.", "", "(There is nothing to answer.)"),
        ("There is nothing to answer. Write something as the user.", "",
         "(There is nothing to answer. Write something as the user.)"),
        ("Stopped.", "Begin again.", "(Stopped. Begin again.)"),
        (" needs a key.", "Set GAKJU_OPENAI_API_KEY.", "(needs a key. Set GAKJU_OPENAI_API_KEY.)"),
    ],
)  # fmt: skip
def test_what_the_catalogue_lacks_is_told_with_its_english(message: str, hint: str, told: str) -> None:
    assert explain(errors.UsageError(message, hint=hint), "ko") == f"요청을 이해하지 못했습니다. {told}"


@pytest.mark.parametrize("repeated", ["x", " x has ", " is no ", ": ", ". ", "'", "(", "{name}", "a\n", " failed: "])
def test_a_hostile_value_costs_little_and_raises_nothing(repeated: str) -> None:
    for length in (1_900, 200_000):
        pasted = (repeated * length)[:length]
        raised = errors.UsageError(f"There is no file {pasted}.", hint="Check the spelling.")
        began = time.process_time()
        told = explain(raised, "ko")
        assert time.process_time() - began < 1.0
        value = " ".join(f"-{pasted}-".split())[1:-1]
        if length > 2_000:
            assert told == f"요청을 이해하지 못했습니다. ({raised})"
        else:
            assert told == f"{value.lstrip()} 파일이 없습니다. 이름을 확인하세요."


@pytest.mark.parametrize("length", [1_900, 200_000])
def test_a_hostile_line_told_again_costs_little(length: int) -> None:
    line = f"a.pdf: no page with readable text. {'It is a picture. ' * length}"[:length]
    began = time.process_time()
    told = language.retold(line, "mistakes", "ko")
    assert time.process_time() - began < 1.0
    assert told.startswith("a.pdf: 글자를" if length < 2_000 else line)


def test_a_line_that_nearly_fits_in_many_ways_costs_little() -> None:
    raised = errors.UsageError(f"Line {': ' * 900}", hint="Known: a, b")
    began = time.process_time()
    assert explain(raised, "ko") == f"요청을 이해하지 못했습니다. ({raised})"
    assert time.process_time() - began < 1.0
