"""Fine-tuning on another machine: OpenAI, Azure OpenAI, or any server with `/v1/fine_tuning`, another Gakju among them.

Examples are uploaded, a job is started and followed to its end, whoever looks. A job that was started is found again
after a kill or a broken connection, so that nobody pays twice. Both hosts wind their self-serve fine-tuning down: see
`ENDS`.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gakju.errors import (
    Cancelled,
    GakjuError,
    ModelFailed,
    ModelMissing,
    NetworkError,
    RateLimited,
    RequestRefused,
    UsageError,
)
from gakju.models.remote import translated

if TYPE_CHECKING:
    from gakju.models.remote import Host
    from gakju.store import Tuning

ENDS = date(2027, 1, 6)
"""No new jobs are taken after that day; models that were tuned before go on for a time."""
NOTE = "gakju"
POLL, SLOWEST = 5.0, 60.0
"""Seconds between two looks, growing while nothing happens."""
PATIENCE = 30
"""Looks in a row that may fail before it counts as lost; the job itself goes on there."""
PASSING = NetworkError, RateLimited, ModelFailed
"""What may pass by itself, and leaves it open whether a job was made. All else is final."""
ENDED = frozenset(["succeeded", "failed", "cancelled"])
PARTS = "train", "held"

Json = dict[str, Any]


def winding_down(host: str) -> bool:
    """Whether it is one whose fine-tuning ends at `ENDS`."""
    return host.startswith(("openai:", "azure:"))


def check_open(host: str, today: date | None = None) -> None:
    """Raises UsageError where no new jobs are taken any more."""
    if winding_down(host) and (today or datetime.now(UTC).date()) > ENDS:
        raise UsageError(
            f"{host.partition(':')[0]} takes no new fine-tuning jobs since {ENDS.isoformat()}.",
            hint="Train a model on this machine instead.",
        )


class Remote:
    """One host, through the openai SDK. Errors as `models.remote.translated` gives them."""

    def __init__(self, name: str, host: Host, model: str) -> None:
        self.name, self.model = name, model
        self._client = host.client()

    def close(self) -> None:
        self._client.close()

    def upload(self, data: bytes, name: str) -> str:
        """The file's id there."""
        with translated(self.name):
            return self._client.files.create(file=(name, io.BytesIO(data)), purpose="fine-tune").id

    def delete(self, file: str) -> None:
        """One that is gone already is no error."""
        with suppress(ModelMissing), translated(self.name):
            self._client.files.delete(file)

    def find(self, tuning: str, train: str) -> str:
        """The job that learns from this file, or carries this tuning's note; "" where none was started."""
        with translated(self.name):
            for job in self._client.fine_tuning.jobs.list(limit=50).data:
                if job.training_file == train or (job.metadata or {}).get(NOTE) == tuning:
                    return job.id
            return ""

    def start(self, tuning: Tuning, train: str, held: str) -> str:
        """The job's id there. Never sent twice by itself: no answer does not mean that no job was made."""
        with translated(self.name):
            given: Json = {"n_epochs": tuning.recipe["epochs"]} if tuning.recipe.get("epochs") else {}
            made: Any = self._client.with_options(max_retries=0).fine_tuning.jobs  # its overloads want literals
            return str(
                made.create(
                    model=self.model,
                    training_file=train,
                    **({"validation_file": held} if held else {}),
                    **({"suffix": tuning.name} if tuning.name else {}),
                    seed=tuning.recipe.get("seed", 0),
                    method={"type": "supervised", "supervised": {"hyperparameters": given}},
                    metadata={NOTE: tuning.id},
                ).id
            )

    def look(self, job: str) -> Json:
        """`status`, `model`, `tokens`, `error`."""
        with translated(self.name):
            told = self._client.fine_tuning.jobs.retrieve(job)
            error = told.error.message if told.error and told.error.message else ""
            return {
                "status": told.status,
                "model": told.fine_tuned_model,
                "tokens": told.trained_tokens,
                "error": error,
            }

    def events(self, job: str) -> list[Json]:
        """As the trainer of this machine tells them, oldest first."""
        with translated(self.name):
            found = []
            for event in self._client.fine_tuning.jobs.list_events(job, limit=100):
                data: Any = event.data if isinstance(event.data, dict) else {}
                for kind, key in (("step", "train_loss"), ("eval", "valid_loss")):
                    if isinstance(data.get(key), int | float):
                        step = int(data.get("step") or 0)
                        found.append({"event": kind, "step": step, "loss": data[key], "at": event.created_at})
            return sorted(found, key=lambda e: (e["step"], e["event"]))

    def cancel(self, job: str) -> None:
        """One that has ended meanwhile cannot be, and stays as it is."""
        with suppress(RequestRefused), translated(self.name):
            self._client.fine_tuning.jobs.cancel(job)


