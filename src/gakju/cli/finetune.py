"""`gakju finetune`: check examples, see the price, train, judge, keep; here, or on the server that owns the folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import click

from gakju.cli.meter import Meter
from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import UsageError

if TYPE_CHECKING:
    from gakju.client import Library, RemoteAssistant

Json = dict[str, Any]
_file = click.Path(dir_okay=False, path_type=Path)
PART = "finetune"
"""Of the languages."""
_SOURCES = ("set:", "collection:")


class Tunings(Protocol):
    """Everything as the API shows it. `given` are the fields of its forms."""

    def check(self, given: Mapping[str, Any]) -> Json: ...
    def price(self, given: Mapping[str, Any]) -> Json: ...
    def start(self, given: Mapping[str, Any]) -> Json: ...
    def all(self) -> list[Json]: ...
    def one(self, name: str) -> Json: ...
    def act(self, name: str, action: str, as_: str = "") -> Json: ...
    def delete(self, name: str) -> None: ...
    def job(self, job_id: str) -> Json: ...


class Here:
    """In this process, which then trains itself."""

    def __init__(self, library: Library) -> None:
        from gakju.labs import finetune

        self._assistant = library.assistant
        self._tuner = finetune.of(self._assistant)

    def _request(self, given: Mapping[str, Any]) -> Any:
        from gakju.labs.finetune import told
        from gakju.labs.finetune.recipe import Recipe

        recipe = Recipe.of(given)
        return told.Request(
            self._tuner, given["source"], given["file"], given["held"],
            model=given["model"], system=given["system"], recipe=recipe,
        )  # fmt: skip

    def check(self, given: Mapping[str, Any]) -> Json:
        from gakju.labs.finetune import told

        return told.report(self._request(given).check())

    def price(self, given: Mapping[str, Any]) -> Json:
        found: Json = self._request(given).price()
        return found

    def start(self, given: Mapping[str, Any]) -> Json:
        from gakju.labs.finetune import told

        return told.tuning(self._tuner, self._request(given).start(given["name"].lower()))

    def all(self) -> list[Json]:
        from gakju.labs.finetune import told

        return [told.tuning(self._tuner, t) for t in reversed(self._tuner.all())]

    def one(self, name: str) -> Json:
        from gakju.labs.finetune import told

        return told.tuning(self._tuner, self._tuner.get(name), log=True)

    def act(self, name: str, action: str, as_: str = "") -> Json:
        from gakju import wire

        if action == "judge":
            return wire.job(self._tuner.submit_judge(name))
        if action == "roll-back":
            found = self._tuner.roll_back(name)
            return {"name": name, "model": found.model if found else None}
        acts: dict[str, Callable[[], object]] = {
            "keep": lambda: self._tuner.use(name, as_.lower()),
            "stop": lambda: self._tuner.cancel(name),
            "resume": lambda: self._tuner.resume(name),
        }
        acts[action]()
        return self.one(name)

    def delete(self, name: str) -> None:
        self._tuner.delete(name)

    def job(self, job_id: str) -> Json:
        from gakju import wire

        return wire.job(self._assistant.store.job(job_id))


class There:
    """On a server."""

    def __init__(self, remote: RemoteAssistant) -> None:
        self._remote = remote

    def _send(self, path: str, given: Mapping[str, Any]) -> Json:
        if given["system"]:
            raise UsageError("--system is for this machine's own folder.", hint="Write it into the examples.")
        files = {k: (f"{k}.jsonl", given[k]) for k in ("file", "held") if given[k] is not None}
        form = {k: v for k, v in given.items() if k not in {"file", "held", "system"}}
        found: Json = self._remote.call("POST", path, data=form, files=files or {"none": ("", b"")})
        return found

    def check(self, given: Mapping[str, Any]) -> Json:
        return self._send("/v1/finetune/check", given)

    def price(self, given: Mapping[str, Any]) -> Json:
        return self._send("/v1/finetune/price", given)

    def start(self, given: Mapping[str, Any]) -> Json:
        return self._send("/v1/finetune", given)

    def all(self) -> list[Json]:
        return self._remote.call("GET", "/v1/finetune")  # type: ignore[no-any-return]

    def one(self, name: str) -> Json:
        return self._remote.call("GET", f"/v1/finetune/{quote(name, safe='')}")  # type: ignore[no-any-return]

    def act(self, name: str, action: str, as_: str = "") -> Json:
        path = f"/v1/finetune/{quote(name, safe='')}/{action}"
        return self._remote.call("POST", path, json={"name": as_})  # type: ignore[no-any-return]

    def delete(self, name: str) -> None:
        self._remote.call("DELETE", f"/v1/finetune/{quote(name, safe='')}")

    def job(self, job_id: str) -> Json:
        return self._remote.call("GET", f"/v1/jobs/{quote(job_id)}")  # type: ignore[no-any-return]


@contextmanager
def tunings(state: State) -> Iterator[Tunings]:
    from gakju.client import Library

    with state.connect(own=True) as backend:
        yield Here(backend) if isinstance(backend, Library) else There(backend)  # type: ignore[arg-type]


def _say(state: State, key: str, **values: object) -> str:
    from gakju.language import say

    return say(PART, key, state.language, **values)


def _ended(state: State, lab: Tunings, job_id: str) -> Json:
    """The finished job, with a bar meanwhile. Left early, it goes on where a server does it."""
    from gakju import wire
    from gakju.types import Progress

    with Meter(state) as meter:
        while True:
            job = lab.job(job_id)
            if job["progress"]:
                meter.tell(wire.load(Progress, job["progress"]))
            if job["state"] in {"done", "failed", "cancelled"}:
                return job
            time.sleep(0.5)


def _result(state: State, job: Json) -> Json | None:
    if job["state"] == "done":
        result: Json = job["result"]
        return result
    state.note(" ".join(filter(None, (job["error"].get("message"), job["error"].get("hint")))) or state.say("stopped"))
    return None


# Commands


@click.group("finetune", cls=Group, invoke_without_command=True, help=help_text("finetune_help", "gakju finetune"))
@click.pass_context
def finetune(context: click.Context) -> int:
    return 0 if context.invoked_subcommand else _list(context.obj)


def _given(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a check, a price and a training are told."""
    for option in (
        click.option("--epochs", type=click.IntRange(1, 50), default=2, show_default=True, help=word("opt_ft_epochs")),
        click.option("--system", default="", metavar="TEXT", help=word("opt_ft_system")),
        click.option("--held", type=_file, metavar="FILE", help=word("opt_ft_held")),
        click.option("--model", default="", metavar="NAME", help=word("opt_ft_model")),
        click.argument("examples"),
    ):
        function = option(function)
    return function


