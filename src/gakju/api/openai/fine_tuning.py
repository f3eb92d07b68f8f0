"""/v1/fine_tuning: OpenAI's jobs, done by the trainer of this machine.

Examples are files of `/v1/files` with the purpose `fine-tune`. They are looked at before a job is made: what cannot be
learnt from is refused at once, and no job fails for it later. A job that is done is in use under its suffix; what was
learnt until a job was cancelled stays, under the job's own name.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from gakju.api.openai.lists import Metadata, Paging, epoch, listed
from gakju.api.opened import Opened, Who
from gakju.errors import NotFound, UsageError
from gakju.labs.finetune.recipe import Recipe
from gakju.labs.finetune.tuner import LOCAL, Tuner
from gakju.store import Tuning

router = APIRouter(tags=["fine-tuning"])

STATUS = {"queued": "queued", "running": "running", "done": "succeeded", "failed": "failed", "cancelled": "cancelled"}
_JOB = "/fine_tuning/jobs/{job_id}"
_RATE = Recipe().rate

Auto = Literal["auto"]
Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str, Query(max_length=200)]


class Hyperparameters(BaseModel):
    """ "auto" is Gakju's own choice. The rate is a multiple of it."""

    n_epochs: Annotated[int, Field(ge=1, le=50)] | Auto = "auto"
    batch_size: Annotated[int, Field(ge=1, le=64)] | Auto = "auto"
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=30)] | Auto = "auto"


class Supervised(BaseModel):
    hyperparameters: Hyperparameters = Hyperparameters()


class Method(BaseModel):
    type: Literal["supervised"] = "supervised"
    supervised: Supervised = Supervised()


class Create(BaseModel):
    model: Annotated[str, Field(min_length=1, max_length=200)]
    training_file: Annotated[str, Field(max_length=200)]
    validation_file: Annotated[str | None, Field(max_length=200)] = None
    suffix: Annotated[str | None, Field(max_length=64, description="What the model shall be called.")] = None
    seed: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    hyperparameters: Hyperparameters | None = None
    method: Method | None = None
    metadata: Metadata | None = None

    def recipe(self) -> Recipe:
        given = self.method.supervised.hyperparameters if self.method else self.hyperparameters or Hyperparameters()
        wanted: dict[str, Any] = {"epochs": given.n_epochs, "batch": given.batch_size, "seed": self.seed}
        if given.learning_rate_multiplier != "auto":
            wanted["rate"] = _RATE * given.learning_rate_multiplier
        return Recipe(**{k: v for k, v in wanted.items() if v not in (None, "auto")})


def _tuner(request: Request) -> Tuner:
    tuner: Tuner = request.app.state.tuner
    return tuner


def _shown(tuner: Tuner, t: Tuning) -> dict[str, Any]:
    recipe, error = Recipe.of(t.recipe), t.told.get("error") or {}
    parameters = {
        "n_epochs": recipe.epochs,
        "batch_size": recipe.batch,
        "learning_rate_multiplier": round(recipe.rate / _RATE, 6),
    }
    adapter = tuner.adapter(t)
    return {
        "id": t.id,
        "object": "fine_tuning.job",
        "created_at": epoch(t.created_at),
        "error": {"code": error["code"], "message": error["message"], "param": None} if error else None,
        "fine_tuned_model": adapter.model if adapter and t.state == "done" else None,
        "finished_at": epoch(t.ended_at) if t.ended_at else None,
        "hyperparameters": parameters,
        "model": f"embedded:{t.base}",
        "organization_id": "gakju",
        "result_files": [],
        "status": STATUS[t.state],
        "trained_tokens": t.told.get("tokens"),
        "training_file": t.recipe.get("training_file", ""),
        "validation_file": t.recipe.get("validation_file"),
        "integrations": [],
        "seed": recipe.seed,
        "estimated_finish": None,
        "method": {"type": "supervised", "supervised": {"hyperparameters": parameters}},
        "metadata": t.recipe.get("metadata"),
    }


@router.post("/fine_tuning/jobs")
def create(request: Request, assistant: Opened, who: Who, body: Create) -> dict[str, Any]:
    """Queue a training. `model` is one of the catalogue (`embedded:qwen2.5-coder-0.5b`)."""
    tuner = _tuner(request)
    train = _bytes(assistant, body.training_file, "training_file")
    held = _bytes(assistant, body.validation_file, "validation_file") if body.validation_file else None
    tuning = tuner.submit_files(
        train,
        held,
        base=assistant.settings.aliases.get(body.model, body.model),
        recipe=body.recipe(),
        name=(body.suffix or "").lower(),
        keep=bool(body.suffix),
        owner=who.id,
        notes={
            "training_file": body.training_file,
            "validation_file": body.validation_file,
            "metadata": body.metadata,
        },
    )
    return _shown(tuner, tuning)


