"""Streamlit's options, set by code before anything else runs, so that no file on the machine changes them."""

from __future__ import annotations

from streamlit import config

from gakju.settings import Settings

FONT = (
    "-apple-system, BlinkMacSystemFont, 'Apple SD Gothic Neo', 'Segoe UI', 'Malgun Gothic', "
    "'Noto Sans KR', 'Noto Sans CJK KR', 'NanumBarunGothic', 'NanumGothic', sans-serif"
)
"""System fonts with Korean letters; nothing is fetched."""

LIGHT = {
    "primaryColor": "#1f5d92",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f4f5f7",
    "textColor": "#1b1f24",
    "linkColor": "#1f5d92",
    "borderColor": "#dcdfe4",
    "greenTextColor": "#116239",
    "orangeTextColor": "#8f4a00",
    "redTextColor": "#a82a2f",
    "grayTextColor": "#5c636d",
}
DARK = {
    "primaryColor": "#3878b5",
    "backgroundColor": "#15171a",
    "secondaryBackgroundColor": "#202328",
    "textColor": "#e7e9ec",
    "linkColor": "#8dbdec",
    "borderColor": "#363b42",
    "greenTextColor": "#7fd3a3",
    "orangeTextColor": "#f0b26b",
    "redTextColor": "#f29a9a",
    "grayTextColor": "#a2a9b3",
}


def configure(settings: Settings) -> None:
    """Quiet, private, one theme in light and dark. The uploader takes files as large as the reader does."""
    options: dict[str, object] = {
        "browser.gatherUsageStats": False,
        "server.headless": True,
        "server.showEmailPrompt": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.maxUploadSize": max(1, settings.read_bytes >> 20),
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "runner.magicEnabled": False,
        # A full collection after every run of a script takes 0.15 s with this many modules, five times a second.
        "runner.postScriptGC": False,
        "theme.font": FONT,
        "theme.headingFont": FONT,
        "theme.codeFont": FONT,  # Quotes to copy stand in code blocks; no code is shown anywhere.
        "theme.headingFontSizes": ["1.6rem", "1.25rem", "1.05rem", "1rem", "1rem", "1rem"],
        "theme.headingFontWeights": [650, 650, 650, 600, 600, 600],
        "theme.baseRadius": "0.5rem",
        "theme.paddingTop": "1.25rem",
        "theme.paddingBottom": "3rem",
        "theme.showSidebarBorder": True,
    }
    for name, colours in (("light", LIGHT), ("dark", DARK)):
        options |= {f"theme.{name}.{key}": value for key, value in colours.items()}
    for key, value in options.items():
        config.set_option(key, value)
