"""A follow-up question made to stand alone, so that it can be searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gakju.types import Message

_LEANS = re.compile(
    # 그럼 배우자는? 그건 언제까지야? 또 뭐가 필요해? — and: What about part-timers? Does it cost extra?
    r"^(?:그럼|그러면|그렇다면|그건|그거|그것|그게|그때|그중|그\s|그리고|또|또한|근데|그런데|하지만|이건|이거|이것|이때"
    r"|거기|여기|반대로|만약|혹시 그|왜\s?(?:요|그래|죠)?\?)"
    r"|^(?:and|or|but|so|then|what about|how about|what if|why\s?\?|also|same for)\b"
    r"|(?<![가-힣])(?:그것|그거|이것|그 경우|이 경우|위의|앞의|방금|두 번째|첫 번째|마지막)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|that|this|those|these|he|she|his|her|there|ones?)\b", re.IGNORECASE)
_HANGUL = re.compile(r"[가-힣]")
_TURNS = 3
_LONGEST = 300


def standalone(question: str, history: Sequence[Message]) -> str:
    """`question`, preceded by the question it leans on where it cannot be understood alone.

    By rule: openings like "그럼" or "what about", pronouns in a short question, or no more than two words.
    """
    asked = [m.content for m in history if m.role == "user"][-_TURNS:]
    needed = [question]
    while asked and _leans(needed[0]):
        needed.insert(0, " ".join(asked.pop().split())[:_LONGEST])
    return " ".join(needed)


def _leans(question: str) -> bool:
    words = question.split()
    if _LEANS.search(question.strip()):
        return True
    if _HANGUL.search(question):
        return len(words) <= 2 and len(question.strip()) <= 12
    return len(words) <= 2 or (len(words) <= 8 and bool(_PRONOUN.search(question)))
