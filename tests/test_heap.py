from __future__ import annotations

import subprocess
import sys

import pytest

from gakju import heap

SCRIPT = """
import ctypes, sys, threading
from gakju import heap
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
if sys.argv[1] == "confined":
    heap.confine()
begun = threading.Barrier(8)
def take():
    begun.wait()
    libc.malloc(5000)
    begun.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
heap.trim()
file = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(heap._libc("malloc_info") is None, reason="glibc alone has arenas: run this on Linux")
def test_many_threads_share_few_arenas() -> None:
    def arenas(how: str) -> int:
        told = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
        return told.stdout.count("<heap nr=")

    assert (arenas("confined"), arenas("free") > heap.ARENAS) == (heap.ARENAS, True)
