"""What stands around the text of a page of the web: menus, related links, consent, sharing, the line of the copyright.

By rule, and carefully: what is taken for a frame is still shown, but no chunk is made of it. A page that would be left
with next to nothing keeps everything: there the links are the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from gakju.types import BlockKind

Frames = dict[etree._Element, BlockKind]

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_ROLES: dict[str, BlockKind] = {
    "navigation": "header", "banner": "header", "search": "header", "dialog": "header", "alertdialog": "header",
    "contentinfo": "footer",
}  # fmt: skip
_CANDIDATES = {
    "address", "aside", "center", "dd", "div", "dl", "fieldset", "font", "form", "header", "li", "ol", "p", "section",
    "small", "span", "td", "ul",
}  # fmt: skip
_RUNNING = {"center", "dd", "font", "li", "p", "small", "span", "td"}
"""What holds running text, in which a word beside the links makes them part of it."""
_WORD = re.compile(r"\w")
_NAMED = re.compile(
    r"(?:^|[-_ ])(?:cookies?[-_]?(?:banner|bar|box|consent|law|layer|modal|notice|popup|wall)|consent|gdpr|newsletter"
    r"|subscribe|breadcrumbs?|share|sharing|sns|social|skip|paging|pagination|copyright|satisfaction)(?:$|[-_ ])",
    re.I,
)
_RIGHTS = re.compile(
    r"(?:copyright|ⓒ|©|\(c\))\s*(?:\(c\)\s*)?(?:19|20)\d\d|all rights reserved|무단\s*전재|저작권자", re.I
)
_SENTENCE = re.compile(r"[.!?。…][\"'”’)\]]*$|[다요죠까][.\s]*$")
_LINKS = 3
"""Links that make a list of them; fewer may be a sentence's."""
_DENSE = 0.7
"""The share of a block's letters that stand in links, from which it is a list of links."""
_LONG = 40
"""Letters of a link, on average, above which a list of links tells something itself."""
_NOTICE = 400
"""Letters that a banner or a line of rights has at most."""
_SMALL = 0.5
"""The share of a page's letters that they have at most: what holds them and the text too is not one of them."""
_LEFT = 0.1
"""The share of a page's letters that must be left for its text."""


def frames_of(root: etree._Element) -> Frames:
    """The outermost elements that are frames, each as what comes before the text or after it."""
    counted = _count(root)
    whole = counted[root].letters
    found: Frames = {}
    inside: set[etree._Element] = set()
    taken = 0
    for element in root.iter(etree.Element):
        if element.getparent() in inside:
            inside.add(element)
            continue
        if kind := _kind(element, counted[element], whole):
            inside.add(element)
            found[element] = kind
            taken += counted[element].letters
        elif element.tag in _HEADINGS:  # alone it heads nothing
            taken += counted[element].letters
    return found if whole - taken >= _LEFT * whole else {}


class _Counted(NamedTuple):
    """Letters of an element, those in links, links, whether a link is a sentence or heads something, and whether there
    are words beside the links.
    """

    letters: int = 0
    linked: int = 0
    links: int = 0
    said: bool = False
    words: bool = False


def _count(root: etree._Element) -> dict[etree._Element, _Counted]:
    counted: dict[etree._Element, _Counted] = {}
    for _, element in etree.iterwalk(root, events=("end",)):
        below = [counted.get(child, _Counted()) for child in element]
        texts = (element.text, *(child.tail for child in element))
        letters = sum(len((text or "").strip()) for text in texts) + sum(b.letters for b in below)
        if element.tag == "a" and element.get("href"):
            said = letters > _LONG // 2 and bool(_SENTENCE.search("".join(element.itertext()).strip()))
            counted[element] = _Counted(letters, letters, 1, said)
        else:
            linked, links = sum(b.linked for b in below), sum(b.links for b in below)
            said = any(b.said for b in below) or (element.tag in _HEADINGS and links > 0)
            words = any(b.words for b in below) or any(_WORD.search(text or "") for text in texts)
            counted[element] = _Counted(letters, linked, links, said, words)
    return counted


def _kind(element: etree._Element, counted: _Counted, whole: int) -> BlockKind | None:
    if not counted.letters:
        return None
    if role := _ROLES.get(element.get("role", "")):
        return role
    if element.tag == "button":
        return "header" if counted.letters <= _LONG and not _in_heading(element) else None
    if element.tag not in _CANDIDATES:
        return None
    small = counted.letters <= min(_NOTICE, _SMALL * whole)
    named = small and _NAMED.search(f"{element.get('class', '')} {element.get('id', '')}")
    if named or (_is_list_of_links(counted) and not (counted.words and element.tag in _RUNNING)):
        return "header"
    rights = small and element.tag not in {"span", "font"} and _RIGHTS.search("".join(element.itertext()))
    return "footer" if rights else None


def _is_list_of_links(c: _Counted) -> bool:
    return c.links >= _LINKS and c.linked >= _DENSE * c.letters and c.linked <= _LONG * c.links and not c.said


def _in_heading(element: etree._Element) -> bool:
    return any(above.tag in {*_HEADINGS, "summary", "dt"} for above in element.iterancestors())
