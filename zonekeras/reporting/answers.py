"""Answers as compact columns: what equals the baseline's is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zonekeras.data.squad import SquadDataset
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


def answer_columns(
    dataset: SquadDataset,
    questions: Sequence[int],
    answers: Sequence[StoredAnswer],
    scores: ItemScores,
) -> dict[str, Any]:
    """Returns some questions' answers under one configuration, as JSON values.

    Args:
        dataset: The dev set.
        questions: Which questions, in increasing order.
        answers: Of all questions.
        scores: Of all questions, `[Q]`.

    Returns:
        Columns of equal length: `question` (each minus the one before, the first plus
        1), `start` (character of the passage, -1 if not from there), `length`, and
        under their names the scores: first those that are not binary (in parts of
        `SHARE_UNITS`), then the binary ones (a string of 0 and 1). `text` has the
        answers that are not what stands in the passage there, by their row.
    """
    passages = [passage.text for passage in dataset.passages for _ in passage.questions]
    chosen = [answers[number] for number in questions]
    spans = [
        passages[number][answer.start : answer.end] if answer.start >= 0 else ""
        for number, answer in zip(questions, chosen, strict=True)
    ]
    rows = np.asarray(questions, dtype=np.int64)
    return {
        "question": np.diff(rows, prepend=-1).tolist(),
        "start": [answer.start for answer in chosen],
        "length": [answer.end - answer.start for answer in chosen],
        **{
            score.name: np.rint(SHARE_UNITS * values[rows]).astype(int).tolist()
            for score, values in scores.by_score.items()
            if not score.is_binary
        },
        **{
            score.name: "".join("01"[int(value)] for value in values[rows])
            for score, values in scores.by_score.items()
            if score.is_binary
        },
        "text": {
            str(row): answer.text
            for row, (answer, span) in enumerate(zip(chosen, spans, strict=True))
            if answer.text != span
        },
    }
