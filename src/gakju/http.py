"""The one guarded client for everything that leaves the machine.

http and https only; nothing but loopback when offline; redirects never fall back to a weaker scheme nor
enter the machine from outside; no cookies; loopback never goes through a proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from gakju.errors import NetworkError

USER_AGENT = "gakju"
CONNECT_SECONDS = 5.0
_OFFLINE_HINT = "Allow connections with `offline = false` in gakju.toml, or GAKJU_OFFLINE=false."
# A proxy of the environment must not see what stays on the machine.
_DIRECT: dict[str, httpx.BaseTransport | None] = {f"all://{h}": None for h in ("localhost", "127.0.0.1", "[::1]")}


def is_loopback(url: str | httpx.URL) -> bool:
    """Whether the URL names this machine by a loopback address or `localhost`; no look-up is made."""
    host = httpx.URL(url).host
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def client(*, offline: bool, timeout: float = 30.0, keep: int = 20) -> httpx.Client:
    """A client to use as a context manager; `timeout` in seconds for each read, 5 s to connect.

    `keep` connections stay open for the next request.

    Requests raise httpx errors, or NetworkError where the guard refuses; wrap them in `translated`.
    """
    return httpx.Client(
        **_options(timeout),
        limits=httpx.Limits(max_keepalive_connections=keep),
        mounts=_DIRECT,
        event_hooks={"request": [lambda request: _guard(request, offline)], "response": [_guard_redirect]},
    )


def async_client(*, offline: bool, timeout: float = 30.0, keep: int = 20) -> httpx.AsyncClient:
    """As `client`, for one event loop."""

    async def guard(request: httpx.Request) -> None:
        _guard(request, offline)

    async def guard_redirect(response: httpx.Response) -> None:
        _guard_redirect(response)

    return httpx.AsyncClient(
        **_options(timeout),
        limits=httpx.Limits(max_keepalive_connections=keep),
        mounts=dict.fromkeys(_DIRECT),
        event_hooks={"request": [guard], "response": [guard_redirect]},
    )


def _options(timeout: float) -> dict[str, Any]:
    return {
        "timeout": httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        "follow_redirects": True,
        "max_redirects": 10,
        "headers": {"user-agent": USER_AGENT},
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    }


def _guard(request: httpx.Request, offline: bool) -> None:
    if request.url.scheme not in ("http", "https"):
        raise NetworkError(f"{request.url.scheme or 'a bare path'}: only http and https URLs are opened.")
    if offline and not is_loopback(request.url):
        raise NetworkError(f"Offline: {request.url.host} was not contacted.", hint=_OFFLINE_HINT)


def _guard_redirect(response: httpx.Response) -> None:
    if not response.has_redirect_location:
        return
    here, there = response.url, response.url.join(response.headers["location"])
    if there.scheme not in ("https", here.scheme) or (is_loopback(there) and not is_loopback(here)):
        raise NetworkError(f"{here.host} redirects to {there.scheme}://{there.host}, which is not followed.")


@contextmanager
def translated() -> Iterator[None]:
    """httpx's errors as NetworkError, naming the host only: a path or query may hold a secret."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise NetworkError(f"{error.request.url.host} answered {status} {error.response.reason_phrase}.") from error
    except httpx.TimeoutException as error:
        raise NetworkError(
            f"{_host(error)} did not answer in time.", hint="Check the connection and try again."
        ) from error
    except httpx.TooManyRedirects as error:
        raise NetworkError(f"{_host(error)} redirects without end.") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NetworkError("Not a URL that can be opened: http(s)://host/… is needed.") from error
    except httpx.HTTPError as error:
        raise NetworkError(
            f"{_host(error)} could not be reached ({type(error).__name__}).", hint="Check the connection and the proxy."
        ) from error


def _host(error: httpx.HTTPError) -> str:
    try:
        return error.request.url.host or "The server"
    except RuntimeError:
        return "The server"
