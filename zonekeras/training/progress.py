"""How far a fine-tuning run is."""

from __future__ import annotations

import time
from dataclasses import dataclass

from zonekeras.training.history import HistoryRow

LOSS_STEPS = 50
"""Steps over which the loss that is shown is averaged."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: `training`, `scoring` (the dev set) or `saving`.
        step: Steps done.
        num_steps: All steps.
        loss: Mean of the last steps'; None before the first.
        learning_rate: Of the last step.
        windows_per_second: Windows trained a second since this process began; None
            before the first step.
        seconds_left: Estimate for the training; None before the first step.
        row: The last step, if its dev score is new.
        first_step: Steps that an earlier process had done.
    """

    stage: str
    step: int
    num_steps: int
    loss: float | None = None
    learning_rate: float | None = None
    windows_per_second: float | None = None
    seconds_left: float | None = None
    row: HistoryRow | None = None
    first_step: int = 0


class Clock:
    """The rate of training and the time left, without scoring and saving.

    The first step of a process is left out too, once there is another, since it
    includes compiling.

    Args:
        first_step: Steps done before.
        num_steps: All steps.
    """

    def __init__(self, first_step: int, num_steps: int) -> None:
        self._left = num_steps - first_step
        self._steps: int = 0
        self._windows = 0
        self._seconds = 0.0
        self._last = time.monotonic()

    def skip(self) -> None:
        """Leaves out the time since the last call."""
        self._last = time.monotonic()

    def add(self, num_windows: int) -> None:
        """Counts a step and the time since the last call."""
        now = time.monotonic()
        if self._steps == 1:
            self._windows, self._seconds = 0, 0.0
        self._steps += 1
        self._left -= 1
        self._windows += num_windows
        self._seconds += now - self._last
        self._last = now

    @property
    def rate(self) -> float | None:
        """Windows per second."""
        return self._windows / self._seconds if self._windows else None

    @property
    def seconds_left(self) -> float | None:
        """What is left, at the rate so far."""
        if not self._steps:
            return None
        return self._seconds / max(self._steps - 1, 1) * self._left
