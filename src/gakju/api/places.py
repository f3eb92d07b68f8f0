"""Which right each route needs. What has no place here is refused where keys are asked for, and fails a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute, compile_path

PUBLIC = "public"
ANY = "any"
"""Any key that works."""
SCREEN = "screen"
"""A key for people: every collection, and to ask, read and write."""
SPENDING = frozenset(["ask", "models", "ask|models"])
"""Rights to routes that may use a model, and so are refused when the day's budget is spent."""

RIGHTS: Mapping[str, str] = {
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": "admin",
    "GET /v1/docs": ANY,
    "GET /v1/docs/{name}": ANY,
    "GET /v1/openapi.json": ANY,
    "POST /key": PUBLIC,
    "POST /key/leave": PUBLIC,
    "MOUNT ": SCREEN,
    "GET /v1/collections": "ask|read",
    "GET /v1/collections/{name}/words": "read",
    "PUT /v1/collections/{name}/words": "write",
    "GET /v1/documents": "read",
    "POST /v1/documents": "write",
    "GET /v1/pages": "read",
    "POST /v1/pages": "write",
    "POST /v1/pages/{watch_id}/refresh": "write",
    "DELETE /v1/pages/{watch_id}": "write",
    "GET /v1/documents/{document_id}": "read",
    "DELETE /v1/documents/{document_id}": "write",
    "GET /v1/documents/{document_id}/pages/{number}": "read",
    "GET /v1/documents/{document_id}/pages/{number}/boxes": "read",
    "GET /v1/documents/{document_id}/pages/{number}/image": "read",
    "GET /v1/documents/{document_id}/chunks": "read",
    "GET /v1/documents/{document_id}/original": "read",
    "POST /v1/search": "ask",
    "POST /v1/ask": "ask",
    "POST /v1/evaluations": "ask",
    "GET /v1/question_sets": "read",
    "POST /v1/question_sets": "write",
    "POST /v1/question_sets/propose": "models",
    "POST /v1/question_sets/feedback": "write",
    "GET /v1/question_sets/{set_id}": "read",
    "PATCH /v1/question_sets/{set_id}": "write",
    "DELETE /v1/question_sets/{set_id}": "write",
    "GET /v1/question_sets/{set_id}/items": "read",
    "GET /v1/question_sets/{set_id}/export": "read",
    "POST /v1/question_sets/{set_id}/split": "write",
    "POST /v1/question_sets/{set_id}/restore": "write",
    "GET /v1/fewshot": "models",
    "POST /v1/fewshot": "models",
    "POST /v1/fewshot/estimate": "models",
    "POST /v1/fewshot/prompt": "models",
    "GET /v1/comparisons": "admin",
    "POST /v1/comparisons": "admin",
    "POST /v1/comparisons/estimate": "admin",
    "GET /v1/comparisons/{job_id}/report": "admin",
    "POST /v1/reindex": "admin",
    "GET /v1/jobs": "ask|read|write",
    "GET /v1/jobs/{job_id}": "ask|read|write",
    "POST /v1/jobs/{job_id}/cancel": "ask|read|write",
    "GET /v1/jobs/{job_id}/events": "ask|read|write",
    "GET /v1/files": "read",
    "POST /v1/files": "write",
    "GET /v1/files/{file_id}": "read",
    "DELETE /v1/files/{file_id}": "write",
    "GET /v1/files/{file_id}/content": "read",
    "GET /v1/vector_stores": "ask|read",
    "POST /v1/vector_stores": "write",
    "GET /v1/vector_stores/{store_id}": "ask|read",
    "POST /v1/vector_stores/{store_id}": "write",
    "DELETE /v1/vector_stores/{store_id}": "write",
    "POST /v1/vector_stores/{store_id}/search": "ask",
    "GET /v1/vector_stores/{store_id}/files": "read",
    "POST /v1/vector_stores/{store_id}/files": "write",
    "GET /v1/vector_stores/{store_id}/files/{file_id}": "read",
    "POST /v1/vector_stores/{store_id}/files/{file_id}": "write",
    "DELETE /v1/vector_stores/{store_id}/files/{file_id}": "write",
    "GET /v1/vector_stores/{store_id}/files/{file_id}/content": "read",
    "POST /v1/vector_stores/{store_id}/file_batches": "write",
    "GET /v1/vector_stores/{store_id}/file_batches/{batch_id}": "read",
    "POST /v1/vector_stores/{store_id}/file_batches/{batch_id}/cancel": "write",
    "GET /v1/vector_stores/{store_id}/file_batches/{batch_id}/files": "read",
    "GET /v1/finetune": "admin",
    "POST /v1/finetune": "admin",
    "POST /v1/finetune/check": "admin",
    "POST /v1/finetune/price": "admin",
    "GET /v1/finetune/{name}": "admin",
    "DELETE /v1/finetune/{name}": "admin",
    "POST /v1/finetune/{name}/{action}": "admin",
    "GET /v1/fine_tuning/jobs": "admin",
    "POST /v1/fine_tuning/jobs": "admin",
    "GET /v1/fine_tuning/jobs/{job_id}": "admin",
    "POST /v1/fine_tuning/jobs/{job_id}/cancel": "admin",
    "GET /v1/fine_tuning/jobs/{job_id}/events": "admin",
    "GET /v1/fine_tuning/jobs/{job_id}/checkpoints": "admin",
    "POST /v1/responses": "ask|models",
    "GET /v1/responses/{response_id}": "ask|models",
    "DELETE /v1/responses/{response_id}": "ask|models",
    "GET /v1/responses/{response_id}/input_items": "ask|models",
    "POST /v1/moderations": ANY,
    "POST /mcp": "ask|read",
    "GET /v1/models": "ask|models",
    "GET /v1/models/{model:path}": "ask|models",
    "POST /v1/chat/completions": "ask|models",
    "POST /v1/completions": "models",
    "POST /v1/embeddings": "models",
    "POST /openai/deployments/{deployment}/chat/completions": "ask|models",
    "POST /openai/deployments/{deployment}/completions": "models",
    "POST /openai/deployments/{deployment}/embeddings": "models",
    "POST /openai/v1/chat/completions": "ask|models",
    "POST /openai/v1/completions": "models",
    "POST /openai/v1/embeddings": "models",
    "GET /openai/v1/models": "ask|models",
    "GET /openai/models": "ask|models",
    "GET /v1/keys": "admin",
    "POST /v1/keys": "admin",
    "DELETE /v1/keys/{key_id}": "admin",
    "GET /v1/usage": ANY,
    "GET /v1/audit": "admin",
}
"""`METHOD /path` as the router has it, or `MOUNT /path`; rights with `|` between: one of them is enough.

What else a key must have (the collection, a job of its own) is seen to in `within`.
"""


