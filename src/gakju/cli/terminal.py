"""What every command shares: options, languages, JSON to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from gakju.errors import UsageError
from gakju.language import Language, catalogue, pick, say

if TYPE_CHECKING:
    from gakju.client import Backend
    from gakju.settings import Settings

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPES = {c: f"\\u{c:04x}" for c in range(0x7F, 0xA0)}


def terminal_language() -> Language:
    """From the locale as POSIX orders its variables: the terminal's own, which is no setting of Gakju."""
    found = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return pick(next(filter(None, found), None))


def word(key: str, **values: object) -> str:
    """A string of help, which is written before settings are read."""
    return say("cli", key, terminal_language(), **values)


def help_text(key: str, example: str) -> str:
    return f"{word(key)}\n\n\b\n{word('example')}:\n  {example}"


def printable(text: str) -> str:
    """Without control characters: a document must not drive the reader's terminal."""
    return "".join(c for c in text if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _BIDI))


def sound(given: str) -> str:
    """What was typed, as text: bytes that are none stand in it as half a character, which nothing takes."""
    return given.encode("utf-8", "replace").decode()


@dataclass
class State:
    """One run of the command line: options of every command, and how it talks."""

    home: str | None = None
    server: str | None = None
    key: str = ""
    json: bool = False

    @cached_property
    def settings(self) -> Settings:
        """Raises UsageError for a setting that is wrong."""
        return self.settings_with()

    def settings_with(self, **given: object) -> Settings:
        from pydantic import ValidationError

        from gakju.settings import load

        try:
            return load(home=self.home, server=self.server, **given)
        except ValidationError as e:
            first = e.errors()[0]
            name = ".".join(str(p) for p in first["loc"])
            raise UsageError(f"The setting {name} is wrong: {first['msg']}.", hint=f"See GAKJU_{name.upper()}.") from e

    @property
    def language(self) -> Language:
        try:
            return pick(self.settings.language) if self.settings.language else terminal_language()
        except UsageError:
            return terminal_language()

    def say(self, key: str, **values: object) -> str:
        return say("cli", key, self.language, **values)

    def known(self, part: str, key: str) -> str:
        """The string for a key that data brought, or the key itself."""
        return catalogue(part, self.language).get(key, key)

    def out(self, text: str = "") -> None:
        print(printable(text), flush=True)

    def write(self, text: str, *, safe: bool = False) -> None:
        """A piece of a line. `safe`: it holds no control characters but our own."""
        print(text if safe else printable(text), end="", flush=True)

    def note(self, text: str) -> None:
        """To stderr."""
        print(f"gakju: {printable(text)}", file=sys.stderr, flush=True)

    def emit(self, value: object, *, indent: int | None = 2) -> None:
        """JSON to stdout."""
        print(json.dumps(value, ensure_ascii=False, indent=indent).translate(_ESCAPES), flush=True)

    def connect(self, *, own: bool = False) -> AbstractContextManager[Backend]:
        from gakju.client import connect

        return connect(self.settings, own=own, key=self.key)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """An option may stand before or after the command; the last one given counts."""
    if value and parameter.name:
        setattr(context.ensure_object(State), parameter.name, value)


def _options() -> list[click.Parameter]:
    common: dict[str, Any] = {"expose_value": False, "callback": _keep}
    return [
        click.Option(["--home"], type=click.Path(file_okay=False), help=word("opt_home"), **common),
        click.Option(["--server"], metavar="URL", help=word("opt_server"), **common),
        click.Option(["--key"], metavar="KEY", help=word("opt_key"), **common),
        click.Option(["--json"], is_flag=True, help=word("opt_json"), **common),
    ]


_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A command with the options that every command takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", _SETTINGS)
        super().__init__(*args, **kwargs)
        self.params += _options()


class Group(click.Group):
    """A group with the same options."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", _SETTINGS)
        super().__init__(*args, **kwargs)
        self.params += _options()


def command(name: str, example: str) -> Callable[[Callable[..., int | None]], Command]:
    """A command whose help is the string `NAME_help`, with an example. It returns its exit code."""
    return click.command(name, cls=Command, help=help_text(f"{name}_help", example))
