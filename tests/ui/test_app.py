"""The options the screen runs under."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit import config

from gakju.settings import Settings
from gakju.ui import theme


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "colour", ["textColor", "linkColor", "greenTextColor", "orangeTextColor", "redTextColor", "grayTextColor"]
)
def test_text_has_contrast(scheme: str, colour: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 on the page and on its panels."""
    palette = theme.LIGHT if scheme == "light" else theme.DARK
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(palette[colour], palette[ground]) >= 4.5


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_white_words_stand_out_on_primary_buttons(palette: dict[str, str]) -> None:
    assert contrast("#ffffff", palette["primaryColor"]) >= 4.5


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)
