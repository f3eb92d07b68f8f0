"""How fast and how frugal is adding real documents?

`gakju add ko en --json` in a new data folder, twice. Told: documents by status, pages a second (wall clock,
models' start included), the largest resident memory of the command and of its worker processes together
(psutil, every 100 ms), memory when 10, 50 and 90 % of the pages were done (flat is good), and the seconds of
the second run, which must find everything unchanged.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from common import GAKJU, data, environment, load, prepared, report, scratch, table

MIB = 1 << 20


@dataclass
class Memory:
    """Samples of one run: seconds, MiB of the command, MiB of its children, pages done."""

    samples: list[tuple[float, float, float, int]] = field(default_factory=list)

    def peak(self) -> tuple[float, float, float]:
        """The command's, the children's, and both together at the worst moment."""
        own = max(s[1] for s in self.samples)
        children = max(s[2] for s in self.samples)
        return own, children, max(s[1] + s[2] for s in self.samples)

    def at(self, share: float) -> float:
        """MiB of the command when this share of the pages was done."""
        last = max(s[3] for s in self.samples)
        return next(s[1] for s in self.samples if s[3] >= share * last)


def pages_done(home: Path) -> int:
    """Of the documents that the running job has finished; what is read of the next one comes on top."""
    database = home / "gakju.db"
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)) as connection:
            done = connection.execute("SELECT data FROM job_events WHERE kind = 'file'").fetchall()
            now = connection.execute("SELECT progress FROM jobs WHERE state = 'running'").fetchone()
    except sqlite3.Error:
        return 0
    finished = sum(json.loads(row[0])["pages"] for row in done)
    progress = json.loads(now[0]) if now else {}
    return finished + (progress.get("done", 0) if progress.get("unit") == "pages" else 0)


def watch(process: subprocess.Popen[bytes], home: Path) -> Memory:
    memory = Memory()
    started, pages = time.monotonic(), 0
    top = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            own = top.memory_info().rss / MIB
            children = sum(_rss(c) for c in top.children(recursive=True)) / MIB
        except psutil.NoSuchProcess:
            break
        pages = max(pages, pages_done(home))
        memory.samples.append((time.monotonic() - started, own, children, pages))
        time.sleep(0.1)
    return memory


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def run(home: Path, folders: list[Path], extra: list[str]) -> tuple[float, list[dict[str, Any]], Memory]:
    """One `gakju add`: seconds, what it printed, memory."""
    command = [str(GAKJU), "add", *map(str, folders), "--json", *extra]
    with tempfile.TemporaryFile() as out:
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment(home), stdout=out, stderr=subprocess.DEVNULL)
        memory = watch(process, home)
        process.wait()
        seconds = time.monotonic() - started
        out.seek(0)
        return seconds, json.load(out), memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, help="what to add; the Korean and English real documents")
    parser.add_argument("--home", type=Path, default=scratch("ingest"), help="a folder to make, emptied first")
    parser.add_argument("--no-ocr", action="store_true", help="pass --no-ocr on")
    parser.add_argument("--out", "--json", type=Path, dest="out", help="write everything as JSON here")
    args = parser.parse_args()
    folders = args.paths or [data("pdf/ko"), data("pdf/en")]
    shutil.rmtree(args.home, ignore_errors=True)
    home, busy = prepared(args.home), load()
    extra = ["--no-ocr"] if args.no_ocr else []
    seconds, added, memory = run(home, folders, extra)
    again, second, _ = run(home, folders, extra)
    pages = sum(a["pages"] for a in added)
    own, children, both = memory.peak()
    slowest = max(added, key=lambda a: a["seconds"])
    result = {
        "load": busy,
        "documents": len(added),
        "status": dict(Counter(a["status"] for a in added)),
        "pages": pages,
        "chunks": sum(a["chunks"] for a in added),
        "seconds": round(seconds, 1),
        "pages_per_second": round(pages / seconds, 2),
        "slowest": f"{Path(slowest['path']).name}: {slowest['seconds']} s",
        "peak_mib": {"command": round(own), "workers": round(children), "together": round(both)},
        "command_mib_at": {f"{share:.0%}": round(memory.at(share)) for share in (0.1, 0.5, 0.9)},
        "again_seconds": round(again, 2),
        "again_status": dict(Counter(a["status"] for a in second)),
    }
    table(result.items())
    for a in added:
        if a["status"] in {"failed", "partial"}:
            kinds = Counter(p["kind"] for p in a["problems"])
            print(f"  {a['status']}: {Path(a['path']).name} {a['error'] or dict(kinds)}")
    report("ingest", {**result, "details": {"files": added, "samples": memory.samples[::20]}}, args.out)
    return 0 if set(result["again_status"]) == {"unchanged"} and again < 5 else 1


if __name__ == "__main__":
    raise SystemExit(main())
