"""Every string of the screen is asked for, every one asked for is there. Equal keys and placeholders: test_language."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

import gakju.ui
from gakju.assistant.watch import EVERY
from gakju.labs import tokenizer
from gakju.labs.fewshot import PICKS
from gakju.language import catalogue
from gakju.types import AddStatus, Verdict
from gakju.ui import compare, fewshot, playground
from gakju.ui.turns import Phase
from gakju.web.when import Why

SOURCE = "\n".join(p.read_text("utf-8") for p in sorted(Path(gakju.ui.__file__).parent.glob("*.py")))
ASSISTANT = Path(gakju.ui.__file__).parents[1] / "assistant"
INGEST = "\n".join((ASSISTANT / name).read_text("utf-8") for name in ("ingest.py", "line.py", "watch.py"))

FROM_DATA = {
    "verdict": set(get_args(Verdict)),
    "status": {*get_args(AddStatus), "cancelled"},
    "sum": {*get_args(AddStatus), "cancelled", "none"},
    "phase": set(get_args(Phase)) - {"answered", "refused", "failed"},
    "stage": {"queued", *re.findall(r'Progress\(\s*"([a-z]+)"', INGEST), *re.findall(r'tell\(.*"([a-z]+)"\)', INGEST)},
    "count": set(re.findall(r'"(pages|files|documents)"', INGEST)),
    "kind": {kind for kind, _ in tokenizer.KINDS},
    "fs_kind": set(fewshot.KINDS),
    "fs_pick": {"none", *PICKS},
    "fs_part": {"instruction", "example", "question", "format"},
    "vocabulary": set(tokenizer.NAMES),
    "role": set(playground.ROLES),
    "play": set(playground.ROLES),
    "fate": {"struck", "regenerated"},
    "mode": {"verbatim", "free"},
    "arm": set(compare.ARMS),
    "compare_state": {"queued", "running", "done", "failed", "cancelled"},
    "every": {str(hours) for hours in EVERY.values()},
    "web": {f"why_{why}" for why in get_args(Why)} - {"why_", "why_asked"},
    "part": {"reader", "chunker", "analyzer", "embedder"},
    "n": {f"{k}{one}" for k in re.findall(r"""\bn\(["'](\w+)["']""", SOURCE) for one in ("", "_one")},
}
DATA_KEYS = {f"{name}_{value}" for name, values in FROM_DATA.items() for value in values}


def test_the_ingest_stages_are_found() -> None:
    assert {"opening", "reading", "embedding", "reindexing"} <= FROM_DATA["stage"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_string_is_missing(language) -> None:
    asked = set(re.findall(r"""\bt\(["'](\w+)["']""", SOURCE)) | set(re.findall(r'say\("ui", "(\w+)"', SOURCE))
    asked |= {key for pair in re.findall(r'\bt\("(\w+)" if \w+ else "(\w+)"', SOURCE) for key in pair}
    asked |= set(re.findall(r"\bPlace\(\"(\w+)\"", SOURCE))
    asked |= set(re.findall(r'\bicon\("\w+", "(\w+)"', SOURCE))
    assert len(asked) > 60
    assert (asked | DATA_KEYS) - set(catalogue("ui", language)) == set()


def test_no_string_is_left_over() -> None:
    quoted = set(re.findall(r"""["'](\w+)["']""", SOURCE))
    assert set(catalogue("ui", "en")) - quoted - DATA_KEYS == set()


def test_both_languages_are_equal_in_keys_and_placeholders() -> None:
    korean, english = catalogue("ui", "ko"), catalogue("ui", "en")
    assert list(korean) == list(english)

    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {k for k in english if names(korean[k]) != names(english[k])} == set()
