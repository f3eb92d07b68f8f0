"""Do programs that people have work against Gakju, each in an environment of its own?

Starts `gakju up --samples` with the real models and runs every example of docs/examples against it: with the newest
OpenAI SDK and with 1.66 (the first 1.x with responses and vector stores), LangChain, Semantic Kernel, MCP and curl.
Then runs langchain-tests 1.1.9 and our own tests of the frameworks in their environments. Told: examples that ran, of
how many, tests passed, skipped and failed of each suite by name. Skipped are capabilities that are not claimed:
tools, structured output, pictures, recorded traffic.

Environments are made under the system's temporary folder at the first run (minutes) and kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from common import GAKJU, ROOT, environment, load, prepared, report, scratch, table

HERE = "http://127.0.0.1:8080"
EXAMPLES = ROOT / "docs" / "examples"
TESTS = ("pytest>=9", "pytest-timeout", "fpdf2")


@dataclass(frozen=True)
class Environment:
    """Packages (`.` is Gakju itself), the examples and the tests that run there."""

    name: str
    packages: tuple[str, ...]
    examples: tuple[str, ...]
    tests: tuple[str, ...] = ()


ENVIRONMENTS = (
    Environment("openai-newest", ("openai",), ("openai_chat.py", "openai_files.py", "azure_chat.py")),
    Environment(
        "openai-oldest", ("openai==1.66.0", "httpx<0.28"), ("openai_chat.py", "openai_files.py", "azure_chat.py")
    ),
    Environment(
        "langchain",
        (".[langchain]", "langchain-tests==1.1.9", *TESTS),
        ("langchain_chat.py",),
        ("tests/integrations/test_langchain.py",),
    ),
    Environment(
        "semantic-kernel",
        (".[semantic-kernel]", *TESTS),
        ("semantic_kernel_plugin.py",),
        ("tests/integrations/test_semantic_kernel.py",),
    ),
    Environment("mcp", ("mcp>=2",), ("mcp_client.py",)),
)
SUITE = (
    *("-o", "asyncio_mode=auto"),
    *("-o", "asyncio_default_test_loop_scope=session"),
    *("-o", "asyncio_default_fixture_loop_scope=session"),
)


def made(given: Environment, folder: Path) -> Path:
    """The environment's Python."""
    home = folder / given.name
    python, stamp = home / "bin" / "python", home / ".made"
    wanted = "\n".join(given.packages)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        packages = [p for name in given.packages for p in (["-e", f"{ROOT}{name[1:]}"] if name[0] == "." else [name])]
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
        subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
        stamp.write_text(wanted)
    return python


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """`gakju up --samples` whose samples are in the library."""
    command = [str(GAKJU), "up", "--samples", "--port", "0", "--json"]
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            url: str = json.loads(process.stdout.readline())["url"]
            deadline = time.monotonic() + 300
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
                while len(http.get("/v1/documents").json()) < 2:
                    if time.monotonic() > deadline:
                        raise SystemExit("The samples were not added within 5 minutes.")
                    time.sleep(0.5)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def example(command: list[str], name: str, url: str) -> dict[str, Any]:
    """One example in a folder of its own, with the server's address for the one that is written in it."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / name
        script.write_text((EXAMPLES / name).read_text("utf-8").replace(HERE, url), "utf-8")
        (Path(folder) / "handbook.pdf").write_bytes(b"%PDF-1.7")
        started = time.monotonic()
        done = subprocess.run(
            [*command, name], cwd=folder, capture_output=True, text=True, check=False, env=clean(), timeout=300
        )
        seconds = round(time.monotonic() - started, 1)
    ran = done.returncode == 0 and bool(done.stdout.strip())
    return {"example": name, "ran": ran, "seconds": seconds, "said": (done.stdout if ran else done.stderr)[-2000:]}


def clean() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GAKJU_", "OPENAI_", "AZURE_"))}
    return {**kept, "PYTHONUTF8": "1"}


def suite(python: Path, tests: str) -> dict[str, Any]:
    """pytest over one file; counts by class, which for LangChain is the suite."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "junit.xml"
        options = SUITE if "langchain" in tests else ()
        command = [str(python), "-m", "pytest", "-q", *options, f"--junitxml={found}", tests]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=clean(), timeout=900)
        if not found.exists():
            return {"failed": 1, "said": (done.stdout + done.stderr)[-2000:]}
        counts: dict[str, Counter[str]] = {}
        for case in ET.parse(found).iter("testcase"):
            kinds = {child.tag for child in case}
            state = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            counts.setdefault(case.get("classname", "").rpartition(".")[2], Counter())[state] += 1
    total = sum(counts.values(), Counter())
    return {**{k: total[k] for k in ("passed", "skipped", "failed")}, "by": {k: dict(v) for k, v in counts.items()}}


def versions(python: Path) -> dict[str, str]:
    names = ("openai", "langchain-core", "langchain-tests", "semantic-kernel", "mcp")
    code = f"""
import importlib.metadata as m, json
found = {{}}
for n in {names!r}:
    try: found[n] = m.version(n)
    except m.PackageNotFoundError: pass
print(json.dumps(found))"""
    told = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(told.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="names of environments, with commas between")
    parser.add_argument("--envs", type=Path, default=scratch("environments"), help="where environments are kept")
    parser.add_argument(
        "--home", type=Path, default=scratch("integrations"), help="a data folder to make, emptied first"
    )
    parser.add_argument("--no-suites", action="store_true", help="only the examples")
    parser.add_argument("--json", type=Path, help="write everything as JSON here")
    args = parser.parse_args()
    wanted = [e for e in ENVIRONMENTS if not args.only or e.name in args.only.split(",")]
    pythons = {e.name: made(e, args.envs) for e in wanted}
    shutil.rmtree(args.home, ignore_errors=True)
    busy, examples, suites = load(), [], {}
    with serving(prepared(args.home)) as url:
        for e in wanted:
            for name in e.examples:
                examples.append({"environment": e.name, **example([str(pythons[e.name])], name, url)})
        if not args.only:
            examples.append({"environment": "curl", **example(["sh", "-e"], "curl.sh", url)})
    for e in wanted:
        for tests in () if args.no_suites else e.tests:
            suites[e.name] = suite(pythons[e.name], tests)
    ran, failed = sum(e["ran"] for e in examples), sum(s["failed"] for s in suites.values())
    table(
        (f"{e['environment']} {e['example']}", f"{'ran' if e['ran'] else 'FAILED'} in {e['seconds']} s")
        for e in examples
    )
    table((name, {k: v for k, v in s.items() if k != "said"}) for name, s in suites.items())
    for broken in (e for e in examples if not e["ran"]):
        print(f"  {broken['environment']} {broken['example']}:\n{broken['said']}")
    result = {
        "load": busy,
        "examples": f"{ran}/{len(examples)}",
        "suites": suites,
        "versions": {name: versions(python) for name, python in pythons.items()},
        "details": examples,
    }
    report("integrations", result, args.json)
    return 0 if ran == len(examples) and not failed else 1


if __name__ == "__main__":
    raise SystemExit(main())
