"""Models behind an OpenAI-compatible API: the client, its errors in Gakju's words, and an embedder."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from gakju import http
from gakju.errors import (
    ContextTooLong,
    CreditSpent,
    GakjuError,
    ModelFailed,
    ModelMissing,
    NetworkError,
    RateLimited,
    RequestRefused,
    UsageError,
)
from gakju.models.embed import embedded_apart
from gakju.protocols import Spans, Vectors

if TYPE_CHECKING:
    import openai

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""Sent where no key is set: the SDK would take one from the environment, and send it to whichever server."""

ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"

ClientFactory = Callable[[], "openai.OpenAI"]


@dataclass(frozen=True, slots=True)
class Host:
    """A server of models: OpenAI's, or any that is compatible. `timeout` in seconds of silence; `keep` connections.

    With `azure_version` it is an Azure OpenAI resource at the endpoint `url`, where a model's name is its
    deployment's; without a key it is asked with an Entra ID token. The SDK retries with jitter, before the answer
    begins; every request passes the guarded client.
    """

    url: str
    key: str = field(repr=False)
    offline: bool
    timeout: float = 120.0
    retries: int = 2
    azure_version: str = ""
    keep: int = 20

    def client(self) -> openai.OpenAI:
        import openai

        # The SDK takes an httpx client as well as one of its own newer kind, but is typed for the latter.
        guarded: Any = http.client(offline=self.offline, timeout=self.timeout, keep=self.keep)
        if not self.azure_version:
            return openai.OpenAI(
                base_url=self.url, api_key=self.key or NO_KEY, max_retries=self.retries, http_client=guarded
            )
        guarded.follow_redirects = False  # it would take the header `api-key` along, wherever that leads
        return openai.AzureOpenAI(
            azure_endpoint=self.url,
            api_version=self.azure_version,
            max_retries=self.retries,
            http_client=guarded,
            **self._azure_key(),
        )

    def async_client(self) -> openai.AsyncOpenAI:
        """For one event loop."""
        import openai

        guarded: Any = http.async_client(offline=self.offline, timeout=self.timeout, keep=self.keep)
        if not self.azure_version:
            return openai.AsyncOpenAI(
                base_url=self.url, api_key=self.key or NO_KEY, max_retries=self.retries, http_client=guarded
            )
        guarded.follow_redirects = False
        return openai.AsyncAzureOpenAI(
            azure_endpoint=self.url,
            api_version=self.azure_version,
            max_retries=self.retries,
            http_client=guarded,
            **self._azure_key(),
        )

    def _azure_key(self) -> dict[str, Any]:
        return {"api_key": self.key} if self.key else {"azure_ad_token_provider": entra_token()}


def openai_client(url: str, key: str, *, offline: bool, timeout: float = 120.0, retries: int = 2) -> openai.OpenAI:
    """A client of an OpenAI-compatible API."""
    return Host(url, key, offline, timeout, retries).client()


def entra_token() -> Callable[[], str]:
    """A function that gives a token of Entra ID for Azure OpenAI: of this machine's identity, or whoever logged in.

    Raises UsageError where azure-identity is not installed.
    """
    try:
        from azure.identity import DefaultAzureCredential, get_bearer_token_provider
    except ImportError as error:
        raise UsageError(
            "Azure OpenAI without a key needs the package azure-identity.",
            hint="Run `pip install 'gakju[azure]'`, or set GAKJU_AZURE_API_KEY.",
        ) from error
    provider: Callable[[], str] = get_bearer_token_provider(DefaultAzureCredential(), ENTRA_SCOPE)

    def token() -> str:
        try:
            return provider()
        except Exception as error:  # azure.core's tree is only there with the extra
            raise ModelFailed("Entra ID gave no token for Azure OpenAI.", hint="Run `az login`.") from error

    return token


@contextmanager
def translated(name: str) -> Iterator[None]:
    """The SDK's errors as ours. `name` is the model's, for messages; a key is never in one.

    The cause is not chained where it holds a server's own words: some repeat the key that was sent.
    """
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise _from_status(name, error.status_code, error, error.response.headers.get("retry-after", "")) from None
    except openai.APITimeoutError as error:
        raise NetworkError(f"{name} did not answer in time.", hint="Try again, or choose another model.") from error
    except openai.APIConnectionError as error:
        if isinstance(refused := error.__cause__, GakjuError):
            raise refused from None
        raise NetworkError(f"{name} could not be reached.", hint="Check the address and that it runs.") from error
    except openai.APIError as error:  # an error event within the stream
        raise _from_status(name, 500, error) from None
    except httpx.TimeoutException as error:
        raise NetworkError(f"{name} stopped answering.", hint="Try again, or choose another model.") from error
    except httpx.HTTPError as error:
        raise NetworkError(f"The connection to {name} broke off.", hint="Try again.") from error
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:  # not the shape that was promised
        raise ModelFailed(f"{name} gave an answer that could not be read ({type(error).__name__}).") from error


