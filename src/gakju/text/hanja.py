"""Hanja as they are read in Korean: 契約 is 계약, 女子 여자, 比率 비율."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

_RUN = re.compile(r"[㐀-䶿一-鿿]+")
_FIRST, _MEDIALS, _FINALS = ord("가"), 21, 28
# By place in Unicode's order of initials and medials.
_N, _R, _SILENT = 2, 5, 11
_D_J = (3, 12)
_NARROW = frozenset([2, 3, 6, 7, 12, 17, 20])  # ㅑㅒㅕㅖㅛㅠㅣ: ㄹ and ㄴ before them fall silent
_NO_FINAL, _FINAL_N = 0, 4


def reading(text: str) -> str:
    """`text` with every hanja that has a Korean reading replaced by it, one syllable each: offsets stay."""
    return _RUN.sub(lambda run: _read(run.group()), text)


@lru_cache(maxsize=10_000)
def _read(run: str) -> str:
    """With the rules for the first sound of a word, for 率 and 列 after a vowel or ㄴ, and for 不 before ㄷ and ㅈ.

    A run with a character that has no Korean reading is Chinese or Japanese and stays.
    """
    table = _table()
    if not all(hanja in table for hanja in run):
        return run
    read: list[str] = []
    for at, hanja in enumerate(run):
        syllable = table[hanja]
        if not read:
            syllable = _as_first(syllable)
        elif syllable in "률렬" and _final(read[-1]) in {_NO_FINAL, _FINAL_N}:
            syllable = "율" if syllable == "률" else "열"
        elif hanja == "率":
            syllable = "률"
        if hanja == "不" and at + 1 < len(run) and _initial(table[run[at + 1]]) in _D_J:
            syllable = "부"
        read.append(syllable)
    return "".join(read)


def _as_first(syllable: str) -> str:
    place = ord(syllable) - _FIRST
    medial = place // _FINALS % _MEDIALS
    if _initial(syllable) not in {_N, _R} or (_initial(syllable) == _N and medial not in _NARROW):
        return syllable
    fresh = _SILENT if medial in _NARROW else _N
    return chr(_FIRST + (fresh * _MEDIALS + medial) * _FINALS + place % _FINALS)


def _initial(syllable: str) -> int:
    return (ord(syllable) - _FIRST) // (_MEDIALS * _FINALS)


def _final(syllable: str) -> int:
    return (ord(syllable) - _FIRST) % _FINALS


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    lines = files("gakju.text").joinpath("hanja.txt").read_text(encoding="utf-8").splitlines()
    return {hanja: line[0] for line in lines if not line.startswith("#") for hanja in line[1:]}
