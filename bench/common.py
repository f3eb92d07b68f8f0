"""What the measurements share: where the data is, how texts are compared, how a run is told."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
GAKJU = Path(sys.executable).parent / "gakju"
"""The command of the environment that runs the measurement."""

_NOTHING = re.compile(r"[\s\u00ad\u200b-\u200d\u2060\ufeff\ufffe\uffff\x00-\x1f\x7f-\x9f]+")
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[-\u2010\u2011](?=[^\W\d_])")


def data(part: str = "") -> Path:
    """A folder of the benchmark data: $GAKJU_BENCH_DATA, else ../shared/data beside the repository."""
    root = Path(os.environ.get("GAKJU_BENCH_DATA") or ROOT.parent / "shared" / "data")
    found = root / part
    if not found.exists():
        raise SystemExit(f"There is no {found}. Set GAKJU_BENCH_DATA to the folder of the benchmark data.")
    return found


def real_pdfs() -> list[Path]:
    """The 18 real documents, Korean first."""
    return [p for folder in ("ko", "en") for p in sorted(data(f"pdf/{folder}").glob("*.pdf"))]


def scratch(name: str) -> Path:
    """Where a measurement keeps its data folder between runs unless told otherwise."""
    return Path(tempfile.gettempdir()) / "gakju-bench" / name


def prepared(home: Path) -> Path:
    """`home` as a data folder that shares model files with $GAKJU_BENCH_MODELS, else the user's own folder."""
    home.mkdir(parents=True, exist_ok=True)
    models = Path(os.environ.get("GAKJU_BENCH_MODELS") or user_data_path("gakju") / "models")
    if not (home / "models").exists():
        if not models.exists():
            raise SystemExit(f"There are no models in {models}. Run `gakju models pull`, or set GAKJU_BENCH_MODELS.")
        (home / "models").symlink_to(models.resolve())
    return home


def environment(home: Path) -> dict[str, str]:
    """For a `gakju` subprocess on `home`: nothing of the caller's Gakju settings gets in."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GAKJU_")}
    return {**clean, "GAKJU_HOME": str(home), "PYTHONUTF8": "1"}


def questions(path: Path | None = None) -> list[dict[str, Any]]:
    lines = (path or HERE / "questions" / "real_pdfs.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def squeeze(text: str) -> str:
    """NFKC (ligatures, full-width), casefold, no white space, no characters that print nothing."""
    return _NOTHING.sub("", unicodedata.normalize("NFKC", text)).casefold()


def unhyphened(squeezed: str) -> str:
    """Without hyphens between letters: a word broken at a line's end and the same word whole are alike."""
    return _BROKEN_WORD.sub("", squeezed)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank; NaN of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and the largest, rounded to milliseconds."""
    named = {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "max": max(values, default=math.nan)}
    return {k: round(v, 3) for k, v in named.items()}


def rate(part: int, whole: int) -> str:
    return f"{part}/{whole} = {100 * part / whole:.1f} %" if whole else "0/0"


def table(rows: Iterable[tuple[str, object]]) -> None:
    kept = [(name, str(value)) for name, value in rows]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        print(f"  {name:<{width}}  {value}")


def load() -> float:
    """The machine's load of the last minute: a latency measured above 0.5 says little."""
    return round(os.getloadavg()[0], 2)


def report(name: str, result: dict[str, Any], out: Path | None) -> None:
    """Print one JSON line, and write it to `out` where given."""
    whole = {
        "bench": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **result,
    }
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in whole.items() if k != "details"}, ensure_ascii=False))
