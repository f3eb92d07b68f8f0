"""Words one slip away: a letter that sounds like the one meant, lies beside it on the keyboard, or was left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_FIRST = ord("가")


def _alike(groups: str, letters: str) -> Mapping[int, Sequence[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for group in groups.split("/"):
        for one, other in permutations(group, 2):
            found[letters.index(one)].append(letters.index(other))
    return {letter: tuple(dict.fromkeys(others)) for letter, others in found.items()}


_LIKE = (
    _alike("ㄱㄲㅋ/ㄷㄸㅌ/ㅂㅃㅍ/ㅅㅆ/ㅈㅉㅊ/ㄴㄹ", _INITIALS),
    _alike(
        "ㅐㅔ/ㅐㅖ/ㅔㅖ/ㅐㅒ/ㅗㅜ/ㅗㅓ/ㅏㅓ/ㅡㅜ/ㅡㅓ/ㅡㅣ/ㅚㅙㅞ/ㅢㅣ/ㅟㅣ/ㅗㅛ/ㅏㅑ/ㅓㅕ/ㅜㅠ/ㅘㅏ/ㅝㅓ", _MEDIALS
    ),
    _alike(" ㄴ/ ㄹ/ ㅇ/ ㄱ/ㄴㅇ/ㄴㅁ/ㅇㅁ/ㄴㄹ/ㄱㄲㅋ/ㄷㅅㅆㅈㅊㅌ/ㅂㅍ", _FINALS),
)


def variants(word: str) -> Iterator[str]:
    """Every word that differs from `word`, which is Hangul, by one slip: about ten a syllable."""
    for at, syllable in enumerate(word):
        place = ord(syllable) - _FIRST
        if not 0 <= place < len(_INITIALS) * len(_MEDIALS) * len(_FINALS):
            continue
        letters = [place // (21 * 28), place // 28 % 21, place % 28]
        for position, like in enumerate(_LIKE):
            for letter in like.get(letters[position], ()):
                initial, medial, final = (letter if i == position else own for i, own in enumerate(letters))
                yield f"{word[:at]}{chr(_FIRST + (initial * 21 + medial) * 28 + final)}{word[at + 1 :]}"
