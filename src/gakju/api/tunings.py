"""/v1/finetune: the whole way of a fine-tuning, beside OpenAI's jobs: check, price, train, judge, keep, delete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field

from gakju import wire
from gakju.api.opened import Opened, Who
from gakju.labs.finetune import told
from gakju.labs.finetune.dataset import LARGEST
from gakju.labs.finetune.recipe import Recipe
from gakju.labs.finetune.tuner import Tuner

router = APIRouter(tags=["fine-tuning"])

_ONE = "/finetune/{name}"
Examples = Annotated[UploadFile | None, File(description="JSONL in OpenAI's chat format.")]
Held = Annotated[UploadFile | None, File(description="The same, to judge by; without it a share is held out.")]
Source = Annotated[str, Form(description="In place of a file: set:NAME, chats or collection:NAME.", max_length=200)]
Model = Annotated[str, Form(description="embedded:NAME, openai:NAME, azure:NAME or http://host/v1#NAME.")]
Action = Literal["stop", "resume", "judge", "keep", "roll-back"]


class Named(BaseModel):
    name: Annotated[str, Field(max_length=64)] = ""


def _tuner(request: Request) -> Tuner:
    tuner: Tuner = request.app.state.tuner
    return tuner


def _read(file: UploadFile | None) -> bytes | None:
    return file.file.read(LARGEST + 1) if file else None


@router.post("/finetune/check")
def check(
    request: Request, assistant: Opened, model: Model, file: Examples = None, held: Held = None, source: Source = ""
) -> dict[str, Any]:
    """What speaks against learning these examples: what refuses them, what is doubtful, and facts that will change."""
    given = told.Request(_tuner(request), source, _read(file), _read(held), model=model)
    return told.report(given.check())


@router.post("/finetune/price")
def price(
    request: Request,
    assistant: Opened,
    model: Model,
    file: Examples = None,
    held: Held = None,
    source: Source = "",
    epochs: Annotated[int, Form(ge=1, le=50)] = 2,
) -> dict[str, Any]:
    """Of a hosted training the price; for one on this machine a job that tries ten steps and ends with the price."""
    recipe = Recipe(epochs=epochs)
    return told.Request(_tuner(request), source, _read(file), _read(held), model=model, recipe=recipe).price()


@router.post("/finetune", status_code=202)
def start(
    request: Request,
    response: Response,
    assistant: Opened,
    who: Who,
    model: Model,
    file: Examples = None,
    held: Held = None,
    source: Source = "",
    name: Annotated[str, Form(max_length=64)] = "",
    epochs: Annotated[int, Form(ge=1, le=50)] = 2,
    seed: Annotated[int, Form(ge=0, lt=2**31)] = 0,
) -> dict[str, Any]:
    """Queue a training. Examples leave this machine where the model is another one's."""
    tuner, recipe = _tuner(request), Recipe(epochs=epochs, seed=seed)
    given = told.Request(tuner, source, _read(file), _read(held), model=model, recipe=recipe)
    made = given.start(name.lower(), owner=who.id)
    response.headers["location"] = f"/v1/finetune/{made.id}"
    return told.tuning(tuner, made)


@router.get("/finetune")
def all_(request: Request) -> list[dict[str, Any]]:
    """Every training, newest first."""
    tuner = _tuner(request)
    return [told.tuning(tuner, t) for t in reversed(tuner.all())]


@router.get(_ONE)
def one(request: Request, name: str) -> dict[str, Any]:
    """One by id or name, with its log and the rows of its judgement."""
    tuner = _tuner(request)
    return told.tuning(tuner, tuner.get(name), log=True)


@router.post(_ONE + "/{action}")
def act(request: Request, name: str, action: Action, body: Named | None = None) -> dict[str, Any]:
    """`stop` keeps what was learnt; `resume` goes on from the last checkpoint; `judge` gives a job; `keep` puts the
    model into use under `name`; `roll-back` gives that name back to what had it before.
    """
    tuner = _tuner(request)
    if action == "judge":
        return wire.job(tuner.submit_judge(name))
    if action == "roll-back":
        found = tuner.roll_back(name)
        return {"name": name, "model": found.model if found else None}
    if action == "keep":
        tuner.use(name, body.name.lower() if body else "")
    elif action == "stop":
        tuner.cancel(name)
    else:
        tuner.resume(name)
    return told.tuning(tuner, tuner.get(name))


@router.delete(_ONE)
def delete(request: Request, name: str) -> dict[str, Any]:
    """Its adapter, checkpoints and examples."""
    _tuner(request).delete(name)
    return {"name": name, "deleted": True}