def _fields(state: State, examples: str, model: str, held: Path | None, system: str, epochs: int) -> Json:
    named = examples == "chats" or examples.startswith(_SOURCES)
    return {
        "source": examples if named else "",
        "file": None if named else _bytes(Path(examples)),
        "held": _bytes(held) if held else None,
        "model": model or state.settings.chat_model.partition("+")[0],
        "system": system,
        "epochs": epochs,
    }


def _bytes(path: Path) -> bytes:
    from gakju.labs.finetune.dataset import LARGEST

    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}.", hint="Or name set:NAME, chats or collection:NAME.")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


@command("finetune_check", "gakju finetune check examples.jsonl")
@_given
@click.pass_obj
def check(state: State, /, **options: Any) -> int:
    with tunings(state) as lab:
        found = lab.check(_fields(state, **options))
    if state.json:
        state.emit(found)
    else:
        for line in report_lines(state, found):
            state.out(line)
    return 1 if found["refused"] else 0


def report_lines(state: State, found: Json) -> Iterator[str]:
    yield _say(state, "counted", examples=found["examples"], held=found["held"])
    for one in found["findings"]:
        mark = "✗" if one["refuses"] else "!"
        lines = ", ".join(map(str, one["lines"][:12])) + (" …" if len(one["lines"]) > 12 else "")
        where = f" ({_say(state, 'lines', lines=lines)})" if one["lines"] else ""
        yield f"{mark} {_say(state, 'found_' + one['code'], **one['values'])}{where}"
    for doubt in found["volatile"][:20]:
        yield f"    {doubt['line']}: {doubt['text']}  — {_say(state, 'volatile_' + doubt['kind'])}"
    if not found["findings"]:
        yield _say(state, "fine")


