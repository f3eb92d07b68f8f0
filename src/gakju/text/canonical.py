"""The form in which words are looked for: 3천만 원 and 30,000,000원, 다섯 번 and 5번, 契約 and 계약 become one."""

from __future__ import annotations

import re

from gakju.text.hanja import reading
from gakju.text.normalise import fold
from gakju.text.numerals import DAYS, MIXED, NATIVE, value

_SIGNS = {
    "퍼센트": "%", "킬로그램": "kg", "그램": "g", "밀리그램": "mg", "톤": "t", "킬로미터": "km", "미터": "m",
    "센티미터": "cm", "센티": "cm", "밀리미터": "mm", "제곱미터": "m2", "평방미터": "m2", "제곱킬로미터": "km2",
    "리터": "l", "밀리리터": "ml", "킬로와트": "kw", "와트": "w", "볼트": "v", "암페어": "a", "헤르츠": "hz",
    "데시벨": "db", "기가바이트": "gb", "메가바이트": "mb", "킬로바이트": "kb", "°c": "도", "킬로": "kg",
}  # fmt: skip
# What may stand after a counter: nothing of its word, or a particle.
_AFTER = r"(?=[^가-힣]|$|[에은는이가를을과와만씩도로의까부째짜])"
_COUNTER = "개월|주일|사람|차례|가지|시간|마리|[달주명번회개대부권살시배분쪽장병잔층]"


def _longest(words: object) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))  # type: ignore[call-overload]


_MIXED = re.compile(rf"(?<![a-z\d.,_-]){MIXED}")
# One syllable alone is another word too often (세대, 두부, 이 일), so these want a space or a longer numeral.
# "한 번", "한 사람" hardly ever count.
_COUNTED = re.compile(
    rf"(?<![가-힣])(?!한\s(?!시|달|주일|명|살|회))({_longest(NATIVE)})(?:\s|(?<=[가-힣][가-힣]))({_COUNTER}){_AFTER}"
)
_DAYS = re.compile(rf"(?<![가-힣])({_longest(DAYS)}){_AFTER}")
_SINO = re.compile(
    rf"(?<![가-힣\d])(?![일이사오구]\s?[원일년명])([일이삼사오육칠팔구십백천만억]{{1,8}}?)"
    rf"(?=\s?(?:원|퍼센트|개월|영업일|일|년|명){_AFTER})"
)
_UNIT = re.compile(rf"(?<=\d)\s?({_longest(_SIGNS)})(?![a-z])")
_APART = re.compile(r"(?<=\d)\s(?=(?:[kmc]?m2?|[km]?[gl]|k?[wv]|[kmg]b|hz|db)(?![a-z\d]))")
_ARTICLE = re.compile(r"(?<=\d)\s?조\s?의\s?(?=\d)")
_ORDINAL = re.compile(r"(?<![가-힣])제\s?(?=\d)")
_TIMES = re.compile(r"(?<=\d)\s?[×*]\s?(?=\d)")


def canonical(text: str) -> str:
    """Folded, hanja as they are read, amounts in digits with their signs, articles without 제. Offsets change."""
    text = reading(fold(text))
    text = _COUNTED.sub(lambda m: f"{NATIVE[m[1]]}{m[2]}", text)
    text = _DAYS.sub(lambda m: f"{DAYS[m[1]]}일", text)
    text = _SINO.sub(_digits, text)
    if any("0" <= c <= "9" for c in text):
        text = _MIXED.sub(_digits, text)
        text = _UNIT.sub(lambda m: _SIGNS[m[1]], text)
        for pattern, sign in ((_APART, ""), (_ARTICLE, "조의"), (_ORDINAL, ""), (_TIMES, "x")):
            text = pattern.sub(sign, text)
    return text


def _digits(match: re.Match[str]) -> str:
    amount = value(match.group())
    return str(amount.numerator) if amount.denominator == 1 else match.group()
