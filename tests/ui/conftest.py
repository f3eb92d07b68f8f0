"""Streamlit's own test runner takes the process's runtime for its own and leaves none behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.runtime import Runtime


@pytest.fixture(autouse=True)
def runtime() -> Iterator[None]:
    """The browser's tests may have a server in this process, before and after."""
    before = Runtime._instance
    yield
    Runtime._instance = before
