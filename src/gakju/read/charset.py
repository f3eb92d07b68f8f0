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


def decode(data: bytes, name: str, declared: str = "") -> str:
    """NFC text. A byte order mark decides, then UTF-8, then `declared`, then UTF-16, CP949 and Windows-1252.

    CP949 holds EUC-KR. Raises BrokenFile for bytes that are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _checked(data.decode(encoding, "replace"), name)
    if data[:4096].count(0) > len(data[:4096]) // 8:
        return _checked(_utf16(data, name), name)
    for encoding in ("utf-8", _known(declared), "cp949"):
        try:
            text = data.decode(encoding) if encoding else ""
        except UnicodeDecodeError:
            continue
        if text and (encoding != "cp949" or _is_korean(text)):
            return _checked(text, name)
    return _checked(data.decode("cp1252", "replace"), name)


def _known(declared: str) -> str:
    """The declared name where Python has that text codec. Korean pages say EUC-KR and mean its superset."""
    try:
        found = codecs.lookup(declared.strip()).name if declared.strip() else ""
    except (LookupError, ValueError):
        return ""
    if found in {"euc_kr", "johab"}:
        return "cp949" if found == "euc_kr" else found
    # Codecs from bytes to bytes (zlib, base64) are no charsets.
    return found if found and codecs.lookup(found)._is_text_encoding else ""


def _utf16(data: bytes, name: str) -> str:
    """Without a mark: the half that is mostly zero tells the byte order."""
    even, odd = data[:4096:2].count(0), data[1:4096:2].count(0)
    try:
        return data.decode("utf-16-be" if even > odd else "utf-16-le")
    except UnicodeDecodeError as e:
        raise _no_text(name) from e


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
