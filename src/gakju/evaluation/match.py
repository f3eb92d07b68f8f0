"""An answer against the answers known to be right, as KorQuAD 1.0 and SQuAD 2.0 score it.

Korean (Lim et al. 2019, evaluate-v1.0.py of KorQuAD): quotes, round and angle brackets become spaces, ASCII punctuation
goes, lower case; F1 is of syllables without the spaces between them. English (Rajpurkar et al. 2018,
evaluate-v2.0.py of SQuAD): lower case, ASCII punctuation and articles go; F1 is of words. Both take the best over
the known answers. A question without an answer is answered rightly by an empty text, which a refusal counts as.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_HANGUL = re.compile(r"[가-힣]")
_BRACKETS = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


def is_korean(text: str) -> bool:
    return bool(_HANGUL.search(text))


def normalised(text: str, *, korean: bool) -> str:
    """Words parted by single spaces, by the rules of the language's own script."""
    if korean:
        text = text.translate(_BRACKETS).lower().translate(_PUNCTUATION)
    else:
        text = _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION))
    return " ".join(text.split())


def f1(said: str, answers: Sequence[str], *, korean: bool) -> float:
    """0..1: the harmonic mean of precision and recall of what both hold, syllables or words, counted as often."""
    return _best(_f1, said, answers, korean)


def exact(said: str, answers: Sequence[str], *, korean: bool) -> float:
    """1 where nothing differs after normalising, else 0."""
    return _best(lambda one, other, _: float(one == other), said, answers, korean)


def holds(text: str, answers: Sequence[str], *, korean: bool) -> bool:
    """Whether one of the answers stands in `text`: whole words in English, white space aside in Korean."""
    inside = _edged(text, korean)
    return any(len(wanted.strip()) > 0 and wanted in inside for wanted in (_edged(a, korean) for a in answers))


def _edged(text: str, korean: bool) -> str:
    plain = normalised(text, korean=korean)
    return plain.replace(" ", "") if korean else f" {plain} "


def _best(score: Callable[[str, str, bool], float], said: str, answers: Sequence[str], korean: bool) -> float:
    plain = normalised(said, korean=korean)
    return max(score(plain, normalised(a, korean=korean), korean) for a in answers or ("",))


def _f1(one: str, other: str, korean: bool) -> float:
    units = [list(text.replace(" ", "")) if korean else text.split() for text in (one, other)]
    if not units[0] or not units[1]:
        return float(units[0] == units[1])
    same = sum((Counter(units[0]) & Counter(units[1])).values())
    return 2 * same / (len(units[0]) + len(units[1]))
