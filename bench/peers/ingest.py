"""How fast, and in how much memory, does a peer take in the real documents, and how fast does it then answer?

    python bench/peers/ingest.py PEER... [--json FILE] [--pages N]

PEER is langchain, langchain-256, llama_index, haystack, txtai, bm25-bigrams or gakju; several run one after the other
and are compared. Runs in Gakju's environment and starts each peer in its own (`--envs`). Told: pages a second (wall
clock, imports and the model's start included), the largest resident memory of the process with its children (psutil,
every 100 ms; questions not counted), processor seconds (questions and, for gakju, its
second run counted), seconds a file, p50 and p95 of a question on the library. No vector is cached.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pypdfium2
import sets

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = {"langchain-256": "langchain", "bm25-bigrams": "langchain"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
PEERS = "langchain", "langchain-256", "llama_index", "haystack", "txtai", "bm25-bigrams", "gakju"


def files(least_pages: int) -> tuple[list[Path], int]:
    """All real documents and their pages; with `least_pages`, Korean and English in turn until there are as many."""
    paths = sets.pdfs()
    if least_pages:
        by_language = [[p for p in paths if p.parent.name == part] for part in ("ko", "en")]
        paths = [pair[at] for at in range(len(paths)) for pair in by_language if at < len(pair)]
    taken, pages = [], 0
    for path in paths:
        if least_pages and pages >= least_pages:
            break
        with pypdfium2.PdfDocument(path) as document:
            pages += len(document)
        taken.append(path)
    return taken, pages


class Memory(threading.Thread):
    """The largest resident memory, in MiB, of a process and its children until `stop`."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._top, self.peak, self.stop = psutil.Process(pid), 0.0, False

    def run(self) -> None:
        while not self.stop:
            try:
                family = [self._top, *self._top.children(recursive=True)]
                self.peak = max(self.peak, sum(p.memory_info().rss for p in family) / (1 << 20))
            except psutil.NoSuchProcess:
                pass
            time.sleep(0.1)


def peer(name: str, paths: list[Path], pages: int, args: argparse.Namespace) -> dict[str, Any]:
    python = args.envs / ENVIRONMENTS.get(name, name) / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"There is no {python}. Run bench/peers/setup.sh {ENVIRONMENTS.get(name, name)} first.")
    command = [str(python), str(HERE / "worker.py"), name, *map(str, paths), "--weights", args.weights]
    command += ["--questions", str(HERE.parent / "questions" / "real_pdfs.jsonl")]
    started, seconds = time.monotonic(), 0.0
    told: dict[str, Any] = {"peer": name, "load": round(os.getloadavg()[0], 2), "files": []}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ | OFFLINE)
        memory = Memory(process.pid)
        memory.start()
        assert process.stdout
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            line_told = json.loads(line)
            if "file" in line_told:
                told["files"].append(line_told)
                print(f"  {name}: {line_told}", file=sys.stderr)
            else:
                told |= line_told
            if "added" in line_told:
                seconds, memory.stop = time.monotonic() - started, True
        if process.wait() or not seconds:
            errors.seek(0)
            return told | {"failed": errors.read()[-500:]}
    done = [f for f in told["files"] if "chunks" in f]
    return told | {
        "pages": pages,
        "chunks": sum(f["chunks"] for f in done),
        "files_that_failed": [f for f in told["files"] if "error" in f],
        "read_seconds": round(sum(f["read"] for f in done), 1),
        "seconds": round(seconds, 1),
        "pages_per_second": round(pages / seconds, 2),
        "peak_mib": round(memory.peak),
    }


def gakju(paths: list[Path]) -> dict[str, Any]:
    """The same files by `gakju add`, OCR off, as bench/ingest.py has it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, str(HERE.parent / "ingest.py"), "--no-ocr", "--out", str(out), *map(str, paths)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        found = json.loads(out.read_text(encoding="utf-8"))
    kept = {key: found[key] for key in ("load", "pages", "chunks", "seconds", "pages_per_second")}
    return {"peer": "gakju", **kept, "peak_mib": found["peak_mib"]["together"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="+", choices=PEERS)
    parser.add_argument("--json", type=Path, default=sets.scratch("peers") / "results" / "ingest.json")
    parser.add_argument("--pages", type=int, default=0, help="only so many pages; all of them, unless told")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "envs")
    parser.add_argument("--weights", default=str(sets.scratch("e5-fp32")))
    args = parser.parse_args()
    paths, pages = files(args.pages)
    runs = []
    for name in args.peers:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = gakju(paths) if name == "gakju" else peer(name, paths, pages, args)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        run["core_seconds"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)
        runs.append(run)
    for run in runs:
        print(json.dumps({key: value for key, value in run.items() if key != "files"}, ensure_ascii=False))
    speeds = {run["peer"]: run.get("pages_per_second", 0.0) for run in runs}
    ratios = {f"gakju / {name}": round(speeds["gakju"] / v, 2) for name, v in speeds.items() if "gakju" in speeds and v}
    if ratios:
        print(ratios)
    sets.write(args.json, "peers/ingest", {"documents": len(paths), "pages": pages, "ratios": ratios, "runs": runs})
    return int(any("failed" in run for run in runs))


if __name__ == "__main__":
    raise SystemExit(main())
