"""/v1/comparisons: which remedy works on a question set, and at what price.

A question set belongs to no collection: only a key for all collections reaches these.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from gakju import wire
from gakju.api.opened import Opened, Who
from gakju.errors import Forbidden, NotFound
from gakju.labs import compare
from gakju.labs.compare import KIND, Comparisons, Plan
from gakju.store import Job

Json = dict[str, Any]


async def _whole(caller: Who) -> None:
    if caller.collections is not None:
        raise Forbidden("Comparisons are for keys of all collections.", hint="Use such a key.")


router = APIRouter(tags=["labs"], dependencies=[Depends(_whole)])


async def _lab(request: Request) -> Comparisons:
    return compare.of(request.app.state.assistant)


Lab = Annotated[Comparisons, Depends(_lab)]


@router.get("/comparisons")
def comparisons(assistant: Opened, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[Json]:
    """Comparisons, newest first, with their figures but without each answer: `GET /v1/jobs/{id}` has those."""
    found = [wire.job(job) for job in assistant.store.jobs(kinds=[KIND], limit=limit)]
    return [{**job, "result": {k: v for k, v in job["result"].items() if k != "items"}} for job in found]


@router.post("/comparisons", status_code=202)
def start(assistant: Opened, caller: Who, lab: Lab, body: Plan, response: Response) -> Json:
    """Queue a comparison: every arm on every model answers the same questions and is judged alike.

    Refused where the estimate is over `budget`. The job tells a `way` event as each is through; its result has `ways`,
    `pairs`, `front` (of accuracy and cost), `advice` and `items`. What was answered before is not asked again.
    """
    payload = lab.payload(body, any_server=caller.admin)
    job = assistant.submit(KIND, payload, collection=body.collection)
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)


@router.post("/comparisons/estimate")
def estimate(caller: Who, lab: Lab, body: Plan) -> Json:
    """Tokens, money and minutes that it would take, by way and in all, and how many answers are remembered."""
    return lab.estimate(body, any_server=caller.admin)


@router.get("/comparisons/{job_id}/report", response_class=Response)
def report(assistant: Opened, job_id: str, language: Literal["ko", "en"] = "en") -> Response:
    """One HTML file with the table, the picture, the recommendation and its doubt, and every answer."""
    from gakju.labs.compare import report as pages

    page = pages.page(_done(assistant.store.job(job_id)).result, language)
    headers = {"content-disposition": f'attachment; filename="comparison.{language}.html"'}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def _done(job: Job) -> Job:
    if job.kind != KIND or job.state != "done":
        raise NotFound(f"There is no finished comparison {job.id!r}.", hint="Wait for its job to end.", id=job.id)
    return job
