"""How a route gets at the assistant: as the one who asks may use it."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from gakju.api.callers import ANYONE, Caller
from gakju.api.within import Within
from gakju.assistant import Assistant


async def _caller(request: Request) -> Caller:
    return getattr(request.state, "caller", ANYONE)


Who = Annotated[Caller, Depends(_caller)]


async def _opened(request: Request, caller: Who) -> Assistant:
    assistant: Assistant = request.app.state.assistant
    if caller is ANYONE:
        return assistant
    return cast(Assistant, Within(assistant, caller, request.state.notes))


Opened = Annotated[Assistant, Depends(_opened)]
