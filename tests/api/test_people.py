"""People who sign in at a provider of their own: a small real one stands on loopback, and Gakju is a real process."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from fronts import free_port
from gakju.api import serve
from gakju.api.people import People
from gakju.errors import UsageError
from gakju.settings import Settings

pytest.importorskip("authlib", reason="needs authlib: pip install 'gakju[oidc]'")
PAGE = {"accept": "text/html"}
CLIENT, SECRET = "gakju", "hunter2-hunter2"


class Provider:
    """Authorization code with PKCE and a nonce, for whoever `person` says is at the keyboard."""

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.forged = RSAKey.generate_key(2048, {"kid": "one"})
        self.person: dict[str, Any] = {}
        self.wrong = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.url = ""

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.metadata),
            Route("/jwks", lambda _: JSONResponse({"keys": [self.key.as_dict(private=False)]})),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
        ]

    def metadata(self, _: Request) -> Response:
        where = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
        how = {"code_challenge_methods_supported": ["S256"], "id_token_signing_alg_values_supported": ["RS256"]}
        return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **where, **how})

    def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def token(self, request: Request) -> Response:
        from joserfc import jwt

        form = dict(await request.form())
        asked = self.codes.pop(str(form["code"]), None)
        basic = base64.b64decode(request.headers["authorization"].partition(" ")[2]).decode()
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or basic != f"{CLIENT}:{SECRET}" or asked["code_challenge"] != proof:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims |= self.person
        claims |= {"nonce": {"nonce": "other"}, "audience": {"aud": "other"}}.get(self.wrong, {})
        key = self.forged if self.wrong == "key" else self.key
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": signed})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    with serve.bind("127.0.0.1", 0) as listening:
        provider.url = serve.address(listening)
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=provider.routes()), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield provider
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def gakju(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    settings = {
        "HOME": str(tmp_path_factory.mktemp("home")),
        "KEYS": "1",
        "ADDRESS": url,
        "OIDC": f"{provider.url}/.well-known/openid-configuration",
        "OIDC_CLIENT": CLIENT,
        "OIDC_SECRET": SECRET,
        "OIDC_PEOPLE": "ana@example.org, @example.com",
    }
    env = {**os.environ, **{f"GAKJU_{name}": value for name, value in settings.items()}}
    command = [Path(sys.executable).with_name("gakju"), "up", "--port", str(port), "--json"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["url"] == url
        yield url
        process.terminate()


@pytest.fixture
def browser(gakju: str, provider: Provider) -> Iterator[httpx.Client]:
    provider.person, provider.wrong = {"email": "ana@example.org", "email_verified": True}, ""
    with httpx.Client(base_url=gakju, headers=PAGE, timeout=60, trust_env=False, follow_redirects=True) as client:
        yield client


def sign_in(browser: httpx.Client) -> httpx.Response:
    asked = browser.get("/")
    assert asked.status_code == 401
    link = re.search(r'class="enter" href="([^"]+)"', asked.text)
    assert link
    return browser.get(unescape(link[1]))


def socket_opens(gakju: str, browser: httpx.Client) -> bool:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    cookie = {"cookie": "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar)}
    try:
        with connect(f"{gakju.replace('http', 'ws')}/_stcore/stream", additional_headers=cookie, origin=gakju):
            return True
    except InvalidStatus:
        return False


CLOSED = ["/", "/_stcore/host-config", "/media/x.png", "/_stcore/upload_file/a/b", "/static/x.js", "/v1/documents"]


def test_who_is_on_the_list_comes_in_and_leaves(gakju: str, browser: httpx.Client) -> None:
    for path in CLOSED:
        assert browser.get(path).status_code == 401, path
    assert not socket_opens(gakju, browser)

    answer = sign_in(browser)
    assert (answer.status_code, answer.url.path) == (200, "/")
    assert "streamlit" in answer.text.lower()
    for path in CLOSED:
        assert browser.get(path).status_code not in {401, 403}, path
    assert socket_opens(gakju, browser)
    assert browser.get("/v1/keys").status_code == 403

    assert browser.post("/key/leave").status_code == 204
    assert browser.get("/").status_code == 401
    assert not socket_opens(gakju, browser)


@pytest.mark.parametrize(
    ("person", "comes_in"),
    [
        ({"email": "Bo@Example.com"}, True),
        ({"email": "bo@example.org", "email_verified": True}, False),
        ({"email": "bo@sub.example.com", "email_verified": True}, False),
        ({"email": "bo@evil.org@example.com.evil.org"}, False),
        ({"email": "ana@example.org", "email_verified": False}, False),
        ({"email": "ana@example.org", "email_verified": "false"}, False),
        ({"email": "@example.com"}, False),
        ({}, False),
    ],
)
def test_the_list_decides(browser: httpx.Client, provider: Provider, person: dict[str, Any], comes_in: bool) -> None:
    provider.person = person
    answer = sign_in(browser)
    assert answer.status_code == (200 if comes_in else 401)
    assert comes_in or 'role="alert"' in answer.text


@pytest.mark.parametrize("wrong", ["key", "nonce", "audience"])
def test_a_token_that_is_not_for_us_opens_nothing(browser: httpx.Client, provider: Provider, wrong: str) -> None:
    provider.wrong = wrong
    assert sign_in(browser).status_code == 401
    assert not any(name.startswith("_streamlit_user") for name in browser.cookies)


def test_a_cookie_of_ones_own_making_opens_nothing(gakju: str, browser: httpx.Client) -> None:
    assert sign_in(browser).status_code == 200
    good = browser.cookies["_streamlit_user"]
    payload = base64.urlsafe_b64encode(json.dumps({"email": "ana@example.org"}).encode()).decode()
    for value in (good[:-2] + "xx", payload + good[good.index(".") :], "x", ""):
        answer = httpx.get(gakju, headers={**PAGE, "cookie": f"_streamlit_user={value}"}, trust_env=False, timeout=60)
        assert answer.status_code == 401, value
    tokens = f"_streamlit_user={browser.cookies['_streamlit_user_tokens']}"
    assert httpx.get(gakju, headers={**PAGE, "cookie": tokens}, trust_env=False, timeout=60).status_code == 401


def test_a_way_back_that_nobody_asked_for_opens_nothing(browser: httpx.Client, provider: Provider) -> None:
    provider.codes["stolen"] = {"nonce": "x", "code_challenge": "x"}
    assert browser.get("/oauth2callback?code=stolen&state=guessed").status_code == 401
    assert browser.get("/auth/login?provider=guessed").status_code == 401


GOOD = {
    "keys": True,
    "address": "https://gakju.example.org",
    "oidc": "https://id.example.org/.well-known/openid-configuration",
    "oidc_client": "x",
    "oidc_secret": "y",
    "oidc_people": "@example.org",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"oidc_people": "", "oidc_secret": ""}, "`oidc_secret`, `oidc_people`"),
        ({"keys": False}, "keep nobody out"),
        ({"oidc": "http://id.example.org/x"}, "no https"),
        ({"address": "http://gakju.example.org"}, "no https"),
        ({"offline": True}, "offline"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(change: dict[str, Any], said: str) -> None:
    assert People(Settings(**GOOD)).on
    with pytest.raises(UsageError, match=said):
        People(Settings(**{**GOOD, **change}))
