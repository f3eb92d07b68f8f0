"""Models behind an OpenAI-compatible API: the client, its errors in Gakju's words, and an embedder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from gakju import http
from gakju.errors import ContextTooLong, GakjuError, ModelFailed, ModelMissing, NetworkError
from gakju.protocols import Vectors

if TYPE_CHECKING:
    import openai

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""Sent where no key is set: the SDK would take one from the environment, and send it to whichever server."""

ClientFactory = Callable[[], "openai.OpenAI"]


def openai_client(url: str, key: str, *, offline: bool, timeout: float = 120.0, retries: int = 2) -> openai.OpenAI:
    """A client of an OpenAI-compatible API. The SDK retries with jitter; every request passes the guarded client."""
    import openai

    return openai.OpenAI(
        base_url=url,
        api_key=key or NO_KEY,
        max_retries=retries,
        http_client=_guarded(offline, timeout),
    )


def azure_client(endpoint: str, key: str, version: str, *, offline: bool, timeout: float = 120.0) -> openai.OpenAI:
    """As `openai_client`, for an Azure OpenAI resource; the model's name is the deployment's."""
    import openai

    return openai.AzureOpenAI(
        azure_endpoint=endpoint,
        api_key=key or NO_KEY,
        api_version=version,
        http_client=_guarded(offline, timeout),
    )


def _guarded(offline: bool, timeout: float) -> Any:
    # The SDK takes an httpx client as well as one of its own newer kind, but is typed for the latter.
    return http.client(offline=offline, timeout=timeout)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """The SDK's errors as ours. `name` is the model's, for messages; a key is never in one.

    The cause is not chained where it holds a server's own words: some repeat the key that was sent.
    """
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise _from_status(name, error.status_code, error) from None
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


def _from_status(name: str, status: int, error: openai.APIError) -> GakjuError:
    said = " ".join(error.message.split())
    if error.code in _TOO_LONG or error.type in _TOO_LONG or "context length" in said or "context size" in said:
        return ContextTooLong(
            f"The prompt is longer than {name} can take.", hint="Ask with less text, or start a new chat."
        )
    if status in (401, 403):
        hint = "Check GAKJU_OPENAI_API_KEY or GAKJU_AZURE_API_KEY."
        return ModelFailed(f"The server of {name} refused the key.", hint=hint)
    if status == 404:
        return ModelMissing(
            f"The server knows no model {name}.", hint="Check the name; `gakju models list` shows some."
        )
    if status == 429:
        return NetworkError(f"The server of {name} takes no more requests now.", hint="Wait and try again.")
    return ModelFailed(f"{name} failed: {_without_keys(said)[:200]}")


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

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._query_prefix, texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate from above for English and Korean in the vocabularies in use: three UTF-8 bytes a token."""
        return [-(-len(t.encode("utf-8", "replace")) // 3) for t in texts]

    def _embed(self, prefix: str, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        # The API refuses empty input.
        given = [prefix + t if t.strip() else prefix + "-" for t in texts]
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
