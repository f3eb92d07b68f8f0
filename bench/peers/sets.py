"""What every peer's script shares: the benchmark sets, nDCG, percentiles. Standard library only, any environment."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SMALL_FIRST = "ssis-welfare-ko", "squad2-half", "korquad1-dev", "cranfield", "chunking-eval", "msmarco-ko", "scifact"


class Entry(NamedTuple):
    """A document of a set; `text` begins with the title, as BEIR has it, where the text does not already."""

    id: str
    text: str


def scratch(name: str) -> Path:
    """A folder of the temporary directory that is kept between runs."""
    return Path(tempfile.gettempdir()) / "gakju-bench" / name


def data(part: str) -> Path:
    """A folder of the benchmark data: $GAKJU_BENCH_DATA, else ../shared/data beside the repository."""
    found = Path(os.environ.get("GAKJU_BENCH_DATA") or ROOT.parent / "shared" / "data") / part
    if not found.exists():
        raise SystemExit(f"There is no {found}. Set GAKJU_BENCH_DATA to the folder of the benchmark data.")
    return found


def folders() -> list[Path]:
    """The seven sets, the cheapest first."""
    return [data(f"beir/{name}") for name in SMALL_FIRST]


def pdfs() -> list[Path]:
    """The 18 real documents, Korean first."""
    return [path for part in ("ko", "en") for path in sorted(data(f"pdf/{part}").glob("*.pdf"))]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def corpus(folder: Path) -> list[Entry]:
    found = []
    for line in lines(folder / "corpus.jsonl"):
        title, text = line.get("title") or "", line["text"]
        found.append(Entry(line["_id"], text if text.startswith(title) else f"{title}\n{text}"))
    return found


def judgements(folder: Path) -> dict[str, dict[str, int]]:
    """Of qrels/dev.tsv, else the only file of qrels: query to document to grade, nothing below 1."""
    path = folder / "qrels" / "dev.tsv"
    if not path.exists():
        path = next((folder / "qrels").glob("*.tsv"))
    found: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                found.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return found


def queries(folder: Path) -> list[tuple[str, str]]:
    """Those with a judgement."""
    judged = judgements(folder)
    return [(line["_id"], line["text"]) for line in lines(folder / "queries.jsonl") if line["_id"] in judged]


def ndcg(ranked: Sequence[str], relevant: dict[str, int], k: int = 10) -> float:
    """Järvelin and Kekäläinen 2002, with linear gain, as trec_eval and BEIR have it."""
    gain = sum(relevant.get(name, 0) / math.log2(rank + 1) for rank, name in enumerate(ranked[:k], 1))
    ideal = sum(g / math.log2(rank + 1) for rank, g in enumerate(sorted(relevant.values(), reverse=True)[:k], 1))
    return gain / ideal


def hit(ranked: Sequence[str], relevant: dict[str, int], k: int = 3) -> float:
    return float(any(name in relevant for name in ranked[:k]))


def best_first(owners: Sequence[str], most: int = 10) -> list[str]:
    """Documents in the order of their best chunk."""
    return list(dict.fromkeys(owners))[:most]


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def write(path: Path, bench: str, result: dict[str, Any]) -> None:
    """One JSON object, written whole or not at all."""
    whole = {
        "bench": bench,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        **result,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
