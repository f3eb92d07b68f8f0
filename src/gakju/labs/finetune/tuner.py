"""Fine-tuning as durable jobs: examples go in, a model that can be named comes out, or goes again."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gakju.assistant import machine
from gakju.errors import Cancelled, GakjuError, ModelFailed, RateLimited, UnknownModel, UsageError
from gakju.labs.finetune import checks, hosted, judge, price, verify
from gakju.labs.finetune.dataset import Dataset, Example, dumped, split
from gakju.labs.finetune.recipe import Recipe
from gakju.labs.finetune.rows import Format
from gakju.labs.finetune.train import Trainer, Wish, log
from gakju.labs.once import once
from gakju.models import catalog, fetch
from gakju.models.adapters import Adapter, Adapters, check_name
from gakju.types import Progress

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context
    from gakju.models.catalog import Entry
    from gakju.store import Job, Tuning

KIND, HOSTED, JUDGE = "train", "train-hosted", "judge"
LONGEST = 2048
"""Tokens of one example: what is longer takes more memory than most machines have."""
LOCAL = "local"
HOSTED_LONGEST = 65_536
"""Tokens of one example that OpenAI takes."""
ABANDONED = 3600.0
"""Seconds after which a trial that no job knows of is nobody's."""
TRAIN, HELD = "train.jsonl", "held.jsonl"

Json = dict[str, Any]


