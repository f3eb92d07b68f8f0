"""What people read, in Korean and English: TOML catalogues `PART.ko.toml` and `PART.en.toml`, same keys in both.

Parts: `errors` (one entry an error code or problem kind), `cli`, `ui`. A value is a format string.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from gakju.errors import GakjuError

Language = Literal["ko", "en"]

_PARTICLES = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와"), "으로": ("으로", "로")}
_MARK = re.compile(r"(\S)([’”]?)\((은|이|을|과|으로)\)")


@cache
def catalogue(part: str, language: Language) -> dict[str, str]:
    text = files(__package__).joinpath(f"{part}.{language}.toml").read_text("utf-8")
    return {k: v for k, v in tomllib.loads(text).items() if isinstance(v, str)}


def pick(wanted: str | None) -> Language:
    """`ko-KR` or `ko_KR.UTF-8` is Korean, anything else English."""
    return "ko" if (wanted or "").lower().startswith("ko") else "en"


def say(part: str, key: str, language: Language, **values: object) -> str:
    """The string `key`, filled in; Korean particles written as `이름(은)` follow the word before them."""
    text = catalogue(part, language)[key].format(**values)
    return _MARK.sub(lambda m: m[1] + m[2] + particle(m[1], m[3]), text) if language == "ko" else text


def particle(last: str, kind: str) -> str:
    """The form of a particle after the character `last`: by its final consonant, digits as they are read."""
    closed, opened = _PARTICLES[kind]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
    elif last.isdigit():
        final = {"1": 8, "7": 8, "8": 8}.get(last, 1 if last in "036" else 0)
    else:
        final = 0 if last.lower() in "aeiouyw" else 1
    return opened if final == 0 or (kind == "으로" and final == 8) else closed


def explain(error: GakjuError, language: Language) -> str:
    """An error in the reader's language: what happened, then the next step."""
    if language == "en":
        return str(error)
    known = catalogue("errors", language)
    said = known.get(error.code)
    return f"{said} ({error})" if said else str(error)
