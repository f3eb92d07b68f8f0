"""What becomes of the server when 200 clients come at once for two minutes?

`gakju up` on a data folder with two documents, its real models, and 200 httpx clients on loopback: each does
searches, questions (read to the end, or left in the middle), uploads of a small file, and cancels of what it uploaded,
drawn by chance with a fixed seed. Told no (429, 503), it waits as long as it is told to. Told here: answers by kind
and status, uploads that were acknowledged and not found at the end (must be none), the lag of the server's event
loop by its own metrics beside that of an idle process that measured the same in the same seconds, and the memory of
server and children before, at the end, and after a rest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from common import GAKJU, environment, load, percentile, prepared, report, scratch, spread, table

QUESTIONS = [
    "연차휴가는 며칠인가요?",
    "출장비는 하루 얼마인가요?",
    "영수증은 언제까지 내나요?",
    "재택근무를 해도 되나요?",
]
TEXT = "제{n}조 이 규정의 번호는 {n}이다. 연차휴가는 {n}일이다. 신청은 {n}일 전에 한다."
MIX = {"search": 0.55, "ask": 0.15, "leave": 0.1, "upload": 0.15, "cancel": 0.05}
UPLOADS = 3
"""At most so many of each client: what is uploaded must be read to the end before the count."""
BEAT = 0.05


@dataclass
class Seen:
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    """Job of each acknowledged upload, with the name of its file."""
    cancelled: set[str] = field(default_factory=set)


async def client(number: int, http: httpx.AsyncClient, until: float, seen: Seen) -> None:
    chance = random.Random(number)
    mine: list[str] = []
    sent = 0
    while time.monotonic() < until:
        kind = chance.choices(list(MIX), list(MIX.values()))[0]
        if (kind == "upload" and sent >= UPLOADS) or (kind == "cancel" and not mine):
            kind = "search"
        began = time.monotonic()
        try:
            status, wait = await step(kind, number, sent, chance, http, mine, seen)
        except httpx.HTTPError as e:
            status, wait = type(e).__name__, 0.0
        sent += kind == "upload"
        seen.statuses[f"{kind} {status}"] += 1
        if status in {200, 202}:
            seen.seconds.setdefault(kind, []).append(time.monotonic() - began)
        await asyncio.sleep(min(wait, max(0.0, until - time.monotonic())) or chance.random() * 0.5)


async def step(
    kind: str, number: int, sent: int, chance: random.Random, http: httpx.AsyncClient, mine: list[str], seen: Seen
) -> tuple[int, float]:
    """One request: its status, and the seconds it was told to wait."""
    question = chance.choice(QUESTIONS)
    match kind:
        case "search":
            answer = await http.post("/v1/search", json={"query": question, "k": 5})
        case "upload":
            name = f"rule-{number}-{sent}.txt"
            text = TEXT.format(n=number * 100 + sent)
            answer = await http.post("/v1/documents", files={"files": (name, text.encode())})
            if answer.status_code == 202:
                mine.append(answer.json()["id"])
                seen.jobs[mine[-1]] = name
        case "cancel":
            job = mine.pop()
            seen.cancelled.add(job)  # Before: it may be carried out though this client leaves first.
            answer = await http.post(f"/v1/jobs/{job}/cancel")
        case _:
            return await ask(question, http, leave=kind == "leave")
    return answer.status_code, float(answer.headers.get("retry-after", 0))


async def ask(question: str, http: httpx.AsyncClient, *, leave: bool) -> tuple[int, float]:
    """To the end, or gone after the first event. An error on the way counts by its code's status."""
    async with http.stream("POST", "/v1/ask", json={"question": question}) as answer:
        if answer.status_code != 200:
            return answer.status_code, float(answer.headers.get("retry-after", 0))
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
                if leave and kind not in {"queued"}:
                    return 200, 0.0
            if kind == "error" and line.startswith("data: "):
                code = json.loads(line.removeprefix("data: "))["error"]["code"]
                return (429, 2.0) if code in {"rate_limit_exceeded", "insufficient_quota"} else (503, 2.0)
    return 200 if kind == "done" else 598, 0.0


def idle(seconds: float) -> None:
    """The control: a process that does nothing but measure how late its own event loop is."""

    async def measure() -> list[float]:
        found, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            await asyncio.sleep(BEAT)
            found.append(max(0.0, time.perf_counter() - began - BEAT))
        return found

    print(json.dumps(asyncio.run(measure())))


def lag(text: str) -> dict[float, float]:
    """Cumulative counts of the server's own histogram by upper bound, seconds."""
    found = re.findall(r'gakju_event_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)', text)
    return {float(bound): float(count) for bound, count in found}


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """The upper bound of the bucket that holds the share: never less than the real one."""
    counts = {bound: after[bound] - before.get(bound, 0) for bound in after}
    total = max(counts.values())
    return next(bound for bound, count in sorted(counts.items()) if count >= share * total)


def memory(process: psutil.Process) -> dict[str, int]:
    """MiB of the server, and of it with its children."""
    own = process.memory_info().rss
    rest = 0
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            rest += child.memory_info().rss
    return {"server": own >> 20, "together": (own + rest) >> 20}


