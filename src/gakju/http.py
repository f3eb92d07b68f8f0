"""The one guarded client for everything that leaves the machine.

http and https only; nothing but loopback when offline; redirects never fall back to a weaker scheme nor
enter the machine from outside; no cookies; loopback never goes through a proxy.

Two kinds of addresses: those that the user named in a setting (`client`), and those that a stranger wrote, as links
on the web are (`visitor`). A stranger's address is resolved once and checked at connect, at each redirect anew, so
that no name, encoding or second look-up leads into a private network.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeAlias

import httpcore
import httpx

from gakju.errors import NetworkError, UsageError

USER_AGENT = "gakju"
CONNECT_SECONDS = 5.0
_OFFLINE_HINT = "Allow connections with `offline = false` in gakju.toml, or GAKJU_OFFLINE=false."
# A proxy of the environment must not see what stays on the machine.
_DIRECT: dict[str, httpx.BaseTransport | None] = {f"all://{h}": None for h in ("localhost", "127.0.0.1", "[::1]")}

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Iterable[str]]
"""A name and a port to addresses in digits, best first. Raises OSError."""

_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Azure's machines are told secrets at an address that looks public; the other is routed to whoever is near.
_NEVER = tuple(ipaddress.IPv4Network(n) for n in ("168.63.129.16/32", "192.88.99.0/24"))
# Names that only a private network answers, where a proxy does the looking up.
_INNER_NAMES = (".localhost", ".local", ".internal", ".lan", ".home", ".corp", ".home.arpa", ".intranet")


def is_loopback(url: str | httpx.URL) -> bool:
    """Whether the URL names this machine by a loopback address or `localhost`; no look-up is made."""
    host = httpx.URL(url).host
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an address in digits is one of the public internet's; what wraps an IPv4 address is what it wraps."""
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is None:
            return found in _UNICAST and found.is_global and not found.is_multicast
        found = inner
    return found.is_global and not found.is_multicast and not any(found in network for network in _NEVER)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a visitor may reach beside the public internet: hosts by name, networks by address."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: str) -> Reach:
        """From a setting: names, addresses and networks (10.1.0.0/16) with commas between. Raises UsageError."""
        hosts, networks = set(), list[Network]()
        for word in filter(None, (part.strip() for part in allowed.split(","))):
            try:
                networks.append(ipaddress.ip_network(word, strict=False))
            except ValueError as error:
                if not all(c.isalnum() or c in "-." for c in word):
                    raise UsageError(
                        f"{word!r} is no host and no network.", hint="Write names or 10.1.0.0/16, with commas between."
                    ) from error
                hosts.add(word.lower())
        return cls(frozenset(hosts), tuple(networks))

    def allows(self, host: str, address: str) -> bool:
        if host.lower().rstrip(".") in self.hosts or is_public(address):
            return True
        try:
            found: Address = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self.networks)


def client(*, offline: bool, timeout: float = 30.0, keep: int = 20) -> httpx.Client:
    """A client for addresses that the user named, to use as a context manager.

    `timeout` in seconds for each read, 5 s to connect; `keep` connections stay open for the next request.

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


def resolved(host: str, port: int) -> Iterable[str]:
    """Addresses of a name, as the system finds them."""
    return dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def visitor(
    reach: Reach, *, offline: bool, seconds: float, proxy: str = "", resolve: Resolve = resolved
) -> httpx.Client:
    """A client for addresses that a stranger wrote, for one visit that ends after `seconds` whatever the server does.

    Only addresses of the public internet and those of `reach` are connected to. Through a `proxy` names are looked
    up by the proxy: then it is the one that keeps visits out of private networks, but for addresses in digits and
    names that only private networks have.
    """

    def guard(request: httpx.Request) -> None:
        _guard(request, offline)
        if request.url.userinfo:
            raise NetworkError(f"{request.url.host}: a name or password in a link is not sent.")
        if proxy:
            _guard_proxied(request.url.host, reach)

    return httpx.Client(
        **{**_options(seconds), "max_redirects": 5, "trust_env": False},
        transport=_Checked(reach, resolve, time.monotonic() + seconds, proxy),
        event_hooks={"request": [guard], "response": [_guard_redirect]},
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


def _guard_proxied(host: str, reach: Reach) -> None:
    name = host.lower().rstrip(".")
    try:  # digits in any of the spellings that a look-up takes
        address = str(socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)[0][4][0])
    except OSError:
        address = ""
    inner = not is_public(address) if address else "." not in name or name.endswith(_INNER_NAMES)
    if inner and not reach.allows(name, address):
        raise _inside(host)


def _inside(host: str) -> NetworkError:
    return NetworkError(
        f"{host} is not on the public internet, so it was not contacted.",
        hint="Name it in the setting `web_allow` if you trust it.",
    )


@lru_cache(maxsize=1)
def _certificates() -> Any:
    return httpx.create_ssl_context()


class _Checked(httpx.HTTPTransport):
    """Connects through a network backend of our own. The pool is httpx's in all else, so that a connection belongs to
    one name: its certificate is that name's.
    """

    def __init__(self, reach: Reach, resolve: Resolve, deadline: float, proxy: str) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        self._pool.close()
        options: dict[str, Any] = {"ssl_context": _certificates(), "max_keepalive_connections": 4}
        if proxy:
            given = httpx.Proxy(proxy)  # which takes name and password out of the address
            backend = _Backend(Reach(frozenset([given.url.host.lower()])), resolve, deadline)
            options |= {"proxy_url": str(given.url), "proxy_auth": given.raw_auth}
            self._pool = httpcore.HTTPProxy(network_backend=backend, **options)
        else:
            self._pool = httpcore.ConnectionPool(network_backend=_Backend(reach, resolve, deadline), **options)


class _Backend(httpcore.NetworkBackend):
    """Sockets to checked addresses, which end at the deadline (of `time.monotonic`)."""

    def __init__(self, reach: Reach, resolve: Resolve, deadline: float) -> None:
        self._reach, self._resolve, self._deadline = reach, resolve, deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """One look-up; what it gave is checked and connected to. A single private address spoils them all."""
        try:
            addresses = list(self._resolve(host, port))
        except (OSError, UnicodeError) as error:  # a name that no look-up can be made of
            raise httpcore.ConnectError(f"{host} is not known.") from error
        if not addresses or not all(self._reach.allows(host, address) for address in addresses):
            raise _inside(host)
        for address in addresses[:3]:
            try:
                left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except httpcore.ConnectError as error:
                failed = error
        raise failed


class _Stream(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline: a server that sends a byte a second has no more time either."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None, late: type[Exception]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("The visit took too long.")
    return left if timeout is None else min(left, timeout)


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
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:  # idna's are UnicodeErrors
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
