"""The script Streamlit runs for every visitor and every click."""

from gakju.ui import frame

frame.run()
