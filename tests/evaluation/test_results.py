"""The page of results: what was measured, how sure it is, and nothing that was not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETS = "korquad1-dev", "ssis-welfare-ko", "msmarco-ko", "squad2-half", "scifact", "chunking-eval", "cranfield"


def page(tmp_path: Path) -> list[str]:
    command = [sys.executable, str(ROOT / "bench" / "results.py"), "--reuse", str(tmp_path / "found")]
    subprocess.run([*command, "--to", str(tmp_path / "R.md")], check=True, capture_output=True, cwd=tmp_path)
    return (tmp_path / "R.md").read_text("utf-8").splitlines()


def put(tmp_path: Path, system: str, name: str, values: list[float]) -> None:
    file = tmp_path / "found" / "quality" / system / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    ndcg = {f"q{n}": v for n, v in enumerate(values)}
    file.write_text(json.dumps({"ndcg": ndcg, "at": "2026-01-02T00:00:00", "load": 0.25}), "utf-8")


def test_without_measurements_everything_is_not_run(tmp_path: Path) -> None:
    lines = page(tmp_path)
    goals = [line for line in lines if line.startswith("| ") and line.endswith(" | not run | |")]
    assert len(goals) == 17
    assert not any(" yes |" in line or "**no**" in line for line in lines)
    assert "not run: `python bench/results.py --run embedder`" in lines


def test_figures_stand_where_they_belong(tmp_path: Path) -> None:
    for name in SETS:
        put(tmp_path, "gakju", name, [0.8, 0.9] * 20)
        put(tmp_path, "gakju-bm25", name, [0.7, 0.8] * 20)
        put(tmp_path, "gakju-dense", name, [0.9, 0.8] * 20 if name == "scifact" else [0.1] * 40)
        put(tmp_path, "txtai", name, [0.9, 1.0] * 20)
    found = {"cosine": {"mean": 0.9997}, "runs": [{"cores": 1, "ratio": 3.6}, {"cores": 2, "ratio": 3.4}], "load": 2}
    (tmp_path / "found" / "embedder.json").write_text(json.dumps(found), "utf-8")
    lines = page(tmp_path)
    assert "| Embedder: tokens a second against sentence-transformers, worst run | ≥ 3.5 × | 3.4 | **no** |" in lines
    assert "| Embedder: mean cosine to float32 | ≥ .999 | .9997 | yes |" in lines
    assert "| nDCG@10, macro average over the best single retriever | ≥ +.03 | .100 | yes |" in lines
    assert "| Sets where hybrid is significantly below the better of the two | none | none | yes |" in lines
    assert "| nDCG@10, macro average against txtai | > 0 | -.100 | **no** |" in lines
    assert "| nDCG@10, macro average against haystack | > 0 | not run | |" in lines
    none = " | not run" * 4
    assert f"| korquad1-dev | 40 | **.850** (.835–.865) | .750 ↓ | .100 ↓{none} | .950 ↑ | not run |" in lines
    assert f"| scifact | 40 | **.850** (.835–.865) | .750 ↓ | .850{none} | .950 ↑ | not run |" in lines
    assert "| scifact | +0.100, p < .001 | +0.000, p 1.000 | -0.100, p < .001 |" in lines
    assert "| ratio | 3.6 | 3.4 |" in lines
    assert any("measured 2026-01-02" in line for line in lines)
    assert any("embedder 2, quality of gakju 0.25" in line for line in lines)


def test_a_set_that_hybrid_loses_is_named(tmp_path: Path) -> None:
    for name in SETS:
        put(tmp_path, "gakju", name, [0.8] * 20)
        put(tmp_path, "gakju-bm25", name, [0.9 if name == "cranfield" else 0.5] * 20)
        put(tmp_path, "gakju-dense", name, [0.4] * 20)
    named = "| Sets where hybrid is significantly below the better of the two | none | cranfield | **no** |"
    assert named in page(tmp_path)
