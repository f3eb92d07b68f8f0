"""Programs that people already have, against a started Gakju with the embedded model.

    python bench/clients.py --json clients.json [--only NAME …] [--structured 100]

Each client lives in an environment of its own under --envs, made at the first run: the newest `openai` and the first
1.x, `litellm`, `llm`, Open WebUI. The four programs of $GAKJU_BENCH_PROGRAMS (../shared/clients) run as their README
says, with their two constants set and nothing else; the two with a page are filled in and submitted in a real Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import GAKJU, HERE, ROOT, environment, load, prepared, report, table

SCRIPTS = HERE / "clients"
PROGRAMS = Path(os.environ.get("GAKJU_BENCH_PROGRAMS") or ROOT.parent / "shared" / "clients")
ENVIRONMENTS = {
    "newest": ["openai", "streamlit"],
    "oldest": ["openai==1.0.0", "httpx<0.28"],  # the first 1.x passes httpx an argument that it has dropped
    "litellm": ["litellm"],
    "llm": ["llm"],
    "openwebui": ["open-webui==0.12.4"],  # brings torch: two gigabytes
}
LONG = 600
"""Seconds: a machine that does other things answers slowly."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "gakju-bench" / "clients")
    parser.add_argument("--structured", type=int, default=100)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {"load_before": load()}
    with served() as url:
        for name, (env, check) in checks(url, given.structured).items():
            if given.only and name not in given.only:
                continue
            began = time.time()
            try:
                found[name] = check(made(given.envs, env))
            except Exception as error:
                found[name] = f"{type(error).__name__}: {str(error)[-600:]}"
            found[f"{name} seconds"] = round(time.time() - began, 1)
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    table((k, v) for k, v in found.items())
    report("clients", found, given.json)


def checks(url: str, structured: int) -> dict[str, tuple[str, Callable[[Path], Any]]]:
    return {
        "query.py": ("newest", lambda env: query(env, url)),
        "loop.py": ("newest", lambda env: loop(env, url)),
        "gptbot.py": ("newest", lambda env: page(env, url, "gptbot.py", ["Who is Helen Keller?"], "A:")),
        "poem.py": ("newest", lambda env: page(env, url, "poem.py", ["Mina", "the sea", "waves and home"], "Done!")),
        "openai newest": ("newest", lambda env: told(env, "sdk.py", url, str(structured))),
        "openai 1.0.0": ("oldest", lambda env: told(env, "sdk.py", url, "5")),
        "litellm": ("litellm", lambda env: told(env, "lite.py", url)),
        "llm": ("llm", lambda env: llm(env, url)),
        "open-webui": ("openwebui", lambda env: told(env, "webui.py", url)),
    }


@contextmanager
def served() -> Iterator[str]:
    """The address of a Gakju with one small document."""
    with tempfile.TemporaryDirectory() as folder:
        home = prepared(Path(folder) / "home")
        document = Path(folder) / "leave.txt"
        document.write_text("연차휴가는 15일이다. 연차휴가는 이듬해로 넘길 수 없다.", "utf-8")
        env = environment(home)
        subprocess.run([GAKJU, "add", document], env=env, check=True, capture_output=True)
        with subprocess.Popen(
            [GAKJU, "up", "--port", "0", "--json"], env=env, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout
                yield json.loads(server.stdout.readline())["url"]
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(30)


def made(envs: Path, name: str) -> Path:
    """The environment's bin folder."""
    folder = envs / name
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", *ENVIRONMENTS[name]], check=True)
    return folder / "bin"


def as_user(env: Path, program: str, url: str, *more: str, **options: Any) -> subprocess.Popen[str]:
    path = {**os.environ, "PATH": f"{env}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
    command = [str(PROGRAMS / "as-user"), program, url, "any-key", *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        env=path,
        stdout=pipe,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell's background job ignores Ctrl+C, and so would everything that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread of ours runs
        **options,
    )


def ended(process: subprocess.Popen[str], how: signal.Signals) -> None:
    os.killpg(process.pid, how)
    process.wait(20)


def query(env: Path, url: str) -> str:
    with as_user(env, "query.py", url) as process:
        said = process.communicate(timeout=LONG)[0].strip()
    assert process.returncode == 0, said
    assert said
    return said[:80]


def loop(env: Path, url: str) -> str:
    """Three questions, then Ctrl+C."""
    with as_user(env, "loop.py", url, stdin=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("Say hi in one word.\nSay bye in one word.\nSay yes in one word.\n")
        process.stdin.flush()
        answers = 0
        seen = ""
        while answers < 3 and (line := process.stdout.readline()):
            seen += line
            answers += line.count("A: ")
        ended(process, signal.SIGINT)
        seen += process.stdout.read()
    assert answers == 3, seen
    assert "KeyboardInterrupt" in seen, seen
    return "3 answers, then Ctrl+C"


def page(env: Path, url: str, program: str, inputs: list[str], shown: str) -> str:
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]
    with as_user(env, program, url, *options) as process, sync_playwright() as play:
        try:
            path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
            browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            tab = browser.new_page()
            end = time.monotonic() + 60
            while True:
                try:
                    tab.goto(f"http://127.0.0.1:{port}")
                    break
                except Exception:
                    assert time.monotonic() < end
                    time.sleep(0.5)
            fields = tab.locator("input[type=text], textarea")
            fields.nth(len(inputs) - 1).wait_for(timeout=60_000)
            for n, text in enumerate(inputs):
                fields.nth(n).fill(text)
                fields.nth(n).press("Tab")
                tab.wait_for_timeout(1500)
            tab.get_by_role("button", name="Run").click()
            tab.get_by_text(shown).first.wait_for(timeout=LONG * 1000)
            tab.wait_for_timeout(1000)
            text = tab.locator("[data-testid=stMain], section.main").first.inner_text()
            browser.close()
        finally:
            ended(process, signal.SIGTERM)
    assert "Traceback" not in text, text
    answer = re.sub(r"\s+", " ", text.partition("Run")[2]).strip()
    assert len(answer) > len(shown) + 1, text
    return answer[:80]


def told(env: Path, script: str, *arguments: str) -> Any:
    done = subprocess.run(
        [env / "python", SCRIPTS / script, *arguments], capture_output=True, text=True, timeout=3000, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def llm(env: Path, url: str) -> str:
    """With its `extra-openai-models.yaml`, streaming and not."""
    with tempfile.TemporaryDirectory() as folder:
        model = f"- model_id: gakju-small\n  model_name: embedded:qwen2.5-coder-0.5b\n  api_base: {url}/v1\n"
        Path(folder, "extra-openai-models.yaml").write_text(model, "utf-8")
        said = []
        for more in ([], ["--no-stream"]):
            command = [env / "llm", "-m", "gakju-small", "-o", "max_tokens", "8", *more, "Say hi in one word."]
            variables = {**os.environ, "LLM_USER_PATH": folder, "OPENAI_API_KEY": "k"}
            done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=LONG, check=True)
            said.append(done.stdout.strip())
    assert all(said)
    return " / ".join(said)


if __name__ == "__main__":
    main()
