"""Trains the verifier's entailment head: low-rank changes of the embedder's upper layers and a small classifier.

    python bench/fit_verifier.py cache CACHE [--data DIR] [--weights FILE]
    python bench/fit_verifier.py head CACHE OUT [--without SET] [--minutes 20] [--epochs 3]

Needs torch (`pip install torch==2.13.0`; Gakju itself does not) beside Gakju. A pair goes through the embedder as one
text, "query: question </s> claim </s></s> passage: premise"; the means over all of it, over the claim and over the
premise, and how the last two differ, go to two layers that give entailed, neutral, denied. All published weights, as
their 4-bit file has them, stay; the lower layers are not changed at all, so their states are worked out once, by the
same int8 graph that runs them later (`cache`). What is learned is OUT, an .npz of half floats.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_data_path
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from common import data
from gakju.models import e5_graph, e5_tokenizer
from gakju.models.e5_weights import E5Weights, unpack
from gakju.models.embed import GROUP
from verifier_data import SETS, Example, examples, made, parallel, part

FROZEN, RANK, SCALE = 6, 16, 2.0
"""Layers that stay as published, width of the changes, and what they are multiplied with."""
WIDTH, BATCH_TOKENS, LONGEST = 96, 1536, 144
"""Units of the classifier; tokens of a batch; tokens a training pair may have."""


@dataclass
class Pair:
    tokens: list[int]
    claim: tuple[int, int]
    premise: tuple[int, int]
    allowed: tuple[int, ...]
    source: str
    states: np.ndarray | None = None
    """After the layers that stay: shape (tokens, hidden), float16."""


class Tokens:
    def __init__(self, weights: E5Weights, cache: Path) -> None:
        self._model = e5_tokenizer.load(weights.vocabulary, cache)
        v = weights.vocabulary
        self._bos, self._eos = v.bos, v.eos
        self._query, self._passage = self._model.encode(["query:", "passage:"])

    def pair(self, e: Example) -> Pair:
        question, claim, premise = self._model.encode([e.question, e.claim, e.premise])
        tokens = [self._bos, *self._query]
        if question:
            tokens += [*question, self._eos]
        start = len(tokens)
        tokens += claim
        end = len(tokens)
        tokens += [self._eos, self._eos, *self._passage]
        low = len(tokens)
        tokens += premise
        return Pair(
            [*tokens, self._eos], (start, max(end, start + 1)), (low, max(len(tokens), low + 1)), e.allowed, e.source
        )


class Changed(nn.Module):
    """A linear layer that stays, in bfloat16, and what is added to it."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(weight).bfloat16())
        self.register_buffer("bias", torch.tensor(bias).bfloat16())
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.randn(RANK, columns) / math.sqrt(columns))
        self.up = nn.Parameter(torch.zeros(rows, RANK))

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self.bias)
        return y + F.linear(F.linear(x, self.down.bfloat16()), SCALE * self.up.bfloat16())


class Layer(nn.Module):
    def __init__(self, weights: E5Weights, prefix: str) -> None:
        super().__init__()
        s = weights.shape
        self.heads = s.heads

        def linear(names: Sequence[str], columns: int) -> Changed:
            matrices = [weights.matrix(f"{prefix}{n}.w", columns) for n in names]
            return Changed(np.vstack(matrices), np.hstack([weights.tensor(f"{prefix}{n}.b") for n in names]))

        self.qkv, self.ao = linear("qkv", s.hidden), linear(["ao"], s.hidden)
        self.fi, self.fo = linear(["fi"], s.hidden), linear(["fo"], s.feed_forward)
        for name in ("aln", "oln"):
            for kind in "wb":
                self.register_buffer(f"{name}_{kind}", torch.tensor(weights.tensor(f"{prefix}{name}.{kind}")))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        rows, length, width = x.shape
        q, k, v = self.qkv(x.bfloat16()).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(rows, length, width)
        x = F.layer_norm(x + self.ao(mixed), (width,), self.aln_w, self.aln_b, 1e-12)
        inner = self.fo(F.gelu(self.fi(x.bfloat16())))
        return F.layer_norm(x + inner, (width,), self.oln_w, self.oln_b, 1e-12)


