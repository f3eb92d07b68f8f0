"""The page that asks people for a key, and the session they get for it.

A browser keeps a session, never the key. Its cookie is out of reach of scripts and is not sent from other sites.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import Headers

from gakju.api import people
from gakju.api.callers import COOKIE, check, session
from gakju.api.places import SCREEN
from gakju.errors import Refused
from gakju.language import pick, say

router = APIRouter(include_in_schema=False)

DAYS = 30
"""How long a browser is known. A key that ends or is revoked ends its sessions with it."""

_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>$title</title><style>
body{font:16px/1.6 system-ui,'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif;color:#1b1f24;
background:#f4f5f7;display:grid;place-items:center;min-height:100vh;margin:0;word-break:keep-all}
form{background:#fff;border:1px solid #dcdfe4;border-radius:8px;padding:2rem;width:min(22rem,80vw)}
h1{font-size:1.25rem;margin:0 0 .5rem}label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}
input,button{padding:.5rem .75rem;border-radius:6px;border:1px solid #8a929c;margin-top:.25rem}
button{background:#1f5d92;color:#fff;border:0;margin-top:1rem;cursor:pointer}.wrong{color:#a82a2f}
.enter{display:block;text-align:center;padding:.5rem;border:1px solid #1f5d92;border-radius:6px;color:#1f5d92;
text-decoration:none;margin-bottom:1rem}
@media(prefers-color-scheme:dark){body{background:#15171a;color:#e7e9ec}form{background:#202328;border-color:#363b42}
input{background:#15171a;color:inherit}.wrong{color:#f29a9a}.enter{color:#9cc9f0;border-color:#9cc9f0}}
</style></head><body><form method="post" action="/key"><h1>$title</h1><p>$why</p>$wrong$enter
<label for="key">$label</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="next" value="$next"><button>$go</button></form></body></html>""")

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}


def page(headers: Mapping[str, str], path: str, *, wrong: str = "", link: str = "") -> HTMLResponse:
    """401 with the form; `path` is where the reader wanted to go, `wrong` what is said of the last try.

    With `link` people may sign in there instead.
    """
    lang = pick(headers.get("accept-language", "").partition(",")[0])
    words = {key: escape(say("door", key, lang)) for key in ("title", "why", "label", "go")}
    said = f'<p class="wrong" role="alert">{escape(say("door", wrong, lang))}</p>' if wrong else ""
    enter = f'<a class="enter" href="{escape(link)}">{escape(say("door", "sign_in", lang))}</a>' if link else ""
    filled = _PAGE.substitute({**words, "wrong": said, "enter": enter, "lang": lang, "next": escape(_ours(path))})
    return HTMLResponse(filled, 401, HEADERS)


def _ours(path: str) -> str:
    """A path of this site; anything else leads to the start."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if inside and path != "/key" else "/"


@router.post("/key")
async def enter(
    request: Request, key: Annotated[str, Form(max_length=200)], next: Annotated[str, Form()] = "/"
) -> Response:
    """A session for a key that may open the screen."""
    callers, known = request.app.state.callers, request.app.state.people
    try:
        caller = await callers.of(Headers({"authorization": f"Bearer {key.strip()}"}))
        check(caller, SCREEN)
    except Refused:
        return page(request.headers, next, wrong="wrong", link=known.link() if known.on else "")
    token = await to_thread.run_sync(callers.store.keys.open_session, caller.id, DAYS * 86400)
    answer = RedirectResponse(_ours(next), 303, {"cache-control": "no-store"})
    answer.set_cookie(
        COOKIE, token, DAYS * 86400, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer


@router.post("/key/leave", status_code=204)
async def leave(request: Request) -> Response:
    """End this browser's session."""
    callers = request.app.state.callers
    if token := session(request.headers):
        await to_thread.run_sync(callers.store.keys.close_session, token)
        callers.forget()
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    for name in request.cookies:
        if name.startswith(people.COOKIE):  # and what belongs to it: Streamlit keeps a long one in parts
            answer.delete_cookie(name, httponly=True, samesite="lax")
    return answer
