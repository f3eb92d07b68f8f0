from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gakju.errors import ModelCorrupt, ModelMissing
from gakju.models import e5_graph, e5_tokenizer
from gakju.models.catalog import entry
from gakju.models.e5_weights import E5Weights, Vocabulary, unpack
from gakju.models.embed import E5, GROUP, usable_cores

VOCABULARY = Vocabulary(
    (b"<s>", b"<pad>", b"</s>", b"<unk>", "▁가".encode(), "나".encode(), "▁".encode(), b"<mask>"),
    np.array([0, 0, 0, 0, -1, -2, -3, 0], np.float32),
    bos=0,
    eos=2,
    pad=1,
    unk=3,
)


def test_four_bit_blocks() -> None:
    block = np.zeros((1, 1, 18), np.uint8)
    block[0, 0, :2] = np.array([0.5], "<f2").view(np.uint8)
    block[0, 0, 2:] = 0x80  # low half 0, high half 8: -8 and 0 with the offset taken off
    block[0, 0, 2] = 0xF9
    row = unpack(block)[0]
    assert row.shape == (32,)
    assert row[:2].tolist() == [0.5, -4.0]
    assert row[16:18].tolist() == [3.5, 0.0]


def test_the_built_tokenizer_uses_our_pieces(tmp_path: Path) -> None:
    tokenizer = e5_tokenizer.load(VOCABULARY, tmp_path)
    assert tokenizer.encode("가나") == [4, 5]
    assert tokenizer.encode("가") == [4]  # nmt_nfkc composes
    assert tokenizer.encode("🙂") == [6, 3]


def test_the_tokenizer_is_kept_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    e5_tokenizer.load(VOCABULARY, tmp_path)
    (kept,) = tmp_path.iterdir()
    right = kept.read_bytes()
    kept.write_bytes(right[:10])
    assert e5_tokenizer.load(VOCABULARY, tmp_path).encode("가나") == [4, 5]
    assert kept.read_bytes() == right
    monkeypatch.setattr(e5_tokenizer, "build", lambda _: pytest.fail("built again"))
    assert e5_tokenizer.load(VOCABULARY, tmp_path).encode("가나") == [4, 5]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert e5_tokenizer.load(VOCABULARY, tmp_path / "file" / "cache").encode("가나") == [4, 5]


@pytest.mark.parametrize("data", [b"", b"E5S1", b"GGUF" + bytes(5000), b"E5S1" + b"\xff" * 5000])
def test_another_file_is_corrupt(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "weights").write_bytes(data)
    with pytest.raises(ModelCorrupt, match="gakju models pull"):
        E5Weights(tmp_path / "weights")


def test_no_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        E5(tmp_path / "none", tmp_path).embed_queries(["가"])


@pytest.mark.model
def test_token_ids_are_those_of_xlm_roberta(e5: E5) -> None:
    # The ids that Hugging Face's documentation of xlm-roberta-base shows for "Hello world!".
    (window,), counts = e5._load()._windows([[("Hello ", False), ("world!", True)]])
    assert window.tokens == [0, 35378, 8999, 38, 2]
    assert window.pools == [(0, 0, 5), (1, 2, 4)]
    assert counts.tolist() == [2]


@pytest.mark.model
def test_windows_hold_510_tokens_and_are_weighted_by_length(e5: E5) -> None:
    loaded = e5._load()
    text = "passage: " + "연차 휴가는 십오 일이다. " * 120
    windows, counts = loaded._windows([[(text, True)]])
    assert [len(w.tokens) for w in windows[:-1]] == [512] * (len(windows) - 1)
    assert len(windows) >= 2
    assert counts.tolist() == [2]
    assert [w.pools for w in windows] == [[(0, 0, len(w.tokens)), (1, 1, len(w.tokens) - 1)] for w in windows]
    assert sum(len(w.tokens) - 2 for w in windows) == len(loaded.tokenizer.encode(text))
    pieces = [loaded.tokenizer.decode(w.tokens[1:-1]) for w in windows]
    means = np.stack([loaded.embed([[(piece, False)]])[0][0] for piece in pieces])
    (whole,), ((part,),) = loaded.embed([[(text, True)]])
    near = means.T @ np.array([len(w.tokens) for w in windows], np.float32)
    assert float(whole @ (near / np.linalg.norm(near))) > 0.995
    assert float(whole @ part) > 0.995


TEXTS = ["연차 유급휴가는 1년에 15일이다.", "Charge it to 80 %.", "주차장은 지하 2층에 있고 하루 5,000원이다. " * 20]


@pytest.mark.model
def test_a_processor_without_int8_products_computes_the_same_in_float32(
    e5: E5, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[int] = []
    compile_graph = e5_graph.compile_graph

    def refusing(graph: Any, threads: int, group: int) -> Any:
        compiled.append(group)
        if group:
            raise RuntimeError("no VNNI")
        return compile_graph(graph, threads, group)

    monkeypatch.setattr(e5_graph, "compile_graph", refusing)
    plain = E5(model_folder / entry("multilingual-e5-small").file, tmp_path)
    exact = plain.embed_passages(TEXTS)
    assert compiled == [GROUP, 0]
    cosines = (exact * e5.embed_passages(TEXTS)).sum(1)
    assert float(cosines.mean()) > 0.999
    assert float(cosines.min()) > 0.998
    alone = np.concatenate([plain.embed_passages([t]) for t in TEXTS])
    np.testing.assert_allclose(alone, exact, atol=1e-5)


CALLERS = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np, psutil
from gakju.models.embed import E5, usable_cores

e5 = E5(Path(sys.argv[1]), Path(sys.argv[2]))
texts = ["연차는 15일이다."] * 70
expected = e5.embed_passages(texts)
callers = 6 * usable_cores()
most = before = psutil.Process().num_threads()
with ThreadPoolExecutor(callers) as pool:
    running = [pool.submit(e5.embed_passages, texts) for _ in range(callers)]
    while not all(r.done() for r in running):
        most = max(most, psutil.Process().num_threads())
        time.sleep(0.01)
for r in running:
    np.testing.assert_array_equal(r.result(), expected)
print(usable_cores(), most - before - callers)
"""


@pytest.mark.model
def test_many_callers_make_no_more_threads(e5_file: Path, tmp_path: Path) -> None:
    """Counted in a process of its own: in this one other tests' threads come and go."""
    command = [sys.executable, "-c", CALLERS, e5_file, tmp_path]
    cores, more = map(int, subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())
    assert more <= 2 * cores + 2


@pytest.mark.model
def test_a_query_is_next_in_line_while_passages_are_embedded(e5: E5) -> None:
    """It waits for requests under way, never for the batches queued behind them."""
    gate = threading.Event()
    for _ in range(usable_cores()):
        e5._load()._feeders.submit(gate.wait, 30)
    with ThreadPoolExecutor(1) as pool:
        ingest = pool.submit(e5.embed_passages, ["가나다라 마바사 " * 30] * 12)
        e5.embed_queries(["연차는 며칠인가?"])
        e5.embed_passages(TEXTS[:2])
        assert not ingest.done()
        gate.set()
    assert ingest.result().shape == (12, 384)
