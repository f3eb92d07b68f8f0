"""/v1/keys, /v1/usage and /v1/audit: who may come in, what it cost, who did what."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from gakju.api.opened import Opened, Who
from gakju.errors import UsageError
from gakju.store.keys import Key

router = APIRouter(tags=["keys"])

Right = Literal["ask", "read", "write", "models", "admin"]


class NewKey(BaseModel):
    name: Annotated[
        str, Field(min_length=1, max_length=100, description="What you recognise it by.", examples=["intranet"])
    ]
    rights: Annotated[list[Right], Field(min_length=1)] = ["ask", "read"]
    collections: Annotated[
        list[Annotated[str, Field(max_length=64)]] | None,
        Field(max_length=1000, description="All of them where null."),
    ] = None
    requests_per_minute: Annotated[int, Field(ge=0, le=1_000_000, description="0 is no limit.")] = 0
    tokens_per_day: Annotated[int, Field(ge=0, le=10**15, description="0 is no limit.")] = 0
    money_per_day: Annotated[float, Field(ge=0, le=1e12, description="In the unit of `prices`; 0 is no limit.")] = 0.0
    expires_at: Annotated[AwareDatetime | None, Field(description="When it ends; never where null.")] = None


class KeyShown(BaseModel):
    """A key without its token. Times are UTC, "" for never."""

    id: str
    name: str
    prefix: str
    rights: list[Right]
    collections: list[str] | None
    requests_per_minute: int
    tokens_per_day: int
    money_per_day: float
    created_at: str
    expires_at: str
    revoked_at: str
    last_used_at: str
    works: bool


class KeyMade(KeyShown):
    key: Annotated[str, Field(description="The token. It is shown this once.")]


class UsageShown(BaseModel):
    """A day's (UTC) generations of a key with a model. `key_id` is "" for the screen and the terminal."""

    day: str
    key_id: str
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    money: float


class AuditShown(BaseModel):
    """A request. `ids` are the names in `route`, and the collection; `text` the question where it is kept."""

    number: int
    at: str
    key_id: str
    method: str
    route: str
    ids: dict[str, str]
    status: int
    seconds: float
    address: str
    text: str


def show(key: Key) -> dict[str, Any]:
    """A key as JSON."""
    collections = None if key.collections is None else sorted(key.collections)
    return {**asdict(key), "rights": sorted(key.rights), "collections": collections, "works": key.works}


@router.get("/keys", response_model=list[KeyShown])
def keys(assistant: Opened) -> list[dict[str, Any]]:
    """Every key, newest last."""
    return [show(k) for k in assistant.store.keys.all()]


@router.post("/keys", status_code=201, response_model=KeyMade)
def add(assistant: Opened, body: NewKey) -> dict[str, Any]:
    """A new key. The answer is the only place its token is ever in."""
    try:
        ends = body.expires_at.astimezone(UTC).isoformat(timespec="microseconds") if body.expires_at else ""
    except OverflowError:
        raise UsageError("expires_at is no time of this calendar.", param="expires_at") from None
    made, token = assistant.store.keys.add(**{**body.model_dump(), "expires_at": ends})
    return {**show(made), "key": token}


@router.delete("/keys/{key_id}", response_model=KeyShown)
def revoke(request: Request, assistant: Opened, key_id: str) -> dict[str, Any]:
    """End a key and the sessions opened with it, at once."""
    revoked = assistant.store.keys.revoke(key_id)
    request.app.state.callers.forget()
    return show(revoked)


@router.get("/usage", response_model=list[UsageShown])
def usage(assistant: Opened, caller: Who, days: Annotated[int, Query(ge=1, le=3660)] = 30) -> list[dict[str, Any]]:
    """What models were used for, newest day first: everyone's with the right `admin`, else this key's own."""
    since = (datetime.now(UTC) - timedelta(days=days - 1)).date().isoformat()
    whose = None if caller.admin else caller.id
    return [d._asdict() for d in assistant.store.usage.days(since, whose)]


@router.get("/audit", response_model=list[AuditShown])
def audit(
    assistant: Opened,
    key_id: Annotated[str, Query(max_length=100)] = "",
    before: Annotated[int, Query(ge=0, le=2**63 - 1, description="The `number` to read on from.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """Who did what, newest first. Kept where keys are asked for."""
    found = assistant.store.audit.entries(key_id=key_id, before=before, limit=limit)
    return [{"number": number, **entry._asdict()} for number, entry in found]
