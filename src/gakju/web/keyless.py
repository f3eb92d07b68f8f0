"""Engines that need no key, by the package ddgs. It brings an HTTP client of its own, which our guard does not see, so
it runs in a process of its own: for one question, with a deadline, and with nothing of this one's environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gakju.errors import NetworkError, RateLimited
from gakju.types import Freshness
from gakju.web.engines import MOST_BYTES, Engine, Request

_CHILD = Path(__file__).with_name("keyless_child.py")
_PASSED = ("PATH", "SYSTEMROOT", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What a process needs to run and to trust certificates. Keys and proxies of the environment are no business of it."""
_REGIONS = {"ko": "kr-ko", "en": "us-en"}
_START = 2.0
"""Seconds until Python and the package are there, within which nothing is asked."""


class Keyless(Engine):
    """See https://github.com/deedy5/ddgs for the names of `engines`; "auto" leaves the choice to it."""

    name = "ddgs"

    def __init__(
        self,
        engines: str = "auto",
        *,
        offline: bool = False,
        seconds: float = 6.0,
        proxy: str = "",
        command: Sequence[str] = (),
    ) -> None:
        """`command` takes the place of the process that is started, for tests."""
        super().__init__(offline=offline, seconds=seconds, proxy=proxy)
        self._engines = engines
        self._command = list(command)

    def request(self, query: str, count: int, language: str, freshness: Freshness) -> Request:
        asked = {
            "query": query,
            "engines": self._engines,
            "count": count,
            "region": _REGIONS.get(language, "us-en"),
            "age": freshness[:1],
            "proxy": self._proxy,
            "seconds": max(1, round(self._seconds - _START)),
        }
        return "ask", self._engines, asked

    def rows(self, found: Any) -> Iterable[Mapping[str, Any]]:
        if refused := found.get("refused"):
            said = f"ddgs: the engines it asks refuse for now ({str(refused)[:20]})."
            raise RateLimited(said, hint="Ask again later.", retry_after=60)
        if error := found.get("error"):
            raise self._failed(f"failed ({str(error)[:60]})")
        return [{"url": r["href"], "title": r.get("title"), "snippet": r.get("body")} for r in found["results"]]

    def _ask(self, method: str, url: str, options: Mapping[str, Any]) -> Any:
        if self._offline:
            raise NetworkError("ddgs: Offline: nothing was asked.", hint="Allow connections with GAKJU_OFFLINE=false.")
        if not self._command and importlib.util.find_spec("ddgs") is None:
            raise self._failed("is not installed", hint='Install it with `pip install "gakju[ddgs]"`.')
        try:
            return json.loads(self._ran(json.dumps(options).encode()))
        except (ValueError, RecursionError) as error:
            raise self._failed("answered in a form that is not its own") from error

    def _ran(self, asked: bytes) -> bytes:
        """What the process wrote. It and what it started are killed when its time is over."""
        command = self._command or [sys.executable, "-P", str(_CHILD)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _PASSED if name in os.environ},
            cwd=_CHILD.anchor,
            start_new_session=True,
            bufsize=0,
        )
        assert process.stdin
        assert process.stdout
        written = bytearray()
        reading = threading.Thread(target=_read, args=(process.stdout, written), daemon=True)
        try:
            reading.start()
            with suppress(OSError):
                process.stdin.write(asked)
                process.stdin.close()
            reading.join(self._seconds)
            if reading.is_alive():
                raise self._failed("did not answer in time")
        finally:
            _end(process)
        if len(written) > MOST_BYTES:
            raise self._failed(f"answered more than {MOST_BYTES >> 20} MiB")
        return bytes(written)


def _read(source: Any, into: bytearray) -> None:
    with suppress(OSError, ValueError):
        while len(into) <= MOST_BYTES and (piece := source.read(1 << 16)):
            into += piece


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(OSError):
                pipe.close()
