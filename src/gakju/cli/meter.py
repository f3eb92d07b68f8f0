"""Progress for people: on stderr, and only where that is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gakju.cli.terminal import State, printable

if TYPE_CHECKING:
    import rich.progress

    from gakju.types import Progress


class Meter:
    """A bar while something long runs; `tell` moves it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._bar: rich.progress.Progress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._state.json:
            self._bar = _bar()
            self._task = self._bar.add_task("", total=None, left="")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def wait(self, text: str) -> None:
        """Say what is waited for, of unknown length."""
        if self._bar:
            self._bar.update(self._task, description=printable(text), total=None)

    def tell(self, told: Progress) -> None:
        if not self._bar:
            return
        scale = 1e6 if told.unit == "bytes" else 1
        name = printable(told.item)
        stage = self._state.known("cli", f"stage_{told.stage}").removeprefix("stage_")
        left = "" if told.seconds_left is None else self._state.say("seconds_left", seconds=round(told.seconds_left))
        self._bar.update(
            self._task,
            description=f"{stage} {name}"[:60],
            completed=told.done / scale,
            total=told.total / scale if told.total else None,
            left=left,
        )

    def above(self, text: str) -> None:
        """A line that stays, above the bar."""
        if self._bar:
            self._bar.stop()
        self._state.out(text)
        if self._bar:
            self._bar.start()


def _bar() -> rich.progress.Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    plain = {"markup": False}
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", **plain),  # type: ignore[arg-type]
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %", **plain),  # type: ignore[arg-type]
        TextColumn("{task.fields[left]}", **plain),  # type: ignore[arg-type]
        console=Console(stderr=True),
        transient=True,
    )
