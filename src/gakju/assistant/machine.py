"""What the screen offers and changes on this machine: models to choose, their files, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gakju import settings as kept
from gakju.assistant import keychain
from gakju.assistant.generate import owner, tuned
from gakju.errors import NotFound, UsageError
from gakju.http import is_loopback
from gakju.models import catalog, fetch

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context
    from gakju.store import Job

Step = Literal["", "download", "key", "endpoint", "offline"]
SECRETS = frozenset(["openai_api_key", "azure_api_key"])
HOSTED = {"openai": "openai:gpt-4o-mini", "azure": "azure:dev-model"}
"""What is offered of a provider as long as settings name no model of it."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A chat model to choose. `label` is its name for people, "" where `name` does; `step` what it lacks yet."""

    name: str
    label: str = ""
    step: Step = ""
    bytes: int = 0


def offered(a: Assistant) -> list[Offered]:
    """The default first, then those on this machine, then those of other machines that settings name."""
    s = a.settings
    entries = {f"embedded:{e.name}": e for e in catalog.entries() if e.kind == "chat"}
    named = {target: alias for alias, target in s.aliases.items() if owner(target) in {"openai", "azure", "compatible"}}
    hosted = [h for o, h in HOSTED.items() if not any(owner(n) == o for n in (s.chat_model, *named))]
    found = []
    for name in dict.fromkeys([s.chat_model, *entries, *tuned(a), *named, *hosted]):
        entry = entries.get(name)
        label = entry.title if entry else named.get(name, "")
        found.append(Offered(name, label, missing(a, name), entry.bytes if entry else 0))
    return found


def missing(a: Assistant, name: str) -> Step:
    """What stands between a model and its first answer; "" where nothing does, as far as one knows here."""
    s, provider = a.settings, owner(name)
    if provider == "embedded":
        known = {e.name: e for e in catalog.entries()}
        entry = known.get(name.partition(":")[2].partition("+")[0])
        return "" if entry is None or fetch.present(entry, s.models) else "download"
    if provider == "gakju":
        return ""
    if s.offline and not (provider == "compatible" and is_loopback(name)):
        return "offline"
    if provider == "openai" and not s.openai_api_key.get_secret_value():
        return "key"
    return "endpoint" if provider == "azure" and not s.azure_endpoint else ""


# Model files


def submit_pull(a: Assistant, name: str) -> Job:
    """Queue the download of a catalogue's model, unless it is under way. Raises UnknownModel."""
    catalog.entry(name)
    for job in a.store.jobs(kinds=["pull"], states=["queued", "running"]):
        if job.payload["model"] == name:
            return job
    return a.jobs.submit("pull", {"model": name})


def pull(a: Assistant, context: Context) -> dict[str, Any]:
    """The handler of "pull" jobs."""
    s, entry = a.settings, catalog.entry(context.payload["model"])
    path = fetch.pull(entry, s.models, source=s.model_source, offline=s.offline, on_progress=context.progress)
    return {"model": entry.name, "path": str(path), "bytes": entry.bytes}


def remove(a: Assistant, name: str) -> None:
    """Delete a model's file; what runs with it now keeps it until it stops. Raises UnknownModel."""
    fetch.remove(catalog.entry(name), a.settings.models)
    a.parts.close_chat(f"embedded:{name}")


# Settings


def choose(a: Assistant, **values: str | Mapping[str, str]) -> None:
    """Keep settings and go by them at once. Raises UsageError where the environment or `gakju.toml` says otherwise."""
    given = {n: v.strip() if isinstance(v, str) else v for n, v in values.items()}
    for name in given:
        if fixed(a, name):
            raise UsageError(f"{name} is set elsewhere.", hint=f"Change GAKJU_{name.upper()} or gakju.toml.")
    held = {n: keychain.keep(n, v) if n in SECRETS and isinstance(v, str) else v for n, v in given.items()}
    kept.choose(a.settings.home, held)
    now = kept.load(home=a.settings.home)
    for name in held:
        setattr(a.settings, name, getattr(now, name))
    a.parts.close_hosted()


def fixed(a: Assistant, name: str) -> bool:
    """Whether a setting comes from the environment or `gakju.toml`, which the screen does not change."""
    import tomllib

    path = a.settings.home / kept.CHOSEN
    chosen = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    default = kept.Settings.model_fields[name].get_default(call_default_factory=True)
    value = getattr(a.settings, name)
    reveal = getattr(value, "get_secret_value", None)
    if reveal:
        value, default = reveal(), default.get_secret_value()
    return bool(value != chosen.get(name, default))


def sample_files() -> list[Path]:
    """The two documents that come with Gakju. Raises NotFound where they were taken out."""
    import gakju

    found = sorted(Path(gakju.__file__).parent.joinpath("samples").glob("*.pdf"))
    if not found:
        raise NotFound("The sample documents are not there.")
    return found
