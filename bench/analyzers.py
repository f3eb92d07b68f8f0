"""Korean analyzers side by side: nDCG@10 of one BM25 over the words of each, speed and memory.

    python3 -m venv ENV
    ENV/bin/pip install numpy bm25s kiwipiepy==0.24.1 kiwipiepy-model==0.24.0 python-mecab-ko lindera-python-ko-dic
    PYTHONPATH=src ENV/bin/python bench/analyzers.py [DIR…] [--queries 1000] [--only NAME…] [--json FILE]

Each analyzer runs in a process of its own, on one thread. DIR is a folder in BEIR layout; by default korquad1-dev,
ssis-welfare-ko and the probes (`bench/korean_probes.py --beir`). "plain" gives every analyzer the same rule: content
morphemes, compounds by part where the dictionary has them. "gakju" is `Morphemes` whole, with `asked` for questions;
"words" is it without that, "on mecab" the same rules over mecab-ko. Speed is characters of the
corpora a CPU-second; memory is what loading and running add to the process.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent
Words = Callable[[str], list[str]]
CONTENT = ("NN", "NP", "NR", "VV", "VA", "VCN", "XR", "MAG", "SL", "SN", "SH")
_LATIN = re.compile(r"[^\W가-힣]+|[가-힣]+")


def gakju() -> tuple[Words, Words]:
    from gakju.text.morphemes import Morphemes

    made = Morphemes(threads=1)
    return made.words, made.asked


def gakju_plain() -> Words:
    return gakju()[0]


def gakju_mecab() -> Words:
    """Gakju's rules over mecab-ko's morphemes in place of Kiwi's."""
    from mecab import MeCab

    from gakju.text.morphemes import Morphemes

    tagger = MeCab()
    tags = {"NNBC": "NNB", "XSN": "XSN", "XPN": "XPN"}

    def tokens(text: str) -> list[SimpleNamespace]:
        found = []
        for m in tagger.parse(text):
            start, end = m.span.start, m.span.end
            parts = [p.split("/") for p in (m.feature.expression or "").split("+")] if m.feature.type else []
            parts = [p for p in parts if len(p) > 1]
            if m.feature.type == "Compound" and sum(len(p[0]) for p in parts) == end - start:
                for form, tag, *_ in parts:
                    found.append(SimpleNamespace(form=form, tag=tag, start=start, len=len(form)))
                    start += len(form)
                continue
            form, tag = (parts[0][0], parts[0][1]) if parts else (m.surface, m.feature.pos.split("+")[0])
            found.append(SimpleNamespace(form=form, tag=tags.get(tag, tag), start=start, len=end - start))
        return found

    class Tagger:
        def tokenize(self, texts: Any, **_: Any) -> Any:
            return tokens(texts) if isinstance(texts, str) else map(tokens, texts)

    class Mecab(Morphemes):
        def _loaded(self) -> Any:
            return Tagger()

        def _parts(self, noun: str) -> tuple[str, ...]:
            return ()

    return Mecab(threads=1).words


def kiwi() -> Words:
    from kiwipiepy import Kiwi

    made = Kiwi(num_workers=1, load_typo_dict=False, load_multi_dict=False)
    return lambda text: [t.form for t in made.tokenize(text.casefold()) if t.tag.startswith(CONTENT)]


def mecab() -> Words:
    from mecab import MeCab

    made = MeCab()

    def words(text: str) -> list[str]:
        found = []
        for morpheme in made.parse(text.casefold()):
            feature = morpheme.feature
            parts = [p.split("/") for p in (feature.expression or "").split("+")] if feature.type else []
            # 출장비 is 출장/NNG/*+비/NNG/*; inflections likewise give their stems.
            for form, tag in [p[:2] for p in parts if len(p) > 1] or [(morpheme.surface, feature.pos)]:
                if tag.startswith(CONTENT):
                    found.append(form)
        return found

    return words


def lindera() -> Words:
    from lindera import TokenizerBuilder

    builder = TokenizerBuilder()
    builder.set_dictionary("embedded://ko-dic")
    made = builder.build()

    def words(text: str) -> list[str]:
        found = []
        for token in made.tokenize(text.casefold()):
            details = list(token.details)
            expression = details[7] if len(details) > 7 and details[4] != "*" else "*"
            parts = [p.split("/") for p in expression.split("+")]
            for form, tag in [p[:2] for p in parts if len(p) > 1] or [(token.surface, details[0])]:
                if tag.startswith(CONTENT):
                    found.append(form)
        return found

    return words