@command("finetune_price", "gakju finetune price examples.jsonl")
@_given
@click.pass_obj
def price(state: State, /, **options: Any) -> int:
    with tunings(state) as lab:
        found = lab.price(_fields(state, **options))
        if "job" in found:
            result = _result(state, _ended(state, lab, found["job"]))
            if result is None:
                return 1
            found = {"price": result}
    if state.json:
        state.emit(found)
        return 0
    for line in price_lines(state, found["price"]):
        state.out(line)
    if "ends" in found:
        state.out(_say(state, "winding_down"))
    return 0


def price_lines(state: State, p: Json) -> Iterator[str]:
    if "steps_measured" in p:
        mib = 2**20
        yield _say(
            state, "price_local", hours=round(p["seconds"] / 3600, 2), minutes=round(p["seconds"] / 60),
            steps=p["steps"], each=p["seconds_a_step"], tried=p["steps_measured"], device=p["device"],
        )  # fmt: skip
        yield _say(state, "price_memory", gib=round(p["memory"] / 2**30, 1))
        yield _say(state, "price_after", base=round(p["base_bytes"] / mib), adapter=round(p["adapter_bytes"] / mib))
        return
    money = "?" if p["money"] is None else f"{p['money']:.2f}"
    yield _say(state, "price_hosted", tokens=f"{p['billed']:,}", epochs=p["epochs"], money=money, model=p["model"])
    if p["prompt_million"] is not None:
        yield _say(state, "price_hosted_after", prompt=p["prompt_million"], answer=p["answer_million"])


@command("finetune_start", "gakju finetune start examples.jsonl --name topics")
@_given
@click.option("--name", default="", metavar="NAME", help=word("opt_ft_name"))
@click.option("--background", is_flag=True, help=word("opt_ft_background"))
@click.pass_obj
def start(state: State, /, name: str, background: bool, **options: Any) -> int:
    given = _fields(state, **options)
    if given["model"].startswith(("openai:", "azure:")):
        state.note(_say(state, "winding_down"))
    with tunings(state) as lab:
        made = lab.start({**given, "name": name})
        if background and isinstance(lab, There):
            return _told(state, made)
        state.note(_say(state, "began", id=made["id"]))
        return _followed(state, lab, made)


def _followed(state: State, lab: Tunings, made: Json) -> int:
    done = _ended(state, lab, made["job_id"])
    told = lab.one(made["id"])
    if done["state"] == "failed":
        _result(state, done)
    return _told(state, told) or (0 if done["state"] == "done" else 1)


def _told(state: State, told: Json) -> int:
    if state.json:
        state.emit({k: v for k, v in told.items() if k != "rows"})
        return 0
    state.out(_line(state, told))
    for key in ("base_loss", "best"):
        if told.get(key) is not None:
            state.out(f"  {_say(state, key)}: {told[key]:.3f}")
    if told.get("left"):
        state.note(_say(state, "left", files=", ".join(told["left"])))
    if told["state"] == "done" and told.get("model"):
        state.out(_say(state, "next", id=told["id"], model=told["model"]))
    return 0


@command("finetune_follow", "gakju finetune follow topics")
@click.argument("name")
@click.pass_obj
def follow(state: State, name: str) -> int:
    with tunings(state) as lab:
        return _followed(state, lab, lab.one(name))


