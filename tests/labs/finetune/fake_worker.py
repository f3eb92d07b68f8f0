"""A trainer that learns nothing: it speaks and keeps its place as the real one does, in milliseconds."""

import json
import os
import sys
import threading
import time
from pathlib import Path

config = json.loads(Path(sys.argv[1]).read_text())
folder, steps = Path(config["folder"]), int(config.get("most_steps") or 6)
pause = float(os.environ.get("LC_ALL", "C").partition("@")[2] or 0)  # what is passed on to a trainer is little
place = folder / "checkpoint"
stop = threading.Event()


def say(**told):
    line = json.dumps({**told, "at": time.time()})
    if not config.get("most_steps"):
        with (folder / "log.jsonl").open("a") as log:
            log.write(line + "\n")
    print(line, flush=True)


def listen():
    for line in sys.stdin:
        if line.strip() == "stop":
            stop.set()
    os._exit(3)


threading.Thread(target=listen, daemon=True).start()
print("a library's own words", flush=True)
mode = (folder / "mode").read_text() if (folder / "mode").exists() else ""
if mode == "fails":
    say(event="error", code="failed", message="RuntimeError: no")
    sys.exit(1)
if mode == "memory":
    say(event="error", code="memory", message="out of memory")
    sys.exit(1)
begun = int(place.read_text()) if place.exists() and not config.get("most_steps") else 0
say(event="start", step=begun, steps=steps, device="cpu", resumed=begun > 0, parameters=1000, load_seconds=2.0)
if not begun and not config.get("most_steps"):
    say(event="eval", step=0, loss=2.0, best=True, seconds=1.0)
step = begun
while step < steps and not stop.is_set():
    step += 1
    say(event="step", step=step, loss=1 / step, rate=0.1, tokens=100, seconds=2.0, cpu=3.0)
    if not config.get("most_steps"):
        place.write_text(str(step))
        say(event="checkpoint", step=step)
    stop.wait(pause)
(folder / "adapter").mkdir(exist_ok=True)
(folder / "reference.json").write_text("[]")
why = "stopped" if stop.is_set() else "done"
say(event="end", why=why, step=step, best_step=step, best=0.5, tokens=600, seconds=12.0, memory=2**30, cuda_memory=0)
