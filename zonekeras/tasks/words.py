"""What people call a task's items and groups, in messages, tables and reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words for what is asked once, and for what is resampled as one.

    Attributes:
        item: One item.
        items: Several.
        group: One group of items.
        groups: Several.
    """

    item: str
    items: str
    group: str
    groups: str


QUESTIONS = Words("question", "questions", "passage", "passages")
"""Those of the span reader."""
TEXTS = Words("text", "texts", "group", "groups")
PAIRS = Words("pair", "pairs", "group", "groups")