def follow(
    remote: Remote,
    tuning: Tuning,
    folder: Path,
    keep: Callable[..., object],
    asked: Callable[[], str],
    tell: Callable[[Json], None],
    wait: Callable[[float], None] = time.sleep,
) -> Json:
    """From the upload to the end; what came of it. `keep` makes an id durable at once, before the next step.

    What was uploaded is deleted there once no job needs it; what could not be is kept as `left`.
    `asked` says "stop" where the user wants it cancelled, "quit" where this process ends: the job then goes on there
    and a later call follows it. Raises Cancelled, ModelFailed, and what the host refuses.
    """
    told, pause, failures, cancelled, before = dict(tuning.told), POLL, 0, False, ""
    while True:
        wish = asked()
        if wish == "quit":
            raise Cancelled("Stopped.")
        try:
            if not told.get("remote"):
                _begin(remote, tuning, folder, told, keep, asked)
            job = str(told["remote"])
            if wish == "stop" and not cancelled:
                remote.cancel(job)
                cancelled = True
            seen = remote.look(job)
        except PASSING as error:
            failures += 1
            if failures >= PATIENCE or error.details.get("status") in {401, 403}:
                raise
            status = before
        else:
            _tell(remote, job, folder, tell)
            failures, status = 0, str(seen["status"])
            if status in ENDED:
                _tidy(remote, told, keep)
                return _ended(remote, seen)
        pause = POLL if status != before else min(SLOWEST, pause * 1.3)
        before = status
        _pause(pause, asked, wait)


def _begin(
    remote: Remote, tuning: Tuning, folder: Path, told: Json, keep: Callable[..., object], asked: Callable[[], str]
) -> None:
    """Puts `remote` into `told`. Broken off anywhere and called again, it goes on with what is there already."""
    job = remote.find(tuning.id, told["train_file"]) if told.get("train_file") else ""
    try:
        if not job:
            _upload(remote, tuning, folder, told, keep, asked)
            _check(asked)
            job = remote.start(tuning, told["train_file"], told.get("held_file", ""))
    except PASSING:
        raise
    except GakjuError:  # no job was made, and none will be
        if asked() != "quit":
            _tidy(remote, told, keep)
        raise
    told["remote"] = job
    keep(remote=job)


def _upload(
    remote: Remote, tuning: Tuning, folder: Path, told: Json, keep: Callable[..., object], asked: Callable[[], str]
) -> None:
    for part in PARTS:
        _check(asked)
        data = (folder / f"{part}.jsonl").read_bytes()
        if data and not told.get(f"{part}_file"):
            told[f"{part}_file"] = remote.upload(data, f"{tuning.id}-{part}.jsonl")
            keep(**{f"{part}_file": told[f"{part}_file"]})


def _tidy(remote: Remote, told: Json, keep: Callable[..., object]) -> None:
    """Deletes at the host what was uploaded to it. `left` are the names of what it did not let go of."""
    left = []
    for part in PARTS:
        if file := told.pop(f"{part}_file", None):
            try:
                remote.delete(file)
            except GakjuError:
                left.append(file)
    keep(**{f"{part}_file": None for part in PARTS}, left=left or None)


def _check(asked: Callable[[], str]) -> None:
    if asked():
        raise Cancelled("Stopped.")


def _pause(seconds: float, asked: Callable[[], str], wait: Callable[[float], None]) -> None:
    """In pieces, so that a wish is heard."""
    wish, left = asked(), seconds
    while left > 0 and asked() == wish:
        wait(min(0.5, left))
        left -= 0.5


def _tell(remote: Remote, job: str, folder: Path, tell: Callable[[Json], None]) -> None:
    """What is new goes to the log, which the plot is drawn from."""
    try:
        known = len((folder / "log.jsonl").read_text("utf-8").splitlines())
    except OSError:
        known = 0
    try:
        events = remote.events(job)
    except GakjuError:  # a server without events, or one in trouble: how the job stands does not hang on them
        return
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for event in events[known:]:
            log.write(json.dumps(event) + "\n")
            tell(event)


def _ended(remote: Remote, seen: Mapping[str, Any]) -> Json:
    if seen["status"] == "cancelled":
        raise Cancelled("Stopped.")
    if seen["status"] == "failed" or not seen["model"]:
        said = " ".join(str(seen["error"] or "no reason was given").split())[:300]
        raise ModelFailed(f"{remote.name}: the fine-tuning failed: {said}")
    return {"tuned": seen["model"], "tokens": seen["tokens"]}


def model_name(base: str, tuned: str) -> str:
    """How Gakju names a tuned model of a host, where it can be asked at once; "" on Azure, which deploys it first."""
    provider = base.partition(":")[0]
    if provider == "azure":
        return ""
    return f"openai:{tuned}" if provider == "openai" else f"{base.partition('#')[0]}#{tuned}"