async def storm(url: str, clients: int, seconds: float) -> Seen:
    seen = Seen()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as http:
        until = time.monotonic() + seconds
        tasks = [asyncio.create_task(client(n, http, until, seen)) for n in range(clients)]
        ended, waiting = await asyncio.wait(tasks, timeout=seconds + 2)
        for task in waiting:  # Who still waits for an answer goes away.
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        seen.statuses["left 200"] += len(waiting)
        for task in ended:
            task.result()
    return seen


def settle(http: httpx.Client, seen: Seen, patience: float) -> dict[str, Any]:
    """Wait for every acknowledged upload; what is neither in the library, nor cancelled, nor there already is lost."""
    until = time.monotonic() + patience
    states: Counter[str] = Counter()
    lost: list[str] = []
    documents: set[str] = set()
    waiting = dict(seen.jobs)
    while waiting and time.monotonic() < until:
        known = {j["id"]: j["state"] for j in http.get("/v1/jobs", params={"limit": 1000}).json()}
        waiting = {job: n for job, n in waiting.items() if known.get(job, "lost") in {"queued", "running"}}
        time.sleep(1)
    documents = {d["title"] for d in http.get("/v1/documents").json()} | {
        Path(d["path"]).name for d in http.get("/v1/documents").json()
    }
    for job, name in seen.jobs.items():
        state = http.get(f"/v1/jobs/{job}").json().get("state", "lost")
        states[state] += 1
        if state == "lost" or (state == "done" and name not in documents):
            lost.append(name)
        if state in {"cancelled"} and job not in seen.cancelled:
            lost.append(name)
    return {"uploads": len(seen.jobs), "states": dict(states), "lost": lost}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rest", type=float, default=20, help="seconds before memory is looked at once more")
    parser.add_argument("--patience", type=float, default=600, help="seconds for what was uploaded to be read")
    parser.add_argument("--home", type=Path, default=scratch("load"), help="a folder to make, emptied first")
    parser.add_argument("--idle", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, dest="out", help="write everything as JSON here")
    args = parser.parse_args()
    if args.idle:
        idle(args.idle)
        return 0
    shutil.rmtree(args.home, ignore_errors=True)
    home, busy = prepared(args.home), load()
    command = [str(GAKJU), "up", "--port", "0", "--samples", "--json"]
    log = (args.home / "server.log").open("wb")
    server = subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, stderr=log, text=True)
    assert server.stdout
    try:
        began = time.monotonic()
        url = json.loads(server.stdout.readline())["url"]
        ready = time.monotonic() - began
        result = measured(args, url, psutil.Process(server.pid))
    finally:
        server.terminate()
        stopping = time.monotonic()
        server.wait(60)
    result |= {"ready_seconds": round(ready, 2), "stop_seconds": round(time.monotonic() - stopping, 2), "load": busy}
    result["server_log"] = (args.home / "server.log").stat().st_size
    table(result.items())
    report("load", result, args.out)
    return 1 if result["lost"] or result["unexpected"] else 0


def measured(args: argparse.Namespace, url: str, process: psutil.Process) -> dict[str, Any]:
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
        warm(http)
        before, at_start = lag(http.get("/metrics").text), memory(process)
        control = subprocess.Popen(
            [sys.executable, __file__, "--idle", str(args.seconds)], stdout=subprocess.PIPE, text=True
        )
        seen = asyncio.run(storm(url, args.clients, args.seconds))
        after, at_end = lag(http.get("/metrics").text), memory(process)
        quiet = json.loads(control.communicate(timeout=60)[0])
        settled = settle(http, seen, args.patience)
        time.sleep(args.rest)
        rested = memory(process)
    told = Counter(dict(sorted(seen.statuses.items())))
    bad = {k: n for k, n in told.items() if k.split()[1] not in {"200", "202", "429", "503"}}
    return {
        "clients": args.clients,
        "seconds": args.seconds,
        "requests": told.total(),
        "answers": dict(told),
        "unexpected": bad,
        "seconds_of": {kind: spread(values) for kind, values in seen.seconds.items()},
        "lag_p99_at_most": quantile(before, after, 0.99),
        "lag_p50_at_most": quantile(before, after, 0.5),
        "idle_p99": round(percentile(quiet, 0.99), 4),
        "idle_p50": round(percentile(quiet, 0.5), 4),
        "mib": {"before": at_start, "end": at_end, "rested": rested},
        **settled,
    }


def warm(http: httpx.Client) -> None:
    """Models loaded, samples read, one answer given."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        jobs = http.get("/v1/jobs").json()
        if jobs and not any(j["state"] in {"queued", "running"} for j in jobs):
            break
        time.sleep(0.5)
    http.post("/v1/search", json={"query": QUESTIONS[0]}).raise_for_status()
    http.post("/v1/ask", json={"question": QUESTIONS[0], "stream": False}).raise_for_status()


if __name__ == "__main__":
    raise SystemExit(main())
