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
from gakju.language.particles import particle

Language = Literal["ko", "en"]

_MARK = re.compile(r"(?<=\S)\((은|이|을|과|으로)\)")


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
    return _MARK.sub(lambda m: particle(text[: m.start()], m[1]), text) if language == "ko" else text


def explain(error: GakjuError, language: Language) -> str:
    """An error in the reader's language: what happened, then the next step."""
    if language == "en":
        return str(error)
    known = catalogue("errors", language)
    said = known.get(error.code)
    return f"{said} ({error})" if said else str(error)


__all__ = ["Language", "catalogue", "explain", "particle", "pick", "say"]
