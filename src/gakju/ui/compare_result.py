"""A finished comparison: what to take, the table, the picture, the report to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gakju.labs.compare import report
from gakju.labs.compare.picture import svg
from gakju.labs.compare.words import label, sentence
from gakju.store import Job
from gakju.ui import pieces
from gakju.ui.plain import plain
from gakju.ui.state import language, t


def draw(job: Job) -> None:
    result = job.result
    st.success(plain(sentence(result, language())), icon=":material/recommend:")
    table(result)
    if drawn := svg(result, language(), paper=False):
        pieces.picture(drawn, label=label("picture", language()), key="compare-picture")
        st.caption(label("picture_note", language()))
    st.download_button(
        t("compare_report"),
        report.page(result, language()),
        f"comparison.{language()}.html",
        "text/html",
        icon=":material/download:",
        key=f"report-{job.id}",
        on_click="ignore",
    )
    st.caption(t("compare_report_what"))


def table(result: Mapping[str, Any]) -> None:
    """The ways as a table of the page, escaped by who makes it."""
    st.html(f'<div class="compare-table">{report.ways(result, language())}</div>')
