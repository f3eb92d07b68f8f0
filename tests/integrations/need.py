"""Frameworks that a test needs."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def need(package: str, extra: str) -> None:
    """The framework; where it is not installed the tests that need it are skipped, and say how to get it."""
    if find_spec(package) is None:
        pytest.skip(
            f"{package} is not installed: pip install '.[{extra}]', or run bench/integrations.py",
            allow_module_level=True,
        )