class Head(nn.Module):
    def __init__(self, weights: E5Weights) -> None:
        super().__init__()
        s = weights.shape
        self.layers = nn.ModuleList(Layer(weights, f"l{i}.") for i in range(FROZEN, s.layers))
        self.first, self.last = nn.Linear(5 * s.hidden, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, pairs: Sequence[Pair]) -> Tensor:
        """Log probabilities of entailed, neutral, denied: shape (pairs, 3)."""
        width = max(len(p.tokens) for p in pairs)
        states = torch.zeros(len(pairs), width, self.first.in_features // 5)
        pool = torch.zeros(len(pairs), 3, width)
        mask = torch.zeros(len(pairs), 1, 1, width, dtype=torch.bool)
        for row, p in enumerate(pairs):
            size = len(p.tokens)
            states[row, :size] = torch.from_numpy(p.states)
            mask[row, ..., :size] = True
            for at, (start, end) in enumerate([(0, size), p.claim, p.premise]):
                pool[row, at, start:end] = 1 / (end - start)
        x = states
        for layer in self.layers:
            x = layer(x, mask)
        whole, claim, premise = (pool @ x).unbind(1)
        features = torch.cat([whole, claim, premise, (claim - premise).abs(), claim * premise], 1)
        return F.log_softmax(self.last(F.gelu(self.first(features))), 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """As `gakju.verify.head` reads them; the product of `up` and `down` is added to the published weights."""
        out = {}
        for number, layer in enumerate(self.layers, FROZEN):
            for name, one in layer.named_children():
                names = list(name) if name == "qkv" else [name]
                for n, up in zip(names, one.up.chunk(len(names)), strict=True):
                    out[f"l{number}.{n}.up"] = SCALE * up
                    out[f"l{number}.{n}.down"] = one.down
        for name in ("first", "last"):
            out[f"{name}.w"], out[f"{name}.b"] = getattr(self, name).weight, getattr(self, name).bias
        return {k: v.detach().numpy().astype(np.float16) for k, v in out.items()}

    @torch.no_grad()
    def resume(self, path: Path) -> None:
        """Goes on from what `arrays` gave."""
        found = {k: torch.tensor(v.astype(np.float32)) for k, v in np.load(path).items()}
        for number, layer in enumerate(self.layers, FROZEN):
            for name, one in layer.named_children():
                names = list(name) if name == "qkv" else [name]
                # Of the three that share one `down`, any holds it.
                one.down.copy_(found[f"l{number}.{names[0]}.down"])
                one.up.copy_(torch.cat([found[f"l{number}.{n}.up"] for n in names]) / SCALE)
        for name in ("first", "last"):
            getattr(self, name).weight.copy_(found[f"{name}.w"])
            getattr(self, name).bias.copy_(found[f"{name}.b"])


def loss(said: Tensor, pairs: Sequence[Pair]) -> Tensor:
    allowed = torch.full_like(said, -math.inf)
    for row, p in enumerate(pairs):
        allowed[row, list(p.allowed)] = 0
    return -torch.logsumexp(said + allowed, 1).mean()


def batches(pairs: Sequence[Pair], pick: random.Random) -> list[list[Pair]]:
    """Of about the same length each, in any order."""
    order = sorted(pairs, key=lambda p: len(p.tokens) + pick.random() * 6)
    out: list[list[Pair]] = [[]]
    for p in order:
        if out[-1] and (len(out[-1]) + 1) * len(p.tokens) > BATCH_TOKENS:
            out.append([])
        out[-1].append(p)
    pick.shuffle(out)
    return out


ASKED, MADE = 1300, {"sib200": 1500, "klue_nli_dev": 500, "kornli_xnli": 1100, "halueval_qa": 1100}
"""Of the question sets, long and soon learned, and of the made examples, how many are taken."""


def chosen(folder: Path, tokens: Tokens) -> tuple[list[Pair], list[Pair]]:
    """What is learned and what is looked at meanwhile."""
    pick = random.Random(1)
    every = [e for name in SETS for e in examples(folder / "grounded", name)]
    own = [e for e in every if part(e.premise) == "train"]
    new = made(own, parallel(folder / "classify"), 1)
    asked = [e for e in own if e.question]
    taken = [e for e in own if not e.question] + pick.sample(asked, len(asked))
    limits = {f"made from {name}": count for name, count in MADE.items()} | {"halueval_qa": ASKED}
    counts: dict[str, int] = {}
    learned = []
    for e in taken + new:
        pair = tokens.pair(e)
        if len(pair.tokens) <= LONGEST and counts.get(e.source, 0) < limits.get(e.source, len(every)):
            counts[e.source] = counts.get(e.source, 0) + 1
            learned.append(pair)
    held = [tokens.pair(e) for e in every if part(e.premise) == "calibrate"]
    return learned, [p for p in pick.sample(held, 700) if len(p.tokens) <= LONGEST]


def with_states(pairs: Sequence[Pair], weights: E5Weights) -> None:
    graph = e5_graph.compile_graph(e5_graph.build(weights, layers=FROZEN), 1, GROUP)
    table = weights.blocks("emb.word", weights.shape.hidden)
    order = sorted(pairs, key=lambda p: len(p.tokens))
    for start in range(0, len(order), 8):
        some = order[start : start + 8]
        width = -(-len(some[-1].tokens) // 16) * 16
        ids = np.ones((len(some), width), np.int64)
        mask = np.zeros((len(some), width), np.int32)
        for row, p in enumerate(some):
            ids[row, : len(p.tokens)], mask[row, : len(p.tokens)] = p.tokens, 1
        embeds = unpack(table[ids.ravel()]).reshape(*ids.shape, -1)
        everywhere = np.broadcast_to(np.eye(width, dtype=np.float32), (len(some), width, width))
        states = next(iter(graph({"embeds": embeds, "mask": mask, "pool": everywhere}).values()))
        for row, p in enumerate(some):
            p.states = states[row, : len(p.tokens)].astype(np.float16)


def auroc(scores: Sequence[float], true: Sequence[bool]) -> float:
    s, t = np.array(scores), np.array(true)
    wins = np.subtract.outer(s[t], s[~t])
    return float((wins > 0).mean() + 0.5 * (wins == 0).mean())


@torch.no_grad()
def measured(head: Head, held: Sequence[Pair]) -> dict[str, float]:
    out = {}
    for name in sorted({p.source for p in held}):
        rows = sorted((p for p in held if p.source == name), key=lambda p: len(p.tokens))
        said = torch.cat([head(rows[i : i + 24]) for i in range(0, len(rows), 24)])[:, 0]
        out[name] = round(auroc(said.tolist(), [p.allowed == (0,) for p in rows]), 4)
    return out


def train(head: Head, own: Sequence[Pair], held: Sequence[Pair], given: argparse.Namespace) -> None:
    pick = random.Random(given.seed)
    learned = [p for p in head.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, given.rate, weight_decay=0.01)
    rounds = [batches(own, pick) for _ in range(given.epochs)]
    total, step, began, sums = sum(map(len, rounds)), 0, time.time(), []
    # A batch a thread, each on its own core: threads inside one product wait for each other on a busy machine.
    workers = ThreadPoolExecutor(given.threads)

    def gradients(batch: Sequence[Pair]) -> tuple[float, tuple[Tensor, ...]]:
        cost = loss(head(batch), batch)
        return cost.item(), torch.autograd.grad(cost, learned)

    for number, batch_list in enumerate(rounds, 1):
        for at in range(0, len(batch_list), given.threads):
            # By time too, so that a slower machine ends at rate 0 as well.
            share = max(step / total, (time.time() - began) / (60 * given.minutes))
            if share >= 1:
                break
            optimiser.param_groups[0]["lr"] = given.rate * min(1, (step + 1) / 60) * (1 - share)
            costs, every = zip(*workers.map(gradients, batch_list[at : at + given.threads]), strict=True)
            for parameter, own_gradients in zip(learned, zip(*every, strict=True), strict=True):
                parameter.grad = torch.stack(own_gradients).mean(0)
            nn.utils.clip_grad_norm_(learned, 1.0)
            optimiser.step()
            step += len(costs)
            sums += costs
            if step % 20 < given.threads:
                told = {"step": step, "of": total, "loss": round(float(np.mean(sums[-40:])), 4)}
                print(
                    json.dumps({**told, "s": round(time.time() - began), "cpu": round(time.process_time())}), flush=True
                )
        np.savez_compressed(given.out, **head.arrays())
        print(json.dumps({"epoch": number, "auroc": measured(head, held)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["cache", "head"])
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--without", choices=SETS, help="a set to leave out, to test on it")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--epochs", type=int, default=3, help="the learning rate falls to 0 at their end")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", type=Path, help="go on from an earlier OUT")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the examples")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path, default=user_data_path("gakju") / "models/multilingual-e5-small-q4.bin")
    given = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    weights = E5Weights(given.weights)
    if given.what == "cache":
        pairs = chosen(given.data or data(), Tokens(weights, given.weights.parent / "cache"))
        with_states([*pairs[0], *pairs[1]], weights)
        given.cache.write_bytes(pickle.dumps(pairs))
        print({name: sum(p.source == name for p in pairs[0]) for name in sorted({p.source for p in pairs[0]})})
        return
    own, held = pickle.loads(given.cache.read_bytes())
    head = Head(weights)
    if given.start:
        head.resume(given.start)
    train(head, [p for p in own if not given.without or given.without not in p.source], held, given)


if __name__ == "__main__":
    main()
