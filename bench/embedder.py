"""How fast, how faithful and how large is the embedded embedder, beside sentence-transformers on the same weights?

    python bench/embedder.py [--python PEER_PYTHON] [--weights FOLDER] [--json FILE]

Texts are chunks of the dev sets' corpora, cut as an ingest cuts them. Both engines embed them in turn, three times,
each in a process of its own; PEER_PYTHON has sentence-transformers (bench/peers/setup.sh langchain makes it), FOLDER
is the same weights as float32 (bench/peers/weights.py). Told: tokens a second of wall clock and of processor time (the
latter says something on a busy machine too), cosines of our vectors to theirs, one query's p50 and p95, resident memory
before and after, and the share of the roofline: operations of the matrix products a token needs, over what one core
does in a large product in int8 and in float32 through the same runtime.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 3
QUERIES = ["연차 유급휴가는 며칠인가?", "How long does the warranty last?", "주차장은 어디에 있나?"] * 10
SETS = "ssis-welfare-ko", "squad2-half", "korquad1-dev", "scifact"
# Twelve layers of 4 products 384 × 384 and 2 of 384 × 1,536, two operations a weight.
OPERATIONS = 12 * 2 * (4 * 384 * 384 + 2 * 384 * 1536)

Embed = Callable[[Sequence[str]], Any]


def resident() -> int:
    """MiB now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def measured(load: Callable[[], tuple[Embed, Embed]], job: dict[str, Any], vectors: Path) -> dict[str, Any]:
    """Runs in either engine's process. `tokens` of all texts, special ones and prefix not counted."""
    base, started = resident(), time.perf_counter()
    passages, queries = load()
    queries(QUERIES[:1])
    ready, rounds = time.perf_counter() - started, []
    for _ in range(ROUNDS):
        wall, processor = time.perf_counter(), time.process_time()
        found = passages(job["texts"])
        rounds.append((time.perf_counter() - wall, time.process_time() - processor))
    np.save(vectors, np.asarray(found, np.float32))
    asked = []
    for query in QUERIES:
        wall = time.perf_counter()
        queries([query])
        asked.append(1000 * (time.perf_counter() - wall))
    asked.sort()
    return {
        "ready_seconds": round(ready, 2),
        "tokens_per_second": round(job["tokens"] / min(wall for wall, _ in rounds)),
        "tokens_per_cpu_second": round(job["tokens"] / min(processor for _, processor in rounds)),
        "query_ms": {"p50": round(asked[len(asked) // 2], 1), "p95": round(asked[int(len(asked) * 0.95)], 1)},
        "resident_mib": {"before": base, "after": resident()},
    }


def theirs(weights: str) -> tuple[Embed, Embed]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(weights, device="cpu")

    def embed(prefix: str) -> Embed:
        return lambda texts: model.encode([prefix + t for t in texts], normalize_embeddings=True)

    return embed("passage: "), embed("query: ")


def ours(weights: str) -> tuple[Embed, Embed]:
    from gakju.models.embed import E5

    model = E5(Path(weights), Path(weights).parent / "cache")
    return model.embed_passages, model.embed_queries


def chunks(count: int) -> Iterator[str]:
    """Texts of at most 256 tokens from the sets in turn."""
    from common import data
    from gakju.chunk import Chunker
    from gakju.types import Block, Page

    counter = model().count_tokens
    for name in SETS:
        left = count // len(SETS)
        with (data("beir") / name / "corpus.jsonl").open(encoding="utf-8") as corpus:
            for line in corpus:
                text = json.loads(line)["text"]
                page = Page(1, text, (Block("text", 0, len(text)),))
                for chunk in Chunker(counter, 256).chunks("d", [page] if text.strip() else []):
                    yield chunk.text
                    left -= 1
                    if not left:
                        break
                if not left:
                    break


def model() -> Any:
    from common import prepared, scratch
    from gakju.models.embed import E5

    root = prepared(scratch("embedder")) / "models"
    return E5(next(root.glob("multilingual-e5-small*")), root / "cache")


def peaks() -> dict[str, float]:
    """Billions of operations a second of one core in one large product, int8 and float32."""
    from gakju.models.e5_graph import runtime

    ov = runtime()
    op, core, size = ov.opset13, ov.Core(), 2048
    rng = np.random.default_rng(0)
    x = op.parameter([size, size], ov.Type.f32)
    weight = op.constant(rng.integers(-127, 128, (size, size)).astype(np.int8))
    low, high = op.constant(np.float32(-1)), op.constant(np.float32(1))
    quantised = op.fake_quantize(x, low, high, low, high, 255)
    scaled = op.multiply(op.convert(weight, ov.Type.f32), op.constant(np.float32(1 / 127)))
    exact = op.constant(rng.standard_normal((size, size)).astype(np.float32))
    graphs = {"int8": op.matmul(quantised, scaled, False, True), "float32": op.matmul(x, exact, False, True)}
    found = {}
    for name, graph in graphs.items():
        options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        request = core.compile_model(ov.Model([graph], [x], name), "CPU", options).create_infer_request()
        given, best = [rng.standard_normal((size, size)).astype(np.float32)], float("inf")
        for _ in range(6):
            started = time.process_time()
            request.infer(given)
            best = min(best, time.process_time() - started)
        found[name] = round(2 * size**3 / best / 1e9, 1)
    return found


def engine(python: str, name: str, weights: str, job: Path, folder: Path) -> tuple[dict[str, Any], Any]:
    """One engine in a process of its own: what it measured, and its vectors."""
    told, vectors = folder / f"{name}.json", folder / f"{name}.npy"
    command = [python, __file__, "--engine", name, "--weights", weights, "--job", str(job), "--told", str(told)]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
    return json.loads(told.read_text()), np.load(vectors)


def compare(args: argparse.Namespace) -> int:
    from common import load, report, table

    texts = list(chunks(args.texts))
    tokens = sum(model().count_tokens(texts))
    busy = load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = folder / "job.json"
        job.write_text(json.dumps({"texts": texts, "tokens": tokens}))
        mine, own = engine(sys.executable, "gakju", str(model()._find()), job, folder)
        other, reference = engine(args.python, "sentence-transformers", args.weights, job, folder)
    cosines = (own * reference).sum(1)
    top = peaks()
    each = mine["tokens_per_cpu_second"] * OPERATIONS / 1e9
    result = {
        "load": busy,
        "texts": len(texts),
        "tokens": tokens,
        "gakju": mine,
        "sentence_transformers": other,
        "ratio": round(mine["tokens_per_second"] / other["tokens_per_second"], 2),
        "ratio_cpu": round(mine["tokens_per_cpu_second"] / other["tokens_per_cpu_second"], 2),
        "cosine": {"mean": round(float(cosines.mean()), 5), "least": round(float(cosines.min()), 5)},
        "peak_gops_a_core": top,
        "share_of_int8_peak": round(each / top["int8"], 3),
        "share_of_float32_peak": round(each / top["float32"], 3),
    }
    table(result.items())
    report("embedder", result, args.json)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scratch = Path(tempfile.gettempdir())
    parser.add_argument("--python", default=str(scratch / "envs" / "langchain" / "bin" / "python"))
    parser.add_argument("--weights", default=str(scratch / "gakju-bench" / "e5-fp32"))
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--engine", choices=("gakju", "sentence-transformers"), help=argparse.SUPPRESS)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.engine:
        return compare(args)
    start = ours if args.engine == "gakju" else theirs
    told = measured(lambda: start(args.weights), json.loads(args.job.read_text()), args.told.with_suffix(".npy"))
    args.told.write_text(json.dumps(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
