"""The embedded chat models' engine: supervises one worker process for each model.

A crash of native code ends the worker and nothing else; the next use starts another.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

import psutil

from gakju.errors import ModelFailed, ModelMissing, UnknownModel
from gakju.http import client, translated
from gakju.models.embed import usable_cores
from gakju.models.turns import Turns
from gakju.types import Message

START_SECONDS = 180.0
# libgomp spins at each barrier, 300,000 times by default. Beside an ingest on the same cores that made two threads
# 10 to 30 times slower than one; a short spin costs nothing on an idle machine.
ENVIRONMENT = {"GOMP_SPINCOUNT": "1000"}
LOG_LINES, LOG_WIDTH = 40, 300


class Engine:
    """An OpenAI-compatible server of one model file on a loopback port, behind a random key. Thread-safe.

    Started at first use of `base_url`. `context` tokens for each of `slots` requests at a time; `threads` 0
    takes the physical cores this process may use. `queue` more requests may wait. `adapters` are files by id, asked
    for at each start: a worker loads them with its model, and each request says which one it wants.
    """

    def __init__(
        self,
        weights: Path,
        *,
        context: int = 8192,
        threads: int = 0,
        slots: int = 2,
        queue: int = 32,
        adapters: Callable[[], Mapping[str, Path]] = dict,
    ) -> None:
        self.weights, self.context, self.slots = weights, context, slots
        self.turns = Turns(slots, queue)
        """Whoever sends a request takes one; beyond the slots the engine would keep it in a line that is not fair."""
        self.loading = ThreadPoolExecutor(1, thread_name_prefix="adapter")
        """For `load`, which waits as long as an answer takes: on shared threads a few would keep all others waiting."""
        self.threads = threads or min(psutil.cpu_count(logical=False) or 1, usable_cores())
        self.key = secrets.token_urlsafe(32)
        self._adapters = adapters
        self._loaded: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._url = ""
        self._log: deque[str] = deque(maxlen=LOG_LINES)

    @property
    def answer_tokens(self) -> int:
        """Longest answer where its asker names none: a small model may repeat a line until its window is full."""
        return self.context // 4

    @property
    def base_url(self) -> str:
        """The API's address, `http://127.0.0.1:PORT/v1`. Starts the worker, or a new one where it died.

        Raises ModelMissing, or ModelFailed with the engine's last words.
        """
        with self._lock:
            if not self._alive():
                self._start()
            return self._url + "/v1"

    @property
    def address(self) -> str:
        """`base_url` if a worker is up, else ""; starts none and waits for nobody."""
        return self._url + "/v1" if self._alive() else ""

    @property
    def running(self) -> bool:
        """Whether a worker is up; starts none."""
        return self._alive()

    @property
    def pid(self) -> int | None:
        """Of the worker that is up."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    @property
    def log(self) -> tuple[str, ...]:
        """The engine's last lines."""
        return tuple(self._log)

    def lost(self) -> bool:
        """To be called when a connection broke: whether the worker died. A dying one is waited for a moment."""
        process = self._process
        if process is None:
            return True
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)
        return process.poll() is not None

    def load(self, adapter: str) -> None:
        """Makes sure that a worker that is up has the adapter of that id: one started before it was made is replaced.

        Answers under way are waited for and further ones wait in line. Not for someone who has a turn.
        """
        if not self._lacks(adapter):
            return
        with self.turns.alone():
            if self._lacks(adapter):
                self.stop()

    def _lacks(self, adapter: str) -> bool:
        return self._alive() and adapter not in self._loaded and adapter in self._adapters()

    def lora(self, adapter: str) -> dict[str, Any]:
        """What a request says of adapters, to the worker that is up; "" is the model alone. Raises UnknownModel.

        llama.cpp counts adapters by their place, and answers with the model alone for a place that is not there. Where
        a request names none, it leaves what another adapter has read in the cache: so one is named, at no strength.
        """
        if not adapter:
            return {"lora": [{"id": 0, "scale": 0.0}]} if self._loaded else {}
        try:
            return {"lora": [{"id": self._loaded.index(adapter), "scale": 1.0}]}
        except ValueError:
            raise UnknownModel(f"The adapter {adapter} is gone.", hint="Choose another model.", param="model") from None

    def warm(self, prefix: Sequence[Message]) -> None:
        """Reads a prompt's beginning into the cache, so that prompts that begin alike start sooner."""
        url = self.base_url + "/chat/completions"
        told = [{"role": m.role, "content": m.content} for m in prefix]
        body = {"messages": told, "max_tokens": 1, **self.lora("")}
        with client(offline=True, timeout=START_SECONDS) as http, translated():
            http.post(url, json=body, headers={"authorization": f"Bearer {self.key}"}).raise_for_status()

    def stop(self) -> None:
        """Ends the worker; the next use starts one."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                _end(process)

    def _alive(self) -> bool:
        process = self._process  # read once: `stop` may take it away in between
        return process is not None and process.poll() is None

    def _start(self) -> None:
        if not self.weights.is_file():
            raise ModelMissing(f"The model file {self.weights} does not exist.", hint="Run `gakju models pull`.")
        if self._process is not None:
            _end(self._process)
        self._log.clear()
        adapters = self._adapters()
        command = [sys.executable, "-P", "-m", "gakju.models.engine_worker"]
        pipe = subprocess.PIPE
        try:
            # Its own session: Ctrl+C in a terminal stops an answer, not the engine.
            process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, **ENVIRONMENT},
                start_new_session=True,
            )
        except OSError as error:
            raise ModelFailed(f"The model's engine could not be started: {error.strerror}.") from error
        try:
            self._url = self._handshake(process, adapters)
        except BaseException:
            _end(process)
            raise
        self._process, self._loaded = process, tuple(adapters)

    def _handshake(self, process: subprocess.Popen[str], adapters: Mapping[str, Path]) -> str:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        config = {
            "model": str(self.weights),
            "context": self.context,
            "slots": self.slots,
            "threads": self.threads,
            "key": self.key,
            "adapters": [str(path) for path in adapters.values()],
            "parent": os.getpid(),
        }
        threading.Thread(target=self._keep_log, args=(process.stderr,), daemon=True).start()
        said: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=_read_line, args=(process.stdout, said), daemon=True).start()
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(config) + "\n")
            process.stdin.flush()
        try:
            line = said.get(timeout=START_SECONDS)
        except Empty:
            raise ModelFailed(f"The model's engine was not ready after {START_SECONDS:.0f} s.") from None
        try:
            answer = json.loads(line)
        except ValueError:
            answer = {}
        if "url" not in answer:
            raise self._not_started(process, answer.get("error", ""))
        return str(answer["url"])

    def _not_started(self, process: subprocess.Popen[str], error: str) -> ModelFailed:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)
        time.sleep(0.05)  # the log's thread reads the last lines
        told = [line for line in self._log if " E " in line or "error" in line.lower()] or list(self._log)
        detail = f"{error} {told[-1] if told else ''}".strip() or f"exit status {process.poll()}"
        hint = "Check it with `gakju models verify`, and that enough memory is free."
        return ModelFailed(
            f"The model's engine did not start with {self.weights.name}: {detail[:LOG_WIDTH]}", hint=hint
        )

    def _keep_log(self, stream: IO[str]) -> None:
        with stream, suppress(ValueError, OSError):
            for line in stream:
                self._log.append(line.strip()[:LOG_WIDTH])


class Engines:
    """One Engine for each model file and its options, shared by whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[tuple[Path, int, int, int, int], Engine] = {}

    def get(
        self,
        weights: Path,
        *,
        context: int,
        threads: int = 0,
        slots: int = 2,
        queue: int = 32,
        adapters: Callable[[], Mapping[str, Path]] = dict,
    ) -> Engine:
        """Nothing is started yet."""
        with self._lock:
            key = (weights, context, threads, slots, queue)
            if key not in self._engines:
                self._engines[key] = Engine(
                    weights, context=context, threads=threads, slots=slots, queue=queue, adapters=adapters
                )
            return self._engines[key]

    def stop(self) -> None:
        """Ends every worker."""
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
            engine.stop()


def _read_line(stream: IO[str], into: SimpleQueue[str]) -> None:
    with stream:
        try:
            into.put(stream.readline())
        except (ValueError, OSError):
            into.put("")


def _end(process: subprocess.Popen[str]) -> None:
    """Kills: the worker holds nothing that has to be saved."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    # The threads that read its other streams close them.
    with suppress(OSError, ValueError):
        if process.stdin:
            process.stdin.close()
