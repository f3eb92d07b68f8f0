"""How quick is the screen, and what does a visitor cost?

One server on a library of the two samples; the models are fakes, so that what is measured is the screen. In Chromium:
from the address to a page that has everything on it and whose script has ended (median of `--runs`, scripts in the
browser's cache, and the very first visit apart); in a conversation of 200 turns, from Enter to the question on the
screen and to the whole answer; from a click to the next page drawn, neighbours drawn ahead as usual, and what the
server takes for a page that nobody has drawn. Then the server's resident memory (psutil) with 50 sessions opened over
Streamlit's own WebSocket protocol, each on that conversation and left idle, and after they have gone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from common import ROOT, load, report, scratch, spread, table

SAMPLES = [ROOT / "src/gakju/samples/handbook.ko.pdf", ROOT / "src/gakju/samples/manual.en.pdf"]
QUESTION = "카페에서 재택근무를 해도 되나요?"
TURNS, SESSIONS = 200, 50
MIB = 1 << 20


def serve(home: Path) -> None:
    """The server, in a process of its own: prints where it is, ends with its input."""
    import uvicorn

    from gakju.api import create
    from gakju.api import serve as listening
    from gakju.assistant import Assistant
    from gakju.models.fakes import FakeChat, FakeEmbedder
    from gakju.settings import Settings

    settings = Settings(home=home, chat_model="fake", ocr=False, refuse_below=0.0, readers=1, queue=TURNS + 10)
    chat = FakeChat("[1]", name="embedded:fake")
    with (
        listening.bind("127.0.0.1", 0) as port,
        Assistant(settings, embedder=FakeEmbedder(), **{"chat/fake": chat}) as a,
    ):
        documents = a.add(SAMPLES)
        thread = a.start_thread(QUESTION)
        for _ in range(TURNS):
            a.jobs.wait(a.submit_ask(QUESTION, thread=thread.id).id)
        drawn = [_drawn(a, str(documents[0].document_id), number) for number in range(1, 13)]
        server = uvicorn.Server(uvicorn.Config(create(a), log_config=None, access_log=False))
        thread_of_server = threading.Thread(target=server.run, kwargs={"sockets": [port]})
        thread_of_server.start()
        told = {
            "url": listening.address(port),
            "thread": thread.id,
            "document": documents[1].document_id,
            "drawn": drawn,
        }
        print(json.dumps(told), flush=True)
        sys.stdin.read()
        server.should_exit = True
        thread_of_server.join(20)


def _drawn(assistant: Any, document: str, number: int) -> float:
    """Seconds of the server for a page that nobody has drawn: its picture, its text, its lines."""
    from gakju.ui.sheet import lines

    started = time.perf_counter()
    assistant.page_image(document, number, width=1000)
    lines(assistant.page(document, number))
    return time.perf_counter() - started


def settled(page: Any, sign: str) -> None:
    page.locator(f"{sign} >> visible=true").first.wait_for()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def pages_of(where: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Address and a sign that all of it is there."""
    from gakju.ui.frame import PLACES

    main = '.stMain [data-testid="stElementContainer"] :is(h1, h2, button, p)'
    own = {p.key: ("/" if p is PLACES[0] else f"/{p.key}", main) for p in PLACES}
    return own | {
        "library": ("/library", ".st-key-documents"),
        "document": (f"/library?document={where['document']}&page=2", ".paper img"),
        "search": ("/search?q=water", ".hit"),
        "chat, 200 turns": (f"/?thread={where['thread']}", ".note"),
    }


def timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def screen(where: dict[str, Any], runs: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(locale="ko-KR", viewport={"width": 1280, "height": 800})
        context.set_default_timeout(60_000)
        page = context.new_page()

        def visit(address: str, sign: str) -> None:
            page.goto(where["url"] + address)
            settled(page, sign)

        first = timed(lambda: visit("/", '.stMain [data-testid="stElementContainer"] :is(h1, h2, button, p)'))
        times: dict[str, list[float]] = {}
        for _ in range(runs + 1):  # the first round fills the browser's cache
            for name, (address, sign) in pages_of(where).items():
                times.setdefault(name, []).append(timed(lambda a=address, s=sign: visit(a, s)))  # type: ignore[misc]
        result = {
            "first_visit_s": round(first, 3),
            "interactive_s": {name: round(median(values[1:]), 3) for name, values in times.items()},
            **_turns(page, where, visit, runs),
            **_next_pages(page, where, visit),
        }
        browser.close()
    return result


def _turns(page: Any, where: dict[str, Any], visit: Callable[[str, str], None], runs: int) -> dict[str, Any]:
    seen, whole = [], []
    visit(f"/?thread={where['thread']}", ".note")
    for i in range(runs):
        box = page.get_by_test_id("stChatInputTextArea")
        question = f"{QUESTION} {i}"
        box.fill(question)
        started = time.perf_counter()
        box.press("Enter")
        page.locator("p.question", has_text=question).wait_for()
        seen.append(time.perf_counter() - started)
        page.locator(".turn", has=page.locator("p.question", has_text=question)).locator(".note").first.wait_for()
        whole.append(time.perf_counter() - started)
        page.wait_for_timeout(1500)
    return {"question_seen_s": spread(seen), "answer_whole_s": spread(whole)}


def _next_pages(page: Any, where: dict[str, Any], visit: Callable[[str, str], None]) -> dict[str, Any]:
    """The picture counts as drawn when the browser has decoded it."""
    visit(f"/library?document={where['document']}&page=1", ".paper img")
    drawn = """async before => {
        const image = () => document.querySelector('.st-key-document-sheet').querySelector('*')
            && [...document.querySelectorAll('*')].map(e => e.shadowRoot?.querySelector('.paper img')).find(Boolean);
        while (image()?.getAttribute('src') === before) await new Promise(r => setTimeout(r, 4));
        await image().decode();
    }"""
    times = []
    for _ in range(9):
        page.wait_for_timeout(600)
        before = page.locator(".paper img").get_attribute("src")
        started = time.perf_counter()
        page.get_by_role("button", name="다음 쪽").click()
        page.evaluate(drawn, before)
        times.append(time.perf_counter() - started)
    return {"next_page_s": spread(times)}


async def _open(url: str, thread: str, count: int) -> list[Any]:
    """Sessions as Streamlit's browser side opens them, each after its script has run."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect

    opened = []
    for _ in range(count):
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        socket = await connect(address, origin=url, subprotocols=["streamlit"], max_size=None)  # type: ignore[arg-type,list-item]
        wanted = BackMsg()
        wanted.rerun_script.query_string = f"thread={thread}"
        await socket.send(wanted.SerializeToString())
        while True:
            told = ForwardMsg()
            told.ParseFromString(await asyncio.wait_for(socket.recv(), 60))  # type: ignore[arg-type]
            if told.WhichOneof("type") == "script_finished":
                break
        opened.append(socket)
    return opened


def sessions(process: psutil.Process, where: dict[str, Any]) -> dict[str, Any]:
    async def run() -> tuple[float, float, float]:
        warm = await _open(where["url"], where["thread"], 2)
        await asyncio.sleep(2)
        before = process.memory_info().rss
        opened = await _open(where["url"], where["thread"], SESSIONS)
        await asyncio.sleep(3)
        during = process.memory_info().rss
        for socket in opened + warm:
            await socket.close()
        await asyncio.sleep(5)
        return before / MIB, during / MIB, process.memory_info().rss / MIB

    before, during, after = asyncio.run(run())
    return {
        "memory_before_mib": round(before),
        f"memory_{SESSIONS}_sessions_mib": round(during),
        "memory_after_mib": round(after),
        "per_session_mib": round((during - before) / SESSIONS, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--home", type=Path, default=scratch("studio"), help="a folder to make, emptied first")
    parser.add_argument("--json", type=Path, help="write everything as JSON here")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.home)
        return 0
    shutil.rmtree(args.home, ignore_errors=True)
    busy = load()
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--home", str(args.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    where = json.loads(server.stdout.readline())
    try:
        result = {"load": busy, "runs": args.runs, "turns": TURNS, "server_draws_page_s": spread(where["drawn"])}
        result |= sessions(psutil.Process(server.pid), where)
        result |= screen(where, args.runs)
    finally:
        server.communicate("", timeout=60)
    table((name, value) for name, value in result.items())
    report("studio", result, args.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
