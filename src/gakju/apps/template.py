"""Templates: text with `{field}` in it, and nothing else. No code, no attributes, no formats.

`{name}` stands for a field; `{{name}}` is the text "{name}"; any other brace is itself, so that JSON needs no care.
What is filled in is never looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

NAME = r"[a-z][a-z0-9_]{0,39}"
_PLACE = re.compile(rf"\{{\{{({NAME})\}}\}}|\{{({NAME})\}}")


def names(template: str) -> list[str]:
    """The fields a template asks for, each once, in order."""
    return list(dict.fromkeys(m[2] for m in _PLACE.finditer(template) if m[2]))


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with `values` in its places; a name without a value stays as it is written."""
    return _PLACE.sub(lambda m: f"{{{m[1]}}}" if m[1] else values.get(m[2], m[0]), template)
