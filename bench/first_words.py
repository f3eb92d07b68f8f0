"""How long until a reader sees the evidence, and the first words of a Korean answer?

A real `gakju up` over a library of about 1,500 pages: the 18 real documents, and copies of them with another
name and one more line at their end, so that they are other documents. 20 Korean questions go to POST /v1/ask;
told are the seconds to the first `evidence` and the first `token` event (goals: under 1 s and 4 s), for the
first question after the start too. Then Chromium types questions on the chat page and waits until evidence and
words are to be seen there. A latency on a busy machine says little: the load before each part is told.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from common import GAKJU, environment, load, prepared, questions, real_pdfs, report, scratch, spread, table

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SEEN = """
async () => {
  const at = {};
  addEventListener('keydown', () => { at.asked ||= performance.now(); }, { capture: true, once: true });
  const roots = () => [document, ...[...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean)];
  const turn = () => roots().map((r) => r.querySelector('.turn')).find(Boolean);
  const shown = (part) => [...turn().querySelectorAll(part)].some((n) => n.textContent.trim() && n.checkVisibility());
  while (!at.end && performance.now() < (at.asked ?? performance.now()) + 60000) {
    await new Promise(requestAnimationFrame);
    if (!turn()) continue;
    if (!at.evidence && shown('.evidence .quote, .claim')) at.evidence = performance.now();
    if (!at.words && shown('.claim, .tail')) at.words = performance.now();
    if (turn().getAttribute('aria-busy') === 'false' && shown('.evidence, .claim')) at.end = performance.now();
  }
  return at;
}
"""
"""Runs in the page: milliseconds when Enter was pressed and when something was first drawn and visible. A claim
counts as evidence, being a sentence of it; where it comes in the same breath, the list of evidence stays folded."""


def copies(folder: Path, pages: int) -> list[Path]:
    """The real documents, and other ones made of them until there are about `pages`."""
    import pypdfium2 as pdfium

    real = real_pdfs()
    sizes = {}
    for path in real:
        with pdfium.PdfDocument(path) as document:
            sizes[path] = len(document)
    found, total = list(real), sum(sizes.values())
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(1, 100):
        for path in real:
            if total + sizes[path] > pages + 20:
                continue
            copy = folder / f"{path.stem} {i}.pdf"
            if not copy.exists():
                copy.write_bytes(path.read_bytes() + f"\n% copy {i}\n".encode())
            found.append(copy)
            total += sizes[path]
        if total >= pages - 20:
            break
    return found


def fill(home: Path, files: list[Path]) -> tuple[int, int]:
    """Add what is missing with the command; documents and pages there are."""
    listed = subprocess.run([str(GAKJU), "docs", "--json"], env=environment(home), capture_output=True, check=True)
    have = {Path(d["path"]).name for d in json.loads(listed.stdout)}
    if missing := [str(f) for f in files if f.name not in have]:
        print(f"Adding {len(missing)} documents to {home} …", flush=True)
        subprocess.run([str(GAKJU), "add", *missing, "--json"], env=environment(home), capture_output=True, check=True)
        listed = subprocess.run([str(GAKJU), "docs", "--json"], env=environment(home), capture_output=True, check=True)
    documents = json.loads(listed.stdout)
    return len(documents), sum(d["pages"] for d in documents)


@contextmanager
def served(home: Path) -> Iterator[tuple[str, float]]:
    """`gakju up` on a free port: its address, and the seconds until it was told."""
    started = time.perf_counter()
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [str(GAKJU), "up", "--port", "0", "--json"], env=environment(home), stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"gakju up did not start:\n{(home / 'up.log').read_text('utf-8')}")
            yield json.loads(line)["url"], time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def ask(url: str, question: str) -> dict[str, float]:
    """Seconds from the request to the first event of each kind."""
    at: dict[str, float] = {}
    started = time.perf_counter()
    with httpx.stream("POST", f"{url}/v1/ask", json={"question": question}, timeout=120) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("event: "):
                at.setdefault(line.removeprefix("event: "), time.perf_counter() - started)
    if "error" in at or "done" not in at:
        raise SystemExit(f"{question!r} ended with {sorted(at)}")
    return at


def over_http(url: str, asked: list[str]) -> dict[str, Any]:
    busy = load()
    times = [ask(url, q) for q in asked]
    answered = [t for t in times if "token" in t]
    return {
        "load": busy,
        "questions": len(times),
        "answered": len(answered),
        "evidence": spread([t["evidence"] for t in times]),
        "token": spread([t["token"] for t in answered]),
        "done": spread([t["done"] for t in times]),
    }


def in_browser(url: str, asked: list[str]) -> dict[str, Any]:
    """Seconds from Enter until evidence and words are to be seen, each question in a conversation of its own."""
    from playwright.sync_api import sync_playwright

    path = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if path is None:
        raise SystemExit("No Chromium on this machine: apt-get install chromium fonts-noto-cjk, or --no-browser.")
    busy, times = load(), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_context(locale="ko-KR", viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(60_000)
        for question in asked:
            page.goto(url)
            box = page.get_by_test_id("stChatInputTextArea")
            box.fill(question)
            page.wait_for_timeout(1000)
            page.evaluate(f"() => {{ window.seen = ({SEEN})(); }}")
            box.press("Enter")
            at = page.evaluate("() => window.seen")
            times.append({k: (v - at["asked"]) / 1000 for k, v in at.items()})
        browser.close()
    return {
        "load": busy,
        "questions": len(times),
        "evidence": spread([t["evidence"] for t in times if "evidence" in t]),
        "words": spread([t["words"] for t in times if "words" in t]),
        "end": spread([t["end"] for t in times if "end" in t]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=scratch("first_words"), help="data folder to use or fill")
    parser.add_argument("--pages", type=int, default=1500, help="size of the library")
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--fill-only", action="store_true", help="only make the library")
    parser.add_argument("--wait", type=float, default=0, help="wait up to so many seconds for a load below 0.7")
    parser.add_argument("--out", type=Path, help="write everything as JSON here")
    args = parser.parse_args()
    home = prepared(args.home)
    documents, pages = fill(home, copies(home / "copies", args.pages))
    print(f"{documents} documents, {pages} pages")
    if args.fill_only:
        return 0
    quiet = time.monotonic() + args.wait
    while load() > 0.7 and time.monotonic() < quiet:
        time.sleep(5)
    korean = [q["question"] for q in questions() if q["lang"] == "ko"]
    asked = korean[:: max(1, len(korean) // args.questions)][: args.questions]
    result: dict[str, Any] = {"documents": documents, "pages": pages}
    with served(home) as (url, seconds):
        result["up_seconds"] = round(seconds, 2)
        cold = ask(url, asked[0])
        result["first_question_after_start"] = {k: round(v, 3) for k, v in cold.items()}
        result["http"] = over_http(url, asked)
        if not args.no_browser:
            result["browser"] = in_browser(url, [q for q in korean if q not in asked][:10])  # nothing is cached
    table(result.items())
    report("first_words", result, args.out)
    http = result["http"]
    return 0 if http["evidence"]["p95"] < 1 and http["token"]["p95"] < 4 else 1


if __name__ == "__main__":
    raise SystemExit(main())
