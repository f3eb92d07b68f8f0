from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture
def http(served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def library(served, folder, http: httpx.Client) -> httpx.Client:
    """A client of a server that has the two documents."""
    served.assistant.add([folder])
    return http
