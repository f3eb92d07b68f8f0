"""Whether a question wants the web, and how it is put to an engine. By rule: a reader can tell why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from gakju.types import Freshness

Why = Literal["", "asked", "time", "cutoff", "name", "weak"]

_ASKED = re.compile(
    r"(?:인터넷|웹|구글|네이버|온라인)(?:에서|으로|에)?\s*(?:검색|찾아|조사|알아|나온)|검색해|구글링"
    r"|\b(?:search|look (?:it )?up|google|browse)\b.{0,30}\b(?:web|internet|online|for|it)\b"
    r"|\bon the (?:web|internet)\b",
    re.I,
)
_AGES: dict[Freshness, str] = {
    "day": r"오늘|방금|실시간|속보|날씨|지금\s*(?:몇|얼마)|\b(?:today|tonight|right now|breaking|weather)\b",
    "week": r"어제|(?:이번|지난)\s*주(?!제)|환율|주가|시세"
    r"|\b(?:yesterday|(?:this|last) week|stock price|exchange rate)\b",
    "month": r"이달|(?:이번|지난)\s*달|뉴스|요즘|\b(?:(?:this|last) month|news|these days)\b",
    "year": r"최근|최신|올해|금년|현재|근황|신제품"
    r"|\b(?:latest|recent(?:ly)?|this year|current(?:ly)?|newest|up[- ]to[- ]date)\b",
}
_FRESH = [(age, re.compile(words, re.I)) for age, words in _AGES.items()]
_YEAR = re.compile(r"(?<!\d)(20[2-9]\d)(?=년|\b)")
_NAME = re.compile(
    r"[\"“‘'「『《]([^\"”’'」』》]{2,40})[\"”’'」』》]"  # what is quoted
    r"|\b[A-Z][A-Za-z]*[A-Z0-9][A-Za-z0-9.+-]*\b|(?<!^)\b[A-Z][a-z]{3,}\b"
)
_HANGUL = re.compile(r"[가-힣]")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9.+#-]*")
# How a question is put, of which engines make nothing.
_PUT = re.compile(
    r"\s*(?:좀|한번|자세히|간단히)?\s*(?:에\s*(?:대해|관해)서?)?\s*(?:알려|말해|설명해|찾아|검색해|정리해|요약해|가르쳐)"
    r"\s*(?:줘요?|주세요|줄래요?|주시겠어요|봐요?|보세요|주십시오|라)?$"
    r"|\s*(?:은|는|이|가|을|를)?\s*(?:무엇|뭐|얼마|어떻게|언제|어디|누구)(?:인가요?|입니까|이야|예요|이에요|야|지|죠|인지|\s*되나요?)$"
    r"|(?:인가요?|입니까)$|\s*에\s*(?:대해|관해)서?$|^(?:인터넷|웹|온라인)에서\s+"
    r"|^(?:please\s+)?(?:(?:can|could|would) you\s+)?(?:please\s+)?"
    r"(?:tell me|show me|explain|find(?: out)?|search(?: the web)?(?: for)?|look up)\s+(?:about\s+)?",
    re.I,
)


class Wish(NamedTuple):
    """Why the web is wanted ("" where it is not) and how new its pages should be."""

    why: Why
    freshness: Freshness = ""


def wish(question: str, *, known: str = "", strength: float = 1.0, enough: float = 0.3, cutoff: int = 2024) -> Wish:
    """`known` is the text of what the library found, `strength` how likely it holds the answer, `enough` from when
    that will do; `cutoff` is the last year that the model knows of.
    """
    fresh: Freshness = next((age for age, words in _FRESH if words.search(question)), "")
    why: Why = ""
    if _ASKED.search(question):
        why = "asked"
    elif fresh:
        why = "time"
    elif any(int(year) > cutoff and year not in known for year in _YEAR.findall(question)):
        why = "cutoff"
    elif _unknown(question, known):
        why = "name"
    elif strength < enough:
        why = "weak"
    return Wish(why, fresh)


def _unknown(question: str, known: str) -> list[str]:
    """Names in the question that the library's finds do not hold."""
    names = (m[1] or m[0] for m in _NAME.finditer(question))
    folded = known.casefold()
    return [name for name in names if name.casefold() not in folded]


def queries(question: str) -> list[str]:
    """One or two wordings for an engine: the question without the words that only put it, and, of a Korean one with
    foreign names, those alone, since much is written of them in English only.
    """
    asked = " ".join(question.split()).rstrip("?？!.。")
    asked = _ASKED.sub(" ", asked) if len(asked) > 12 else asked
    for _ in range(3):  # "…이 무엇인지 알려 주세요" is put twice
        asked = _PUT.sub("", asked).strip(" ,?")
    first = asked if len(asked) >= 2 else question.strip()
    found = [first]
    names = [w for w in _LATIN.findall(question) if len(w) > 1]
    if _HANGUL.search(question) and names and sum(map(len, names)) >= 5:
        found.append(" ".join([*names, *_YEAR.findall(question)]))
    return found


def language(question: str) -> str:
    """What an engine is told: "ko" or "en"."""
    return "ko" if _HANGUL.search(question) else "en"


def come(day: str) -> str:
    """A day, as 2026-11-23; "" for one that has begun nowhere yet: a page dated ahead would always be the newest."""
    return day if day <= (datetime.now(UTC) + timedelta(hours=14)).date().isoformat() else ""


def newer(dates: Sequence[str], cited: Sequence[str]) -> str:
    """The newest of `dates` where it is a month or more after the newest that is cited; "" otherwise."""
    best, used = max(dates, default=""), max(cited, default="")
    if not best or not used or best <= used:
        return ""
    months = (int(best[:4]) - int(used[:4])) * 12 + int(best[5:7]) - int(used[5:7])
    return best if months >= 1 else ""
