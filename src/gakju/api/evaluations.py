"""/v1/evaluations: how well the library that is there answers questions whose answers are known."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from gakju import wire
from gakju.api.opened import Opened
from gakju.assistant import DEFAULT
from gakju.evaluation.runs import BYTES, KIND, Kind, Runs

router = APIRouter(tags=["evaluations"])


@router.post("/evaluations", status_code=202)
def evaluate(
    request: Request,
    assistant: Opened,
    file: Annotated[UploadFile, File(description="A JSON object a line, up to 2,000 lines and 1 MiB.")],
    response: Response,
    kind: Annotated[Kind, Form()] = "retrieval",
    collection: Annotated[str, Form(description="Where questions are looked up.")] = DEFAULT,
) -> dict[str, Any]:
    """Queue an evaluation; its job has progress, can be cancelled, and ends with the figures as its result.

    `retrieval`: lines of `question`, `document` (an id, path, file name or title) and perhaps `page`; the result has
    nDCG, recall and MRR, and the rank of each. `grounded`: lines of `context`, `question`, `answer` and `supported`;
    the result has the verifier's accuracy, F1 and AUROC.
    """
    runs: Runs = request.app.state.evaluations
    payload = runs.payload(kind, file.file.read(BYTES + 1), collection=collection)
    job = assistant.submit(KIND, payload, collection=collection)
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)
