"""The llama.cpp server in a process of its own: `python -m gakju.models.engine_worker`.

One JSON line in by stdin (so that the key is on no command line), one out by stdout: `{"url": …}` when ready or
`{"error": …}`. Ends when stdin is closed, that is, with its parent, however that ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any, TextIO

PROMPT_CACHE_MIB = 256


def main() -> int:
    config = json.loads(sys.stdin.readline())
    # Whatever the native code prints goes to the log, not between our lines.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Not PR_SET_PDEATHSIG: it fires when the thread that started us ends, which a server's worker thread does.
    threading.Thread(target=_end_with_parent, args=(config["parent"],), daemon=True).start()
    threading.Thread(target=_end_on_eof, daemon=True).start()
    _harmless()
    try:
        server = _server(config)
        url = server.listening_address
    except Exception as error:  # the binding raises bare RuntimeError for whatever fails
        _say(answer, error=str(error) or type(error).__name__)
        return 1
    _say(answer, url=url)
    while True:
        time.sleep(3600)


def _server(config: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = config["model"]
    # llama.cpp counts the context of all slots together, and divides it where it is not `kv_unified`.
    params.n_parallel = config["slots"]
    params.n_ctx = config["context"] * config["slots"]
    params.kv_unified = False
    params.fit_params = False  # would shrink the context to the memory at hand, without a word
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    params.cache_prompt = True
    # It knows prompts by their tokens alone: what one adapter has read would be taken for read by another.
    params.cache_ram_mib = 0 if config["adapters"] else PROMPT_CACHE_MIB
    # Loaded but at no strength: each request says what it wants.
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in config["adapters"]]
    params.port = 0
    params.api_keys = [config["key"]]
    params.ui = False
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    # No browser page may call in: an origin that none has.
    params.cors_origins, params.cors_origins_explicit, params.cors_credentials = "http://gakju.invalid", True, False
    return xllamacpp.Server(params)


def _say(answer: TextIO, **line: str) -> None:
    answer.write(json.dumps(line) + "\n")
    answer.flush()


def _end_on_eof() -> None:
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    os._exit(0)


def _end_with_parent(parent: int) -> None:
    # A process forked from the parent may hold our stdin open after the parent is gone.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def _harmless() -> None:
    """No core file with prompts in it; where memory runs out, this process goes before the server does."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            file.write("500")


if __name__ == "__main__":
    sys.exit(main())
