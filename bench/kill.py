"""kill -9 during an ingest, at random moments: is anything lost?

A real `gakju add` of about 300 pages is killed; its workers must go with it. The next owner of the data
folder, which is given nothing to do, must take the job up, and is killed in turn, again and again. After each
kill the library is opened in a fresh process, and every document that was reported as added so far (a "file"
event of the job, or a row of `documents()`) must be whole: as many pages and chunks as it says, numbered
without a gap, each page's text there, and a sentence of it found by search. At the end the library must hold
what an undisturbed ingest holds, page for page and chunk for chunk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from common import GAKJU, data, environment, prepared, report, scratch, table

DOCUMENTS = [
    "ko/2_05_인사규정(240221).pdf",
    "en/8.pdf",
    "ko/basic_communication.pdf",
    "en/2.pdf",
    "ko/prompt.pdf",
    "ko/wrtn_data.pdf",
    "ko/[이슈리포트_2022-2호]_혁신성장_정책금융_동향.pdf",
    "en/solar_paper.pdf",
    "ko/file_18_edit.pdf",
]
"""306 pages, small and large in turn."""


def start(home: Path, command: list[str]) -> subprocess.Popen[bytes]:
    with (home / "add.log").open("ab") as log:
        return subprocess.Popen(command, env=environment(home), stdout=log, stderr=log, start_new_session=True)


def adding(files: list[Path]) -> list[str]:
    return [str(GAKJU), "add", *map(str, files), "--json", "--no-ocr"]


def resuming(home: Path) -> list[str]:
    return [sys.executable, __file__, "--resume", str(home)]


def kill(process: subprocess.Popen[bytes]) -> int:
    """SIGKILL to the command alone. Returns how many of its worker processes were still there 5 s later."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return 0
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, orphans = psutil.wait_procs(children, timeout=5)
    for one in orphans:
        one.kill()
    psutil.wait_procs(orphans, timeout=20)
    return len(orphans)


