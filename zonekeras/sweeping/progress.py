"""How far a running sweep is."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a sweep is.

    A window counts once it has been answered under every configuration.

    Attributes:
        windows_done: Windows that are stored, those from before counted.
        num_windows: Windows of the sweep, or of its shard.
        num_configurations: How many configurations each is answered under.
        seconds_left: Estimate for the whole sweep; None before the first batch.
        windows_per_second: Rate of this process; None before the first batch.
        windows_kept: Windows that were stored before this sweep was started.
    """

    windows_done: int
    num_windows: int
    num_configurations: int
    seconds_left: float | None = None
    windows_per_second: float | None = None
    windows_kept: int = 0

    @property
    def finished(self) -> bool:
        """Whether all windows are stored."""
        return self.windows_done >= self.num_windows


class Clock:
    """Counts work done; says how fast it goes and how long the rest takes.

    Args:
        work: What there is to do, in any unit in which equal work takes equal time.
        progress: Where the sweep starts from.
    """

    def __init__(self, work: float, progress: Progress) -> None:
        self._work = work
        self._done = 0.0
        self._windows = 0
        self._at = progress
        self._start = time.monotonic()

    def add(self, num_windows: int, work: float) -> Progress:
        """Counts windows as stored, and returns where the sweep is now."""
        self._done += work
        self._windows += num_windows
        elapsed = max(time.monotonic() - self._start, 1e-9)
        rest = max(self._work - self._done, 0.0)
        return Progress(
            windows_done=self._at.windows_done + self._windows,
            num_windows=self._at.num_windows,
            num_configurations=self._at.num_configurations,
            seconds_left=rest * elapsed / self._done if self._done else None,
            windows_per_second=self._windows / elapsed,
            windows_kept=self._at.windows_kept,
        )
