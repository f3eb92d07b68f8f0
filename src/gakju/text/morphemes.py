"""Words for the index: Korean content morphemes by Kiwi; Latin words, numbers and codes whole.

Particles and endings are dropped. A compound gives its parts and, once more, the whole run, so that
"출장비정산" is found by "정산" and ranks first for itself. Kiwi's dictionary holds many compounds as one
word ("국민건강보험공단") and takes them or their parts by context: long ones are split again without that
entry, so that both readings share their parts. A code is found by its parts and however they are joined:
PPR-9087 gives ppr9087, ppr and 9087 as well. Hanja, amounts and numbers of articles are put into one form first
(`text.canonical`). Justified Korean breaks lines inside words: what a line's last
and the next one's first letters make together is added where the text does not say it elsewhere. English
stemming is the index's.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from gakju.text.canonical import canonical
from gakju.text.lexicon import Lexicon
from gakju.text.normalise import parted_whole
from gakju.text.typos import variants

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

_HANGUL_HANJA = "ᄀ-ᇿ㄰-㆏ꥠ-꥿가-힣ힰ-퟿㐀-䶿一-鿿豈-﫿𠀀-𯿿"
_LETTER = rf"(?:(?![{_HANGUL_HANJA}])[^\W_])"
# A run of letters and digits of any script but Korean; single signs join its parts: PPR-9087, gpt-4o, a/s, me@x.kr.
_CODE = re.compile(
    rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?%?|\d+조의\d+|{_LETTER}+(?:[-_.+@&/:'’]{_LETTER}+)*(?:%|\+\+|#(?!\w))?"
)
_BROKEN = re.compile(r"(?<![가-힣])([가-힣]+)\n(?=([가-힣]+))")
_BREAK = re.compile(r"(?<=[가-힣])\n(?=[가-힣])")
# Letters on either side of a line break that Kiwi looks at to say whether it parts a word.
_AROUND = 20
_JOINT = re.compile(r"[-_+@&/:'’]|(?<!\d)\.|\.(?!\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?%?")
_ARTICLE = re.compile(r"(\d+)조의\d+")
# Where letters and digits meet in a code: 10kg, SM-G991N, M8x25. More pieces than so many are no code that one types.
_SEAM = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_PIECES_OF_A_CODE = 4
# Nouns, verbs and adjectives without auxiliaries and copula, roots, adverbs, hanja, hashtags.
_CONTENT = ("NN", "NP", "NR", "VV", "VA", "VCN", "XR", "MAG", "SH", "W_HASHTAG")
_COMPOUND = ("NN", "NR", "XPN", "XSN", "XR", "SH")
# Kiwi slows down on one endless line; longer texts are cut at white space near here.
_PIECE = 4_000

# Dictionary words this long are looked into for parts; so many splits are remembered.
_LONG, _LONGEST = 4, 16
_REMEMBERED = 50_000
# Ids below are those of bare tags: a word that the dictionary does not have.
_KNOWN = 20

Mark = tuple[int, int, str, bool]  # start, end, word, part of a compound


class Morphemes:
    """Loads Kiwi (1.5 s, about 300 MB) at first use. Safe to share between threads."""

    version = f"kiwi-{version('kiwipiepy')}-{version('kiwipiepy_model')}-3"
    """Enters the index's fingerprint."""

    def __init__(self, threads: int = 0) -> None:
        """`threads` for `many`; 0 takes every core this process may use."""
        self._threads = threads
        self._kiwi: Kiwi | None = None
        self._lock = threading.Lock()
        self._splits: dict[str, tuple[str, ...]] = {}

    def words(self, text: str, own: Lexicon | None = None) -> list[str]:
        """Search terms of `text` in order, folded; a compound's whole follows its parts."""
        return self.many([text], own)[0]

    def many(self, texts: Sequence[str], own: Lexicon | None = None) -> list[list[str]]:
        """`words` of each text, on Kiwi's own threads; those of the reader's `own` words that Kiwi did not take."""
        plain = [canonical(text) for text in texts]
        found = self._with_broken(plain, self._analysed(plain))
        if own:
            for text, words in zip(plain, found, strict=True):
                known = set(words)
                words += [term for term in own.terms(text) if term not in known]
        return found

    def asked(self, question: str, own: Lexicon | None = None) -> tuple[list[str], list[str]]:
        """`words` of a question, and besides them what it may have meant: spaced as Kiwi would, under the other
        names of `own` words, and with one slip mended in each noun that Kiwi does not know.
        """
        plain = canonical(question)
        tokens = self._loaded().tokenize(plain)
        found = _words(plain, tokens, self._parts)
        terms = own.terms(plain) if own else []
        other = [name for term in terms for name in own.names(term)] if own else []
        spaced = self._loaded().space(plain, reset_whitespace=True)
        if _borders(plain) - _borders(spaced):  # Kiwi sees through words that run together, not through parted ones
            other.append(spaced)
        more = terms + [word for words in (self.many(other) if other else ()) for word in words]
        for token in tokens:
            if token.tag.startswith("NN") and token.id < _KNOWN and 1 < token.len <= _LONGEST:
                more += variants(token.form)
        known = set(found)
        return found, list(dict.fromkeys(word for word in more if word not in known))

    def unbroken(self, text: str) -> str:
        """`text` on one line: words that a line's end parts are whole, other breaks are spaces.

        Latin words end with a hyphen there; of Korean ones Kiwi says whether a space belongs between (98 % of
        spaces and 90 % of insides of words, of 600 in KorQuAD's passages).
        """
        if "\n" not in text:
            return text
        text = re.sub(r"(?<=\w-)\n(?=\w)", "", parted_whole(text))
        at = [m.start() for m in _BREAK.finditer(text)]
        kiwi = self._loaded()
        inside = [i for i in at if not kiwi.glue(_sides(text, i), return_space_insertions=True)[1][0]]
        borders = [0, *(i + 1 for i in inside), len(text) + 1]
        whole = "".join(text[a : b - 1] for a, b in pairwise(borders))
        return re.sub(r"[^\S\t]*\n[^\S\t]*", " ", whole)

    def tagged(self, text: str) -> list[tuple[int, int, str, str]]:
        """`(start, end, tag, form)` of each morpheme of `text` as it is written, in code points."""
        return [(t.start, t.start + t.len, t.tag, t.form) for t in self._loaded().tokenize(text)]

    def _analysed(self, texts: Sequence[str]) -> list[list[str]]:
        pieces = [(i, piece) for i, text in enumerate(texts) for piece in _pieces(text)]
        found: list[list[str]] = [[] for _ in texts]
        analysed = self._loaded().tokenize(piece for _, piece in pieces)
        for (i, piece), tokens in zip(pieces, analysed, strict=True):
            found[i].extend(_words(piece, tokens, self._parts))
        return found

    def _with_broken(self, texts: Sequence[str], found: list[list[str]]) -> list[list[str]]:
        """Adds the words that a line break parts."""
        joined = [" ".join(left + right for left, right in _BROKEN.findall(text)) for text in texts]
        broken = [i for i, text in enumerate(joined) if text]
        for i, words in zip(broken, self._analysed([joined[i] for i in broken]) if broken else (), strict=True):
            known = set(found[i])
            found[i] += [word for word in dict.fromkeys(words) if word not in known]
        return found

    def _parts(self, noun: str) -> tuple[str, ...]:
        """Nouns that a long dictionary word is made of; () where it is one."""
        if noun not in self._splits:
            tokens = self._loaded().tokenize(noun, blocklist=[noun])
            whole = "".join(token.form for token in tokens) == noun and all(token.tag[0] == "N" for token in tokens)
            parts = tuple(token.form for token in tokens if token.len > 1) if whole and len(tokens) > 1 else ()
            if len(self._splits) >= _REMEMBERED:
                self._splits.clear()
            self._splits[noun] = parts
            return parts
        return self._splits.get(noun, ())

    def _loaded(self) -> Kiwi:
        with self._lock:
            if self._kiwi is None:
                from kiwipiepy import Kiwi

                self._kiwi = Kiwi(num_workers=self._threads or None, load_typo_dict=False, load_multi_dict=False)
            return self._kiwi


