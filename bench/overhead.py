"""What the server costs over the bare engine: first token and tokens a second, as ratios.

    python bench/overhead.py --json overhead.json

One `gakju up` with the embedded model, and the same engine process asked at its own port, in turn: each pair asks
the same prompt of both, and which goes first alternates. The bare side is llama.cpp's server as it is, asked by the
same plain HTTP client. A prompt has a part of its own, as many tokens for both, so that neither side finds the
other's in the cache, and one warm pair goes before counting. Ratios above 1 mean that the server is the faster one;
the pairs' median is reported. Beside them `added_ms`: what the server adds to the first token of a prompt of one word,
median less median of `SHORT` pairs. The prompt's own time is small there, so that this can be told from noise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from common import load, prepared, report, table
from gakju.api import serve
from gakju.assistant import Assistant
from gakju.settings import load as settings

TOKENS = 64
SHORT = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        run(given.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--serve", prepared(Path(folder))]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            result = measure(json.loads(server.stdout.readline()), given.pairs)
            server.communicate("")
    table(result.items())
    report("overhead", result, given.json)


def run(home: Path) -> None:
    """The server in a process of its own, as it always is; says where its engine is, and ends with our stdin."""
    with serve.bind("127.0.0.1", 0) as listening, Assistant(settings(home=home)) as assistant:
        engine = assistant.parts.chat().engine  # type: ignore[attr-defined]
        server = serve.server(assistant, ui=False)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        key = {"authorization": f"Bearer {engine.key}"}
        sides = {
            "gakju": (serve.address(listening) + "/v1", {}, assistant.settings.chat_model),
            "engine": (engine.base_url, key, "any"),
        }
        print(json.dumps(sides), flush=True)
        sys.stdin.read()
        server.should_exit = True
        thread.join()


def measure(sides: dict[str, tuple[str, dict[str, str], str]], pairs: int) -> dict[str, object]:
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    before = load()
    for pair in range(-1, pairs):
        for name in sorted(sides, reverse=pair % 2 == 0):
            # A client each: the engine hangs up connections that it has kept open, without a word.
            with httpx.Client(timeout=300, trust_env=False) as http:
                own = f"{pair} {'ab'[name == 'engine']}"
                figures = ask(
                    http, *sides[name], f"[{own}] Write a long story about the sea, its ships and its harbours."
                )
            if pair >= 0:
                seen[name].append(figures)
    added, bare = added_ms(sides)
    first = [b[0] / g[0] for g, b in zip(seen["gakju"], seen["engine"], strict=True)]
    rate = [g[1] / b[1] for g, b in zip(seen["gakju"], seen["engine"], strict=True)]
    return {
        "pairs": pairs,
        "tokens": TOKENS,
        "first_token_ratio": round(statistics.median(first), 3),
        "tokens_per_second_ratio": round(statistics.median(rate), 3),
        "first_token_ratio_of_sums": round(sum(b[0] for b in seen["engine"]) / sum(g[0] for g in seen["gakju"]), 3),
        "tokens_per_second_ratio_of_sums": round(
            sum(1 / b[1] for b in seen["engine"]) / sum(1 / g[1] for g in seen["gakju"]), 3
        ),
        **{f"{n}_first_token_s": round(statistics.median(f for f, _ in v), 4) for n, v in seen.items()},
        **{f"{n}_tokens_per_second": round(statistics.median(r for _, r in v), 2) for n, v in seen.items()},
        "added_ms": added,
        "short_prompt_bare_ms": bare,
        "load_before": before,
    }


def added_ms(sides: dict[str, tuple[str, dict[str, str], str]]) -> tuple[float, float]:
    """Of a short prompt: milliseconds more through the server, and those of the engine alone."""
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for pair in range(-5, SHORT):
        for name in sorted(sides, reverse=pair % 2 == 0):
            with httpx.Client(timeout=300, trust_env=False) as http:
                first, _ = ask(http, *sides[name], "Hi", 1)
            if pair >= 0:
                seen[name].append(1000 * first)
    served, bare = statistics.median(seen["gakju"]), statistics.median(seen["engine"])
    return round(served - bare, 1), round(bare, 1)


def ask(
    http: httpx.Client, url: str, headers: dict[str, str], model: str, prompt: str, most: int = TOKENS
) -> tuple[float, float]:
    """(seconds to the first text, tokens a second after it)."""
    messages = [{"role": "user", "content": prompt}]
    body = {"model": model, "messages": messages, "max_tokens": most, "temperature": 0, "stream": True}
    body |= {"logit_bias": {"151645": -100}} | {"stream_options": {"include_usage": True}}
    began, first, tokens = time.perf_counter(), 0.0, 0
    with http.stream("POST", url + "/chat/completions", json=body, headers=headers) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            if not first and any(c["delta"].get("content") for c in event["choices"]):
                first = time.perf_counter()
            tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
    assert tokens == most, tokens
    return first - began, (tokens - 1) / (time.perf_counter() - first)


if __name__ == "__main__":
    main()
