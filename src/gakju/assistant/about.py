"""What Gakju is made of here: its version, the libraries installed with it and their licences."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from typing import Any, NamedTuple


class Library(NamedTuple):
    name: str
    version: str
    licence: str
    url: str


def version() -> str:
    return metadata.version("gakju")


@cache
def libraries() -> tuple[Library, ...]:
    """Everything that Gakju needs and is installed, by name; what extras brought too, but not what builds it."""
    found: dict[str, Library] = {}
    waiting = ["gakju"]
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            known = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        found[key] = Library(str(known["Name"]), str(known["Version"]), _licence(known), _url(known))
        for line in known.get_all("Requires-Dist") or []:
            if "extra ==" not in line or (key == "gakju" and not re.search(r"extra == .dev.", line)):
                waiting.append(re.split(r"[\s\[<>=!~;(]", line, maxsplit=1)[0])
    found.pop("gakju", None)
    return tuple(found[key] for key in sorted(found))


def _licence(known: Any) -> str:
    """The expression where there is one, else the first line of the field if it is short, else the classifiers."""
    if said := known.get("License-Expression"):
        return str(said)
    named = [c.rpartition(" :: ")[2] for c in known.get_all("Classifier") or [] if c.startswith("License ::")]
    line = str(known.get("License") or "").strip().partition("\n")[0].strip()
    if line and len(line) <= 40 and line.upper() != "UNKNOWN":
        return line
    return ", ".join(n for n in named if n != "OSI Approved") or line[:40]


def _url(known: Any) -> str:
    pages = [p.partition(",") for p in known.get_all("Project-URL") or []]
    wanted = [url.strip() for label, _, url in pages if label.strip().lower() in {"homepage", "home", "source"}]
    return str(known.get("Home-page") or "") or (wanted[0] if wanted else "")
