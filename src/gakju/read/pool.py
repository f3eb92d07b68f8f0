"""The parent's side of the workers: started when needed, reused, bounded, replaced when lost."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from gakju.errors import BrokenFile, LimitExceeded, ReadError
from gakju.read import wire

_FILES_A_WORKER = 200
"""Then it is replaced: what a parser leaks, leaks no further."""

_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TESSDATA_PREFIX", "TMPDIR", "TZ")


_OF_ITS_OWN = 8 << 10
"""KiB by which a worker's peak must pass its parent's to be known for its own."""


class WorkerLost(Exception):
    """The worker died; `signal` is what killed it, `peak_mb` the most memory it held."""

    def __init__(self, code: int, peak_mb: int) -> None:
        super().__init__(f"signal {-code}" if code < 0 else f"exit status {code}")
        self.signal = -code if code < 0 else 0
        self.peak_mb = peak_mb

    def as_error(self, name: str, memory_mb: int) -> ReadError:
        """One line for the reader of the file called `name`."""
        if self.signal == signal.SIGXCPU:
            return out_of_time(name)
        if self.signal == signal.SIGKILL or self.peak_mb > memory_mb // 2:
            return LimitExceeded(
                f"{name} needs more than {memory_mb} MiB of memory.",
                hint="Raise GAKJU_READ_MEMORY_MB, or split the file.",
            )
        return BrokenFile(
            f"{name} is damaged or hostile: it stopped the reader ({self}).",
            hint="Open it in a viewer and save it again.",
        )


def out_of_time(name: str) -> LimitExceeded:
    return LimitExceeded(f"{name} takes too long to read.", hint="Raise GAKJU_READ_SECONDS, or split the file.")


class OutOfTime(Exception):
    """No answer within the time given."""


class Worker:
    """One process, one request at a time. Not thread-safe."""

    def __init__(self) -> None:
        environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        # Linux counts the peak of the process that starts another as the other's, too (exec_mmap in fs/exec.c).
        self._inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # -P and the root folder: a module lying beside somebody's documents is never imported.
        # Unbuffered, so that poll sees whatever has arrived.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gakju.read.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1"},
            cwd="/",
            bufsize=0,
            process_group=0,  # it ends with all that it started: a page's OCR runs for a minute
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout
        self._files = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def worn(self) -> bool:
        return self._files >= _FILES_A_WORKER

    def ask(self, request: Mapping[str, Any]) -> None:
        """Raises WorkerLost."""
        self._files += 1
        try:
            wire.send(self._in, request)
        except OSError as error:
            raise self._lost() from error

    def answer(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        """The next frame. Raises OutOfTime, WorkerLost or WireError."""
        said = select.poll()  # select.select takes no number from 1024 on, which a server with many guests has
        said.register(self._out, select.POLLIN)
        if not said.poll(max(seconds, 0.0) * 1000):
            raise OutOfTime
        frame = wire.receive(self._out)
        if frame is None:
            raise self._lost()
        return frame

    def _lost(self) -> WorkerLost:
        # wait4 tells the peak of memory, which Popen.wait does not.
        peak = 0
        if self._process.returncode is None:
            with suppress(ChildProcessError):
                _, status, usage = os.wait4(self._process.pid, 0)
                self._process.returncode = os.waitstatus_to_exitcode(status)
                peak = usage.ru_maxrss >> 10 if usage.ru_maxrss > self._inherited + _OF_ITS_OWN else 0
        lost = WorkerLost(self._process.returncode or 0, peak)
        self.close()
        return lost

    def close(self) -> None:
        """Ends the process and what it started, whatever they are at."""
        with suppress(OSError):  # it has ended, and nothing of its own is left
            os.killpg(self._process.pid, signal.SIGKILL)
        for stream in (self._in, self._out):
            with suppress(OSError):
                stream.close()
        self._process.wait()


class Pool:
    """At most `size` workers at once; `take` waits for one. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._slots = threading.BoundedSemaphore(max(1, size))
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._closed = False

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """The right to use one worker; it goes back idle if `Slot.worker` is still there at the end."""
        with self._slots:
            held = Slot(self)
            try:
                yield held
            finally:
                held.discard()

    def pop(self) -> Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Worker()

    def push(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed and not worker.worn:
                self._idle.append(worker)
                return
        worker.close()

    def close(self) -> None:
        """Ends idle workers at once, and busy ones when their document is done with."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()


class Slot:
    """One worker at a time out of a pool, and the clock of one file: only waiting for the worker counts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._worker: Worker | None = None
        self.left = 0.0

    def ask(self, request: Mapping[str, Any]) -> None:
        """Raises WorkerLost, if a second worker is lost as well."""
        self._worker = self._pool.pop()
        try:
            self._worker.ask(request)
        except WorkerLost:  # it died while it lay idle
            self._worker = Worker()
            self._worker.ask(request)

    def answer(self) -> tuple[dict[str, Any], bytes]:
        """Raises OutOfTime, WorkerLost or WireError; the worker is gone then."""
        assert self._worker
        start = time.monotonic()
        try:
            return self._worker.answer(self.left)
        except (OutOfTime, WorkerLost, wire.WireError):
            self.discard()
            raise
        finally:
            self.left -= time.monotonic() - start

    def release(self) -> None:
        """The worker has answered in full."""
        if self._worker:
            self._pool.push(self._worker)
            self._worker = None

    def discard(self) -> None:
        if self._worker:
            self._worker.close()
            self._worker = None