@command("finetune_list", "gakju finetune list")
@click.pass_obj
def list_(state: State) -> int:
    return _list(state)


def _list(state: State) -> int:
    with tunings(state) as lab:
        found = lab.all()
    if state.json:
        state.emit(found)
    for told in () if state.json else found:
        state.out(_line(state, told))
    if not found and not state.json:
        state.out(_say(state, "none_yet"))
    return 0


def _line(state: State, told: Json) -> str:
    used = f" ({_say(state, 'in_use')})" if told["in_use"] else ""
    parts = [told["id"], told["name"] or "–", _say(state, f"state_{told['state']}"), told.get("model") or told["base"]]
    return "  ".join(parts) + used


@command("finetune_stop", "gakju finetune stop topics")
@click.argument("name")
@click.pass_obj
def stop(state: State, name: str) -> int:
    return _acted(state, name, "stop")


@command("finetune_resume", "gakju finetune resume topics")
@click.argument("name")
@click.pass_obj
def resume(state: State, name: str) -> int:
    with tunings(state) as lab:
        return _followed(state, lab, lab.act(name, "resume"))


@command("finetune_roll_back", "gakju finetune roll-back topics")
@click.argument("name")
@click.pass_obj
def roll_back(state: State, name: str) -> int:
    with tunings(state) as lab:
        told = lab.act(name, "roll-back")
    if state.json:
        state.emit(told)
    else:
        state.out(_say(state, "rolled_back", name=name, model=told["model"] or "–"))
    return 0


def _acted(state: State, name: str, action: str, as_: str = "") -> int:
    with tunings(state) as lab:
        told = lab.act(name, action, as_)
    return _told(state, {k: v for k, v in told.items() if k != "log"})


@command("finetune_judge", "gakju finetune judge topics")
@click.argument("name")
@click.pass_obj
def judge(state: State, name: str) -> int:
    with tunings(state) as lab:
        result = _result(state, _ended(state, lab, lab.act(name, "judge")["id"]))
        rows = lab.one(name)["rows"] if state.json and result is not None else []
    if result is None:
        return 1
    if state.json:
        state.emit({**result, "rows": rows})
        return 0
    for line in judged_lines(state, result):
        state.out(line)
    return 0


def judged_lines(state: State, told: Json) -> Iterator[str]:
    for kind in ("held", "general"):
        if kind not in told:
            continue
        yield _say(state, f"judged_{kind}")
        for side in ("base", "tuned"):
            s = told[kind][side]
            yield "  " + _say(
                state, "judged_side", side=_say(state, side), right=s["right"], asked=s["asked"],
                tokens=s["prompt_tokens"] + s["answer_tokens"], seconds=s["p50_seconds"],
            )  # fmt: skip
        yield "  " + _say(state, "judged_changed", gained=told[kind]["gained"], lost=told[kind]["lost"])
    if beside := told.get("retrieval"):
        yield _say(state, "judged_retrieval", tokens=beside["tokens"], seconds=beside["p50_seconds"])
    yield _say(state, told["verdict"])


@command("finetune_keep", "gakju finetune keep ftjob-1a2b --as topics")
@click.argument("name")
@click.option("--as", "as_", default="", metavar="NAME", help=word("opt_ft_as"))
@click.pass_obj
def keep(state: State, name: str, as_: str) -> int:
    return _acted(state, name, "keep", as_)


@command("finetune_delete", "gakju finetune delete topics")
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def delete(state: State, names: Sequence[str]) -> int:
    with tunings(state) as lab:
        for name in names:
            lab.delete(name)
    if state.json:
        state.emit(list(names))
    return 0


for _name, _command in {
    "check": check,
    "price": price,
    "start": start,
    "follow": follow,
    "list": list_,
    "stop": stop,
    "resume": resume,
    "judge": judge,
    "keep": keep,
    "roll-back": roll_back,
    "delete": delete,
}.items():
    finetune.add_command(_command, _name)

COMMANDS = [finetune]
