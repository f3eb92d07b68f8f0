"""`gakju models` and `gakju doctor`: what this machine has."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gakju.cli.meter import Meter
from gakju.cli.terminal import Group, State, command, help_text

if TYPE_CHECKING:
    from gakju.models.catalog import Entry
    from gakju.settings import Settings

NEEDED = 2 << 30
"""Bytes free below which the doctor warns: models and a library of some size."""


def default_models(settings: Settings) -> list[Entry]:
    """The catalogue's entries for the models that settings name; none for hosted ones."""
    from gakju.models import catalog

    names = [settings.chat_model, settings.embedder]
    ours = [n.partition(":")[2].partition("+")[0] for n in names if n.startswith("embedded:")]
    return [catalog.entry(name) for name in ours]


@click.group("models", cls=Group, help=help_text("models_help", "gakju models list"))
def models() -> None:
    pass


@command("models_list", "gakju models list --json")
@click.pass_obj
def models_list(state: State) -> int:
    from gakju.models import catalog, fetch

    wanted = {e.name for e in default_models(state.settings)}
    rows: list[dict[str, Any]] = [
        {
            "name": e.name,
            "kind": e.kind,
            "title": e.title,
            "bytes": e.bytes,
            "licence": e.licence,
            "present": fetch.present(e, state.settings.models),
            "default": e.name in wanted,
        }
        for e in catalog.entries()
    ]
    served = catalog.served()
    if state.json:
        rows += [
            {**asdict(e), "kind": "embed", "present": None, "default": False, "setting": e.setting} for e in served
        ]
        state.emit(rows)
        return 0
    for row in rows:
        there = state.say("models_present") if row["present"] else state.say("models_absent")
        mark = "*" if row["default"] else " "
        state.out(f"{mark} {row['name']:<24} {row['bytes'] / 1e6:>6.0f} MB  {there}  {row['title']} ({row['licence']})")
    state.out("")
    state.out(state.say("models_served"))
    for one in served:
        size = f"{one.bytes / 1e6:>6.0f} MB  {one.dimensions:>4}"
        state.out(f"  {one.name:<31} {size}  GAKJU_EMBEDDER={one.setting} ({one.licence})")
    return 0


@command("models_pull", "gakju models pull qwen2.5-coder-1.5b")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def models_pull(state: State, names: tuple[str, ...]) -> int:
    from gakju.models import catalog, fetch

    s = state.settings
    wanted = [catalog.entry(n) for n in names] or default_models(s)
    done = []
    for entry in wanted:
        with Meter(state) as meter:
            path = fetch.pull(entry, s.models, source=s.model_source, offline=s.offline, on_progress=meter.tell)
        done.append({"name": entry.name, "path": str(path), "bytes": entry.bytes})
        if not state.json:
            state.out(f"{entry.name}  {path}")
    if state.json:
        state.emit(done)
    return 0


@command("models_verify", "gakju models verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def models_verify(state: State, names: tuple[str, ...]) -> int:
    from gakju.models import catalog, fetch

    root = state.settings.models
    chosen = [catalog.entry(n) for n in names] or [e for e in catalog.entries() if fetch.path_of(e, root).exists()]
    rows = []
    for entry in chosen:
        there = fetch.path_of(entry, root).exists()
        status = "missing" if not there else "ok" if fetch.verify(entry, root) else "corrupt"
        rows.append({"name": entry.name, "status": status})
        if not state.json:
            state.out(f"{entry.name}  {state.known('cli', f'verify_{status}')}")
    if state.json:
        state.emit(rows)
    if not rows:
        state.note(state.say("models_none"))
        return 3
    return 0 if all(r["status"] == "ok" for r in rows) else 1


for _name, _command in {"list": models_list, "pull": models_pull, "verify": models_verify}.items():
    models.add_command(_command, _name)


@command("doctor", "gakju doctor")
@click.pass_obj
def doctor(state: State) -> int:
    checks = [_python(), *_models(state), *_tesseract(state), _disk(state), _owner(state), _library(state)]
    if state.json:
        state.emit(
            [{"name": name, "status": status, "detail": detail, "fix": fix} for name, status, detail, fix in checks]
        )
    else:
        for name, status, detail, fix in checks:
            step = f"\n        → {fix}" if fix else ""
            state.out(f"{state.known('cli', f'doctor_{status}'):<5} {name}: {detail}{step}")
    return 1 if any(status == "fail" for _, status, _, _ in checks) else 0


Check = tuple[str, str, str, str]
"""Name, `ok`, `warn` or `fail`, what was found, the next step."""


def _python() -> Check:
    return "Python", "ok", sys.version.split()[0], ""


def _models(state: State) -> list[Check]:
    from gakju.models import fetch

    found: list[Check] = []
    for entry in default_models(state.settings):
        name = state.say("doctor_model", name=entry.name)
        if fetch.present(entry, state.settings.models):
            found.append((name, "ok", state.say("models_present"), ""))
        else:
            found.append((name, "fail", state.say("models_absent"), f"gakju models pull {entry.name}"))
    return found


def _tesseract(state: State) -> list[Check]:
    import shutil
    import subprocess

    command = "apt-get install tesseract-ocr tesseract-ocr-kor"
    tool = shutil.which("tesseract")
    if not tool:
        return [("tesseract", "warn", state.say("doctor_no_tesseract"), command)]
    try:
        told = subprocess.run([tool, "--list-langs"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return [("tesseract", "warn", str(e), command)]
    have = set(told.stdout.split())
    missing = [x for x in state.settings.ocr_languages.split("+") if x not in have]
    if missing:
        return [("tesseract", "warn", state.say("doctor_no_language", names=", ".join(missing)), command)]
    return [("tesseract", "ok", state.settings.ocr_languages, "")]


def _disk(state: State) -> Check:
    import shutil

    home = state.settings.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    status = "ok" if free >= NEEDED else "warn"
    step = "" if status == "ok" else state.say("doctor_disk_step")
    return str(home), status, state.say("doctor_free", gigabytes=f"{free / 1e9:.1f}"), step


def _owner(state: State) -> Check:
    from gakju.jobs import Ownership

    name = state.say("doctor_server")
    other = Ownership(state.settings.home).other()
    if not other:
        return name, "ok", state.say("doctor_no_server"), ""
    return name, "ok", other["url"] or state.say("doctor_busy", pid=other["pid"]), ""


def _library(state: State) -> Check:
    from gakju.assistant import Assistant
    from gakju.errors import GakjuError
    from gakju.language import explain

    name = state.say("doctor_library")
    try:
        with Assistant(state.settings, own=False) as assistant:
            count = state.say("doctor_documents", documents=len(assistant.documents()))
            stale = assistant.parts.index.stale
    except GakjuError as e:
        return name, "fail", explain(e, state.language), ""
    if stale:
        return name, "warn", f"{count}, {state.say('doctor_stale', parts=', '.join(stale))}", "gakju docs reindex"
    return name, "ok", count, ""


COMMANDS = [models, doctor]
