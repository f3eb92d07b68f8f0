"""Reads every PDF of the benchmark data and says what became of it.

    GAKJU_BENCH_DATA=../shared/data python bench/read_torture.py [--ocr] [FOLDER …]

Prints, for each folder: files by outcome, pages by status, pages a second, the slowest file, the peak memory of
one worker, workers lost. Exits 1 where a file broke a promise: an error other than ReadError, or over 30 s
without OCR, or an expectation of derived_ko/expect.jsonl unmet.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

from gakju.errors import PasswordRequired, ReadError
from gakju.read import DocumentReader
from gakju.types import Page

DATA = Path(os.environ.get("GAKJU_BENCH_DATA", "../shared/data")) / "pdf"
SLOWEST = 30.0


class Peak:
    """The most memory a child of this process has held, MiB, and how many children there were."""

    def __init__(self) -> None:
        self.mb, self.pids = 0.0, set[int]()

    def look(self) -> None:
        for child in psutil.Process().children():
            self.pids.add(child.pid)
            try:
                status = Path(f"/proc/{child.pid}/status").read_text()
            except OSError:
                continue
            peak = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
            self.mb = max([self.mb, *(kb / 1024 for kb in peak)])


def read(reader: DocumentReader, path: Path, passwords: list[str], ocr: bool, peak: Peak) -> tuple[list[Page], str]:
    """The pages and "", or as many as came and the error's class and line."""
    pages: list[Page] = []
    try:
        with reader.open(path, name=path.name, passwords=passwords, ocr=ocr) as reading:
            for page in reading:
                check(page)
                pages.append(page)
                if page.number % 50 == 1:
                    peak.look()
            if len(pages) != reading.page_count:
                return pages, f"BROKEN PROMISE: {len(pages)} of {reading.page_count} pages"
    except ReadError as error:
        return pages, f"{type(error).__name__}: {error}"
    except Exception as error:
        return pages, f"BROKEN PROMISE: {type(error).__name__}: {error}"
    return pages, ""


def check(page: Page) -> None:
    assert len(page.glyphs) == len(page.text) or not len(page.glyphs), "a box for every code point"
    ends = [0, *(x for b in page.blocks for x in (b.start, b.end)), len(page.text)]
    assert ends == sorted(ends), "blocks in order and apart"


def expectation(entry: dict[str, str], pages: list[Page], error: str) -> bool:
    text = "".join(p.text for p in pages)
    statuses = {p.status for p in pages}
    readable = len(text) > 5000 and "인사규정" in text
    match entry["expect"]:
        case "password_required":
            return error.startswith(PasswordRequired.__name__)
        case "text_ok":
            return readable and not error
        case "partial_or_clean_error" | "text_ok_or_clean_error":
            return bool(error) != bool(pages) or bool(pages)
        case "garbled_must_be_detected":
            return "garbled" in statuses and not readable
        case "no_text_layer":
            return statuses == {"no_text"} and all(p.problems for p in pages)
        case "text_ok_pages_1-3_only":
            return [p.status for p in pages] == ["ok"] * 3 + ["no_text"] and bool(pages[-1].problems)
        case "clean_error" | "zero_pages_clean_error":
            return bool(error) and not pages
        case "clean_error_or_1_page":
            return bool(error) or len(pages) == 1
    raise AssertionError(entry)


def folder(reader: DocumentReader, root: Path, ocr: bool, verbose: bool) -> bool:
    outcomes: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    slow: list[tuple[float, str]] = []
    peak, good = Peak(), True
    expected = {}
    if (root / "expect.jsonl").exists():
        expected = {e["file"]: e for e in map(json.loads, (root / "expect.jsonl").read_text().splitlines())}
    start = time.monotonic()
    for path in sorted(root.glob("*.pdf")):
        began = time.monotonic()
        pages, error = read(reader, path, [], ocr, peak)
        seconds = time.monotonic() - began
        peak.look()
        slow.append((seconds, path.name))
        outcomes[error.split(":")[0] or "read"] += 1
        statuses.update(p.status for p in pages)
        kinds.update(problem.kind for p in pages for problem in p.problems)
        broken = error.startswith("BROKEN") or (not ocr and seconds > SLOWEST)
        if entry := expected.get(path.name):
            broken = broken or not expectation(entry, pages, error)
            if entry["note"].startswith("password "):
                password = entry["note"].removeprefix("password ")
                pages, wrong = read(reader, path, ["no", password], ocr, peak)
                broken = broken or bool(wrong) or "인사규정" not in pages[0].text
        if broken or verbose:
            print(f"  {'BROKEN' if broken else '      '} {seconds:6.2f} s {len(pages):4} pages  {path.name}  {error}")
        good = good and not broken
    total = time.monotonic() - start
    count = sum(statuses.values())
    print(f"{root.name}: {len(slow)} files {dict(outcomes)}")
    print(f"  pages {count} {dict(statuses)}; problems {dict(kinds)}")
    print(f"  {total:.1f} s, {count / max(total, 1e-9):.1f} pages/s, slowest {max(slow)[0]:.1f} s ({max(slow)[1]})")
    print(f"  peak of one worker {peak.mb:.0f} MiB, {len(peak.pids)} workers seen", flush=True)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--ocr", action="store_true")
    parser.add_argument("-v", action="store_true")
    given = parser.parse_args()
    reader = DocumentReader()
    roots = given.folders or [DATA / n for n in ("ko", "en", "derived_ko", "torture")]
    good = [folder(reader, root, given.ocr, given.v) for root in roots]
    reader.close()
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
