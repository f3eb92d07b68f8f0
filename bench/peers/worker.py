"""One peer on real documents, in its own environment: adds the files, then answers questions. Started by ingest.py.

Prints lines of JSON: {"ready": s}, a {"file": ...} each, {"added": s}, {"query": ...}.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from pathlib import Path
from typing import Any

import sets

from quality import MODULES

TOP = 10


def tell(**line: Any) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def add(peer: Any, path: Path) -> None:
    """One file; a peer that fails on it is told and goes on."""
    started = time.monotonic()
    try:
        documents = peer.read(path)
        read = time.monotonic() - started
        chunks = peer.add(documents) if documents else 0
    except Exception as error:
        tell(file=path.name, error=f"{type(error).__name__}: {str(error)[:200]}")
        return
    tell(file=path.name, chunks=chunks, read=round(read, 2), seconds=round(time.monotonic() - started, 2))


def ask(find: Any, questions: list[str]) -> None:
    for question in questions[:5]:
        find(question)
    took = []
    for question in questions:
        started = time.perf_counter()
        find(question)
        took.append(1000 * (time.perf_counter() - started))
    p50, p95 = (round(sets.percentile(took, share), 1) for share in (0.5, 0.95))
    tell(query={"questions": len(took), "p50_ms": p50, "p95_ms": p95})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=MODULES)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--questions", type=Path, required=True)
    args = parser.parse_args()
    started = time.monotonic()
    peer = importlib.import_module(MODULES[args.peer]).Peer(args.weights, args.peer)
    tell(ready=round(time.monotonic() - started, 2))
    for path in args.files:
        add(peer, path)
    before = time.monotonic()
    find = next(iter(peer.ready(TOP).values()))
    tell(last=round(time.monotonic() - before, 2), added=round(time.monotonic() - started, 2))
    tell(peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
    lines = args.questions.read_text(encoding="utf-8").splitlines()
    ask(find, [json.loads(line)["question"] for line in lines if line.strip()])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
