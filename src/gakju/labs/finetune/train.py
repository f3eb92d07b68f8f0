"""The trainer's process: started, listened to, stopped, and its adapter turned into a file for the engine.

torch and its friends are the extra `gakju[finetune]`. They may also lie in another environment, whose interpreter the
setting `trainer_python` names: `worker` and `adapter` are programs that stand by themselves.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

import psutil

from gakju.errors import Cancelled, ModelFailed, UsageError

NEEDED = ("torch", "transformers", "peft", "gguf", "safetensors")
HERE = Path(__file__).parent
MEMORY = 13
"""Bytes of memory for a byte of a 4-bit model file: measured 6.4 GB at most for .49 GB, while it is read."""
STOP_SECONDS = 300.0
"""A trainer that was asked to stop may finish its step and write its adapter."""
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
# libgomp spins at each barrier: beside others on the same cores that takes most of the processor's time for nothing.
_PATIENT = {"GOMP_SPINCOUNT": "1000", "OMP_WAIT_POLICY": "PASSIVE"}
_PASSED_BEGIN = ("CUDA", "NVIDIA", "OMP_", "MKL_")

Json = dict[str, Any]
Wish = Literal["", "stop", "quit"]


class Trainer:
    """Runs `worker` and `adapter` with one interpreter. `worker` is another program in tests."""

    def __init__(self, python: str = "", *, threads: int = 0, worker: Path = HERE / "worker.py") -> None:
        self.python = python or sys.executable
        self.threads, self._worker = threads, worker

    def check(self, weights: int) -> None:
        """Raises UsageError that says what is not installed, or that memory lacks for a model file of `weights` bytes.

        Takes no more than a moment.
        """
        free, needed = psutil.virtual_memory().available, weights * MEMORY
        if free < needed:
            raise UsageError(
                f"Training this model takes about {needed / 2**30:.1f} GiB of memory; {free / 2**30:.1f} are free.",
                hint="Free some, or choose a smaller model.",
            )
        found = f"import importlib.util as u; print(*[n for n in {NEEDED!r} if not u.find_spec(n)])"
        try:
            told = subprocess.run(
                [self.python, "-P", "-c", found], capture_output=True, text=True, timeout=60, env=_environment(),
                check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            hint = "Set GAKJU_TRAINER_PYTHON to a Python interpreter."
            raise UsageError(f"{self.python} does not run.", hint=hint) from None
        if missing := told.stdout.split():
            raise UsageError(
                f"Training here needs {', '.join(missing)}.",
                hint="Run `pip install 'gakju[finetune]'`, or set GAKJU_TRAINER_PYTHON to the Python that has them.",
            )

    def run(
        self, folder: Path, config: Mapping[str, Any], tell: Callable[[Json], None], wish: Callable[[], Wish]
    ) -> Json:
        """Train in `folder`, where `rows.json` lies; what the worker told at its end.

        `tell` gets every line. `wish` is asked twice a second: "stop" keeps what was learnt so far, "quit" ends at
        once, and a later call goes on from the last checkpoint. Raises ModelFailed, Cancelled.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("trial.json" if config.get("most_steps") else "config.json")
        whole = {**config, "folder": str(folder), "threads": self.threads}
        path.write_text(json.dumps(whole), "utf-8")
        process = self._start([str(self._worker), str(path)], stdin=subprocess.PIPE)
        errors: deque[str] = deque(maxlen=20)
        threading.Thread(target=_keep, args=(process, errors), daemon=True).start()
        lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        try:
            return self._listen(process, lines, tell, wish, errors)
        finally:
            _end(process)

    def _listen(
        self,
        process: subprocess.Popen[str],
        lines: SimpleQueue[str],
        tell: Callable[[Json], None],
        wish: Callable[[], Wish],
        errors: deque[str],
    ) -> Json:
        asked = 0.0
        while True:
            wanted = wish()
            if wanted == "quit" or (asked and time.monotonic() - asked > STOP_SECONDS):
                _kill(process)
                raise Cancelled("Stopped.")
            if wanted == "stop" and not asked:
                asked = time.monotonic()
                _tell(process, "stop\n")
            try:
                line = lines.get(timeout=0.5)
            except Empty:
                continue
            if not line:
                process.wait()
                raise _failed("", "", errors, process.returncode)
            try:
                told = json.loads(line)
                event = told["event"]
            except (ValueError, TypeError, KeyError):
                continue  # a library's own words
            if event == "error":
                raise _failed(str(told.get("code")), str(told.get("message")), errors, None)
            tell(told)
            if event == "end":
                return dict(told)

    def convert(self, adapter: Path, base: Path, out: Path) -> None:
        """A folder of peft's to a GGUF adapter. Raises ModelFailed."""
        done = self._start([str(HERE / "adapter.py"), str(adapter), str(base), str(out)], stdin=subprocess.DEVNULL)
        try:
            _, errors = done.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            _end(done)
            raise ModelFailed("The adapter could not be written in time.") from None
        if done.returncode or not out.is_file():
            raise ModelFailed(f"The adapter could not be written: {_last(errors.splitlines())}")

    def _start(self, arguments: list[str], *, stdin: int) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                [self.python, "-P", *arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise ModelFailed(f"The trainer could not be started: {error.strerror}.") from error


def _environment() -> dict[str, str]:
    """Nothing of Gakju's settings and keys; nothing is fetched from a hub."""
    kept = {k: v for k, v in os.environ.items() if k in _PASSED or k.startswith(_PASSED_BEGIN)}
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**_PATIENT, **kept, **quiet, "TOKENIZERS_PARALLELISM": "false", "PYTHONUTF8": "1"}


def _failed(code: str, said: str, errors: deque[str], status: int | None) -> ModelFailed:
    if code == "memory" or status == -signal.SIGKILL:
        hint = "Free memory, or choose a smaller batch or shorter examples; it goes on from its last checkpoint."
        return ModelFailed("The trainer ran out of memory or was killed.", hint=hint)
    detail = said or _last(list(errors)) or f"exit status {status}"
    return ModelFailed(f"The training failed: {detail[:300]}", hint="Start it again: it goes on from its checkpoint.")


def _last(lines: list[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _tell(process: subprocess.Popen[str], line: str) -> None:
    with suppress(OSError, ValueError):
        assert process.stdin
        process.stdin.write(line)
        process.stdin.flush()


def _read(process: subprocess.Popen[str], into: SimpleQueue[str]) -> None:
    assert process.stdout
    with process.stdout as stream, suppress(ValueError, OSError):
        for line in stream:
            if line.strip():
                into.put(line)
    into.put("")


def _keep(process: subprocess.Popen[str], into: deque[str]) -> None:
    assert process.stderr
    with process.stderr as stream, suppress(ValueError, OSError):
        for line in stream:
            into.append(line[:500])


def _end(process: subprocess.Popen[str]) -> None:
    """The worker and whatever it started."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    _kill(process)
    with suppress(OSError, ValueError):
        if process.stdin:
            process.stdin.close()


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)


def log(folder: Path) -> list[Json]:
    """What a training told so far, in order."""
    try:
        lines = (folder / "log.jsonl").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError):
            if isinstance(told := json.loads(line), dict):
                found.append(told)
    return found
