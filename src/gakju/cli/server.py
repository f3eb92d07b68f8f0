"""`gakju up`."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

import click

from gakju.cli.terminal import State, command, word
from gakju.errors import UsageError

if TYPE_CHECKING:
    import socket

    from gakju.assistant import Assistant
    from gakju.settings import Settings


@command("up", "gakju up --port 8080 --open")
@click.option("--host", metavar="ADDRESS", help=word("opt_host"))
@click.option("--port", type=click.IntRange(0, 65535), help=word("opt_port"))
@click.option("--open", "browse", is_flag=True, help=word("opt_open"))
@click.option("--samples", is_flag=True, help=word("opt_up_samples"))
@click.option("--let-anyone-in", is_flag=True, help=word("opt_let_anyone_in"))
@click.pass_obj
def up(state: State, host: str | None, port: int | None, browse: bool, samples: bool, let_anyone_in: bool) -> int:
    import logging

    from gakju.api import serve
    from gakju.assistant import machine

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    settings = state.settings_with(host=host, port=port)
    if not serve.is_loopback(settings.host) and not let_anyone_in and not settings.keys:
        raise UsageError(
            f"On {settings.host}, whoever reaches this machine can read, add and delete your documents.",
            hint="Ask for keys with GAKJU_KEYS=on, leave out --host, or add --let-anyone-in if that is meant.",
        )
    with serve.terminable():
        listening = _bound(state, settings)
        if listening is None:
            return 1
        with listening, _opened(settings) as assistant:
            _remind(state, assistant)
            if samples and not assistant.documents():
                assistant.submit_add(machine.sample_files())
            serve.serve(assistant, listening, lambda url: _ready(state, url, browse))
    return 0


def _opened(settings: Settings) -> Assistant:
    from gakju.assistant import Assistant

    return Assistant(settings, own=True)


def _bound(state: State, settings: Settings) -> socket.socket | None:
    """The port, before anything is loaded; None with one line said where it cannot be had."""
    from gakju.api import serve
    from gakju.jobs import Ownership

    if (other := Ownership(settings.home).other()) and other["url"]:
        state.note(state.say("up_already", url=other["url"], pid=other["pid"]))
        return None
    try:
        return serve.bind(settings.host, settings.port)
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            state.note(state.say("up_port_in_use", port=settings.port, next=min(settings.port + 1, 65535)))
        else:
            state.note(state.say("up_no_address", host=settings.host, port=settings.port, why=e.strerror))
        return None


def _ready(state: State, url: str, browse: bool) -> None:
    if state.json:
        state.emit({"url": url}, indent=None)
    else:
        state.out(state.say("up_ready", url=url))
    if browse:
        import webbrowser

        webbrowser.open(url)


def _remind(state: State, assistant: Assistant) -> None:
    from gakju.cli.machine import default_models
    from gakju.models import fetch

    missing = [e.name for e in default_models(assistant.settings) if not fetch.present(e, assistant.settings.models)]
    if missing:
        state.note(state.say("up_models_missing", names=", ".join(missing)))
    if assistant.settings.keys and not any(k.works for k in assistant.store.keys.all()):
        state.note(state.say("up_no_keys"))


COMMANDS = [up]
