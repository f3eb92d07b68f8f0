"""Does memory stay flat, however much is added?

The real documents are copied, a comment appended so that no two have the same bytes, until there are `--pages`
pages; `gakju add` takes them in one run. Told: the largest resident memory (psutil, every 100 ms) of the command and
of its worker processes while the first 100 pages were done, then up to 500, 1,000 and so on, and how much the last
stretch is above the first that has all models loaded. OCR off, as pages without text would take hours.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import pypdfium2

from common import load, prepared, real_pdfs, report, scratch, table
from ingest import Memory, run

STEPS = (100, 500, 1_000, 2_000, 3_000, 4_000, 5_000)


def copies(folder: Path, pages: int) -> Iterator[int]:
    """Writes documents until there are `pages`; yields the pages of each."""
    originals = []
    for path in real_pdfs():
        with pypdfium2.PdfDocument(path) as document:
            originals.append((path, len(document)))
    written = copy = 0
    while written < pages:
        for path, count in originals:
            if written >= pages:
                return
            target = folder / f"{copy:03} {path.name}"
            target.write_bytes(path.read_bytes() + f"\n% copy {copy}\n".encode())
            written += count
            yield count
        copy += 1


def stretches(memory: Memory, total: int) -> list[dict[str, int]]:
    """The worst moment of each stretch of pages."""
    rows, before = [], 0
    for upto in (*(s for s in STEPS if s < total), total):
        inside = [s for s in memory.samples if before <= s[3] < upto] if upto < total else []
        inside = inside or [s for s in memory.samples if s[3] >= before] or memory.samples[-1:]
        rows.append(
            {
                "pages": upto,
                "command_mib": round(max(s[1] for s in inside)),
                "workers_mib": round(max(s[2] for s in inside)),
                "together_mib": round(max(s[1] + s[2] for s in inside)),
            }
        )
        before = upto
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--home", type=Path, default=scratch("memory"), help="a folder to make, emptied first")
    parser.add_argument("--json", type=Path, help="write everything as JSON here")
    args = parser.parse_args()
    shutil.rmtree(args.home, ignore_errors=True)
    home, busy = prepared(args.home), load()
    documents = args.home / "documents"
    documents.mkdir()
    pages = sum(copies(documents, args.pages))
    seconds, added, memory = run(home, [documents], ["--no-ocr"])
    rows = stretches(memory, pages)
    warm = rows[1] if len(rows) > 2 else rows[0]
    growth = rows[-1]["together_mib"] / warm["together_mib"] - 1
    table((f"up to {r['pages']} pages", f"{r['together_mib']} MiB ({r['command_mib']} + workers)") for r in rows)
    print(f"  the last stretch against the one up to {warm['pages']} pages: {growth:+.1%}")
    shutil.rmtree(documents)
    result = {
        "load": busy,
        "pages": sum(a["pages"] for a in added),
        "documents": len(added),
        "failed": sum(a["status"] == "failed" for a in added),
        "seconds": round(seconds, 1),
        "stretches": rows,
        "growth": round(growth, 3),
        "details": {"samples": memory.samples[::50]},
    }
    report("memory", result, args.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
