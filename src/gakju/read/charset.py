"""Bytes of a text file to text."""

from __future__ import annotations

import codecs
import re
import unicodedata

from gakju.errors import BrokenFile

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LETTER = re.compile(r"[^\W\d_]")
# Python's own, and those in which nobody could have read the declaration.
_NO_CHARSETS = re.compile(r"utf-?(?:7|16|32).*|idna|punycode|undefined|(?:raw.)?unicode.escape")


def decode(data: bytes, name: str, declared: str = "") -> str:
    """NFC text. A byte order mark decides, then what `wide` finds, then UTF-8, `declared`, CP949 and Windows-1252.

    CP949 holds EUC-KR. A letter that is broken off or damaged becomes U+FFFD, and the others stay what they are.
    Raises BrokenFile for bytes that are no text.
    """
    if encoding := wide(data):
        return _checked(data.decode(encoding, "replace"), name)
    for encoding in ("utf-8", _known(declared), "cp949"):
        text = data.decode(encoding, "replace") if encoding else ""
        if text and _fits(text) and (encoding != "cp949" or _is_korean(text)):
            return _checked(text, name)
    return _checked(data.decode("cp1252", "replace"), name)


def wide(data: bytes) -> str:
    """The encoding that a mark at the beginning tells, or UTF-16 by its zeros; "" for others."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" not in (sample := data[:4096]):
        return ""
    # Spaces, signs and digits have a zero beside them; 가 and 글 have one as well, in the other half.
    plain = {"utf-16-le": 0, "utf-16-be": 0}
    for first, second in zip(sample[::2], sample[1::2], strict=False):
        plain["utf-16-le"] += second == 0 and 9 <= first < 0x7F
        plain["utf-16-be"] += first == 0 and 9 <= second < 0x7F
    other, best = sorted(plain, key=lambda encoding: plain[encoding])
    return best if 20 * plain[best] > len(sample) and 4 * plain[other] < plain[best] else ""


def _fits(text: str) -> bool:
    """Of what is not ASCII, hardly anything could not be read."""
    other = len(text) - len(text.encode("ascii", "ignore"))
    return text.count("\ufffd") * 5 <= other


def _known(declared: str) -> str:
    """The declared name where Python has that text codec. Korean pages say EUC-KR and mean its superset."""
    try:
        found = codecs.lookup(declared.strip()).name if declared.strip() else ""
    except (LookupError, ValueError):
        return ""
    if found == "euc_kr":
        return "cp949"
    # Codecs from bytes to bytes (zlib, base64) are no charsets.
    known = found and codecs.lookup(found)._is_text_encoding and not _NO_CHARSETS.fullmatch(found)
    return found if known else ""


def _is_korean(text: str) -> bool:
    """Western text read as CP949 gives rare ideographs; Korean text gives mostly Hangul."""
    letters = [c for c in text[:200_000] if c > "\x7f" and _LETTER.match(c)]
    return sum("가" <= c <= "힣" or "ㄱ" <= c <= "ㆎ" for c in letters) * 2 >= len(letters)


def _checked(text: str, name: str) -> str:
    sample = text[:100_000]
    strange = sum(c == "\ufffd" or (c < " " and c not in "\t\n\r\f\v\x1b\b") for c in sample)
    if strange > len(sample) // 20:
        raise _no_text(name)
    return unicodedata.normalize("NFC", text)


def _no_text(name: str) -> BrokenFile:
    return BrokenFile(f"{name}: holds no text that any known encoding reads.", hint="Save it as UTF-8 text.")
