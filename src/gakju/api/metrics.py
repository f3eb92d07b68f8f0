"""What the server does, for Prometheus: requests, the event loop, jobs, tokens.

Counted here; the library that writes it down is imported at the first look.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gakju.assistant import Assistant

if TYPE_CHECKING:
    from prometheus_client.core import Metric

BEAT = 0.1
"""Seconds between two looks at the event loop."""
LAG = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
METHODS = frozenset(["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"])
STATES = ("queued", "running")


class Histogram:
    """Counts at or below each bound (the last is everything), and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        total, found = 0, []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class Metrics:
    """One application's. For the event loop only, but `text`."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.seconds: dict[str, Histogram] = {}
        self.under_way = 0
        self.lag = Histogram(LAG)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Watch the event loop while this is open."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(BEAT)
            self.lag.add(max(0.0, time.perf_counter() - began - BEAT))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests[method if method in METHODS else "other", route, status] += 1
        self.seconds.setdefault(route, Histogram(SECONDS)).add(seconds)

    async def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return await to_thread.run_sync(self._text)

    def _text(self) -> bytes:
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily("gakju_requests", "Requests by route.", labels=["method", "route", "status"])
        for (method, route, status), count in sorted(self.requests.copy().items()):
            requests.add_metric([method, route, str(status)], count)
        seconds = HistogramMetricFamily("gakju_request_seconds", "From a request to its end.", labels=["route"])
        for route, histogram in sorted(self.seconds.copy().items()):
            seconds.add_metric([route], histogram.buckets(), histogram.sum)
        lag = HistogramMetricFamily("gakju_event_loop_lag_seconds", "How late the event loop is.")
        lag.add_metric([], self.lag.buckets(), self.lag.sum)
        jobs = GaugeMetricFamily("gakju_jobs", "Jobs that wait or run.", labels=["kind", "state"])
        waiting = Counter((j.kind, j.state) for j in self._assistant.store.jobs(states=STATES, limit=10_000))
        for (kind, state), count in sorted(waiting.items()):
            jobs.add_metric([kind, state], count)
        tokens = GaugeMetricFamily("gakju_tokens_today", "Tokens of this day (UTC).", labels=["model", "kind"])
        money = GaugeMetricFamily("gakju_money_today", "Money of this day (UTC).", labels=["model"])
        for name, (prompt, completion, spent) in sorted(self._spent().items()):
            tokens.add_metric([name, "prompt"], prompt)
            tokens.add_metric([name, "completion"], completion)
            money.add_metric([name], spent)
        under_way = GaugeMetricFamily("gakju_requests_under_way", "Requests that have not ended.", self.under_way)
        return [requests, seconds, under_way, lag, jobs, tokens, money]

    def _spent(self) -> dict[str, tuple[int, int, float]]:
        found: dict[str, tuple[int, int, float]] = {}
        for d in self._assistant.store.usage.days(datetime.now(UTC).date().isoformat()):
            prompt, completion, money = found.get(d.model, (0, 0, 0.0))
            found[d.model] = prompt + d.prompt_tokens, completion + d.completion_tokens, money + d.money
        return found


class Observed:
    """Pure ASGI around everything else: counts each HTTP request with the route that `Access` found."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        began, status = time.perf_counter(), 499  # What its client left before it was answered.

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._metrics.under_way += 1
        try:
            await self.app(scope, receive, watched)
        finally:
            self._metrics.under_way -= 1
            route = state.get("route", "").partition(" ")[2] or "other"
            self._metrics.count(scope["method"], route, status, time.perf_counter() - began)
