"""LoRA training in a process of its own: `python worker.py CONFIG.json`.

Stands by itself: it imports torch, transformers and peft and nothing of Gakju, so that another environment's
interpreter can run it. Rows come as token numbers, with the spans of them that are learnt. What happens is told as
JSON lines, on stdout and in `log.jsonl` of the run's folder. "stop" on stdin ends the training at the next step and
keeps what was learnt; the end of stdin, that is of the parent, ends the process at once.

A run goes on from its last checkpoint. Every step draws its chance from the seed and its own number, so that a run
that was killed learns what it would have learnt undisturbed.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CLIP = 1.0
WARMUP = 0.1
"""Share of the steps that the learning rate rises; then it falls to nothing."""
POOL = 8
"""Batches whose rows are put together by length."""
REFERENCES, REFERENCE_TOKENS = 6, 3
"""Rows, and tokens of each row's answer, whose log probabilities are told."""

Json = dict[str, Any]


def main(path: str) -> int:
    config = json.loads(Path(path).read_text("utf-8"))
    say = _Log(Path(config["folder"]), quiet=bool(config.get("most_steps")))
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    _harmless()
    try:
        Run(config, say, stop).go()
    except ImportError as error:
        say(event="error", code="missing", message=f"{error.name or error}")
        return 1
    except MemoryError:
        say(event="error", code="memory", message="out of memory")
        return 1
    except Exception as error:  # told to the parent; the traceback is on stderr
        say(event="error", code="failed", message=f"{type(error).__name__}: {error}"[:500])
        raise
    return 0


