"""What a text costs a model: tokens with their bytes, beside characters, words and money. Works offline."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gakju.errors import GakjuError, UsageError
from gakju.models import HOSTED_CONTEXT, catalog, fetch
from gakju.models.vocabulary import OPENAI, embedded_vocabulary, openai_vocabulary

if TYPE_CHECKING:
    import tiktoken

    from gakju.assistant import Assistant
    from gakju.settings import Settings
    from gakju.types import Document, Message

EMBEDDED = "embedded"
NAMES = (*OPENAI, EMBEDDED)
RULE = 1.3
"""Tokens a word, as often told of English."""

LONGEST = 5_000_000
"""Characters of one text."""

SEPARATORS = 3
"""OpenAI's chat format: tokens around each message, and before the answer."""


@dataclass(frozen=True, slots=True)
class Token:
    """`id` in its vocabulary and the bytes it stands for, which need not be whole characters."""

    id: int
    bytes: bytes

    @property
    def text(self) -> str | None:
        """None where the bytes are not whole characters."""
        try:
            return self.bytes.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Group:
    """Tokens that end at a character's border: one, or those that share characters."""

    tokens: tuple[Token, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """A text in numbers. `bytes` are UTF-8's."""

    vocabulary: str
    tokens: int
    characters: int
    bytes: int
    words: int

    @property
    def by_rule(self) -> int:
        return round(self.words * RULE)

    @property
    def rule_error(self) -> float | None:
        """How far the rule is from the truth: -0.6 says 60 % too few. None without tokens."""
        return self.by_rule / self.tokens - 1 if self.tokens else None

    @property
    def characters_a_token(self) -> float:
        return self.characters / self.tokens if self.tokens else 0.0

    @property
    def bytes_a_token(self) -> float:
        return self.bytes / self.tokens if self.tokens else 0.0


def vocabulary(name: str, settings: Settings) -> tiktoken.Encoding:
    """One of `NAMES`, or the one a model `provider:model` uses. Raises ModelMissing, UsageError."""
    if name in OPENAI:
        return openai_vocabulary(name)
    if name == EMBEDDED:
        here = settings.chat_model if settings.chat_model.startswith("embedded:") else _first_chat(settings)
        return vocabulary(here, settings)
    provider, _, model = name.partition(":")
    if provider == EMBEDDED and model:
        return embedded_vocabulary(fetch.require(catalog.entry(model.partition("+")[0]), settings.models))
    if provider in {"openai", "azure"} and model:
        return openai_vocabulary(openai_name(model)[0])
    raise UsageError(f"{name[:100]!r} is no vocabulary.", hint=f"There are: {', '.join(NAMES)}.")


def _first_chat(settings: Settings) -> str:
    known = [e for e in catalog.entries() if e.kind == "chat"]
    return f"embedded:{next((e for e in known if fetch.present(e, settings.models)), known[0]).name}"


def openai_name(model: str) -> tuple[str, bool]:
    """The vocabulary of a hosted model, and whether that is known or a guess."""
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model)
    except KeyError:
        return "o200k_base", False
    return (name, True) if name in OPENAI else ("o200k_base", False)


def tokens(text: str, encoding: tiktoken.Encoding) -> list[Token]:
    """Of the text alone, what looks like a special token included. Raises UsageError for more than `LONGEST`."""
    if len(text) > LONGEST:
        raise UsageError(f"The text has {len(text):,} characters.", hint=f"Give at most {LONGEST:,}.")
    return [Token(i, encoding.decode_single_token_bytes(i)) for i in encoding.encode_ordinary(text)]


def groups(found: Sequence[Token]) -> Iterator[Group]:
    """In order; a token that holds a part of a character stands with those that hold its rest."""
    held: list[Token] = []
    for token in found:
        held.append(token)
        whole = b"".join(t.bytes for t in held)
        try:
            text = whole.decode()
        except UnicodeDecodeError as error:
            # A cut character waits for its rest; bytes that no rest can mend do not.
            if error.end == len(whole) and error.reason == "unexpected end of data" and len(held) < 8:
                continue
            text = whole.decode("utf-8", "replace")
        yield Group(tuple(held), text)
        held = []
    if held:
        yield Group(tuple(held), b"".join(t.bytes for t in held).decode("utf-8", "replace"))


def count(text: str, name: str, settings: Settings) -> Count:
    """`name` as `vocabulary` takes it."""
    if len(text) > LONGEST:
        raise UsageError(f"The text has {len(text):,} characters.", hint=f"Give at most {LONGEST:,}.")
    number = len(vocabulary(name, settings).encode_ordinary(text))
    return Count(name, number, len(text), len(text.encode("utf-8", "replace")), len(text.split()))


Look = Literal["", "newline", "space", "control", "bytes"]


def visible(token: Token) -> tuple[str, Look]:
    """A token as people can see it, and why it looks other than its text.

    A part of a character shows its bytes in hex; line ends, tabs and what has no shape of its own show a sign.
    """
    text = token.text
    if text is None:
        return token.bytes.hex(" ").upper(), "bytes"
    shown = "".join(_sign(c) for c in text)
    if shown == text:
        return shown, ("space" if text.isspace() else "")
    return shown, "newline" if set(text) & {"\n", "\r"} else "control"


