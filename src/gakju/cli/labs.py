"""Question sets and labs for the commands: those of the data folder, or of the server that has it open."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from gakju.cli.meter import Meter
from gakju.cli.terminal import State
from gakju.errors import UsageError

if TYPE_CHECKING:
    from gakju.client import Library, RemoteAssistant

Json = dict[str, Any]


class Labs(Protocol):
    """Sets by name or id; everything as the API shows it."""

    def sets(self) -> list[Json]: ...
    def put(self, name: str, data: bytes, filename: str) -> Json: ...
    def items(self, name: str, version: int | None) -> list[Json]: ...
    def export(self, name: str, form: str, version: int | None) -> bytes: ...
    def confirm(self, name: str, ids: list[str] | None, drop: list[str]) -> Json: ...
    def liked(self, name: str) -> Json: ...
    def split(self, name: str, tests: int, seed: int) -> list[Json]: ...
    def remove(self, name: str) -> str: ...
    def restore(self, set_id: str) -> Json: ...
    def begun(self, kind: str, body: Mapping[str, Any]) -> Generator[tuple[str, Json], None, None]:
        """A job of `kind` "propose" or "fewshot": its events and progress, and last `end` with the whole job."""
        ...

    def estimate(self, plan: Mapping[str, Any]) -> list[Json]: ...
    def prompt(self, plan: Mapping[str, Any], pick: str, n: int, question: int) -> Json: ...
    def runs(self, limit: int) -> list[Json]: ...


@contextmanager
def labs(state: State) -> Iterator[Labs]:
    from gakju.client import Library

    with state.connect(own=True) as backend:
        yield Here(backend) if isinstance(backend, Library) else There(backend)  # type: ignore[arg-type]


def followed(state: State, events: Generator[tuple[str, Json], None, None]) -> Json:
    """The finished job, with a bar meanwhile. Left early, it is stopped."""
    from gakju import wire
    from gakju.types import Progress

    end: Json = {}
    with Meter(state) as meter, closing(events) as told:
        for kind, data in told:
            if kind == "end":
                end = data
            elif kind == "progress" and data:
                meter.tell(wire.load(Progress, data))
    return end


class Here:
    """In this process."""

    def __init__(self, library: Library) -> None:
        from gakju.labs import fewshot, questions

        self._library, self._assistant = library, library.assistant
        self._sets, self._lab = questions.of(self._assistant), fewshot.of(self._assistant)
        self._store = self._assistant.store.questions

    def sets(self) -> list[Json]:
        from gakju.labs.questions import told

        return [told(one) for one in self._store.all()]

    def put(self, name: str, data: bytes, filename: str) -> Json:
        from gakju.labs.question_files import form_of
        from gakju.labs.questions import told

        return told(self._sets.load(name, data, form_of(filename)))

    def items(self, name: str, version: int | None) -> list[Json]:
        from gakju.labs.question_files import line

        return [line(item) for item in self._store.get(name, version).items]

    def export(self, name: str, form: str, version: int | None) -> bytes:
        return self._sets.export(name, form, version)  # type: ignore[arg-type]

    def confirm(self, name: str, ids: list[str] | None, drop: list[str]) -> Json:
        from gakju.labs.questions import told

        if drop:
            self._sets.change(name, [], drop)
        return told(self._sets.confirm(name, ids))

    def liked(self, name: str) -> Json:
        from gakju.labs.questions import told

        return told(self._sets.from_feedback(name))

    def split(self, name: str, tests: int, seed: int) -> list[Json]:
        from gakju.labs.questions import told

        return [told(one) for one in self._sets.split(name, tests, seed)]

    def remove(self, name: str) -> str:
        return self._store.remove(name)

    def restore(self, set_id: str) -> Json:
        from gakju.labs.questions import told

        self._store.restore(set_id)
        return told(self._store.get(set_id))

    def begun(self, kind: str, body: Mapping[str, Any]) -> Generator[tuple[str, Json], None, None]:
        from gakju import wire
        from gakju.labs.fewshot import KIND, as_plan

        job = self._lab.submit(as_plan(body)) if kind == KIND else self._sets.propose(**body)
        yield from self._library.follow(job)
        yield "end", wire.job(self._assistant.store.job(job.id))

    def estimate(self, plan: Mapping[str, Any]) -> list[Json]:
        from gakju.labs.fewshot import as_plan

        return self._lab.estimate(self._lab.ready(as_plan(plan)))

    def prompt(self, plan: Mapping[str, Any], pick: str, n: int, question: int) -> Json:
        from gakju.labs.fewshot import as_plan

        return self._lab.prompt(as_plan(plan), pick, n, question)  # type: ignore[arg-type]

    def runs(self, limit: int) -> list[Json]:
        from gakju import wire

        return [wire.job(job) for job in self._lab.runs(limit)]


class There:
    """On a server."""

    def __init__(self, remote: RemoteAssistant) -> None:
        self._remote = remote

    def sets(self) -> list[Json]:
        found: list[Json] = self._remote.call("GET", "/v1/question_sets")
        return found

    def put(self, name: str, data: bytes, filename: str) -> Json:
        return self._told("POST", "", files={"file": (filename, data)}, data={"name": name})

    def items(self, name: str, version: int | None) -> list[Json]:
        found: list[Json] = []
        while True:
            params = {"start": len(found), "limit": 1000, **({"version": version} if version else {})}
            page: list[Json] = self._remote.call(
                "GET", f"/v1/question_sets/{quote(name, safe='')}/items", params=params
            )
            found += page
            if len(page) < 1000:
                return found

    def export(self, name: str, form: str, version: int | None) -> bytes:
        from gakju.labs import question_files
        from gakju.store.questions import QuestionSet

        items = tuple(question_files.Line(**told).item() for told in self.items(name, version))
        return question_files.dump(QuestionSet("", name, 0, "", "", items), form)  # type: ignore[arg-type]

    def confirm(self, name: str, ids: list[str] | None, drop: list[str]) -> Json:
        wanted = True if ids is None else ids
        return self._told("PATCH", f"/{quote(name, safe='')}", json={"confirm": wanted, "drop": drop})

    def liked(self, name: str) -> Json:
        return self._told("POST", "/feedback", json={"name": name})

    def split(self, name: str, tests: int, seed: int) -> list[Json]:
        body = {"tests": tests, "seed": seed}
        found: list[Json] = self._remote.call("POST", f"/v1/question_sets/{quote(name, safe='')}/split", json=body)
        return found

    def remove(self, name: str) -> str:
        return str(self._told("DELETE", f"/{quote(name, safe='')}")["id"])

    def restore(self, set_id: str) -> Json:
        return self._told("POST", f"/{quote(set_id, safe='')}/restore")

    def begun(self, kind: str, body: Mapping[str, Any]) -> Generator[tuple[str, Json], None, None]:
        path = "/v1/question_sets/propose" if kind == "propose" else "/v1/fewshot"
        job = self._remote.call("POST", path, json=dict(body))
        yield from self._remote.follow(job)
        yield "end", self._remote.call("GET", f"/v1/jobs/{job['id']}")

    def estimate(self, plan: Mapping[str, Any]) -> list[Json]:
        found: list[Json] = self._remote.call("POST", "/v1/fewshot/estimate", json=dict(plan))
        return found

    def prompt(self, plan: Mapping[str, Any], pick: str, n: int, question: int) -> Json:
        body = {"plan": dict(plan), "pick": pick, "n": n, "question": question}
        found: Json = self._remote.call("POST", "/v1/fewshot/prompt", json=body)
        return found

    def runs(self, limit: int) -> list[Json]:
        found: list[Json] = self._remote.call("GET", "/v1/fewshot", params={"limit": limit})
        return found

    def _told(self, method: str, path: str, **request: Any) -> Json:
        found: Json = self._remote.call(method, f"/v1/question_sets{path}", **request)
        return found


def read(path: Path) -> bytes:
    """Raises UsageError."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise UsageError(f"{path} cannot be read: {e.strerror}.", hint="Check the path.") from e


def write(path: Path, data: bytes) -> None:
    """Raises UsageError."""
    try:
        path.write_bytes(data)
    except OSError as e:
        raise UsageError(f"{path} cannot be written: {e.strerror}.", hint="Choose another file.") from e
