"""Models by the names that programs ask for, and what they wrote put to account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

from gakju.errors import UnknownModel
from gakju.models import catalog, fetch

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.models.raw import HostedModel, RawModel, Waiting

LIBRARY = "gakju"
"""The model that answers from the default collection; `gakju:NAME` from another one."""

_PROVIDERS = frozenset(["embedded", "openai", "azure"])


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as `/v1/models` shows it."""

    id: str
    owner: str


def listed(assistant: Assistant) -> list[Listed]:
    """Every model that can be named: the library first, then what is on this machine or in the settings."""
    s = assistant.settings
    found = [LIBRARY, *(f"{LIBRARY}:{name}" for name in assistant.collections())]
    found += [s.chat_model, s.embedder]
    found += [f"embedded:{e.name}" for e in catalog.entries() if fetch.present(e, s.models)]
    found += tuned(assistant)
    found += s.aliases
    found += [f"{kind}:{name}" for kind, provider in assistant.parts.providers.items() for name in provider.names()]
    return [Listed(name, owner(s.aliases.get(name, name))) for name in dict.fromkeys(found)]


def tuned(assistant: Assistant) -> list[str]:
    """Models of this machine that were fine-tuned and are in use."""
    from gakju.models.adapters import Adapters

    return [a.model for a in Adapters(assistant.settings.models).all() if a.name]


def owner(name: str) -> str:
    """Who runs a model."""
    provider = name.partition(":")[0]
    return provider if provider in _PROVIDERS else "compatible" if "://" in name else "gakju"


def collection_of(name: str) -> str | None:
    """The collection that a model of that name answers from; None for one that is not the library."""
    from gakju.assistant import DEFAULT

    head, mark, rest = name.partition(":")
    if head != LIBRARY:
        return None
    return rest if mark else DEFAULT


def resolve(assistant: Assistant, name: str, *, fallback: str = "", any_server: bool = False) -> str:
    """The model that `name` means: an alias looked up, an unknown name answered with `fallback`.

    A server's address is a model only where settings name it, or with `any_server`: else whoever has a key could
    send requests from this machine to any other. Raises UnknownModel.
    """
    s = assistant.settings
    meant = s.aliases.get(name, name)
    configured = {s.chat_model, s.embedder, *s.aliases.values()}
    collection = collection_of(meant)
    if collection is not None:
        from gakju.assistant import DEFAULT

        if collection == DEFAULT or collection in assistant.collections():
            return meant
    elif meant.partition(":")[0] in assistant.parts.providers:
        if meant.partition(":")[2] in assistant.parts.providers[meant.partition(":")[0]].names():
            return meant
    elif meant in configured or meant.partition(":")[0] in _PROVIDERS or ("://" in meant and any_server):
        return meant
    elif fallback:
        return fallback
    raise UnknownModel(
        f"The model {name[:200]!r} does not exist here.",
        hint="GET /v1/models lists what there is; other names are mapped by the setting `aliases`.",
        param="model",
    )


class Generator:
    """One request to one model; what it used goes to the account of `key_id`, whoever stops reading."""

    def __init__(
        self, assistant: Assistant, model: str, path: str, body: dict[str, Any], *, caller: str, key_id: str
    ) -> None:
        self._assistant, self._name = assistant, model
        self._path, self._body = path, body
        self._caller, self._key_id = caller, key_id
        self._billed = model

    async def stream(self) -> AsyncGenerator[dict[str, Any] | Waiting, None]:
        """Chunks of the API, one of them with usage."""
        began = time.perf_counter()
        raw = await self._raw()
        usage: Mapping[str, Any] | None = None
        pieces, sent = 0, False
        try:
            async with aclosing(raw.stream(self._path, self._body, self._caller)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, dict):
                        usage = chunk.get("usage") or usage
                        pieces += bool(chunk.get("choices"))
                    yield chunk
        except (asyncio.CancelledError, GeneratorExit):
            sent = _hosted(raw)
            raise
        finally:
            if usage is None and (pieces or sent):  # Left before its end: a piece is a token, nearly.
                usage = {"prompt_tokens": _guess(self._body), "completion_tokens": pieces}
            await self._spend(usage, began)

    async def once(self) -> dict[str, Any]:
        """The whole answer. What a host has written of one that nobody waits for any more only the host knows."""
        from gakju.models.raw import folded

        began = time.perf_counter()
        raw = await self._raw()
        if not _hosted(raw):
            return await folded(self._path, self.stream())
        usage: Mapping[str, Any] | None = None
        try:
            answer = await raw.once(self._path, self._body, self._caller)
            usage = answer.get("usage")
        except asyncio.CancelledError:
            usage = {"prompt_tokens": _guess(self._body), "completion_tokens": 0}
            raise
        finally:
            await self._spend(usage, began)
        return answer

    async def _raw(self) -> RawModel:
        try:
            parts = self._assistant.parts
            chat = parts.opened(self._name)
            if chat is None:  # Its making may wait for files or for another thread's.
                chat = await asyncio.to_thread(parts.chat, self._name)
        except UnknownModel as error:
            error.details.setdefault("param", "model")
            raise
        self._billed = getattr(chat, "billed", self._name)
        if raw := getattr(chat, "raw", None):
            return raw  # type: ignore[no-any-return]
        from gakju.models.raw import PlainModel

        return PlainModel(chat)

    async def _spend(self, usage: Mapping[str, Any] | None, began: float) -> None:
        if usage:
            seconds = time.perf_counter() - began
            asked, said = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
            spend = self._assistant.accounts.spend
            told = partial(spend, self._billed, asked, said, key_id=self._key_id, seconds=seconds)
            await asyncio.shield(asyncio.to_thread(told))


def _hosted(raw: RawModel) -> TypeGuard[HostedModel]:
    """Whether it is asked elsewhere: what was sent there is to be paid for, whether or not an answer came."""
    from gakju.models.raw import HostedModel

    return isinstance(raw, HostedModel)


def _guess(body: Mapping[str, Any]) -> int:
    """Tokens of a prompt that no model counted: about four bytes each."""
    told = body.get("messages") or body.get("prompt") or body.get("input") or ""
    return len(str(told).encode("utf-8", "replace")) // 4
