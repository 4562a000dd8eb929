"""Answers as compact columns: what equals the baseline's is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer

SHARE_UNITS = 10_000
"""A score that is not binary is written as a whole number of these parts of 1."""


def changed_questions(
    baseline: Sequence[StoredAnswer], answers: Sequence[StoredAnswer]
) -> list[int]:
    """Returns the questions whose answer is another text or from another place."""
    return [
        number
        for number, (before, after) in enumerate(zip(baseline, answers, strict=True))
        if before[:3] != after[:3]
    ]


def row_steps(rows: Sequence[int]) -> list[int]:
    """Returns each row minus the one before, the first plus 1; small in JSON."""
    return [int(step) for step in np.diff(np.asarray(rows, np.int64), prepend=-1)]


def zeros_and_ones(scores: ItemScores, rows: Sequence[int]) -> dict[str, str]:
    """Returns of every binary score a string of 0 and 1, one for each of some rows."""
    chosen = np.asarray(rows, dtype=np.int64)
    return {
        score.name: "".join("01"[int(value)] for value in values[chosen])
        for score, values in scores.by_score.items()
        if score.is_binary
    }
