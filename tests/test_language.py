"""The catalogues: the same keys and placeholders in both languages, no key missing, none left over."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from gakju import errors, language
from gakju.language import catalogue, explain, particle, pick, retold, say
from gakju.text.normalise import squeeze

SOURCE = Path(language.__file__).parents[1]
PARTS = sorted(p.name.removesuffix(".en.toml") for p in Path(language.__file__).parent.glob("*.en.toml"))

DATA_KEYS = (
    *("status_", "stage_", "verdict_", "verify_", "doctor_ok", "doctor_warn", "doctor_fail", "every_"),
    *("pick_", "column_"),
)
"""Keys of `cli` that a value brings; where the values come from is tested below."""


EMITTERS = (
    "assistant/watch.py",
    "assistant/ingest.py",
    "assistant/line.py",
    "models/fetch.py",
    "evaluation/retrieval.py",
    "evaluation/grounded.py",
    "labs/compare/__init__.py",
    "labs/fewshot/__init__.py",
    "labs/finetune/judge.py",
    "labs/finetune/tuner.py",
)
"""What tells progress."""


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def cli_source() -> str:
    return "\n".join(p.read_text("utf-8") for p in sorted((SOURCE / "cli").glob("*.py")))


def cli_keys() -> set[str]:
    """Every key the code asks for, written out in it."""
    source = cli_source()
    said = set(re.findall(r"""\b(?:say|word|help_text)\(["']([a-z_0-9]+)["']""", source))
    return (said - {"cli"}) | {f"{name}_help" for name in re.findall(r'@command\("([a-z_]+)"', source)}


@pytest.mark.parametrize("part", PARTS)
def test_both_languages_have_the_same_keys_in_the_same_order(part: str) -> None:
    assert list(catalogue(part, "ko")) == list(catalogue(part, "en"))


@pytest.mark.parametrize("part", PARTS)
def test_both_languages_fill_in_the_same_values(part: str) -> None:
    korean, english = catalogue(part, "ko"), catalogue(part, "en")
    different = {k for k in english if placeholders(korean[k]) != placeholders(english[k])}
    assert different == set()


def test_every_key_the_commands_use_is_there() -> None:
    keys = cli_keys()
    assert len(keys) > 60
    assert keys - set(catalogue("cli", "en")) == set()


def test_no_key_of_the_commands_is_left_over() -> None:
    left = {k for k in catalogue("cli", "en") if not k.startswith(DATA_KEYS)} - cli_keys()
    assert left == set()


def test_every_value_that_data_brings_has_words() -> None:
    from typing import get_args

    from gakju.labs.fewshot import PICKS
    from gakju.types import AddStatus, Verdict

    english = catalogue("cli", "en")
    statuses = {f"status_{s}" for s in get_args(AddStatus)}
    verdicts = {f"verdict_{v}" for v in get_args(Verdict)} - {"verdict_supported"}
    stages = {f"stage_{s}" for s in re.findall(r'Progress\("([a-z]+)"', "\n".join(sources()))}
    picks = {f"pick_{p}" for p in ("none", *PICKS)}
    columns = {f"column_{c}" for c in ("accuracy", "ci", "prompt_tokens", "tokens", "money", "p50_ms")}
    stages |= {f"stage_{s}" for s in re.findall(r'tell\(.*"([a-z]+)"\)', "\n".join(sources()))}
    assert {k for k in english if k.startswith("status_")} == statuses
    assert {k for k in english if k.startswith("verdict_")} == verdicts
    assert {k for k in english if k.startswith("stage_")} == stages
    assert {k for k in english if k.startswith("pick_")} == picks
    assert {k for k in english if k.startswith("column_")} == columns


def sources() -> list[str]:
    return [(SOURCE / f).read_text("utf-8") for f in EMITTERS]


def test_every_error_code_has_words() -> None:
    codes, kinds = set(), [errors.GakjuError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__ == errors.__name__ and kind is not errors.GakjuError:
            codes.add(kind.code)
    assert codes - set(catalogue("errors", "en")) == set()


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ko", "ko"), ("ko-KR", "ko"), ("ko_KR.UTF-8", "ko"), ("en_US", "en"), ("C", "en"), ("", "en"), (None, "en")],
)
def test_pick(locale: str | None, language: str) -> None:
    assert pick(locale) == language


@pytest.mark.parametrize(
    ("words", "kind", "form"),
    [
        ("책 집 길 문서들", "은", "은"),
        ("차 파리 문서", "은", "는"),
        ("책 길", "을", "을"),
        ("길 서울 파리 1 7 8 파일.xml URL Google", "으로", "로"),
        ("집 3 0 10 100 1,000 LLM", "으로", "으로"),
        ("1 3 6 7 8 0 2026-11-30", "이", "이"),
        ("2 4 5 9 1.5", "이", "가"),
        ("PDF API CPU OpenAI GPT-4o A Azure Word server Linux test note B2B", "은", "는"),
        ("HTML LLM RAM file phone Python email web map chat book spring N", "은", "은"),
        ("‘휴가’ 「휴가」 **휴가** “휴가.” 휴가(연차) 휴가… 휴가\\. a(b)가", "을", "를"),
        ("‘연차수당’ 연차수당[1] 연차수당(월) ’연차수당’", "과", "과"),
        ("% 😀 …", "이", "가"),
    ],
)
def test_particles_follow_the_sound_before_them(words: str, kind: str, form: str) -> None:
    assert {w: particle(w, kind) for w in words.split()} == dict.fromkeys(words.split(), form)


def test_a_particle_in_a_string_follows_the_word_that_was_filled_in() -> None:
    assert say("ui", "deleted", "ko", title="휴가 규정") == "‘휴가 규정’을 삭제했습니다."
    assert say("ui", "deleted", "ko", title="안내서") == "‘안내서’를 삭제했습니다."
    assert say("ui", "deleted", "ko", title="manual.pdf (2)") == "‘manual.pdf (2)’를 삭제했습니다."
    assert say("ui", "deleted", "ko", title="조사 은(은) 무엇") == "‘조사 은(은) 무엇’을 삭제했습니다."


def test_say_fills_in() -> None:
    assert say("cli", "page", "en", page=3) == "p. 3"
    assert say("cli", "page", "ko", page=3) == "3쪽"


def test_explain_keeps_the_next_step_in_every_language() -> None:
    raised = errors.ModelMissing("m is not here.", hint="Run `gakju models pull m`.")
    assert explain(raised, "en") == "m is not here. Run `gakju models pull m`."
    assert explain(raised, "ko") == "모델을 아직 내려받지 않았습니다. (m is not here. Run `gakju models pull m`.)"


@pytest.mark.parametrize(
    ("detail", "korean"),
    [
        ("It is a picture; its text was read by OCR and may hold errors.",
         "그림뿐인 쪽을 OCR로 읽었으므로 틀린 글자가 있을 수 있습니다."),
        ("tesseract lacks data for kor, eng. Run: apt-get install tesseract-ocr-kor tesseract-ocr-eng Then add the file"
         " again.", "tesseract에 kor, eng 데이터가 없습니다. apt-get install tesseract-ocr-kor tesseract-ocr-eng 명령을"
         " 실행한 뒤 파일을 다시 추가하세요."),
        ("3 characters that nobody can see were left out, such as “a” and “b”.",
         "눈에 보이지 않는 글자 3자를 뺐습니다. 예: “a” and “b”"),
        ("Left out, since a reader does not see it: “x”", "읽는 사람에게 보이지 않는 글을 뺐습니다: “x”"),
        ("Left out, since a reader does not see it: “x” and 2 more",
         "읽는 사람에게 보이지 않는 글을 뺐습니다: “x” 외 2곳"),
        ("Only 3 of its pages are read. Addresses of other sites: 1.",
         "사이트맵의 쪽 가운데 3쪽만 읽습니다. 다른 사이트의 주소 1개는 읽지 않습니다."),
    ],
)  # fmt: skip
def test_what_came_up_at_a_page_is_told_in_korean(detail: str, korean: str) -> None:
    assert retold(detail, "pages", "ko") == korean
    assert retold(detail, "pages", "en") == detail


def test_every_detail_of_a_page_is_one_that_a_reader_tells() -> None:
    """Each run of words between values and alternatives stands in the source."""
    source = "".join(p.read_text("utf-8") for part in ("read", "assistant") for p in (SOURCE / part).glob("*.py"))
    for text in catalogue("pages", "en").values():
        for words in re.split(r"\{\w+\}|(?<=they show)|(?<=a picture)|(?<=\.) ", text):
            assert words.strip(" .”“") in source, words


@pytest.mark.parametrize(
    ("line", "korean"),
    [
        ("n.example did not answer in time.", "n.example: 제때 답하지 않았습니다."),
        ("n.example answered 404 Not Found.", "n.example: 404 Not Found 오류로 답했습니다."),
        ("SearXNG: n.example could not be reached (ConnectError). Check the connection and the proxy.",
         "SearXNG: n.example: 연결하지 못했습니다(ConnectError)."),
        ("SearXNG takes no more questions for now (429). Ask again in 7 s.",
         "SearXNG: 지금은 더 물을 수 없습니다(429). 7초 뒤에 다시 물어보세요."),
        ("A page of 2023-08-05 says otherwise: “그렇다.”", "2023-08-05 페이지는 다르게 말합니다: “그렇다.”"),
        ("Something nobody thought of.", "Something nobody thought of."),
    ],
)  # fmt: skip
def test_a_line_of_the_web_is_told_in_korean(line: str, korean: str) -> None:
    assert retold(line, "web", "ko") == korean
    assert retold(line, "web", "en") == line


def test_every_line_of_the_web_is_one_that_the_code_writes() -> None:
    names = ("assistant/web.py", "http.py", "web/visit.py", "web/engines.py", "web/keyless.py", "web/search.py")
    source = squeeze("".join((SOURCE / name).read_text("utf-8") for name in names))
    for text in catalogue("web", "en").values():
        parts = [p.strip(" .():;,") for p in re.split(r"\{\w+\}|(?<=\.) | \(|\) ", text)]
        assert all(squeeze(part) in source for part in parts), text