def fingerprint(assistant: Any, document: Any) -> dict[str, Any]:
    """What is stored of a document, and what is wrong with it."""
    chunks = assistant.chunks(document.id)
    keys = [(document.id, n) for n in range(1, document.pages + 1)]
    pages = assistant.parts.index.pages(keys)
    faults = []
    if len(chunks) != document.chunks:
        faults.append(f"{len(chunks)} of {document.chunks} chunks")
    if [c.ordinal for c in chunks] != list(range(len(chunks))):
        faults.append("chunk numbers have gaps")
    if len(pages) != document.pages:
        faults.append(f"{len(pages)} of {document.pages} pages")
    if any(c.text[s.at : s.at + s.end - s.start] != pages[document.id, s.page].text[s.start : s.end]
           for c in chunks for s in c.segments if (document.id, s.page) in pages):  # fmt: skip
        faults.append("a chunk is not what its page says")
    texts = "\0".join([*(pages[k].text for k in keys if k in pages), *(c.text for c in chunks)])
    middle = chunks[len(chunks) // 2].text if chunks else ""
    if middle and document.id not in {h.document.id for h in assistant.search(middle[:200], 20)}:
        faults.append("search does not find a sentence of it")
    digest = hashlib.sha256(texts.encode()).hexdigest()[:16]
    return {"pages": len(pages), "chunks": len(chunks), "text": digest, "faults": faults}


def inspect(home: Path) -> dict[str, Any]:
    """Runs in a process of its own: how the library looks to the next one that opens it (as a reader)."""
    from gakju.assistant import Assistant

    with Assistant.open(home, own=False) as assistant:
        documents = assistant.documents()
        jobs = assistant.store.jobs(kinds=["add"], limit=1000)
        events = [e.data for j in jobs for e in assistant.store.events(j.id) if e.kind == "file"]
        return {
            "documents": {Path(d.path).name: {"id": d.id, **fingerprint(assistant, d)} for d in documents},
            "reported": sorted({Path(e["path"]).name for e in events if e["status"] != "failed"}),
            "failed": [e for e in events if e["status"] == "failed"],
            "jobs": [[j.state, j.attempts] for j in jobs],
        }


def losses(seen: dict[str, Any], known: set[str]) -> Iterator[str]:
    """What was said to be there and is not, or not whole."""
    for name in sorted(known | set(seen["reported"])):
        if name not in seen["documents"]:
            yield f"{name} was reported as added and is gone"
    for name, document in seen["documents"].items():
        for fault in document["faults"]:
            yield f"{name}: {fault}"


def add(home: Path, files: list[Path]) -> float:
    """One run without a kill; seconds."""
    started = time.monotonic()
    if start(home, adding(files)).wait(timeout=3600) != 0:
        print((home / "add.log").read_text("utf-8", "replace")[-2000:])
    return time.monotonic() - started


def resume(home: Path) -> dict[str, int]:
    """Runs in a process of its own: the next owner, given nothing to do but what the killed ones left."""
    from gakju.assistant import Assistant

    with Assistant.open(home, own=True) as assistant:
        for job in assistant.store.jobs(kinds=["add"], states=["queued", "running"], limit=1000, newest=False):
            assistant.jobs.wait(job.id)
        jobs = assistant.store.jobs(kinds=["add"], states=["done"], limit=1000, newest=False)
        events = [e.data["status"] for j in jobs[-1:] for e in assistant.store.events(j.id) if e.kind == "file"]
        return {"files": len(events), "added": events.count("added") + events.count("partial")}


def elsewhere(what: str, home: Path) -> dict[str, Any]:
    """`inspect` or `resume` in a fresh process."""
    command = [*resuming(home)[:2], f"--{what}", str(home)]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The library does not open after a kill:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def look(home: Path) -> dict[str, Any]:
    return elsewhere("inspect", home)


def fresh(home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return prepared(home)


def torment(home: Path, files: list[Path], kills: int, seconds: float, chance: random.Random) -> dict[str, Any]:
    """Kill `kills` times, each at a moment that leaves the run within an undisturbed one's `seconds`."""
    lost: list[str] = []
    moments: list[dict[str, Any]] = []
    known: set[str] | None = None
    orphans = 0
    while len(moments) < kills:
        process = start(home, resuming(home) if known is not None else adding(files))
        moment = chance.uniform(0.3, max(2.0, seconds / 3))
        time.sleep(moment)
        if process.poll() is not None:  # It had ended. The kills that are left hit a new ingest.
            seen = look(home)
            if seen["jobs"] and {j[0] for j in seen["jobs"]} != {"done"}:
                lost.append(f"it ended without being done: {seen['jobs']}")
            home, known = fresh(home), None
            continue
        orphans += kill(process)
        seen = look(home)
        found = list(losses(seen, known or set()))
        known = (known or set()) | set(seen["documents"])
        lost += found
        moments.append(
            {"seconds": round(moment, 2), "whole": len(seen["documents"]), "lost": found, "jobs": seen["jobs"]}
        )
        print(
            f"  kill {len(moments):>2} after {moment:5.1f} s: {len(seen['documents'])} whole, lost {len(found)}",
            flush=True,
        )
    return {"moments": moments, "lost": lost, "orphans": orphans}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=scratch("kill"), help="a folder to make, emptied first")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--inspect", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--resume", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="write everything as JSON here")
    args = parser.parse_args()
    if args.inspect or args.resume:
        told = inspect(args.inspect) if args.inspect else resume(args.resume)
        print(json.dumps(told, ensure_ascii=False))
        return 0
    files = [data("pdf") / name for name in DOCUMENTS]
    calm = fresh(args.home / "undisturbed")
    seconds = add(calm, files)
    expected = look(calm)["documents"]
    pages = sum(d["pages"] for d in expected.values())
    print(f"Undisturbed: {len(expected)} documents, {pages} pages in {seconds:.0f} s. Seed {args.seed}.")
    home = fresh(args.home / "killed")
    told = torment(home, files, args.kills, seconds, random.Random(args.seed))
    began = time.monotonic()
    resumed = elsewhere("resume", home)
    last = time.monotonic() - began
    seen = look(home)
    same = seen["documents"] == expected
    lost = [*told["lost"], *losses(seen, set(expected))]
    crashed = sum(state == "failed" for state, _ in seen["jobs"])
    table(
        [
            ("kills", len(told["moments"])),
            ("lost", len(lost)),
            ("resumed by the next owner", f"{last:.0f} s, the last job: {resumed}"),
            ("documents at the end", f"{len(seen['documents'])} of {len(expected)}"),
            ("the same as undisturbed", same),
            ("jobs given up as crashing", crashed),
            ("workers that outlived the command", told["orphans"]),
        ]
    )
    for line in lost:
        print("  ✗", line)
    for name in expected:
        if seen["documents"].get(name) != expected[name]:
            print("  ≠", name, seen["documents"].get(name), expected[name])
    result = {"pages": pages, "seconds": seconds, "seed": args.seed, "kills": len(told["moments"]), "same": same}
    report("kill", {**result, "lost": len(lost), "jobs_failed": crashed, "details": told}, args.out)
    return 0 if same and not lost else 1


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main())
