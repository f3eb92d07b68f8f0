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
_BARE_KOREAN = re.compile(
    r"(?:(?:그럼|그러면|그렇다면|그리고|그런데|근데|또)\s)?((?:[가-힣A-Za-z0-9]+\s){0,2}[가-힣A-Za-z0-9]*[가-힣])(?:은|는)(?:요)?\s?[?？]"
)
_TOPIC = re.compile(r"((?:[^\s?]+\s){0,2}?)([가-힣A-Za-z0-9]+[가-힣])(은|는)(?=\s)")
_BARE_ENGLISH = re.compile(r"(?:and |but |so |then )?(?:what|how) about ((?:[\w-]+\s){0,2}[\w-]+)\s?\?", re.IGNORECASE)
_PEOPLE_WORDS = """
배우자 근로자 직원 사원 계약직 정규직 기간제 비정규직 파트타임 아르바이트 인턴 부모 자녀 본인 학생 교사 교수 공무원 임원
외국인 임산부 신입 남편 아내 장애인 청소년 어린이 고령자 수습 일용직 프리랜서 가족 노인 아동 여성 남성
"""
_PEOPLE = tuple(_PEOPLE_WORDS.split())
"""For whom something holds: they narrow what was asked and do not take its place."""
_HANGUL = re.compile(r"[가-힣]")
_TURNS = 3
_LONGEST = 300


def standalone(question: str, history: Sequence[Message]) -> str:
    """`question` made to stand alone: its new matter put into the question it leans on, or that question before it.

    By rule: openings like "그럼" or "what about", pronouns in a short question, or no more than two words. "그럼
    배우자는?" after "출산휴가는 며칠인가요?" is "배우자 출산휴가는 며칠인가요?". Where no rule is sure, both are kept.
    """
    asked = [m.content for m in history if m.role == "user"][-_TURNS:]
    needed = [question]
    while asked and _leans(needed[0]):
        earlier = " ".join(asked.pop().split())[:_LONGEST]
        if merged := _merged(earlier, needed[0]):
            needed[0] = merged
        else:
            needed.insert(0, earlier)
    return " ".join(needed)


def _merged(earlier: str, question: str) -> str:
    """The earlier question with the new matter in it; "" where it is not plain where that goes."""
    if (bare := _BARE_KOREAN.fullmatch(question.strip())) and (topic := _TOPIC.match(earlier)):
        new, old = bare[1].strip(), topic[2]
        if new.endswith(_PEOPLE) and not old.endswith(_PEOPLE):
            return f"{topic[1] or ''}{new} {earlier[topic.start(2) :]}"
        if new[-1] == old[-1] or (new.endswith(_PEOPLE) and old.endswith(_PEOPLE)):
            return f"{topic[1] or ''}{new}{_topical(new)}{earlier[topic.end(3) :]}"
    if bare := _BARE_ENGLISH.fullmatch(question.strip()):
        new = bare[1].strip()
        end = new.split()[-1].lower()[-4:]
        alike = [w for w in re.findall(r"[\w-]+", earlier) if len(end) == 4 and w.lower().endswith(end)]
        if len(alike) == 1 and alike[0].lower() != new.lower():
            return earlier.replace(alike[0], new)
    return ""


def _topical(word: str) -> str:
    """은 behind a consonant, 는 behind a vowel."""
    return "은" if "가" <= word[-1] <= "힣" and (ord(word[-1]) - ord("가")) % 28 else "는"


def _leans(question: str) -> bool:
    words = question.split()
    if _LEANS.search(question.strip()):
        return True
    if _HANGUL.search(question):
        return len(words) <= 2 and len(question.strip()) <= 12
    return len(words) <= 2 or (len(words) <= 8 and bool(_PRONOUN.search(question)))