class Run:
    """One training, from its beginning or its last checkpoint."""

    def __init__(self, config: Json, say: _Log, stop: threading.Event) -> None:
        import torch

        self.c, self.say, self.stop, self.torch = config, say, stop, torch
        self.folder = Path(config["folder"])
        rows = json.loads((self.folder / "rows.json").read_text("utf-8"))
        self.rows, self.held = rows["train"], rows["held"]
        self.batch = int(config["batch"])
        self.each = math.ceil(len(self.rows) / self.batch)
        self.steps = self.each * int(config["epochs"])
        self.last = min(self.steps, int(config.get("most_steps") or self.steps))
        self.every = max(1, int(config.get("eval_steps") or math.ceil(self.each / 2)))
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.step = self.tokens = self.bad = 0
        self.best, self.best_step = math.inf, 0
        self.spent = 0.0
        if config.get("threads"):
            torch.set_num_threads(int(config["threads"]))
        torch.set_float32_matmul_precision("high")

    def go(self) -> None:
        began = time.monotonic()
        self.model = self._model()
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = self.torch.optim.AdamW(self.trained, lr=float(self.c["rate"]), weight_decay=0.0)
        resumed = self._resume()
        self.say.cut(self.step)
        self.say(
            event="start", step=self.step, steps=self.steps, device=self.device, resumed=resumed,
            parameters=sum(p.numel() for p in self.trained), load_seconds=round(time.monotonic() - began, 1),
        )  # fmt: skip
        trial, saved = bool(self.c.get("most_steps")), time.monotonic()
        if not trial and self.step == 0:
            self._evaluate()
        ended = "done"
        while self.step < self.last:
            self._learn()
            if trial:
                continue
            if self.step % self.every == 0 or self.step == self.last:
                self._evaluate()
                ended = "early" if self.bad >= int(self.c.get("patience") or self.steps) else ended
            if self.stop.is_set():
                ended = "stopped"
            over = self.step == self.last or ended != "done"
            if over or time.monotonic() - saved > float(self.c.get("save_seconds", 60)):
                self._save()
                saved = time.monotonic()
            if over:
                break
        if trial:
            if self.held:
                self._evaluate()
        else:
            self._finish()
        self.say(
            event="end", why=ended, step=self.step, best_step=self.best_step, best=_number(self.best),
            tokens=self.tokens, seconds=round(self.spent, 1), memory=_memory(),
            cuda_memory=int(self.torch.cuda.max_memory_allocated()) if self.device == "cuda" else 0,
        )  # fmt: skip

    # The model

    def _model(self) -> Any:
        import transformers
        from peft import LoraConfig, get_peft_model

        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.torch.manual_seed(int(self.c["seed"]))  # for weights of chance
        kind, dtype = transformers.AutoModelForCausalLM, self.torch.float32  # bf16 is over twice as slow on a CPU
        if self.c.get("shape"):
            shape = transformers.AutoConfig.for_model(**self.c["shape"])
            model = kind.from_config(shape, dtype=dtype)
        else:
            weights = Path(self.c["weights"])
            model = kind.from_pretrained(str(weights.parent), gguf_file=weights.name, dtype=dtype)
        self.torch.manual_seed(int(self.c["seed"]))
        lora = LoraConfig(
            r=int(self.c["rank"]), lora_alpha=float(self.c["alpha"]), lora_dropout=float(self.c["dropout"]),
            target_modules=TARGETS, bias="none", task_type="CAUSAL_LM",
        )  # fmt: skip
        return get_peft_model(model.to(self.device), lora)

    def _logits(self, rows: list[Json], keep: int) -> Any:
        """Of the last `keep` positions; rows are filled up on the left, so that answers end together."""
        torch, width = self.torch, max(len(r["ids"]) for r in rows)
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, width - len(row["ids"]) :] = torch.tensor(row["ids"])
            mask[i, width - len(row["ids"]) :] = 1
        places = (mask.cumsum(1) - 1).clamp(min=0)
        given = {"input_ids": ids, "attention_mask": mask, "position_ids": places}
        # Logits of every position of a vocabulary this large would be most of the memory.
        told = self.model(**{k: v.to(self.device) for k, v in given.items()}, logits_to_keep=keep, use_cache=False)
        return told.logits

    def _loss(self, rows: list[Json]) -> tuple[Any, int]:
        """The sum over learnt tokens, and how many there are."""
        torch, width = self.torch, max(len(r["ids"]) for r in rows)
        labels = torch.full((len(rows), width), -100, dtype=torch.long)
        for i, row in enumerate(rows):
            shift = width - len(row["ids"])
            for start, end in row["learn"]:
                labels[i, shift + start : shift + end] = torch.tensor(row["ids"][start:end])
        first = min(width - len(r["ids"]) + r["learn"][0][0] for r in rows)
        keep = width - max(first, 1) + 1
        logits = self._logits(rows, keep)[:, :-1].float()
        wanted = labels[:, width - keep + 1 :].to(self.device)
        flat = torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), wanted.reshape(-1), ignore_index=-100, reduction="sum"
        )
        return flat, int((wanted != -100).sum())

    # Learning

    def _batches(self, epoch: int) -> list[list[Json]]:
        """Every row once; rows of like length stand together, in an order of chance."""
        chance = random.Random(f"{self.c['seed']}/{epoch}")  # noqa: S311
        order = list(self.rows)
        chance.shuffle(order)
        pool, found = self.batch * POOL, []
        for at in range(0, len(order), pool):
            part = sorted(order[at : at + pool], key=lambda r: len(r["ids"]))
            found += [part[i : i + self.batch] for i in range(0, len(part), self.batch)]
        chance.shuffle(found)
        return found

    def _rate(self) -> float:
        done = (self.step + 0.5) / self.steps
        return float(self.c["rate"]) * min(1.0, done / WARMUP, (1 - done) / (1 - WARMUP))

    def _learn(self) -> None:
        began, worked = time.monotonic(), time.process_time()
        rows = self._batches(self.step // self.each)[self.step % self.each]
        self.torch.manual_seed(int(self.c["seed"]) * 1_000_003 + self.step)
        rate = self._rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        summed, count = self._loss(rows)
        loss = summed / max(1, count)
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.trained, CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        told = float(loss.detach())
        if not math.isfinite(told):
            raise FloatingPointError("the loss is no number any more; try a lower rate")
        self.step += 1
        seconds, size = time.monotonic() - began, sum(len(r["ids"]) for r in rows)
        self.tokens, self.spent = self.tokens + size, self.spent + seconds
        self.say(
            event="step", step=self.step, loss=_number(told), rate=round(rate, 9), tokens=size,
            seconds=round(seconds, 2), cpu=round(time.process_time() - worked, 2),
        )  # fmt: skip

    def _evaluate(self) -> None:
        """The loss on held-out rows; the best state is kept beside."""
        if not self.held:
            return
        began, total, count = time.monotonic(), 0.0, 0
        self.model.eval()
        with self.torch.no_grad():
            rows = sorted(self.held, key=lambda r: len(r["ids"]))
            for at in range(0, len(rows), 2 * self.batch):
                summed, n = self._loss(rows[at : at + 2 * self.batch])
                total, count = total + float(summed), count + n
                if self.stop.is_set():
                    return
        loss = total / max(1, count)
        better = loss < self.best
        if better and self.step and not self.c.get("most_steps"):
            self._write(self.folder / "best", {"best": loss})
        if better:
            self.best, self.best_step, self.bad = loss, self.step, 0
        else:
            self.bad += 1
        took = time.monotonic() - began
        self.spent += took
        self.say(event="eval", step=self.step, loss=_number(loss), best=better, seconds=round(took, 2))

    # Checkpoints

    def _state(self) -> Json:
        return {n: p.detach().cpu() for n, p in self.model.named_parameters() if p.requires_grad}

    def _write(self, place: Path, state: Json) -> None:
        """A folder that is whole or not there."""
        part = place.with_name(place.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        self.torch.save({**state, "step": self.step, "weights": self._state()}, part / "state.pt")
        old = place.with_name(place.name + ".old")
        if place.exists():  # else a kill came between these, and the old one is all there is
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
        part.rename(place)
        shutil.rmtree(old, ignore_errors=True)

    def _save(self) -> None:
        rest = {"optimizer": self.optimizer.state_dict(), "tokens": self.tokens, "spent": self.spent}
        place = {"best": self.best, "best_step": self.best_step, "bad": self.bad}
        self._write(self.folder / "checkpoint", {**rest, **place})
        self.say(event="checkpoint", step=self.step)

    def _read(self, name: str) -> Json | None:
        # A kill between two renames leaves the one before under its other name.
        for place in (self.folder / name, self.folder / f"{name}.old"):
            if (path := place / "state.pt").is_file():
                found: Json = self.torch.load(path, weights_only=True, map_location=self.device)
                return found
        return None

    def _resume(self) -> bool:
        state = None if self.c.get("most_steps") else self._read("checkpoint")
        if state is None:
            return False
        self._load(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        for key in ("step", "tokens", "spent", "best", "best_step", "bad"):
            setattr(self, key, state[key])
        return True

    def _load(self, weights: Json) -> None:
        own = dict(self.model.named_parameters())
        with self.torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(value)

    def _finish(self) -> None:
        """The best state as peft writes it, and what the model then says of some answers."""
        if self.best_step and (best := self._read("best")):
            self._load(best["weights"])
        self.model.save_pretrained(str(self.folder / "adapter"))
        self.model.eval()
        told = [self._reference(row) for row in (self.held or self.rows)[:REFERENCES]]
        (self.folder / "reference.json").write_text(json.dumps(told))

    def _reference(self, row: Json) -> Json:
        """Log probabilities of an answer's first tokens, tuned and as the base has them."""
        start, end = row["learn"][0]
        end = min(end, start + REFERENCE_TOKENS)
        part = {"ids": row["ids"][:end]}

        def told() -> list[float]:
            with self.torch.no_grad():
                logs = self._logits([part], end - start + 1)[0, :-1].float().log_softmax(-1)
            return [float(logs[i, token]) for i, token in enumerate(row["ids"][start:end])]

        tuned = told()
        with self.model.disable_adapter():
            return {"ids": part["ids"], "start": start, "tuned": tuned, "base": told()}


class _Log:
    """`log.jsonl`, and the parent. A trial writes no file."""

    def __init__(self, folder: Path, *, quiet: bool) -> None:
        self._path, self._quiet = folder / "log.jsonl", quiet

    def __call__(self, **told: Any) -> None:
        line = json.dumps({**told, "at": round(time.time(), 2)})
        if not self._quiet:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        with suppress(BrokenPipeError):
            print(line, flush=True)

    def cut(self, step: int) -> None:
        """What was told after a checkpoint happens again."""
        if self._quiet or not self._path.exists():
            return
        kept = []
        for line in self._path.read_text("utf-8", "replace").splitlines():
            with suppress(ValueError):
                told = json.loads(line)
                late = told.get("event") in {"step", "eval", "checkpoint"} and told["step"] > step
                kept += [] if late else [line]
        part = self._path.with_suffix(".part")
        part.write_text("".join(k + "\n" for k in kept), "utf-8")
        part.replace(self._path)


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _listen(stop: threading.Event) -> None:
    with suppress(OSError, ValueError):
        for line in _lines():
            if line.strip() == b"stop":
                stop.set()
    os._exit(3)


def _lines() -> Iterator[bytes]:
    held = b""
    while piece := os.read(0, 4096):
        *lines, held = (held + piece).split(b"\n")
        yield from lines


def _memory() -> int:
    """Bytes, at most so far."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _harmless() -> None:
    """Behind everyone else who computes; no core file with people's texts; gone first where memory runs out."""
    with suppress(OSError, AttributeError):
        os.nice(10)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            file.write("900")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
