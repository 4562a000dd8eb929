"""The names of tasks. Standard library alone, so that flags can take them from here."""

from __future__ import annotations

from enum import StrEnum


class TaskName(StrEnum):
    """A task; its value is the name in flags, files and stores."""

    SPAN = "span"
    CLASSIFICATION = "classification"