def _bytes(assistant: Opened, file_id: str, param: str) -> bytes:
    if assistant.files.get(file_id).purpose != "fine-tune":
        hint = "Upload it with the purpose fine-tune."
        raise UsageError(f"{param}: {file_id!r} was not uploaded to learn from.", hint=hint, param=param)
    return assistant.files.path(file_id).read_bytes()


@router.get("/fine_tuning/jobs")
def jobs(request: Request, limit: Limit = 20, after: After = "") -> dict[str, Any]:
    """Jobs, newest first; with `metadata[KEY]=VALUE` those of that note, with `metadata=null` those without any."""
    tuner, asked = _tuner(request), request.query_params
    notes = {k[9:-1]: v for k, v in asked.items() if k.startswith("metadata[") and k.endswith("]")}
    none = asked.get("metadata") == "null"

    def wanted(t: Tuning) -> bool:
        told = t.recipe.get("metadata") or {}
        return t.place == LOCAL and not (none and told) and notes.items() <= told.items()

    return listed([_shown(tuner, t) for t in tuner.all() if wanted(t)], Paging(limit=limit, after=after))


@router.get(_JOB)
def job(request: Request, job_id: str) -> dict[str, Any]:
    """One job."""
    return _shown(*_one(request, job_id))


def _one(request: Request, job_id: str) -> tuple[Tuner, Tuning]:
    """Raises NotFound, for what is trained elsewhere too: it has other figures, and `/v1/finetune` shows it."""
    tuner = _tuner(request)
    found = tuner.get(job_id)
    if found.place != LOCAL:
        raise NotFound(f"There is no fine-tuning job {job_id[:60]!r}.", hint="See /v1/finetune.", id=job_id)
    return tuner, found


@router.post(_JOB + "/cancel")
def cancel(request: Request, job_id: str) -> dict[str, Any]:
    """Stop it at its next step; a finished one stays as it is."""
    tuner, found = _one(request, job_id)
    return _shown(tuner, tuner.cancel(found.id))


@router.get(_JOB + "/events")
def events(request: Request, job_id: str, limit: Limit = 20, after: After = "") -> dict[str, Any]:
    """What the trainer told, newest first; losses are of type `metrics`."""
    tuner, tuning = _one(request, job_id)
    found = [_event(tuning, i, told) for i, told in enumerate(tuner.log(tuning.id))]
    return listed(found, Paging(limit=limit, after=after))


@router.get(_JOB + "/checkpoints")
def checkpoints(request: Request, job_id: str, limit: Limit = 10, after: After = "") -> dict[str, Any]:
    """What can be used as a model: the state with the least loss on examples that were held out."""
    tuner, tuning = _one(request, job_id)
    adapter = tuner.adapter(tuning)
    found = []
    if adapter and tuning.finished:
        step = tuning.told.get("best_step") or tuning.told.get("step") or 0
        metrics = {"step": step, "valid_loss": tuning.told.get("best")}
        found.append(
            {
                "id": _id("ftckpt", tuning.id, step),
                "object": "fine_tuning.job.checkpoint",
                "created_at": epoch(tuning.ended_at),
                "fine_tuned_model_checkpoint": adapter.model,
                "fine_tuning_job_id": tuning.id,
                "metrics": {k: v for k, v in metrics.items() if v is not None},
                "step_number": step,
            }
        )
    return listed(found, Paging(limit=limit, after=after))


def _event(tuning: Tuning, number: int, told: dict[str, Any]) -> dict[str, Any]:
    kind, step = told.get("event"), told.get("step")
    loss = {"step": "train_loss", "eval": "valid_loss"}.get(str(kind))
    begins = "goes on from" if told.get("resumed") else "begins at"
    said = {
        "start": f"Training {begins} step {step} of {told.get('steps')}",
        "step": f"Step {step}: training loss={told.get('loss')}",
        "eval": f"Step {step}: validation loss={told.get('loss')}",
        "checkpoint": f"Checkpoint at step {step}",
        "end": f"The training has ended ({told.get('why')})",
        "error": f"The training failed: {told.get('message')}",
    }
    return {
        "id": _id("ftevent", tuning.id, number),
        "object": "fine_tuning.job.event",
        "created_at": int(told.get("at") or 0),
        "level": "error" if kind == "error" else "info",
        "message": said.get(str(kind), str(kind)),
        "type": "metrics" if loss else "message",
        "data": {"step": step, loss: told.get("loss")} if loss else {},
    }


def _id(prefix: str, tuning_id: str, number: int) -> str:
    return f"{prefix}-{hashlib.sha256(f'{tuning_id}/{number}'.encode()).hexdigest()[:24]}"
