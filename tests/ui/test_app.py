"""The options the screen runs under, and who may open its socket."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config

from gakju.settings import Settings
from gakju.ui import theme
from gakju.ui.guard import SameOrigin


def test_nothing_leaves_and_nothing_is_watched(tmp_path: Path) -> None:
    theme.configure(Settings(home=tmp_path, read_bytes=300 << 20))
    wanted = {
        "browser.gatherUsageStats": False,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.maxUploadSize": 300,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "minimal",
    }
    assert {k: config.get_option(k) for k in wanted} == wanted
    assert "://" not in config.get_option("theme.font")


@pytest.mark.parametrize(
    ("host", "only"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box.lan", False)]
)
def test_a_rebound_name_is_turned_away_where_only_this_machine_may_come(host: str, only: bool, tmp_path: Path) -> None:
    config.set_option("server.allowedHosts", [])
    theme.configure(Settings(home=tmp_path, host=host))
    assert ("127.0.0.1" in config.get_option("server.allowedHosts")) is only


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "colour", ["textColor", "linkColor", "greenTextColor", "orangeTextColor", "redTextColor", "grayTextColor"]
)
def test_text_has_contrast(scheme: str, colour: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 on the page and on its panels."""
    palette = theme.LIGHT if scheme == "light" else theme.DARK
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(palette[colour], palette[ground]) >= 4.5


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


async def echo(scope, receive, send) -> None:
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    await socket.send_text("in")
    await socket.close()


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:8080"])
def test_the_page_itself_gets_a_socket(origin: str | None) -> None:
    headers = {"host": "127.0.0.1:8080", **({"origin": origin} if origin else {})}
    with TestClient(SameOrigin(echo)).websocket_connect("/x", headers=headers) as socket:
        assert socket.receive_text() == "in"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "http://localhost:8080"])
def test_another_origin_gets_none(origin: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        TestClient(SameOrigin(echo)).websocket_connect("/x", headers={"host": "127.0.0.1:8080", "origin": origin}),
    ):
        pass
    assert refused.value.code == 1008


def test_a_listed_origin_gets_one() -> None:
    config.set_option("server.corsAllowedOrigins", ["https://docs.example"])
    try:
        headers = {"host": "127.0.0.1:8080", "origin": "https://docs.example"}
        with TestClient(SameOrigin(echo)).websocket_connect("/x", headers=headers) as socket:
            assert socket.receive_text() == "in"
    finally:
        config.set_option("server.corsAllowedOrigins", [])
