"""Normal forms: what is stored, what is compared, what is indexed."""

from __future__ import annotations

import re
import unicodedata

# Soft hyphen, zero-width space and joiners, word joiner, byte-order mark: they print nothing.
_UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_SPACE_OR_UNSEEN = re.compile(rf"[\s{_UNSEEN}]+")
_UNSEEN_RUN = re.compile(rf"[{_UNSEEN}\x00]+")
# A word parted at a line's end. One with a hyphen of its own ("state-of-the-") keeps it.
_PARTED = re.compile(r"(?<![\w-])([^\W\d_]{2,})[-\u00ad\u2010]\n(?=[a-zß-ÿ])")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def nfc(text: str) -> str:
    """The stored form. Lone surrogates, which no file or database takes, become U+FFFD."""
    return unicodedata.normalize("NFC", _LONE_SURROGATE.sub("\ufffd", text))


def parted_whole(text: str) -> str:
    """Latin words that a hyphen parts at a line's end put together."""
    return _PARTED.sub(r"\1", text)


def fold(text: str) -> str:
    """The indexed form: NFKC (full-width to plain), casefolded, invisible characters removed, white space kept;
    Latin words that a line's end parts are whole."""
    return _UNSEEN_RUN.sub("", parted_whole(unicodedata.normalize("NFKC", nfc(text))).casefold())


def squeeze(text: str) -> str:
    """For comparing two readings of the same words: `fold` without any white space."""
    return _SPACE_OR_UNSEEN.sub("", fold(text))
