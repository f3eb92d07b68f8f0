"""How a route gets at the assistant."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from gakju.assistant import Assistant


async def _opened(request: Request) -> Assistant:
    assistant: Assistant = request.app.state.assistant
    return assistant


Opened = Annotated[Assistant, Depends(_opened)]
