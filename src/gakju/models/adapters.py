"""LoRA adapters on disk, and the names that people know them by.

`adapters/ID.gguf` is the adapter and `ID.json` says of which base it is; an id is never used again. `names.json` has
for each name the ids that were kept under it, the one in use first, so that keeping can be undone. Adapters of a base
are loaded with it, and a request names one: `embedded:BASE+NAME`, or `+ID` for one that nobody has kept yet.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gakju.errors import NotFound, UnknownModel, UsageError

_ID = re.compile(r"ft[-_][0-9a-z]{8,40}")
_NAME = re.compile(r"[0-9a-z가-힣][0-9a-z가-힣._-]{0,39}")
MOST = 16
"""Adapters of one base that are loaded at a time, the newest; each takes its size in memory."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """`name` is "" for one that is not in use under any; `model` is how a request names it."""

    id: str
    base: str
    path: Path
    name: str = ""

    @property
    def model(self) -> str:
        return f"embedded:{self.base}+{self.name or self.id}"

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size


def check_name(name: str) -> str:
    """Raises UsageError."""
    if not _NAME.fullmatch(name) or _ID.fullmatch(name):
        hint = "Use up to 40 small letters, digits, dots, dashes and underscores."
        raise UsageError(f"{name[:60]!r} cannot be the name of a tuned model.", hint=hint, param="suffix")
    return name


_naming = threading.Lock()


class Adapters:
    """Those under a folder of models. One process writes, its threads in turn; reading is safe at any time."""

    def __init__(self, root: Path) -> None:
        self.root = root / "adapters"

    def all(self) -> list[Adapter]:
        """Oldest first."""
        used = {kept[0]: name for name, kept in self._names().items() if kept}
        found = []
        for card in self.root.glob("*.json"):
            path = card.with_suffix(".gguf")
            with suppress(OSError, ValueError, KeyError, TypeError):
                if _ID.fullmatch(card.stem):
                    base = str(json.loads(card.read_text("utf-8"))["base"])
                    found.append((path.stat().st_mtime_ns, Adapter(card.stem, base, path, used.get(card.stem, ""))))
        return [a for _, a in sorted(found, key=lambda pair: (pair[0], pair[1].id))]

    def of(self, base: str) -> dict[str, Path]:
        """What is loaded with a base: files by id."""
        return {a.id: a.path for a in [a for a in self.all() if a.base == base][-MOST:]}

    def find(self, base: str, name: str) -> Adapter:
        """By name or id. Raises UnknownModel: the engine itself would answer with the base, without a word."""
        here = [a for a in self.all() if a.base == base]
        for adapter in here:
            if name in (adapter.id, adapter.name):
                return adapter
        there = ", ".join(a.name for a in here if a.name) or "none"
        told = f"embedded:{base}+{name[:60]}"
        raise UnknownModel(
            f"{base} has no adapter {name[:60]!r}.", hint=f"There are: {there}.", name=told, param="model"
        )

    def put(self, adapter_id: str, base: str, file: Path) -> Adapter:
        """Takes the file over; once there it can be used by its id."""
        if not _ID.fullmatch(adapter_id):
            raise UsageError(f"{adapter_id[:60]!r} is no id of an adapter.")
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / f"{adapter_id}.gguf"
        shutil.move(file, path)
        _write(path.with_suffix(".json"), {"base": base})
        return Adapter(adapter_id, base, path)

    def keep(self, adapter_id: str, name: str) -> Adapter:
        """From now on `name` means this one. Raises NotFound, UsageError."""
        check_name(name)
        with _naming:
            names = self._names_without(adapter_id)
            found = self._get(adapter_id)
            names[name] = [adapter_id, *names.get(name, [])]
            self._put_names(names)
        return Adapter(found.id, found.base, found.path, name)

    def roll_back(self, name: str) -> Adapter | None:
        """The adapter that `name` meant before is in use again, or none. Raises NotFound."""
        with _naming:
            names = self._names()
            if not names.get(name):
                raise NotFound(f"No tuned model is kept under the name {name[:60]!r}.", name=name)
            names[name] = names[name][1:]
            self._put_names(names)
        return next((a for a in self.all() if a.name == name), None)

    def remove(self, adapter_id: str) -> None:
        """Off the disk and out of every name; what was kept before it under its name is in use again."""
        path = self._get(adapter_id).path
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        with _naming:
            self._put_names(self._names_without(adapter_id))

    def _get(self, adapter_id: str) -> Adapter:
        for adapter in self.all():
            if adapter.id == adapter_id:
                return adapter
        raise NotFound(f"There is no adapter {adapter_id[:60]!r}.", id=adapter_id)

    def _names(self) -> dict[str, list[str]]:
        try:
            told = json.loads((self.root / "names.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(n): [str(i) for i in kept] for n, kept in told.items()} if isinstance(told, dict) else {}

    def _names_without(self, adapter_id: str) -> dict[str, list[str]]:
        return {n: [i for i in kept if i != adapter_id] for n, kept in self._names().items()}

    def _put_names(self, names: dict[str, list[str]]) -> None:
        _write(self.root / "names.json", {n: kept for n, kept in names.items() if kept})


def _write(path: Path, told: object) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    part.replace(path)
