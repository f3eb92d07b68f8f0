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
from dataclasses import dataclass
from pathlib import Path

from common import HERE, ROOT, scratch
from results_table import render


@dataclass(frozen=True)
class Step:
    """A script and what it takes; it writes `NAME.json` into the results' folder, or files of its own there."""

    name: str
    script: str
    options: tuple[str, ...] = ()
    folder: bool = False
    """Whether it is given the folder (`--out DIR`) and not a file (`--json FILE`)."""

    def command(self, out: Path) -> list[str]:
        where = ["--out", str(out)] if self.folder else ["--json", str(out / f"{self.name}.json")]
        return [sys.executable, str(HERE / self.script), *self.options, *where]

    @property
    def shown(self) -> str:
        """The command as people type it."""
        return " ".join(["python", f"bench/{self.script}", *self.options])


STEPS = (
    Step("quality", "quality.py", folder=True),
    Step("korean_probes", "korean_probes.py"),
    Step("embedder", "embedder.py"),
    Step("ingest", "ingest.py", ("--no-ocr",)),
    Step("peers_ingest", "peers/ingest.py"),
    Step("peers", "peers/run.py", folder=True),
    Step("scale", "scale.py"),
)


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
    failed = []
    for step in STEPS:
        if step.name in wanted:
            print(f"== {step.name}", flush=True)
            if not (HERE / step.script).exists() or subprocess.run(step.command(out), cwd=ROOT, check=False).returncode:
                failed.append(step.name)
    found = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(out.glob("*.json"))}
    args.to.write_text(render(found, out / "quality", {s.name: s.shown for s in STEPS}), encoding="utf-8")
    print(f"{args.to} is written." + (f" Missed a goal or failed: {', '.join(failed)}." if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
