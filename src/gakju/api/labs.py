"""/v1/question_sets and /v1/fewshot: questions with known answers, and what examples in the prompt do for them.

A question set belongs to no collection: only a key for all collections reaches it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from gakju import wire
from gakju.api.opened import Opened, Who
from gakju.assistant import DEFAULT
from gakju.errors import Forbidden
from gakju.labs import fewshot, questions
from gakju.labs.fewshot import FewShot, Pick, Plan
from gakju.labs.question_files import BYTES, MEDIA, Line, clean, form_of, line
from gakju.labs.questions import MOST, PROPOSE, QuestionSets, told

FileForm = Literal["jsonl", "csv"]
Json = dict[str, Any]


async def _whole(caller: Who) -> None:
    if caller.collections is not None:
        raise Forbidden("Question sets are for keys of all collections.", hint="Use such a key.")


router = APIRouter(tags=["labs"], dependencies=[Depends(_whole)])


async def _sets(request: Request) -> QuestionSets:
    return questions.of(request.app.state.assistant)


async def _lab(request: Request) -> FewShot:
    return fewshot.of(request.app.state.assistant)


Sets = Annotated[QuestionSets, Depends(_sets)]
Lab = Annotated[FewShot, Depends(_lab)]


@router.get("/question_sets")
def question_sets(assistant: Opened) -> list[Json]:
    """Every question set in its newest version, the one changed last first."""
    return [told(one) for one in assistant.store.questions.all()]


@router.post("/question_sets", status_code=201)
def upload(
    sets: Sets,
    file: Annotated[UploadFile, File(description="JSONL or CSV, told by its name: up to 10,000 questions and 8 MiB.")],
    name: Annotated[str, Form(max_length=200, description="A new set, or a new version of the one of that name.")],
) -> Json:
    """Keep a file of questions. A line has `question` and `answers`, perhaps `id`, `gold`, `label`, `note`, `state`."""
    form = form_of(file.filename or "")
    return told(sets.load(name, file.file.read(BYTES + 1), form))


class Proposal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=200)]
    count: Annotated[int, Field(ge=1, le=MOST)] = 20
    collection: str = DEFAULT
    documents: Annotated[list[str], Field(max_length=100, description="Ids; all of the collection without any.")] = []
    model: Annotated[str, Field(max_length=200)] = ""
    seed: int = 0


@router.post("/question_sets/propose", status_code=202)
def propose(assistant: Opened, sets: Sets, body: Proposal, response: Response) -> Json:
    """Queue questions that the model proposes about passages of documents. Somebody must confirm them."""
    payload = sets.proposal(**body.model_dump())
    job = assistant.submit(PROPOSE, payload, collection=body.collection)
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=200)]


@router.post("/question_sets/feedback", status_code=201)
def from_feedback(sets: Sets, body: Named) -> Json:
    """Add the questions of all conversations whose answers were given a thumbs-up."""
    return told(sets.from_feedback(body.name))


@router.get("/question_sets/{set_id}")
def question_set(assistant: Opened, set_id: str, version: int | None = None) -> Json:
    """A set by its id or name, with its versions."""
    store = assistant.store.questions
    found = store.get(set_id, version)
    return {**told(found), "versions": [{"version": n, "at": at} for n, at in store.versions(set_id)]}


@router.get("/question_sets/{set_id}/items")
def items(
    assistant: Opened,
    set_id: str,
    version: int | None = None,
    start: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Json]:
    """Items of a set in their order, from the one of number `start`."""
    return [line(item) for item in assistant.store.questions.get(set_id, version).items[start : start + limit]]


@router.get("/question_sets/{set_id}/export", response_class=Response)
def export(sets: Sets, set_id: str, format: FileForm = "jsonl", version: int | None = None) -> Response:
    """The file that an upload takes back."""
    headers = {"content-disposition": f'attachment; filename="questions.{format}"'}
    return Response(sets.export(set_id, format, version), media_type=MEDIA[format], headers=headers)


class Changes(BaseModel):
    """`confirm` are ids, or true for all; `items` take the place of those of their ids."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=200)] | None = None
    confirm: list[str] | Literal[True] | None = None
    items: Annotated[list[Line], Field(max_length=1000)] = []
    drop: Annotated[list[str], Field(max_length=10_000)] = []


@router.patch("/question_sets/{set_id}")
def change(assistant: Opened, sets: Sets, set_id: str, body: Changes) -> Json:
    """Rename a set, or make a version of it with items confirmed, changed or dropped."""
    store = assistant.store.questions
    set_id = store.get(set_id).id
    if body.name is not None:
        store.rename(set_id, clean(body.name))
    if body.items or body.drop:
        sets.change(set_id, [item.item() for item in body.items], body.drop)
    if body.confirm:
        sets.confirm(set_id, None if body.confirm is True else body.confirm)
    return told(store.get(set_id))


class Split(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tests: Annotated[int, Field(ge=1)]
    seed: int = 0


@router.post("/question_sets/{set_id}/split", status_code=201)
def split(sets: Sets, set_id: str, body: Split) -> list[Json]:
    """Two sets of its confirmed items, by chance: examples, and so many tests."""
    return [told(one) for one in sets.split(set_id, body.tests, body.seed)]


@router.delete("/question_sets/{set_id}")
def remove(assistant: Opened, set_id: str) -> Json:
    """Out of sight for a day, then deleted; the id restores it until then."""
    return {"id": assistant.store.questions.remove(set_id), "deleted": True}


@router.post("/question_sets/{set_id}/restore")
def restore(assistant: Opened, set_id: str) -> Json:
    store = assistant.store.questions
    store.restore(set_id)
    return told(store.get(set_id))


@router.get("/fewshot")
def runs(assistant: Opened, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[Json]:
    """N-shot runs, newest first, with their cells but without each answer: `GET /v1/jobs/{id}` has those."""
    found = [wire.job(job) for job in assistant.store.jobs(kinds=[fewshot.KIND], limit=limit)]
    return [{**job, "result": {k: v for k, v in job["result"].items() if k != "items"}} for job in found]


@router.post("/fewshot", status_code=202)
def run(assistant: Opened, lab: Lab, body: Plan, response: Response) -> Json:
    """Queue a run: every test question with each number of examples and each way to pick them.

    The job tells a `cell` event as each is measured; its result has `cells` (accuracy with its interval, tokens,
    money of a thousand questions, milliseconds), `pairs` (differences with intervals and p) and `items`.
    """
    job = assistant.submit(fewshot.KIND, lab.payload(body))
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)


@router.post("/fewshot/estimate")
def estimate(lab: Lab, body: Plan) -> list[Json]:
    """What a run would send: tokens a question and in all, and money, about."""
    return lab.estimate(lab.ready(body))


class Shown(BaseModel):
    model_config = ConfigDict(extra="forbid")
    plan: Plan
    pick: Pick = "fixed"
    n: Annotated[int, Field(ge=0, le=64)] = 0
    question: Annotated[int, Field(ge=0, description="Number of the test question, from 0.")] = 0


@router.post("/fewshot/prompt")
def prompt(lab: Lab, body: Shown) -> Json:
    """A prompt exactly as it is sent, with the tokens of each part and its share."""
    return lab.prompt(body.plan, body.pick, body.n, body.question)
