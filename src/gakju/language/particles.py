"""The form that a Korean particle takes after a word: by how the word's end sounds, in Hangul, numbers and Latin."""

from __future__ import annotations

import re

_FORMS = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와"), "으로": ("으로", "로")}
_CLOSED, _RIEUL = 1, 8
"""Any final consonant; the one after which 으로 is 로. Numbered as the syllables of Unicode are."""

_AFTER = re.compile(r"[\s\u2060'\"’”»›」』》〉)\]}\\*_`~.,!?:;…·]+$")
"""What may stand between a word and its particle without being read."""
_IN_BRACKETS = re.compile(r"(?<=\w)\s*[(\[][^()\[\]]*[)\]]$")

_DIGITS = {"0": _CLOSED, "1": _RIEUL, "3": _CLOSED, "6": _CLOSED, "7": _RIEUL, "8": _RIEUL}
"""As they are read: 영, 일, 삼 …; 십, 백, 천, 만 and 억 end closed, as 영 does."""
_LETTERS = {"l": _RIEUL, "m": _CLOSED, "n": _CLOSED, "r": _RIEUL}
"""Letters by their names (엘, 엠, 엔, 알); those of all others end open."""
_CAPITALS = re.compile(r"(?:[A-Z]{2,}|(?<![A-Za-z])[A-Za-z])$")
"""What is read letter by letter."""
_ENDINGS = (
    (re.compile(r"(?:l|le)$"), _RIEUL),  # 파일, 구글
    (re.compile(r"(?:[mn]|ng|[aeiou][mn]e)$"), _CLOSED),  # 폼, 핑, 폰
    (re.compile(r"[aeiouy](?:[bpct]|c?k)$"), _CLOSED),  # 웹, 맵, 챗, 북; not 태스크, 테스트, 노트
)
"""English words as Hangul writes them; where none fits they end in a vowel: 서버, 워드, 리눅스."""


def particle(word: str, kind: str) -> str:
    """은/는, 이/가, 을/를, 과/와 or 으로/로, named by its first form, as it follows `word`.

    Closing quotes, brackets and what stands in brackets are not read: 「휴가」 and 휴가(연차) take what 휴가 takes.
    """
    closed, opened = _FORMS[kind]
    final = _final(_read(word))
    return opened if final == 0 or (kind == "으로" and final == _RIEUL) else closed


def _read(word: str) -> str:
    while word != (shorter := _IN_BRACKETS.sub("", _AFTER.sub("", word)) or word):
        word = shorter
    return word


def _final(word: str) -> int:
    if not word:
        return 0
    last = word[-1]
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28
    if last.isdigit():
        return _DIGITS.get(last, 0)
    if _CAPITALS.search(word):
        return _LETTERS.get(word[-1].lower(), 0)
    return next((final for ending, final in _ENDINGS if ending.search(word.lower())), 0)
