"""Are the rebuilt tokenizer's ids the ones Gakju makes? Runs in a peer's environment, on the folder of weights.py."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import sets
from sentence_transformers import SentenceTransformer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=sets.scratch("e5-fp32"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    given = json.loads((args.weights / "texts.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(args.weights), device="cpu")
    ids = model.tokenizer(given["texts"], add_special_tokens=False)["input_ids"]
    differ = [n for n, (theirs, ours) in enumerate(zip(ids, given["ids"], strict=True)) if theirs != ours]
    vectors = model.encode(
        ["query: 대한민국의 수도는?", "passage: 서울은 대한민국의 수도이다.", "passage: Bananas are yellow."]
    )
    result = {"texts": len(ids), "tokens": sum(map(len, ids)), "texts_that_differ": len(differ)}
    result["sanity_cosines"] = [round(float(vectors[0] @ v), 4) for v in vectors[1:]]
    print(json.dumps(result))
    for n in differ[:3]:
        first = next((i for i, (a, b) in enumerate(zip(ids[n], given["ids"][n], strict=False)) if a != b), -1)
        print(
            n,
            first,
            model.tokenizer.convert_ids_to_tokens(ids[n][first - 3 : first + 5]),
            "ours:",
            model.tokenizer.convert_ids_to_tokens(given["ids"][n][first - 3 : first + 5]),
        )
    if args.json:
        sets.write(args.json, "peers/weights", result)
    return bool(differ)


if __name__ == "__main__":
    raise SystemExit(main())
