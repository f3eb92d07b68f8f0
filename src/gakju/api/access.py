"""Who may do what, before a route is reached: default deny, told by `places`.

Where keys are off, everyone who reaches the server may do everything, and only the limits hold.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gakju.api import door, errors
from gakju.api.callers import ANYONE, Caller, Callers, check
from gakju.api.limits import Room
from gakju.api.people import People
from gakju.api.places import PUBLIC, RIGHTS, SCREEN, SPENDING, Place, Places
from gakju.api.recorder import Recorder
from gakju.errors import GakjuError, KeyNeeded, NotFound, Refused
from gakju.settings import Settings

AGAIN = 5.0
"""Seconds between looks whether an open WebSocket's key still works."""


class Access:
    """Pure ASGI, so that streams and WebSockets pass through untouched.

    `scope["state"]` then has `caller`, `route` (as `RIGHTS` names it) and `notes` for the audit log.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, callers: Callers, people: People, recorder: Recorder
    ) -> None:
        self.app = app
        self._people = people
        self._settings = settings
        self._callers = callers
        self._recorder = recorder
        self._room = Room(settings)
        self._places: Places | None = None
        self._rights: Mapping[str, str] = rights(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state |= {"caller": ANYONE, "route": "", "ids": {}, "notes": {}}
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        place = self._find(scope, "GET" if method == "HEAD" else method)
        if place:
            state |= {"route": place.name, "ids": place.ids}
        if place and (place.right == PUBLIC or (place.right == SCREEN and self._people.open(scope["path"]))):
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", 101 if message["type"] == "websocket.accept" else status)
            await send(message)

        try:
            await self._answer(scope, receive, watched, place)
        finally:
            if self._settings.keys and _told(place, method):
                self._recorder.did(scope, method, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, place: Place | None) -> None:
        state, headers = scope["state"], Headers(scope=scope)
        try:
            if self._settings.keys and not (place is None and self._places and self._places.public(scope["path"])):
                state["caller"] = await self._callers.of(headers)
                if place or not self._allowed(scope):
                    self._check(state["caller"], place)
            caller = state["caller"]
            if place is None and (methods := self._allowed(scope)):
                await errors.wrong_method(methods)(scope, receive, send)
                return
            if place and place.right in SPENDING:
                await self._callers.solvent(caller)
            if scope["type"] == "websocket":
                await self._socket(scope, receive, send, place)
                return
            if place is None or place.right != SCREEN:
                self._room.count(caller)
            with self._room.place(caller):
                await self.app(scope, receive, send)
        except Refused as e:
            await self._refusal(e, scope, headers, place)(scope, receive, send)
        except NotFound as e:
            await errors.respond(e)(scope, receive, send)

    def _refusal(self, raised: Refused, scope: Scope, headers: Headers, place: Place | None) -> Response:
        """People who open the screen are asked for a key, or to sign in; programs are told."""
        wants_page = scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if not (wants_page and place and place.right == SCREEN and errors.STATUS[type(raised)] in {401, 403}):
            return errors.respond(raised)
        stranger = self._people.stranger(headers)
        link = self._people.link() if self._people.on else ""
        wrong = "" if isinstance(raised, KeyNeeded) else "wrong"
        return door.page(headers, scope["path"], wrong="stranger" if stranger else wrong, link=link)

    def _check(self, caller: Caller, place: Place | None) -> None:
        """After the key: who has none is told nothing about which routes there are."""
        if place is None:
            raise NotFound("Not Found.", hint="See /v1/docs.")
        check(caller, place.right)
        self._recorder.used(caller)

    async def _socket(self, scope: Scope, receive: Receive, send: Send, place: Place | None) -> None:
        """A WebSocket outlives its handshake: it is closed at the first word after its key has ended."""
        looked, ended, headers = time.monotonic(), False, Headers(scope=scope)

        async def checked() -> Message:
            nonlocal looked, ended
            message = await receive()
            if time.monotonic() - looked > AGAIN:
                looked = time.monotonic()
                try:
                    self._check(await self._callers.of(headers), place)
                except GakjuError:
                    ended = True
                    await send({"type": "websocket.close", "code": 1008})
                    return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def open_only(message: Message) -> None:
            if not ended:
                await send(message)

        await self.app(scope, checked if self._settings.keys else receive, open_only)

    def _allowed(self, scope: Scope) -> list[str]:
        return self._places.allowed(scope["path"]) if self._places else []

    def _find(self, scope: Scope, method: str) -> Place | None:
        if self._places is None:
            self._places = Places(scope["app"].routes, self._rights) if "app" in scope else None
        return self._places.find(method, scope["path"]) if self._places else None


def rights(settings: Settings) -> dict[str, str]:
    """The table, with what settings open to everyone."""
    opened = [("GET /metrics", settings.public_metrics)]
    opened += [(f"GET /v1/{page}", settings.public_docs) for page in ("docs", "openapi.json")]
    return {**RIGHTS, **{name: PUBLIC for name, on in opened if on}}


def _told(place: Place | None, method: str) -> bool:
    """The screen's pictures and scripts are not for the audit log; that it was opened is."""
    return place is None or place.right != SCREEN or method == "WEBSOCKET"
