"""Where a running sweep is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Progress:
    """Where a sweep is.

    Attributes:
        configuration: The one being run, or just finished.
        index: Its number, from 1.
        num_configurations: How many there are.
        windows_done: Windows run of this configuration.
        num_windows: Windows of one configuration.
        seconds_left: Estimate for the whole sweep; None before the first batch.
        windows_per_second: Rate of this process; None before the first batch.
        finished: Whether the configuration is in the store now.
        was_kept: Whether it was finished before this sweep was started.
    """

    configuration: str
    index: int
    num_configurations: int
    windows_done: int
    num_windows: int
    seconds_left: float | None = None
    windows_per_second: float | None = None
    finished: bool = False
    was_kept: bool = False


class Clock:
    """The rate so far and the time left.

    Args:
        num_windows: Windows to run, all configurations together.
    """

    def __init__(self, num_windows: int) -> None:
        self._num_windows = num_windows
        self._done = 0
        self._start = time.monotonic()

    def add(self, num_windows: int) -> None:
        """Counts windows as run."""
        self._done += num_windows

    @property
    def rate(self) -> float | None:
        """Windows per second since the start."""
        elapsed = time.monotonic() - self._start
        return self._done / elapsed if self._done and elapsed else None

    @property
    def seconds_left(self) -> float | None:
        """What is left, at the rate so far."""
        if self._done >= self._num_windows:
            return 0.0
        rate = self.rate
        return None if rate is None else (self._num_windows - self._done) / rate

    def stamp(self, progress: Progress) -> Progress:
        """Returns the progress with the rate and the time left as they are now."""
        return replace(
            progress, seconds_left=self.seconds_left, windows_per_second=self.rate
        )
