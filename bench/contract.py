"""Does every route keep to what /v1/openapi.json says of it?

schemathesis, from an environment of its own (`pip install schemathesis` there, then `--tool .../bin/schemathesis`),
makes requests that fit the description and requests that do not, with a key that may do everything and without a
key. The server is the real one behind a real port; only the models are the tests' fakes, or each case would wait
for a generation. Told: cases, answers of 5xx, answers (status, type, body) that are not documented.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ROOT, load, report, table

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
]


def serve(home: Path) -> None:
    """A server with two documents that asks for keys; one line of JSON when it answers."""
    sys.path.insert(0, str(ROOT / "tests"))
    from fronts import LEAVE, TRIP, serving

    with serving(home / "home", keys=True, requests=1000, embedder="fake:words") as served:
        assistant: Any = served.assistant
        for name, text in (("leave.txt", LEAVE), ("trip.txt", TRIP)):
            (home / name).write_text(text, "utf-8")
        assistant.add([home / "leave.txt", home / "trip.txt"])
        _, token = assistant.store.keys.add("contract", ["admin"])
        print(json.dumps({"url": served.url, "key": token}), flush=True)
        sys.stdin.read()


def run(tool: str, url: str, key: str, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """One run of schemathesis: cases, failures by check, whether it ended well."""
    command = [
        str(Path(tool).absolute()) if "/" in tool else tool,
        "run",
        "openapi.json",
        "--url",
        url,
        "-n",
        str(args.examples),
    ]
    command += ["--checks", ",".join(CHECKS)]
    command += ["--phases", "examples,coverage,fuzzing", "--seed", "1", "--continue-on-failure", "--no-shrink"]
    command += ["--max-time", str(args.seconds), "--request-timeout", "30", "--report-json-path", str(out.absolute())]
    command += ["--suppress-health-check", "all", "--workers", "1"]
    if key:
        command += ["-H", f"Authorization: Bearer {key}"]
    began = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=out.parent)
    log = out.with_suffix(".txt")
    log.write_text(ended.stdout + ended.stderr, encoding="utf-8")
    found = json.loads(out.read_text(encoding="utf-8"))
    failures = {f"{f['code']} {f['type']}": f["operations"] for f in found["failures"]}
    return {
        "routes": found["operations"]["selected"],
        "tested": found["operations"]["tested"],
        "cases": found["test_cases"]["generated"],
        "server_errors": sum(f["type"] == "ServerError" for f in found["failures"]),
        "failures": failures,
        "errors": len(found["errors"]),
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="schemathesis", help="the command")
    parser.add_argument("--examples", type=int, default=25, help="made-up cases a route, beside those of the rules")
    parser.add_argument("--seconds", type=int, default=300, help="at most, for each of the two runs")
    parser.add_argument("--keep", type=Path, help="folder for schemathesis's own reports")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, dest="out", help="write everything as JSON here")
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return 0
    busy = load()
    with tempfile.TemporaryDirectory() as folder:
        kept = args.keep or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, "--serve", folder]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdin
        assert server.stdout
        try:
            known = json.loads(server.stdout.readline())
            (kept / "openapi.json").write_text(json.dumps(fetch(known["url"], known["key"])))
            runs = {
                name: run(args.tool, known["url"], key, args, kept / f"{name}.json")
                for name, key in (("without", ""), ("with", known["key"]))
            }
        finally:
            server.stdin.close()
            server.wait(30)
    result = {"load": busy, **{f"{name}_key": found for name, found in runs.items()}}
    table(result.items())
    report("contract", result, args.out)
    return max(int(bool(found["failures"]) or found["tested"] < found["routes"]) for found in runs.values())


def fetch(url: str, key: str) -> Any:
    import httpx

    return httpx.get(f"{url}/v1/openapi.json", headers={"api-key": key}, trust_env=False, timeout=120).json()


if __name__ == "__main__":
    raise SystemExit(main())
