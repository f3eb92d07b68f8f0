"""Binding and stopping; `gakju up` itself is run as a process in test_cli."""

from __future__ import annotations

import errno
import gc
import threading

import httpx
import pytest

from fronts import serving, slow_chat
from gakju.api import serve


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.7", False),
        ("gakju.example", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(host: str, local: bool) -> None:
    assert serve.is_loopback(host) is local


def test_a_port_in_use_is_known_before_anything_is_loaded() -> None:
    with serve.bind("127.0.0.1", 0) as first, pytest.raises(OSError) as refused:
        serve.bind("127.0.0.1", first.getsockname()[1])
    assert refused.value.errno == errno.EADDRINUSE


def test_the_address_is_one_a_browser_can_open() -> None:
    with serve.bind("0.0.0.0", 0) as everywhere:
        assert serve.address(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"


def test_what_was_loaded_is_no_work_for_the_garbage_collector() -> None:
    class Loading:
        def warm(self) -> None:
            self.kept = [[n] for n in range(5_000)]

    loading, before = Loading(), gc.get_freeze_count()
    try:
        serve.settle(loading)  # type: ignore[arg-type]
        assert gc.get_freeze_count() - before > 5_000
        assert gc.isenabled()
        assert not any(found is loading.kept for found in gc.get_objects())
    finally:
        gc.unfreeze()


def test_a_server_that_stops_ends_its_streams_and_hands_the_job_back(tmp_path, folder) -> None:
    home = tmp_path / "home"
    with serving(home, slow_chat()) as one:
        one.assistant.add([folder])
        job = one.assistant.submit_ask("연차휴가는 며칠인가?")
        under_way, told = threading.Event(), []

        def follow() -> None:
            with (
                httpx.Client(base_url=one.url, timeout=60, trust_env=False) as http,
                http.stream("GET", f"/v1/jobs/{job.id}/events") as stream,
            ):
                for line in stream.iter_lines():
                    told.append(line)
                    if line == "event: token":
                        under_way.set()

        follower = threading.Thread(target=follow)
        follower.start()
        assert under_way.wait(60)
    follower.join(60)
    assert not follower.is_alive()
    assert "event: end" not in told
    with serving(home) as again:
        assert again.assistant.jobs.wait(job.id).state == "done"
