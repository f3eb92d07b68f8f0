"""What models cost: recorded a generation at a time, held to a day's budget."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

from gakju.errors import QuotaSpent
from gakju.settings import Settings
from gakju.store import Store, now
from gakju.store.keys import Key
from gakju.store.usage import Used


class Accounts:
    """Thread-safe. Days are UTC; what is under way counts once it has ended."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def spend(
        self, model: str, prompt_tokens: int, completion_tokens: int, *, key_id: str = "", seconds: float = 0.0
    ) -> None:
        """Record a generation that took so long. A model without a price costs nothing."""
        if prompt_tokens or completion_tokens:
            money = self.price(model, prompt_tokens, completion_tokens)
            if self._settings.traces:
                _trace(model, prompt_tokens, completion_tokens, seconds)
            self._store.usage.add([Used(now(), key_id, model, prompt_tokens, completion_tokens, money)])

    def price(self, model: str, prompt_tokens: int, completion_tokens: int) -> float:
        """Money, in the unit of `prices`; 0 for a model without a price."""
        asked, answered = self._settings.prices.get(model, (0.0, 0.0))
        return (prompt_tokens * asked + completion_tokens * answered) / 1e6

    def check(self, key: Key | None = None) -> None:
        """Raises QuotaSpent where the day's tokens or money of everyone, or of this key, are used up."""
        day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        left = math.ceil((day + timedelta(days=1) - datetime.now(UTC)).total_seconds())
        for whose, tokens, money, key_id in self._budgets(key):
            if not tokens and not money:
                continue
            spent = self._store.usage.spent(day.isoformat(timespec="microseconds"), key_id)
            if tokens and spent.tokens >= tokens:
                raise QuotaSpent(f"The day's {tokens:,} tokens of {whose} are used up.", retry_after=left)
            if money and spent.money >= money:
                raise QuotaSpent(f"The day's money of {whose}, {money:g}, is spent.", retry_after=left)

    def check_maker(self, key_id: str) -> None:
        """`check` within a job that a key, perhaps, has made: one begins within a budget and may go far beyond it."""
        self.check(self._store.keys.get(key_id) if key_id else None)

    def _budgets(self, key: Key | None) -> list[tuple[str, int, float, str | None]]:
        s = self._settings
        found: list[tuple[str, int, float, str | None]] = [("this server", s.tokens_per_day, s.money_per_day, None)]
        if key:
            found.append(("this key", key.tokens_per_day, key.money_per_day, key.id))
        return found


def _trace(model: str, prompt_tokens: int, completion_tokens: int, seconds: float) -> None:
    """A span that has just ended, by OpenTelemetry's conventions for generative models. No text is in it."""
    from opentelemetry import trace

    provider, _, name = model.partition(":")
    known = {"azure": "azure.ai.openai", "openai": "openai"}
    ended = time.time_ns()
    span = trace.get_tracer("gakju").start_span(
        f"chat {name or model}",
        kind=trace.SpanKind.CLIENT,
        start_time=ended - int(seconds * 1e9),
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": known.get(provider, "gakju"),
            "gen_ai.request.model": name or model,
            "gen_ai.usage.input_tokens": prompt_tokens,
            "gen_ai.usage.output_tokens": completion_tokens,
        },
    )
    span.end(ended)
