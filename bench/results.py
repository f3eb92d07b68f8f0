"""Runs every measurement of retrieval and ingest, and writes bench/RESULTS.md from what they found.

    python bench/results.py                     everything (hours); a quiet machine
    python bench/results.py --run quality,scale only these, the rest as found
    python bench/results.py --reuse [DIR]       nothing: the JSON in DIR

DIR (kept between runs) holds NAME.json of each script below and quality/SYSTEM/SET.json with nDCG@10 of every query,
ours and the peers'. What is missing stands in the table as "not run", with the command that runs it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import quality
from common import HERE, ROOT, scratch
from results_table import render


@dataclass(frozen=True)
class Step:
    """A script with its options; it writes `NAME.json` into the results' folder, or files of its own there."""

    name: str
    script: str
    options: tuple[str, ...] = ()
    out: str = "--json"
    """How it is told where to write: `--json FILE`, or `--out FOLDER`."""

    def commands(self, folder: Path) -> Iterator[list[str]]:
        where = folder if self.out == "--out" else folder / f"{self.name}.json"
        yield [sys.executable, str(HERE / self.script), *self.options, self.out, str(where)]


class Peers(Step):
    """The peers' rankings, each in its environment: which texts they embed, the vectors of those, their answers."""

    def commands(self, folder: Path) -> Iterator[list[str]]:
        sets, weights = [str(path) for path in quality.folders()], str(scratch("e5-fp32"))
        ours = [sys.executable, str(HERE / "peers" / "weights.py"), "--to", weights]
        yield from [] if Path(weights).exists() else [ours]
        for name in sorted(set(ENVIRONMENTS.values())):
            yield ["sh", str(HERE / "peers" / "setup.sh"), name, "--envs", str(ENVS)]
        for peer in ENVIRONMENTS:
            if peer != "bm25-bigrams":
                yield [*self._in(peer), self.script, "chunk", peer, *sets, "--weights", weights]
        vectors = HERE / "peers" / "vectors.py"
        yield [*self._in("langchain"), str(vectors), "--engine", "fp32", "--weights", weights]
        for peer in ENVIRONMENTS:
            find = ["search", peer, *sets, "--weights", weights, "--engines", "fp32", "--out", str(folder)]
            yield [*self._in(peer), self.script, *find]

    def _in(self, peer: str) -> list[str]:
        return [str(ENVS / ENVIRONMENTS[peer] / "bin" / "python")]


ENVS = Path(tempfile.gettempdir()) / "envs"
ENVIRONMENTS = {
    "langchain": "langchain",
    "langchain-256": "langchain",
    "llama_index": "llama_index",
    "haystack": "haystack",
    "txtai": "txtai",
    "bm25-bigrams": "langchain",
}
"""The environment of each peer; peers/setup.sh makes it."""

STEPS = (
    Step("quality", "quality.py", out="--out"),
    Step("korean_probes", "korean_probes.py"),
    Step("embedder", "embedder.py"),
    Step("ingest", "ingest.py", ("--no-ocr",)),
    Step("memory", "memory.py"),
    Step("peers_ingest", "peers/ingest.py", (*ENVIRONMENTS, "gakju")),
    Peers("peers", str(HERE / "peers" / "quality.py")),
    Step("scale", "scale.py"),
)


def ran(step: Step, folder: Path) -> bool:
    """Whether all of its commands ended well; the first that does not ends it."""
    print(f"== {step.name}", flush=True)
    return all(subprocess.run(command, cwd=ROOT, check=False).returncode == 0 for command in step.commands(folder))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kept = scratch("results")
    parser.add_argument("--reuse", type=Path, nargs="?", const=kept, metavar="DIR", help=f"run nothing; {kept}")
    parser.add_argument("--run", metavar="NAME,…", help=f"of {', '.join(s.name for s in STEPS)}")
    parser.add_argument("--to", type=Path, default=HERE / "RESULTS.md")
    args = parser.parse_args()
    out = args.reuse or kept
    wanted = args.run.split(",") if args.run else [] if args.reuse else [s.name for s in STEPS]
    if unknown := set(wanted) - {s.name for s in STEPS}:
        parser.error(f"no measurement is called {', '.join(sorted(unknown))}")
    failed = [step.name for step in STEPS if step.name in wanted and not ran(step, out)]
    found = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(out.glob("*.json"))}
    args.to.write_text(
        render(found, out / "quality", {s.name: f"python bench/results.py --run {s.name}" for s in STEPS}),
        encoding="utf-8",
    )
    print(f"{args.to} is written." + (f" Missed a goal or failed: {', '.join(failed)}." if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