class Place(NamedTuple):
    """A route as `RIGHTS` names it; `right` is "" for one that has no place there."""

    name: str
    right: str
    ids: Mapping[str, str]


class Places:
    """The routes of an application in their order, each with the right it needs."""

    def __init__(self, routes: Iterable[BaseRoute], rights: Mapping[str, str]) -> None:
        self._rights = rights
        self._routes = [(methods, re.compile(path), name) for methods, path, name in _routes(routes)]

    def names(self) -> list[str]:
        """Every route as `RIGHTS` has to name it."""
        return [f"{m} {name}" for methods, _, name in self._routes for m in sorted(methods or {"MOUNT"})]

    def find(self, method: str, path: str) -> Place | None:
        """The route that will answer; None where none will. A WebSocket's method is WEBSOCKET."""
        elsewhere = False
        for methods, pattern, name in self._routes:
            if not (found := pattern.match(path)):
                continue
            if not methods:  # What is mounted at the root takes every path; another route's is not its business.
                return None if elsewhere else Place(placed := f"MOUNT {name}", self._rights.get(placed, ""), {})
            if method in methods:
                ids = {k: str(v) for k, v in found.groupdict().items()}
                return Place(placed := f"{method} {name}", self._rights.get(placed, ""), ids)
            elsewhere = True
        return None

    def allowed(self, path: str) -> list[str]:
        """The methods that routes of this path know."""
        return sorted({m for methods, pattern, _ in self._routes if pattern.match(path) for m in methods})

    def public(self, path: str) -> bool:
        """Whether a route of this path is for everyone: then other methods of it are no secret either."""
        named = (f"{m} {name}" for methods, pattern, name in self._routes if pattern.match(path) for m in methods)
        return any(self._rights.get(name) == PUBLIC for name in named)


def _routes(routes: Iterable[BaseRoute]) -> Iterable[tuple[frozenset[str], str, str]]:
    """(methods, pattern, path) of each route; without methods it takes everything below its path."""
    for route in iter_route_contexts(list(routes)):
        name = route.path or ""
        original = route.original_route
        if isinstance(original, Mount):
            yield frozenset(), rf"^{re.escape(name)}(/|$)", name
            continue
        methods = {"WEBSOCKET"} if isinstance(original, WebSocketRoute) else set(route.methods or ())
        if "GET" in methods:
            methods.discard("HEAD")
        yield frozenset(methods), compile_path(name)[0].pattern, name
