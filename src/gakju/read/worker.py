"""The process that reads: asked over stdin, answering over stdout, bounded by the kernel.

One request at a time. What a hostile file does to this process ends with it.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from gakju.errors import BrokenFile, GakjuError, LimitExceeded
from gakju.read import wire
from gakju.read.formats import PDF, Opened, opener
from gakju.read.sniff import sniff
from gakju.types import Page


def main() -> None:
    """Serves requests until stdin ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the frames
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _die_with_parent()
    baseline = _import_readers()
    while (frame := wire.receive(source)) is not None:
        request, _ = frame
        _limit_memory(request, baseline)
        _limit_processor(float(request["seconds"]))
        try:
            _serve(request, sink)
        except GakjuError as error:
            wire.send(sink, wire.error_to_frame(error))
        except MemoryError:
            wire.send(sink, wire.error_to_frame(_too_large(request)))
        except (BrokenPipeError, KeyboardInterrupt):
            return
        except Exception as error:  # a parser's own failure on a broken file; the line names it
            why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            broken = BrokenFile(f"{request.get('name')} cannot be read ({why}).", hint="Save it again and retry.")
            wire.send(sink, wire.error_to_frame(broken))


def _serve(request: Mapping[str, Any], sink: BinaryIO) -> None:
    path, name = Path(str(request["path"])), str(request["name"])
    if request["do"] == "render":
        from gakju.read.pdf import render_pdf

        if sniff(path, name) != PDF:
            raise BrokenFile(f"{name} has no pages to draw: it is not a PDF.")
        png = render_pdf(path, name, int(request["page"]), int(request["width"]), request["passwords"])
        wire.send(sink, {"image": True}, png)
        return
    opened = _open(path, name, request, sink)
    _limit_processor(max(float(request["seconds"]), 0.5 * opened.page_count))
    wire.send(sink, {"opened": [opened.title, opened.media_type, opened.page_count]})
    for page in _bounded(opened, int(request["most_pages"]), name):
        wire.send(sink, *wire.page_to_frame(page))
    wire.send(sink, {"done": True})


def _open(path: Path, name: str, request: Mapping[str, Any], sink: BinaryIO) -> Opened:
    media_type = sniff(path, name)
    if media_type != PDF:
        return opener(media_type)(path, name)
    from gakju.read.pdf import Options, open_pdf

    def announce(page: int, ocr: bool) -> None:
        wire.send(sink, {"at": page, "ocr": ocr})

    options = Options(
        tuple(request["passwords"]),
        bool(request["ocr"]),
        str(request["languages"]),
        int(request["most_pages"]),
        int(request["start"]),
        frozenset(request["skip"]),
        announce,
    )
    return open_pdf(path, name, options)


def _bounded(opened: Opened, most: int, name: str) -> Iterator[Page]:
    for count, page in enumerate(opened.pages, 1):
        if count > most:
            raise LimitExceeded(f"{name} has more than {most} pages.", hint="Raise GAKJU_READ_PAGES, or split it.")
        yield page


def _too_large(request: Mapping[str, Any]) -> LimitExceeded:
    return LimitExceeded(
        f"{request.get('name')} needs more than {request.get('memory_mb')} MiB of memory.",
        hint="Raise GAKJU_READ_MEMORY_MB, or split the file.",
    )


def _import_readers() -> int:
    """Address space before any file is read, bytes: the limit counts from here."""
    import pypdfium2  # noqa: F401 - its start-up cost is paid once

    import gakju.read.pdf  # noqa: F401

    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _limit_memory(request: Mapping[str, Any], baseline: int) -> None:
    """Address space above the baseline."""
    memory = baseline + (int(request["memory_mb"]) << 20)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _limit_processor(seconds: float) -> None:
    """Processor seconds from now on. The parent's clock strikes first, unless the parent is stopped."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 2
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _die_with_parent() -> None:
    """Ends the process and what it started when the other end of stdin is closed, also while a parser computes.

    PR_SET_PDEATHSIG would fire when the thread that started this process ends, which is too early.
    """

    def watch() -> None:
        hangup = select.poll()
        hangup.register(0, 0)  # a hang-up is told unasked
        hangup.poll()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
