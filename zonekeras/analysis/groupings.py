"""The names of groupings of questions; no NumPy, so that flags can take them."""

from __future__ import annotations

from enum import StrEnum


class Grouping(StrEnum):
    """By what questions are grouped; see `statistics.groups.question_groups`."""

    QUESTION_TYPE = "question_type"
    ANSWER_LENGTH = "answer_length"
    PASSAGE_LENGTH = "passage_length"
    OVERLAP = "overlap"
