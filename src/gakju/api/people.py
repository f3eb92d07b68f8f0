"""People who open the screen with the account of their organisation, by OpenID Connect.

Streamlit's login speaks with the provider and signs a cookie with what it was told; here is looked at that cookie for
every request, the screen's WebSocket, uploads and media among them, and at the list of those who may come in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote, urlsplit

from gakju.api.callers import Caller
from gakju.api.guard import LOOPBACK
from gakju.errors import UsageError
from gakju.settings import Settings

OPEN = frozenset(["/auth/login", "/auth/logout", "/oauth2callback"])
"""Streamlit's own paths that lead to the provider and back, which nobody who comes there has signed in yet."""
RIGHTS = frozenset(["ask", "read", "write"])
COOKIE = "_streamlit_user"


class People:
    """Off without the setting `oidc`. Raises UsageError where settings do not go together."""

    def __init__(self, settings: Settings) -> None:
        self.on = bool(settings.oidc)
        if self.on:
            _check(settings)
        self._secret = secret(settings)
        self._allowed = frozenset(one.strip().lower() for one in settings.oidc_people.split(",") if one.strip())
        self._origin = settings.address.rstrip("/")

    def open(self, path: str) -> bool:
        return self.on and path in OPEN

    def of(self, headers: Mapping[str, str]) -> Caller | None:
        """Who signed in and is on the list; None for everyone else."""
        told = self._told(headers) if self.on else {}
        email = str(told.get("email", "")).lower()
        # Providers that do not say whether an address was checked are believed: they are one organisation's own.
        if told.get("email_verified", True) is not True or not self._invited(email):
            return None
        return Caller(f"person:{email}", RIGHTS)

    def stranger(self, headers: Mapping[str, str]) -> bool:
        """Whether someone signed in who is not on the list."""
        return self.on and bool(self._told(headers)) and self.of(headers) is None

    def link(self) -> str:
        """Where signing in begins; good for two minutes."""
        from streamlit.auth_util import encode_provider_token

        return f"/auth/login?provider={quote(encode_provider_token('default'))}"

    def _invited(self, email: str) -> bool:
        name, at, domain = email.rpartition("@")
        return bool(name and at and domain) and not self._allowed.isdisjoint([email, f"@{domain}"])

    def _told(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """What the provider said of who has this cookie; {} where it is not signed by this server, or over."""
        from streamlit.auth_util import get_cookie_with_chunks
        from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return {}

        def signed(name: str) -> bytes | None:
            return decode_signed_value(self._secret, name, cookies[name].value) if name in cookies else None

        try:
            told = json.loads(get_cookie_with_chunks(signed, COOKIE) or b"{}")
        except (ValueError, TypeError):
            return {}
        mine = isinstance(told, dict) and told.get("is_logged_in") is True and told.get("origin") == self._origin
        return told if mine else {}


def secret(settings: Settings) -> str:
    """Signs cookies: from the client's secret, so that a new one of those ends every session."""
    return hmac.new(settings.oidc_secret.get_secret_value().encode(), b"gakju cookie", hashlib.sha256).hexdigest()


def login(settings: Settings) -> dict[str, Any] | None:
    """What Streamlit's login is told, in the form of its secrets."""
    if not settings.oidc:
        return None
    told = {
        "redirect_uri": f"{settings.address.rstrip('/')}/oauth2callback",
        "cookie_secret": secret(settings),
        "client_id": settings.oidc_client,
        "client_secret": settings.oidc_secret.get_secret_value(),
        "server_metadata_url": settings.oidc,
    }
    return {"auth": told}


def _check(settings: Settings) -> None:
    needed = {
        "oidc_client": settings.oidc_client,
        "oidc_secret": settings.oidc_secret.get_secret_value(),
        "oidc_people": settings.oidc_people,
        "address": settings.address,
    }
    if missing := [name for name, value in needed.items() if not value]:
        names = ", ".join(f"`{name}`" for name in missing)
        raise UsageError(f"The setting `oidc` needs {names} too.", hint="See docs/reference/settings.md.")
    if not settings.keys:
        raise UsageError("The setting `oidc` without `keys` would keep nobody out.", hint="Set GAKJU_KEYS=1 too.")
    for name, url in (("oidc", settings.oidc), ("address", settings.address)):
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise UsageError(f"The setting `{name}` is no https address.", hint="Only this machine may do without.")
    if settings.offline and urlsplit(settings.oidc).hostname not in LOOPBACK:
        raise UsageError("The setting `oidc` asks another machine, and `offline` is set.", hint="Unset one of them.")
    if find_spec("authlib") is None:
        raise UsageError("Signing in by OpenID Connect needs a library.", hint="Install it: pip install 'gakju[oidc]'")
