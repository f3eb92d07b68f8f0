"""An answer as text with `[1]` marks, for who reads text, and what each mark stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from gakju.language import pick, say
from gakju.types import Answer, AskEvent, Claim, ClaimMade, Done, Footnote, Token

_HANGUL = re.compile(r"[가-힣]")
REFUTED = frozenset(["unsupported", "contradicted"])


class Citation(NamedTuple):
    """`[number]` stands at code point `at` of the text."""

    at: int
    number: int
    footnote: Footnote


@dataclass
class Cited:
    """The text as far as it is; it only grows. A place that is cited twice has one number, a doubt is told in words.

    A claim that nothing carries waits for one that something does: where none comes, the answer is a refusal.
    """

    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    answer: Answer | None = None
    _said: str = ""
    _read: int = 0
    _held: list[tuple[Claim, str]] = field(default_factory=list)
    _numbers: dict[tuple[str, int, int, int], int] = field(default_factory=dict)

    def take(self, step: AskEvent) -> str:
        """One step of `Assistant.ask`; the text that came with it."""
        before = len(self.text)
        match step:
            case Token(text):
                self._said += text  # a preview, which tells what stands between two claims
            case ClaimMade(claim):
                self._add(claim)
            case Done(answer):
                self.answer = answer
                if answer.refused:
                    self.text += ("\n" if self.text else "") + answer.answer
        return self.text[before:]

    def _add(self, claim: Claim) -> None:
        self._held.append((claim, self._gap(claim)))
        if claim.verdict in REFUTED and not self.text:
            return
        for held, gap in self._held:
            self._write(held, gap if self.text else "")
        self._held.clear()

    def _write(self, claim: Claim, gap: str) -> None:
        doubt = ""
        if claim.verdict != "supported":
            language = "ko" if _HANGUL.search(claim.text) else "en"
            doubt = f" ({say('cli', f'verdict_{claim.verdict}', pick(language))})"
        self.text += gap + claim.text + doubt + (" " if claim.footnotes else "")
        for footnote in claim.footnotes:
            key = footnote.document.id, footnote.page, footnote.start, footnote.end
            number = self._numbers.setdefault(key, len(self._numbers) + 1)
            self.citations.append(Citation(len(self.text), number, footnote))
            self.text += f"[{number}]"

    def _gap(self, claim: Claim) -> str:
        at = self._said.find(claim.text, self._read)
        if at < 0:
            return " "
        between, self._read = self._said[self._read : at], at + len(claim.text)
        return between if between and not between.strip() else " "
