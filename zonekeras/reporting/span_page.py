"""Questions with their passages on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.analysis.question_groups import NUM_RESAMPLES, groups_of
from zonekeras.data.squad import SquadDataset
from zonekeras.metrics import choose_metric
from zonekeras.reporting.answers import SHARE_UNITS, row_steps, zeros_and_ones
from zonekeras.reporting.json_numbers import rounded
from zonekeras.reporting.page_words import page_words
from zonekeras.statistics.groups import group_effects
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.tasks.words import QUESTIONS

SCRIPTS = (
    "data.js",
    "passages.js",
    "columns.js",
    "span_answers.js",
    "numbers.js",
    "elements.js",
    "colors.js",
    "charts.js",
    "grid.js",
    "heatmap.js",
    "passage.js",
    "questions.js",
    "groups.js",
    "sets.js",
    "others.js",
    "controls.js",
    "runs.js",
    "span_pairs.js",
    "attention.js",
    "about.js",
    "main.js",
)
_OF_EFFECT = ("effect", "low", "high")


def words(payload: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the scripts call questions and passages."""
    return {
        **page_words(QUESTIONS),
        "__num_groups__": "data.passages.length",
        "__answer__": "answer",
        "__wrong__": "not exact",
        "__searched__": "question, answers, title, id",
        "__texts__": "question and passage",
        "__groups_tab__": "groups: 'Question types and groups',",
    }


def metric(dataset: SquadDataset, described: str) -> str:
    """Returns which script's scores these are."""
    return str(choose_metric(dataset, described))


def items(dataset: SquadDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns passages (title, text), and the questions as columns."""
    return {
        "passages": [[passage.title, passage.text] for passage in dataset.passages],
        "questions": _questions(dataset),
    }


def _questions(dataset: SquadDataset) -> dict[str, Any]:
    """Returns the questions as columns; each gold answer once."""
    questions = list(dataset.questions())
    return {
        "passage": [
            number
            for number, passage in enumerate(dataset.passages)
            for _ in passage.questions
        ],
        "id": [question.id for question in questions],
        "text": [question.text for question in questions],
        "answers": [
            list(map(list, dict.fromkeys((gold.text, gold.start) for gold in golds)))
            for golds in (question.answers for question in questions)
        ],
    }


def answer_columns(
    dataset: SquadDataset,
    settings: Mapping[str, Any],
    questions: Sequence[int],
    answers: Sequence[StoredAnswer],
    scores: ItemScores,
) -> dict[str, Any]:
    """Returns some questions' answers under one configuration, as JSON values.

    Args:
        dataset: The dev set.
        settings: Those of the run.
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
        "question": row_steps(questions),
        "start": [answer.start for answer in chosen],
        "length": [answer.end - answer.start for answer in chosen],
        **{
            score.name: np.rint(SHARE_UNITS * values[rows]).astype(int).tolist()
            for score, values in scores.by_score.items()
            if not score.is_binary
        },
        **zeros_and_ones(scores, questions),
        "text": {
            str(row): answer.text
            for row, (answer, span) in enumerate(zip(chosen, spans, strict=True))
            if answer.text != span
        },
    }


def groups(
    dataset: SquadDataset,
    passages: npt.NDArray[np.int64],
    baseline: ItemScores,
    configurations: ItemScores,
) -> list[dict[str, Any]]:
    """Returns every grouping with its effects, as JSON values.

    Args:
        dataset: The dev set.
        passages: int64 `[Q]`, the passage of each question.
        baseline: Scores `[Q]`.
        configurations: Scores `[C, Q]`.

    Returns:
        For each grouping its `name`; `labels` of its groups, their `num_questions`,
        `num_passages` and baseline scores (points); `member`, the group of each
        question; and `effects`, score -> configuration -> group -> effect, low, high
        (points; None where there is no interval).
    """
    columns = {
        str(score): [f"{score}_{one}" for one in _OF_EFFECT]
        for score in baseline.scores
    }
    found = []
    for name, kinds in groups_of(dataset).items():
        table = group_effects(
            baseline, configurations, passages, kinds, num_resamples=NUM_RESAMPLES
        )
        first = table[table["cell"] == 0]
        shape = (-1, len(first), 3)  # configurations, groups, effect with interval
        found.append(
            {
                "name": str(name),
                "labels": [str(label) for label in first["group"]],
                "num_questions": first["num_questions"].tolist(),
                "num_passages": first["num_passages"].tolist(),
                "baseline": {
                    score: rounded(first[f"{score}_baseline"].to_numpy())
                    for score in columns
                },
                "member": kinds.codes.tolist(),
                "effects": {
                    score: rounded(table[of_effect].to_numpy().reshape(shape))
                    for score, of_effect in columns.items()
                },
            }
        )
    return found