def bigrams() -> Words:
    def words(text: str) -> list[str]:
        found = []
        for run in _LATIN.findall(text.casefold()):
            found += [run[i : i + 2] for i in range(max(1, len(run) - 1))] if "가" <= run[0] <= "힣" else [run]
        return found

    return words


ANALYZERS: dict[str, Callable[[], Words | tuple[Words, Words]]] = {
    "gakju": gakju,
    "gakju, words": gakju_plain,
    "gakju on mecab": gakju_mecab,
    "kiwi plain": kiwi,
    "mecab-ko plain": mecab,
    "lindera plain": lindera,
    "bigrams": bigrams,
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ndcg(ranked: Sequence[str], gold: dict[str, int]) -> float:
    gain = sum(gold.get(name, 0) / math.log2(rank + 1) for rank, name in enumerate(ranked[:10], 1))
    ideal = sum(g / math.log2(rank + 1) for rank, g in enumerate(sorted(gold.values(), reverse=True)[:10], 1))
    return gain / ideal


def measure(words: Words, asking: Words, folder: Path, split: str, count: int) -> dict[str, float]:
    import bm25s

    corpus = lines(folder / "corpus.jsonl")
    texts = [f"{entry.get('title', '')}\n{entry['text']}" for entry in corpus]
    started = time.process_time()
    tokens = [words(text) for text in texts]
    spent = time.process_time() - started
    gold: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                gold.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    questions = {q["_id"]: q["text"] for q in lines(folder / "queries.jsonl") if q["_id"] in gold}
    picked = random.Random(0).sample(sorted(questions), min(count, len(questions)))
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(tokens, show_progress=False)
    scores, near = [], []
    for name in picked:
        asked = [w for w in dict.fromkeys(asking(questions[name])) if w in index.vocab_dict]
        if not asked:
            scores.append(0.0)
            near.append(0.0)
            continue
        found, value = index.retrieve([asked], k=min(10, len(corpus)), show_progress=False)
        ranked = [corpus[i]["_id"] for i, score in zip(found[0], value[0], strict=True) if score > 0]
        scores.append(ndcg(ranked, gold[name]))
        near.append(float(any(one in gold[name] for one in ranked[:3])))
    mean = {"ndcg@10": sum(scores) / len(scores), "hit@3": sum(near) / len(near)}
    size = sum(map(len, texts))
    terms = sum(map(len, tokens)) / len(tokens)
    return {**{k: round(v, 4) for k, v in mean.items()}, "characters": size, "cpu_s": round(spent, 2), "terms": terms}


def one(name: str, folders: Sequence[Path], split: str, count: int) -> dict[str, Any]:
    before = resident()
    made = ANALYZERS[name]()
    words, asking = made if isinstance(made, tuple) else (made, made)
    words("처음 한 번은 사전을 읽는다.")
    loaded = resident() - before
    sets = {folder.name: measure(words, asking, folder, split, count) for folder in folders}
    spent = sum(s["cpu_s"] for s in sets.values())
    speed = round(sum(s["characters"] for s in sets.values()) / max(spent, 0.01))
    return {"sets": sets, "characters_a_cpu_second": speed, "memory_mb": round(loaded)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--only", nargs="*", choices=list(ANALYZERS), default=list(ANALYZERS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = Path(os.environ.get("GAKJU_BENCH_DATA") or HERE.parent.parent / "shared" / "data")
    folders = given.folders or [data / "beir" / name for name in ("korquad1-dev", "ssis-welfare-ko")]
    if given.alone:
        print(json.dumps(one(given.alone, folders, given.split, given.queries)))
        return
    found = {}
    for name in given.only:
        command = [sys.executable, __file__, *map(str, folders), "--alone", name, "--split", given.split]
        command += ["--queries", str(given.queries)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        found[name] = json.loads(done.stdout.splitlines()[-1])
        parts = "  ".join(f"{s} {v['ndcg@10']:.4f} (hit@3 {v['hit@3']:.3f})" for s, v in found[name]["sets"].items())
        print(f"{name:<15} {parts}  {found[name]['characters_a_cpu_second']:,}/s  {found[name]['memory_mb']} MB")
    whole = {"bench": "analyzers", "date": time.strftime("%Y-%m-%d"), "analyzers": found}
    if given.json:
        given.json.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(whole, ensure_ascii=False))


if __name__ == "__main__":
    main()
