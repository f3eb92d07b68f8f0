"""100 Korean questions that break naive search, ten of a kind: is the passage among the first three?

    python bench/korean_probes.py [--half dev|unseen|all] [--json FILE] [--misses]
    python bench/korean_probes.py --beir DIR

Questions and passages are ours, in bench/questions; most passages have several near misses beside them. Questions of
odd number were looked at while the analyzer was made ("dev"), those of even number were not ("unseen").
With `--beir` it writes the set as a BEIR folder for any other system and stops: corpus.jsonl, queries.jsonl with
`metadata.kind`, qrels/dev.tsv.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import common
from gakju.assistant.parts import Parts
from gakju.evaluation.datasets import retrieval_set
from gakju.evaluation.retrieval import RETRIEVERS, library
from gakju.settings import Settings

PASSAGES = common.HERE / "questions" / "korean_passages.jsonl"
PROBES = common.HERE / "questions" / "korean_probes.jsonl"
SET = "korean-probes"


def half(probe: dict[str, Any]) -> str:
    return "dev" if int(probe["_id"][1:]) % 2 else "unseen"


def write_beir(folder: Path) -> None:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    probes = common.questions(PROBES)
    corpus = [{"title": "", **passage} for passage in common.questions(PASSAGES)]
    queries = [{"_id": p["_id"], "text": p["text"], "metadata": {"kind": p["kind"], "half": half(p)}} for p in probes]
    for name, entries in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    judged = "".join(f"{p['_id']}\t{p['gold']}\t1\n" for p in probes)
    (folder / "qrels" / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")


def run(home: Path, wanted: str) -> dict[str, Any]:
    """Hits among the first three documents, by retriever and kind, and the questions that each missed."""
    found: dict[str, Any] = {}
    with ExitStack() as within:
        models = within.enter_context(closing(Parts(Settings(home=home))))
        fresh = within.enter_context(tempfile.TemporaryDirectory())
        folder = Path(fresh) / SET
        write_beir(folder)
        # Made anew each time: a changed analyzer must show even where its version was left as it was.
        assistant = within.enter_context(library(models, retrieval_set(folder, "dev"), Path(fresh) / "home"))
        for name, parts in RETRIEVERS.items():
            hits: dict[str, list[int]] = defaultdict(list)
            missed = []
            for probe in common.questions(PROBES):
                if wanted not in {"all", half(probe)}:
                    continue
                ranked = [hit.document.id for hit in assistant.search(probe["text"], 10, retrievers=parts)]
                hit = probe["gold"] in ranked[:3]
                hits[probe["kind"]].append(hit)
                hits[half(probe)].append(hit)
                if not hit:
                    rank = ranked.index(probe["gold"]) + 1 if probe["gold"] in ranked else 0
                    missed.append({**probe, "rank": rank, "first": ranked[:3]})
            found[name] = {"hit@3": {kind: [sum(own), len(own)] for kind, own in hits.items()}, "missed": missed}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beir", type=Path, help="only write the set there")
    parser.add_argument("--half", choices=("dev", "unseen", "all"), default="all")
    parser.add_argument("--misses", action="store_true", help="print the questions missed")
    parser.add_argument("--home", type=Path, default=common.scratch("probes"), help="a data folder to make")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.beir:
        write_beir(given.beir)
        return
    found = run(common.prepared(given.home), given.half)
    kinds = next(iter(found.values()))["hit@3"]
    common.table([("hit@3", "  ".join(f"{name:>7}" for name in found))])
    common.table(
        (f"{kind} ({total})", "  ".join(f"{found[name]['hit@3'][kind][0]:>7}" for name in found))
        for kind, (_, total) in kinds.items()
    )
    if given.misses:
        for name in ("hybrid", "bm25"):
            for miss in found[name]["missed"]:
                print(name, miss["_id"], miss["kind"], miss["text"], "→", miss["gold"], miss["rank"], miss["first"])
    common.report("korean_probes", {"retrievers": found}, given.json)


if __name__ == "__main__":
    main()