def _sign(c: str) -> str:
    if c == "\n":
        return "↵"
    if c == "\t":
        return "⇥"
    if ord(c) < 32:
        return chr(0x2400 + ord(c))
    if c != " " and (unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"} or c.isspace()):
        return f"⟨{ord(c):04X}⟩"
    # A mark that stands on the letter before it needs something to stand on.
    return f"◌{c}" if unicodedata.combining(c) else c


@dataclass(frozen=True, slots=True)
class Price:
    """What a text costs as a prompt. `share` of the model's context window, 0..; `sure`: its own vocabulary counted.

    `money` is None where settings have no price.
    """

    model: str
    vocabulary: str
    sure: bool
    tokens: int
    money: float | None
    context: int

    @property
    def share(self) -> float:
        return self.tokens / self.context


def prices(text: str, settings: Settings) -> list[Price]:
    """The default model, and every model that has a price in settings; those whose vocabulary is not here left out."""
    found = []
    for model in dict.fromkeys([settings.chat_model, *settings.prices]):
        name, sure = vocabulary_of(model)
        try:
            number = count(text, name, settings).tokens
        except GakjuError:
            continue
        asked = settings.prices.get(model)
        money = number * asked[0] / 1e6 if asked else 0.0 if model.startswith("embedded:") else None
        found.append(Price(model, name, sure, number, money, context_of(model, settings)))
    return found


def vocabulary_of(model: str) -> tuple[str, bool]:
    """The name of a model's vocabulary, and whether that is known or a guess."""
    provider, _, rest = model.partition(":")
    if provider == EMBEDDED:
        return model, True
    return openai_name(rest) if provider == "openai" else ("o200k_base", False)


def context_of(model: str, settings: Settings) -> int:
    """Tokens that prompt and answer may have together."""
    return HOSTED_CONTEXT if model.partition(":")[0] in {"openai", "azure"} else settings.context


def prompt_tokens(messages: Sequence[Message], model: str, settings: Settings) -> tuple[int, bool]:
    """Tokens of a conversation with what its format adds, and whether that is exact."""
    name, sure = vocabulary_of(model)
    encoding = vocabulary(name, settings)

    def size(text: str) -> int:
        return len(encoding.encode_ordinary(text))

    if model.startswith("embedded:"):
        # ChatML, as Qwen2.5's template writes it: <|im_start|>ROLE\n…<|im_end|>\n, with a system turn of its own.
        told = [(m.role, m.content) for m in messages]
        if not told or told[0][0] != "system":
            told.insert(0, ("system", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."))
        turns = sum(2 + size(f"{role}\n{content}") + size("\n") for role, content in told)
        return turns + 1 + size("assistant\n"), True
    return sum(SEPARATORS + size(m.role) + size(m.content) for m in messages) + SEPARATORS, sure


@dataclass(frozen=True, slots=True)
class Pages:
    """A document of the library: its text, and the tokens of each page."""

    text: str
    tokens: tuple[int, ...]


def document(assistant: Assistant, found: Document, name: str) -> Pages:
    """Every page of it, as it was read. Raises NotFound, ModelMissing."""
    encoding = vocabulary(name, assistant.settings)
    texts = [assistant.page(found.id, number).text for number in range(1, found.pages + 1)]
    return Pages("\n".join(texts), tuple(len(t) for t in encoding.encode_ordinary_batch(texts, num_threads=1)))


PAIRS: tuple[tuple[str, str], ...] = (
    ("연차휴가는 입사 1년 뒤 15일이 생깁니다.", "Fifteen days of annual leave are granted after the first year."),
    (
        "회의는 내일 오후 3시에 2번 회의실에서 합니다.",
        "The meeting is tomorrow at 3 p.m. in room 2.",
    ),
    ("이 계약은 어느 한쪽이 서면으로 알리면 끝낼 수 있다.", "Either party may end this agreement by written notice."),
    ("안녕하세요, 무엇을 도와드릴까요?", "Hello, how can I help you?"),
)
"""Sentences of the same meaning, Korean and English."""

KINDS: tuple[tuple[str, str], ...] = (
    ("prose_en", "She opened the window and let the cool morning air into the room before anyone else was awake."),
    ("prose_ko", "그는 아무도 깨지 않은 이른 아침에 창문을 열고 시원한 공기를 방 안에 들였다."),
    ("code", "def total(rows):\n    return sum(r['price'] * r['count'] for r in rows if r['count'] > 0)\n"),
    ("numbers", "2026-03-01 1,284,500 3.14159265358979 010-1234-5678 0x7fffffff"),
    ("address", "https://example.org/docs/guide?lang=ko&page=12#section-3"),
    ("hanja", "民法 第750條 不法行爲의 內容"),
    ("emoji", "축하합니다 🎉👏🏽 👨‍👩‍👧‍👦 ❤️"),
    ("secret", "c2VjcmV0LXRva2VuLWZvci1hLXRlc3Q0MmZkYTk3"),
)
"""Texts that show where words × 1.3 fails."""
