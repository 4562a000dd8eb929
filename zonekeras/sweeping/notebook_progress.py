"""A progress bar in a notebook, without being asked; nothing anywhere else."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from typing import Any

from zonekeras.sweeping.progress import Progress

_SECONDS_BETWEEN = 0.2


def notebook_progress() -> Callable[[Progress], None] | None:
    """Returns what shows a sweep's progress in the running notebook's cell.

    Returns:
        A function to be called after every batch; None outside of notebooks. IPython is
        not imported: whoever runs in a notebook has it.
    """
    interactive = sys.modules.get("IPython")
    shell = None if interactive is None else interactive.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return _Bar()


class _Bar:
    """One output of a cell, replaced at most a few times a second."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown_at = 0.0

    def __call__(self, progress: Progress) -> None:
        """Shows how far the sweep is."""
        now = time.monotonic()
        if now - self._shown_at < _SECONDS_BETWEEN and not progress.finished:
            return
        self._shown_at = now
        display = sys.modules["IPython"].display
        content = display.HTML(bar_html(progress))
        if self._handle is None:
            self._handle = display.display(content, display_id=True)
        else:
            self._handle.update(content)


def bar_html(progress: Progress) -> str:
    """Returns a bar with the windows that are done and the time left."""
    left = progress.seconds_left
    words = (
        f"{progress.windows_done:,} of {progress.num_windows:,} windows x "
        f"{progress.num_configurations} configurations"
    )
    if left is not None and not progress.finished:
        words += f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left"
    return (
        f'<progress value="{progress.windows_done}" max="{progress.num_windows}">'
        f"</progress> {html.escape(words)}"
    )
