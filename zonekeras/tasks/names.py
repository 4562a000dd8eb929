"""The names of tasks and of their metrics; no NumPy, so that flags can take them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from zonekeras.metrics import Metric


class TaskName(StrEnum):
    """A task; its value is the name in flags, files and stores."""

    SPAN = "span"
    CLASSIFICATION = "classification"


METRICS: Mapping[TaskName, tuple[str, ...]] = {
    TaskName.SPAN: tuple(map(str, Metric)),
    TaskName.CLASSIFICATION: ("accuracy",),
}
"""What the settings may call each task's way to score; all have `auto` as well."""

ALL_METRICS = ("auto", *dict.fromkeys(name for one in METRICS.values() for name in one))
"""Those of all tasks, each once."""