_TOO_LONG = ("context_length_exceeded", "exceed_context_size_error")
_UNPAID = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance")
"""With 429, as if waiting helped."""


def _from_status(name: str, status: int, error: openai.APIError, retry_after: str = "") -> GakjuError:
    body = error.body if isinstance(error.body, dict) else {}
    said = " ".join(str(body.get("message") or error.message).split())
    return refusal(
        name, status, {"code": error.code, "type": error.type, "param": error.param, "message": said}, retry_after
    )


def refusal(name: str, status: int, told: Mapping[str, Any], retry_after: str = "") -> GakjuError:
    """What a model's server says, in OpenAI's shape or nearly, as our error. `retry_after`: the header, if it came."""
    said, code = " ".join(str(told.get("message") or "").split()), told.get("code")
    if code in _TOO_LONG or told.get("type") in _TOO_LONG or "context length" in said or "context size" in said:
        return ContextTooLong(
            f"The prompt is longer than {name} can take.",
            hint="Ask with less text, or start a new chat.",
            param="messages",
        )
    unpaid = status == 402 or code in _UNPAID or told.get("type") in _UNPAID
    if unpaid or status in (401, 403):
        return _no_account(name, status, unpaid=unpaid)
    if status == 404:
        return ModelMissing(
            f"The server knows no model {name}.", hint="Check the name; `gakju models list` shows some."
        )
    if status == 429:
        return RateLimited(
            f"The server of {name} takes no more requests now.",
            hint="Wait and try again.",
            retry_after=int(retry_after) if retry_after.isdecimal() else 5,
        )
    if status in (400, 413, 415, 422):
        return RequestRefused(
            f"{name} does not take this request: {_without_keys(said)[:500]}",
            param=told.get("param") if isinstance(told.get("param"), str) else None,
            code=code if isinstance(code, str) else None,
        )
    return ModelFailed(f"{name} failed: {_without_keys(said)[:200]}")


def _no_account(name: str, status: int, *, unpaid: bool) -> GakjuError:
    if unpaid:
        hint = "Add credit, or raise its limit, where the account of this key is kept; or choose another model."
        return CreditSpent(f"The account at the server of {name} has no credit left.", hint=hint)
    hint = "Check GAKJU_OPENAI_API_KEY or GAKJU_AZURE_API_KEY."
    return ModelFailed(f"The server of {name} refused the key.", hint=hint, status=status)


def _without_keys(text: str) -> str:
    return " ".join("…" if len(word) > 40 or word.startswith("sk-") else word for word in text.split(" "))


class RemoteEmbedder:
    """An Embedder behind `/embeddings`. Thread-safe; asks for nothing until first used.

    `query_prefix` and `passage_prefix` are for models that want them (E5, BGE). Errors as `translated`.
    """

    def __init__(
        self,
        name: str,
        client: ClientFactory,
        model: str,
        *,
        query_prefix: str = "",
        passage_prefix: str = "",
        batch: int = 64,
    ) -> None:
        self.name = name
        self._client, self._model, self._batch = client, model, batch
        self._query_prefix, self._passage_prefix = query_prefix, passage_prefix
        self._dimensions = 0
        self._lock = threading.Lock()

    @property
    def dimensions(self) -> int:
        """Found out by embedding one word, once."""
        with self._lock:
            if not self._dimensions:
                self._dimensions = self._request(["dimensions"]).shape[1]
            return self._dimensions

    @dimensions.setter
    def dimensions(self, value: int) -> None:
        self._dimensions = value

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._passage_prefix, texts)

    def embed_parts(self, texts: Sequence[str], spans: Sequence[Spans]) -> tuple[Vectors, list[Vectors]]:
        """Sends twice the tokens: the API has no vectors of parts."""
        return embedded_apart(self.embed_passages, texts, spans)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._query_prefix, texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate from above for English and Korean in the vocabularies in use: three UTF-8 bytes a token."""
        return [-(-len(t.encode("utf-8", "replace")) // 3) for t in texts]

    def _embed(self, prefix: str, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        # The API refuses empty input.
        given = [prefix + unicodedata.normalize("NFC", t) if t.strip() else prefix + "-" for t in texts]
        return np.concatenate([self._request(given[a : a + self._batch]) for a in range(0, len(given), self._batch)])

    def _request(self, texts: list[str]) -> Vectors:
        with translated(self.name):
            data = self._client().embeddings.create(model=self._model, input=texts, encoding_format="float").data
        rows = sorted(data, key=lambda row: row.index)
        try:
            vectors = np.array([row.embedding for row in rows], np.float32)
        except ValueError:
            vectors = np.empty(0, np.float32)
        if vectors.ndim != 2 or [r.index for r in rows] != list(range(len(texts))) or not np.isfinite(vectors).all():
            raise ModelFailed(f"{self.name} sent other vectors than were asked for.")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(norms, np.float32(1e-12))
        return unit
