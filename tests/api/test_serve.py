"""Binding and stopping; `gakju up` itself is run as a process in test_cli."""

from __future__ import annotations

import errno
import threading
import time

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


def test_a_server_that_stops_ends_its_streams_and_hands_the_job_back(tmp_path, folder) -> None:
    home = tmp_path / "home"
    with serving(home, slow_chat()) as one:
        one.assistant.add([folder])
        job = one.assistant.submit_ask("연차휴가는 며칠인가?")
        ended = threading.Event()

        def follow() -> None:
            with httpx.Client(base_url=one.url, timeout=60, trust_env=False) as http:
                text = http.get(f"/v1/jobs/{job.id}/events").text
            assert "event: end" not in text
            ended.set()

        threading.Thread(target=follow).start()
        time.sleep(1)
    assert ended.wait(10)
    with serving(home) as again:
        assert again.assistant.jobs.wait(job.id).state == "done"
