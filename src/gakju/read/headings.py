"""Is this line a heading, and how high does it stand?"""

from __future__ import annotations

import re

LOWEST = 6
"""Levels run from 1, the highest, to this."""

# Korean regulations and contracts; then English reports, laws and papers. What they number fixes the level.
_NUMBERED: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(pattern), level)
    for pattern, level in (
        (r"제\s*\d+\s*편(?![가-힣])", 1),
        (r"제\s*\d+\s*장(의\s*\d+)?(?![가-힣])", 2),
        (r"제\s*\d+\s*절(의\s*\d+)?(?![가-힣])", 3),
        (r"제\s*\d+\s*관(의\s*\d+)?(?![가-힣])", 4),
        (r"제\s*\d+\s*조(의\s*\d+)?(?![가-힣\d])", 5),
        (r"부\s*칙(?![가-힣])", 2),
        (r"[\[<【]?\s*(별\s*표|별\s*지|붙\s*임)\s*(제?\s*\d+)?", 2),
        (r"(PART|Part)\s+([IVX]+|\d+)\b", 1),
        (r"(CHAPTER|Chapter)\s+([IVX]+|\d+)\b", 2),
        (r"(ARTICLE|Article|ITEM|Item|SECTION|Section)\s+([IVX]+|\d+[A-Z]?)\b", 3),
        (r"(APPENDIX|Appendix)\s+([A-Z]|\d+)\b", 2),
    )
)

# These also number list items, so they need a heading's looks: bold, larger, or alone and short.
_MARKED: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(pattern), level)
    for pattern, level in (
        (r"\d+(\.\d+){3,}\.?\s+\S", 6),
        (r"\d+\.\d+\.\d+\.?\s+\S", 5),
        (r"\d+\.\d+\.?\s+\D", 4),
        (r"\d+\.?\s+\D", 3),
        (r"[IVXⅠ-Ⅻ]+\.?\s+\S", 2),
        (r"[A-Z가-하]\.\s+\S", 4),
    )
)

ARTICLE = re.compile(r"제\s*\d+\s*조(?:의\s*\d+)?\s*[(（【\[][^)）】\]\n]{1,60}[)）】\]](?=\s|$)")
"""A Korean article's head, whose text goes on in the same line: 제1조(목적) 이 규정은 …"""

_ITEM = re.compile(r"[•·∙●○◦▪▣※*\-–—－]\s*\w")
_SENTENCE_END = re.compile(r"([.!?。;,:]|다\.?)[\"'”’)」』\]]*$")
_WORDS = re.compile(r"[^\W\d_]{2,}")


def level_of(text: str, *, ratio: float, bold: bool, lines: int) -> int:
    """0, or 1 to LOWEST. `ratio`: size to that of the body; `bold` where the body is not."""
    text = " ".join(text.split())
    item = _ITEM.match(text) and ratio < 1.3
    if item or len(text) > 120 or lines > 3 or not _WORDS.search(text) or "...." in text or "····" in text:
        return 0
    looks = ratio >= 1.12 or bold
    sentence = bool(_SENTENCE_END.search(text))
    for pattern, level in _NUMBERED:
        if pattern.match(text):
            return level if not sentence and (looks or len(text) <= 60) else 0
    if sentence and ratio < 1.3:
        return 0
    for pattern, level in _MARKED:
        if pattern.match(text) and looks:
            return level if ratio < 1.6 else min(level, 2)
    if ratio >= 1.12:
        return 1 if ratio >= 1.7 else 2 if ratio >= 1.35 else 3
    return LOWEST - 1 if bold and len(text) <= 80 else 0
