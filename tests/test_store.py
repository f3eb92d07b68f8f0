"""The store keeps its promises between threads."""

from __future__ import annotations

import threading
from pathlib import Path

from gakju.store import Store


def test_threads_of_one_lane_never_take_the_same_job(tmp_path: Path) -> None:
    store = Store(tmp_path / "gakju.db")
    wanted = [store.add_job("ask", {}).id for _ in range(60)]
    taken: list[str] = []

    def serve() -> None:
        while job := store.claim(["ask"]):
            taken.append(job.id)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == sorted(wanted)
    assert {j.attempts for j in store.jobs(limit=60)} == {1}
    store.close()
