"""Names of a claim that its evidence has not, or has others in the place of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gakju.text.normalise import squeeze
from gakju.verify.quantities import without

# Words that carry no claim of their own.
_EMPTY_WORDS = """
하 되 있 이 것 수 경우 때 등 및 그 저 이것 그것 더 또 또한 따르 대하 관하 통하 위하 의하 말 날 시 곳 년 월 일 중
다음 각 해당 모두 매우 네 예 아니 아니하 아니요 않 못 안 없 가능 가능하 불가 불가능 불가능하 금지 불필요 예외
제외 제외하 주 받 드리 알리 정도 내 후 전 간 최소 최대 이상 이하 당
the a an of to in on at for and or is are was were be been being it its this that these those with by from as
will shall may can could would should must do does did has have had not no never yes you your they their there
he she him her his hers we us our them my me i cannot neither nor unable without unless nothing nobody none but
which who whom if when than then so such any all each per also only up about into out over under between
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
_HANGUL = re.compile(r"[가-힣]")
_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z&]+(?:[-.][A-Za-z]+)*")
_TITLE = re.compile(r"[A-Z][a-z]+(?:\s(?:of\s|and\s|for\s|the\s)*[A-Z][a-z]+)+")
_FIRST_TWO = re.compile(r"(?:^|(?<=[.!?]\s))([A-Z][A-Za-z-]+)\s([A-Za-z-]+)")
_SENTENCE_START = re.compile(r"(?:^|(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)[.!?]\s+|[“\"(])$")
DAY_OR_MONTH = re.compile(
    r"[월화수목금토일]요일|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august"
    r"|september|october|november|december",
    re.IGNORECASE,
)
# Where the people's name is made otherwise than the land's.
_LANDS = {
    "dutch": "netherlands", "french": "france", "irish": "ireland", "danish": "denmark", "spanish": "spain",
    "polish": "poland", "greek": "greece", "swiss": "switzerland", "welsh": "wales", "scottish": "scotland",
    "british": "britain", "swedish": "sweden", "finnish": "finland", "turkish": "turkey", "english": "england",
    "thai": "thailand", "german": "germany", "norwegian": "norway", "portuguese": "portugal",
}  # fmt: skip
_OF_A_LAND = re.compile(r"(?:ians?|ans?|ns|n|ese|ish|ia|a|s)$")


def replaced_at_start(claim: str, texts: Sequence[str], question: str) -> tuple[str, ...]:
    """The claim's first word, where a sentence of the source has another name before the same next word."""
    m = _FIRST_TWO.match(claim)
    if not m or m[1].casefold().rstrip("s") in " ".join([*texts, question]).casefold() or m[1].casefold() in EMPTY:
        return ()
    firsts = [f for text in texts for f in _FIRST_TWO.finditer(text)]
    said = claim.casefold()
    same = any(f[2] == m[2] and f[1].casefold() not in said and f[1].casefold() not in EMPTY for f in firsts)
    return (m[1],) if same else ()


_BARE = re.compile(r"[가-힣A-Za-z\d]+")
_NOUN = re.compile(r"(?P<noun>[가-힣]+)(?P<particle>은|는|이|가|을|를|에서|의|에게|에|으로|로|와|과)")
_SAME_PARTICLE = str.maketrans("는가를와로", "은이을과으")
_TITLES = (
    "선수",
    "박사",
    "교수",
    "감독",
    "작가",
    "의원",
    "장관",
    "대표",
    "사장",
    "과장",
    "기자",
    "판사",
    "시장",
    "회장",
    "씨",
)
ANYTHING = frozenset(["사람", "것", "곳", "때", "경우", "쪽", "데", "내용", "사항", "사이", "기한", "기간", "이내"])
_BEFORE_A_NOUN = frozenset(["the", "a", "an", "of", "in", "by", "to", "from", "with", "near", "at", "for"])


def neighbours(text: str) -> dict[tuple[str, str], str]:
    """Nouns by what stands beside them: Korean ones by their particle and the beginning of the next word, English ones
    by the word before and the word behind."""
    words = [*_BARE.findall(text), ""]
    found = {}
    for before, word, after in zip(["", *words], words, words[1:], strict=False):
        if m := _NOUN.fullmatch(word):
            found[m["particle"].translate(_SAME_PARTICLE), after[:2]] = m["noun"]
        elif after.startswith(_TITLES):
            found["", after[:2]] = word
        elif word.isascii() and word.isalpha() and before.casefold() in _BEFORE_A_NOUN:
            found[before.casefold(), after.casefold()] = word
    return found


def shortened(name: str, have: str) -> bool:
    """Whether a word that `have` holds is what `name` is short for, syllable by syllable (한국, 대한민국)."""
    parts = r"[가-힣]{0,4}".join(map(re.escape, squeeze(name)))
    return len(name) > 1 and bool(re.search(parts, have))


def latin_names(claim: str, texts: Sequence[str], question: str) -> list[str]:
    """Latin names of the claim that stand neither in the evidence nor in the question in any form: Korean, Korea."""
    whole = " ".join([*texts, question])
    have = whole.casefold()
    stems = {_OF_A_LAND.sub("", _LANDS.get(word, word)) for word in re.findall(r"[a-z]{4,}", have)}
    initials = {
        "".join(w[0] for w in re.findall(r"[A-Za-z]+", m.group()) if w[0].isupper()) for m in _TITLE.finditer(whole)
    }
    found = []
    claim = without(unicodedata.normalize("NFKC", claim))
    for m in _NAME.finditer(claim):
        name, word = m.group(), m.group().casefold()
        known = word in have or word in EMPTY or DAY_OR_MONTH.fullmatch(word) or name in initials
        if not known and not _SENTENCE_START.search(claim[: m.start()]):
            stem = _OF_A_LAND.sub("", _LANDS.get(word, word))
            if len(stem) < 4 or stem not in stems:
                found.append(name)
    return found
