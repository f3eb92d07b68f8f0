"""What `import gakju` promises, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import gakju


def test_every_promised_name_is_there_and_sorted() -> None:
    assert gakju.__all__ == sorted(gakju.__all__)
    for name in gakju.__all__:
        assert getattr(gakju, name).__name__ == name
        assert getattr(gakju, name).__doc__, f"{name} has no docstring"


def test_importing_gakju_loads_nothing_heavy() -> None:
    code = "import sys, gakju; print(*sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "streamlit", "fastapi", "lancedb", "openvino", "kiwipiepy", "openai", "sqlalchemy", "pydantic"}
    assert not heavy & set(loaded)


def test_no_module_of_the_default_install_needs_torch() -> None:
    from importlib.metadata import requires

    plain = [r for r in requires("gakju") or [] if "extra ==" not in r]
    assert plain
    assert not [r for r in plain if r.startswith(("torch", "transformers", "pymupdf", "PyMuPDF"))]