def _sides(text: str, at: int) -> list[str]:
    """What stands before and behind the line break at `at`, a line each at most."""
    return [text[max(0, at - _AROUND) : at].rpartition("\n")[2], text[at + 1 : at + 1 + _AROUND].partition("\n")[0]]


def _borders(text: str) -> set[int]:
    """Where words begin, counted in letters."""
    return set(accumulate(map(len, text.split())))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while len(text) - at > _PIECE:
        cut = max(text.rfind(" ", at + _PIECE // 2, at + _PIECE), text.rfind("\n", at + _PIECE // 2, at + _PIECE))
        cut = cut if cut > 0 else at + _PIECE
        yield text[at:cut]
        at = cut
    yield text[at:]


def _words(text: str, tokens: Sequence[Any], parts: Callable[[str], Sequence[str]]) -> list[str]:
    taken = bytearray(len(text) + 1)
    marks: list[Mark] = []
    numbers: dict[int, tuple[int, str]] = {}
    for m in _CODE.finditer(text):
        taken[m.start() : m.end()] = b"\1" * (m.end() - m.start())
        words = _code_words(m.group())
        marks += [(m.start(), m.end(), word, bool(_NUMBER.fullmatch(word))) for word in words]
        if _NUMBER.fullmatch(words[0]):
            numbers[m.end()] = m.start(), words[0]
    for token in tokens:
        start, end = token.start, token.start + token.len
        if any(taken[start:end]) or not token.len:
            continue
        if token.tag == "NNB":  # what is counted, with its number: 12호, 50명
            at = start if start in numbers else start - 1 if text[start - 1 : start].isspace() else -1
            if at in numbers:
                marks.append((start, start, numbers[at][1] + token.form, False))
        if token.tag.startswith(_CONTENT):
            if _LONG <= token.len <= _LONGEST and token.tag.startswith("NN"):
                marks += [(start, end, part, True) for part in parts(token.form)]
            marks.append((start, end, token.form.lstrip("#"), token.tag.startswith(_COMPOUND)))
        elif token.tag in {"XPN", "XSN"}:
            marks.append((start, end, "", True))
    return _with_compounds(text, sorted(marks, key=lambda mark: mark[0]))


def _code_words(code: str) -> list[str]:
    """The code as it is and without its signs, then its parts; thousands separators and possessives dropped."""
    code = re.sub(r"['’]s$", "", code.replace(",", ""))
    if _NUMBER.fullmatch(code):
        return [code, code[:-1]] if code.endswith("%") else [code]
    if article := _ARTICLE.fullmatch(code):
        return [code, f"{article[1]}조"]
    parts = [part for part in _JOINT.split(code.rstrip("%+#")) if part]
    joined = "".join(parts)
    words = [code]
    if len(parts) > 1 and not joined.isdigit() and any(map(str.isdigit, joined)):
        words.append(joined)
    for part in parts:
        words.append(part)
        pieces = _SEAM.findall(part)
        if 1 < len(pieces) <= _PIECES_OF_A_CODE:
            words += [piece for piece in pieces if len(piece) > 1]
    return list(dict.fromkeys(words))


def _with_compounds(text: str, marks: Sequence[Mark]) -> list[str]:
    words: list[str] = []
    run: list[Mark] = []

    def close() -> None:
        if len({mark[0] for mark in run}) > 1 and any(mark[2] and not mark[2][0].isdigit() for mark in run):
            whole = text[run[0][0] : run[-1][1]].replace(",", "")
            if whole not in words[-len(run) :]:
                words.append(whole)
        run.clear()

    for mark in marks:
        if mark[0] == mark[1]:  # a number with its counter
            words.append(mark[2])
            continue
        if run and (not mark[3] or mark[0] > run[-1][1]):
            close()
        if mark[2]:
            words.append(mark[2])
        if mark[3]:
            run.append(mark)
    close()
    return words