class Tuner:
    """The fine-tuning of one assistant. Thread-safe. Get it with `of`."""

    def __init__(self, assistant: Assistant, trainer: Trainer | None = None) -> None:
        s = assistant.settings
        self.assistant, self._tunings = assistant, assistant.store.tunings
        self.trainer = trainer or Trainer(s.trainer_python, threads=assistant.parts.threads)
        self.adapters, self._resuming = Adapters(s.models), threading.Lock()
        assistant.jobs.serve(KIND, self._run, 1)
        assistant.jobs.serve(HOSTED, self._run_hosted, 4)
        assistant.jobs.serve(JUDGE, partial(judge.run, self), 1)

    # What there is

    def bases(self) -> list[str]:
        """Models of the catalogue whose files are here and that can be tuned."""
        chats = (e for e in catalog.entries() if e.kind == "chat")
        return [e.name for e in chats if fetch.present(e, self.assistant.settings.models)]

    def base(self, name: str) -> Entry:
        """By its name, with or without the provider. Raises UnknownModel, ModelMissing."""
        bare = name.removeprefix("embedded:")
        entry = next((e for e in catalog.entries() if e.name == bare and e.kind == "chat"), None)
        if entry is None:
            hint = f"There are: {', '.join(self.bases()) or 'none yet; run `gakju models pull`'}."
            raise UnknownModel(f"{name[:100]!r} cannot be fine-tuned here.", hint=hint, param="model")
        fetch.require(entry, self.assistant.settings.models)
        return entry

    def weights(self, base: str) -> Path:
        return fetch.require(self.base(base), self.assistant.settings.models)

    def all(self) -> list[Tuning]:
        """Oldest first."""
        return [self._settled(t) for t in self._tunings.all()]

    def get(self, name: str) -> Tuning:
        """By id, or the newest under a model's name. Raises NotFound."""
        for tuning in reversed(self._tunings.all()):
            if name and name == tuning.name:
                return self._settled(tuning)
        return self._settled(self._tunings.get(name))

    def _settled(self, tuning: Tuning) -> Tuning:
        """Its job may have ended where the tuning itself was not asked."""
        if tuning.finished or not tuning.job_id:
            return tuning
        with suppress(GakjuError):
            job = self.assistant.store.job(tuning.job_id)
            if job.state == "cancelled":
                return self._tunings.set(tuning.id, state="cancelled")
            if job.state == "failed":
                return self._tunings.set(tuning.id, state="failed", error=job.error)
        return tuning

    def adapter(self, tuning: Tuning) -> Adapter | None:
        """What it left on this machine, last."""
        return next((a for a in reversed(self.adapters.all()) if a.id.startswith(adapter_id(tuning.id))), None)

    def folder(self, tuning_id: str) -> Path:
        return self.assistant.settings.home / "finetune" / tuning_id

    def log(self, tuning_id: str) -> list[Json]:
        """What the trainer told so far: `start`, `step`, `eval`, `checkpoint` and `end`, in order."""
        return log(self.folder(tuning_id))

    def examples(self, tuning_id: str) -> Dataset:
        """What it learnt from, and what was held out."""
        folder = self.folder(tuning_id)
        given = [(folder / name).read_bytes() for name in (TRAIN, HELD)]
        return Dataset(*(tuple(checks.lines(data)[0]) for data in given))

    # Before

    def check(
        self, data: Dataset, found: Sequence[checks.Finding] = (), *, base: str, closely: bool = True
    ) -> checks.Report:
        """All that speaks against learning `data`; `found` is what was wrong with its lines. `base`: see there, ""
        for a model on another machine. What refuses is found without looking `closely`.
        """
        tagger = self.assistant.parts.morphemes.tagged if closely else None
        if not base:
            limit, tokens = HOSTED_LONGEST, _about
        else:
            words, limit = Format(self.weights(base)), min(self.assistant.settings.context, LONGEST)

            def tokens(e: Example) -> int:
                return len(words.row(e).ids)

        return checks.check(data, found, tokens=tokens, limit=limit, tagger=tagger)

    def submit_price(self, data: Dataset, *, base: str, recipe: Recipe) -> Job:
        """Queue a trial of ten steps; the job's result is a `LocalPrice` as JSON. Raises UsageError, ModelMissing,
        RateLimited.
        """
        entry = self._trainable(base)
        self.check(data, base=entry.name, closely=False).refuse()
        self._sweep()
        folder = self.folder(f"trial-{secrets.token_hex(8)}")
        self._write(folder, data, entry.name)
        return self.assistant.jobs.submit(KIND, {"trial": folder.name, "base": entry.name, "recipe": recipe.json()})

    def _sweep(self) -> None:
        """Examples of trials that ended before they began: cancelled in the line, or never put there."""
        jobs = self.assistant.store.jobs(kinds=[KIND], states=["queued", "running"])
        wanted = {job.payload.get("trial") for job in jobs}
        for folder in self.folder("").glob("trial-*"):
            with suppress(OSError):
                if folder.name not in wanted and time.time() - folder.stat().st_mtime > ABANDONED:
                    shutil.rmtree(folder)

    def _trial(self, context: Context) -> Json:
        p = context.payload
        folder, entry, recipe = self.folder(p["trial"]), self.base(p["base"]), Recipe.of(p["recipe"])
        told: list[Json] = []

        def tell(line: Json) -> None:
            told.append(line)
            if line["event"] == "step":
                context.progress(Progress("trying", line["step"], price.TRIAL_STEPS, "steps"))

        config = {**recipe.json(), "weights": str(self.weights(entry.name)), "most_steps": price.TRIAL_STEPS}
        try:
            rows = json.loads((folder / "rows.json").read_text("utf-8"))
            self.trainer.run(folder, config, tell, lambda: "quit" if context.cancelled else "")
        finally:
            if self._asked(context) or not context.cancelled:
                shutil.rmtree(folder, ignore_errors=True)
        sizes, held = ([len(r["ids"]) for r in rows[part]] for part in ("train", "held"))
        return price.local(told, sizes, held, recipe, entry.bytes).json()

    # Beginning and ending

    def submit(
        self,
        examples: Sequence[Example],
        held: Sequence[Example] | None = None,
        *,
        base: str,
        recipe: Recipe,
        **options: Any,
    ) -> Tuning:
        """Queue a training on this machine; without `held` a share is held out. See `submit_data`."""
        data = split(examples, held, seed=recipe.seed)
        return self.submit_data(data, base=base, recipe=recipe, **options)

    def submit_data(
        self,
        data: Dataset,
        *,
        base: str,
        recipe: Recipe,
        name: str = "",
        keep: bool = False,
        owner: str = "",
        notes: Json | None = None,
    ) -> Tuning:
        """`keep`: what comes of it is in use under `name` at once. `notes` are kept with it for whoever asked.

        Raises UsageError where a check refuses or the trainer is not installed, ModelMissing, RateLimited.
        """
        entry = self._trainable(base)
        if name:
            check_name(name)
        self.check(data, base=entry.name, closely=False).refuse()
        told = {**recipe.json(), "keep": keep, "examples": len(data.train), "held": len(data.held), **(notes or {})}
        return self._add(data, entry.name, LOCAL, name, told, owner)

    def _trainable(self, base: str) -> Entry:
        entry = self.base(base)
        self.trainer.check(entry.bytes)
        if (waiting := self.assistant.store.waiting(KIND)) >= 8:
            raise RateLimited(f"{waiting} trainings wait already.", hint="Wait for one to end.", retry_after=600)
        return entry

    def _add(self, data: Dataset, base: str, place: str, name: str, recipe: Json, owner: str) -> Tuning:
        tuning = self._tunings.add(base, place, name, recipe, owner)
        try:
            self._write(self.folder(tuning.id), data, base if place == LOCAL else "")
        except BaseException:
            self._tunings.remove(tuning.id)
            raise
        return self._begin(tuning)

    def _write(self, folder: Path, data: Dataset, base: str) -> None:
        """For this user's eyes only; with `base` also what its trainer reads. Whole, or nothing of it."""
        folder.mkdir(parents=True, mode=0o700)
        try:
            (folder / TRAIN).write_text(dumped(data.train), "utf-8")
            (folder / HELD).write_text(dumped(data.held), "utf-8")
            if base:
                words = Format(self.weights(base))
                rows = {part: [r.json() for r in words.rows(getattr(data, part))] for part in ("train", "held")}
                (folder / "rows.json").write_text(json.dumps(rows))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def submit_files(self, train: bytes, held: bytes | None = None, **options: Any) -> Tuning:
        """Of JSONL in OpenAI's format, which must pass every check that refuses; the rest as `submit`."""
        examples = checks.accepted(train, "training_file")
        return self.submit(examples, checks.accepted(held, "validation_file") if held is not None else None, **options)

    def submit_hosted(
        self, data: Dataset, *, model: str, epochs: int = 0, seed: int = 0, name: str = "", owner: str = ""
    ) -> Tuning:
        """Upload and train on the host of `model` (openai:…, azure:… or http://host/v1#…); `epochs` 0 is its choice.

        Examples leave this machine. Raises UsageError, NetworkError where Gakju is offline.
        """
        hosted.check_open(model)
        remote, _ = self.assistant.parts.host(model)  # a key or an address that lacks is told here
        if name:
            check_name(name)
        self.check(data, base="", closely=False).refuse()
        told = {"epochs": epochs, "seed": seed, "host": remote.url, "examples": len(data.train), "held": len(data.held)}
        return self._add(data, model, model.partition(":")[0], name, told, owner)

    def _run_hosted(self, context: Context) -> Json:
        tuning = self._tunings.set(context.payload["tuning"], state="running", job_id=context.job.id)
        host, model = self.assistant.parts.host(tuning.base)
        remote = hosted.Remote(tuning.base, host, model)

        def work() -> Json:
            def wish() -> str:
                if context.cancelled:
                    return "stop" if self._asked(context) else "quit"
                return "stop" if self._tunings.get(tuning.id).told.get("stop") else ""

            def tell(told: Json) -> None:
                context.emit(told["event"], told)
                with suppress(Cancelled):
                    context.progress(Progress("training", told["step"], None, "steps", f"{told['loss']:.3f}"))

            keep = partial(self._tunings.set, tuning.id)
            done = hosted.follow(remote, tuning, self.folder(tuning.id), keep, wish, tell)
            told = {**done, "model": hosted.model_name(tuning.base, done["tuned"])}
            self._tunings.set(tuning.id, state="done", **told)
            return told

        try:
            return self._settling(context, tuning, work)
        finally:
            remote.close()

    def _begin(self, tuning: Tuning) -> Tuning:
        kind = KIND if tuning.place == LOCAL else HOSTED
        for judged in judge.FILES:  # of what it has learnt until now
            (self.folder(tuning.id) / judged).unlink(missing_ok=True)
        self._tunings.set(tuning.id, state="queued", error=None, stop=None, judged=None)  # its job may say otherwise
        job = self.assistant.jobs.submit(kind, {"tuning": tuning.id}, tuning.owner)
        return self._tunings.set(tuning.id, job_id=job.id)

    def resume(self, name: str) -> Tuning:
        """One that failed or was stopped goes on from its last checkpoint; a hosted one that failed is looked for
        again. Raises NotFound, UsageError.
        """
        with self._resuming:  # two at a time would train, and pay, twice
            tuning = self.get(name)
            if not can_resume(tuning):
                raise UsageError(f"{tuning.id} is {tuning.state}: there is nothing to go on with.")
            return self._begin(tuning)

    def cancel(self, name: str) -> Tuning:
        """Stop it; what was learnt until the step under way stays and can be judged."""
        tuning = self.get(name)
        if tuning.finished:
            return tuning
        if not tuning.job_id:  # a kill came between the two
            return self._tunings.set(tuning.id, state="cancelled")
        if tuning.told.get("train_file") or tuning.told.get("remote"):  # its host must hear of it, after a kill too
            return self._tunings.set(tuning.id, stop=True)
        self.assistant.jobs.cancel(tuning.job_id)
        return self.get(tuning.id)

    def job(self, tuning: Tuning) -> Job | None:
        return self.assistant.store.job(tuning.job_id) if tuning.job_id else None

    def submit_judge(self, name: str) -> Job:
        """Queue base and tuned on what was held out and on general questions; told as `judged` of the tuning."""
        tuning = self.get(name)
        if not self.models(tuning):
            raise UsageError(f"{tuning.id} has made no model ({tuning.state}).", hint="Follow it until it is done.")
        return self.assistant.jobs.submit(JUDGE, {"tuning": tuning.id}, tuning.owner)

    def models(self, tuning: Tuning) -> tuple[str, str] | None:
        """The names of base and tuned, where both can be asked."""
        if tuning.place != LOCAL:
            return (tuning.base, tuning.told["model"]) if tuning.told.get("model") else None
        found = self.adapter(tuning)
        return (f"embedded:{found.base}", f"embedded:{found.base}+{found.id}") if found else None

    def judged(self, tuning_id: str) -> list[Json]:
        """The rows of the last judgement; see `judge.ask`."""
        path = self.folder(tuning_id) / judge.FILES[1]
        rows: list[Json] = json.loads(path.read_text("utf-8")) if path.exists() else []
        return rows

    def keep(self, name: str, as_: str = "") -> Adapter:
        """What it made is in use as `embedded:BASE+NAME` from now on. Raises NotFound, UsageError."""
        tuning = self.get(name)
        found = self.adapter(tuning)
        if found is None:
            raise UsageError(f"{tuning.id} has made no adapter ({tuning.state}).", hint="Follow it until it is done.")
        kept = self.adapters.keep(found.id, as_ or tuning.name or found.id.replace("ft-", "tuned-")[:14])
        self._tunings.rename(tuning.id, kept.name)
        self._tunings.set(tuning.id, model=kept.model)
        self._forget(kept)
        return kept

    def use(self, name: str, as_: str = "") -> str:
        """Put into use what it made; the name to ask it by. A hosted model becomes an alias of the API.

        Raises NotFound, UsageError: on Azure a model is deployed first, and the deployment's name is the model's.
        """
        tuning = self.get(name)
        if tuning.place == LOCAL:
            return self.keep(name, as_).model
        model, alias = str(tuning.told.get("model") or ""), as_ or tuning.name
        if not model:
            raise UsageError(f"{tuning.id} can be asked once it is deployed.", hint="Then ask azure:DEPLOYMENT.")
        if not alias:
            raise UsageError("It needs a name.", hint="Write --as NAME.", param="name")
        machine.choose(self.assistant, aliases={**self.assistant.settings.aliases, check_name(alias): model})
        self._tunings.rename(tuning.id, alias)
        return alias

    def roll_back(self, name: str) -> Adapter | None:
        """The adapter that was in use under `name` before is again; None where there was none. Raises NotFound."""
        found = self.adapters.roll_back(name)
        for base in self.bases():
            self.assistant.parts.close_chat(f"embedded:{base}+{name}")
        return found

    def delete(self, name: str) -> None:
        """Stop it and forget everything of it on this machine: adapter, checkpoints, examples. Raises NotFound."""
        tuning = self.cancel(name)
        if not tuning.finished:
            raise UsageError(f"{tuning.id} is stopping.", hint="Try again in a moment.")
        if found := self.adapter(tuning):
            self.adapters.remove(found.id)
            self._forget(found)
        shutil.rmtree(self.folder(tuning.id), ignore_errors=True)
        self._tunings.remove(tuning.id)

    def _forget(self, adapter: Adapter) -> None:
        for name in {adapter.id, adapter.name} - {""}:
            self.assistant.parts.close_chat(f"embedded:{adapter.base}+{name}")

    # The job

    def _run(self, context: Context) -> Json:
        if "trial" in context.payload:
            return self._trial(context)
        tuning = self._tunings.set(context.payload["tuning"], state="running", job_id=context.job.id)
        told = self._settling(context, tuning, lambda: self._train(context, tuning))
        stopped = told["why"] == "stopped"
        self._tunings.set(tuning.id, state="cancelled" if stopped else "done", **told)
        if tuning.recipe.get("keep") and not stopped:
            told["model"] = self.keep(tuning.id, tuning.name).model
        if stopped:
            raise Cancelled("Stopped.")
        return told

    def _settling(self, context: Context, tuning: Tuning, work: Callable[[], Json]) -> Json:
        """What `work` gives; where it does not end well, the tuning says so."""
        try:
            return work()
        except Cancelled:
            # Closing is no end: the next owner goes on with it.
            closing = context.cancelled and not self._asked(context)
            self._tunings.set(tuning.id, state="queued" if closing else "cancelled")
            raise
        except Exception as error:
            code, said, hint = "internal", f"{type(error).__name__} in Gakju itself.", "See the log."
            if isinstance(error, GakjuError):
                code, said, hint = error.code, error.message, error.hint
            self._tunings.set(tuning.id, state="failed", error={"code": code, "message": said, "hint": hint})
            raise

    def _asked(self, context: Context) -> bool:
        return self.assistant.store.job(context.job.id).cancel

    def _train(self, context: Context, tuning: Tuning) -> Json:
        folder, weights, recipe = self.folder(tuning.id), self.weights(tuning.base), Recipe.of(tuning.recipe)
        for told in log(folder):
            context.emit(told["event"], told)
        steps: list[int] = []

        def tell(told: Json) -> None:
            context.emit(told["event"], told)
            if told["event"] == "start":
                steps[:] = [told["steps"]]
            if told["event"] in {"start", "step"}:
                item = f"{told['loss']:.3f}" if told.get("loss") is not None else ""
                with suppress(Cancelled):  # it is told to stop by `wish`, and then still writes what it has
                    context.progress(Progress("training", told["step"], steps[0] if steps else None, "steps", item))

        def wish() -> Wish:
            return ("stop" if self._asked(context) else "quit") if context.cancelled else ""

        before = self.adapter(tuning)
        end = self.trainer.run(folder, {**recipe.json(), "weights": str(weights)}, tell, wish)
        out = folder / "adapter.gguf"
        self.trainer.convert(folder / "adapter", weights, out)
        # Whoever has loaded, or remembers, what it made until it was stopped must not take this for the same.
        ident = adapter_id(tuning.id) + (f"s{end['step']}" if before else "")
        adapter = self.adapters.put(ident, tuning.base, out)
        verified = self._verified(adapter, folder)
        if before and before.id != ident:
            adapter = self.adapters.keep(ident, before.name) if before.name else adapter
            self.adapters.remove(before.id)
            self._forget(before)
        base_loss = next((t["loss"] for t in log(folder) if t["event"] == "eval" and t["step"] == 0), None)
        return {
            **{k: end[k] for k in ("why", "step", "best_step", "best", "tokens", "seconds", "memory")},
            "base_loss": base_loss,
            "bytes": adapter.bytes,
            "model": adapter.model,
            "verified": verified,
        }

    def _verified(self, adapter: Adapter, folder: Path) -> Json:
        """Raises ModelFailed where the engine says other things than the trainer, and takes the adapter away."""
        from gakju.models.chat import EmbeddedChat

        chat = self.assistant.parts.chat(adapter.model)
        assert isinstance(chat, EmbeddedChat)
        try:
            return verify.checked(chat, folder / "reference.json").json()
        except ModelFailed:
            self.adapters.remove(adapter.id)
            self._forget(adapter)
            raise


def _about(e: Example) -> int:
    """Tokens, where the vocabulary is another machine's."""
    return len(e.text) // 2


def can_resume(tuning: Tuning) -> bool:
    """One that was cancelled at a host is over there too."""
    return tuning.state == "failed" or (tuning.place == LOCAL and tuning.state == "cancelled")


def adapter_id(tuning_id: str) -> str:
    """How the ids of its adapters begin: each time it goes on it makes another one."""
    return "ft-" + tuning_id.rpartition("-")[2]


def of(assistant: Assistant) -> Tuner:
    """The tuner of an assistant, which from then on runs its trainings."""
    return once(Tuner, assistant)
