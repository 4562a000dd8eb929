"""Classified texts and pairs on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.data.labelled_texts import LabelledTexts, gold_classes
from zonekeras.reporting.answers import row_steps, zeros_and_ones
from zonekeras.reporting.page_words import page_words
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.tasks.words import PAIRS, TEXTS

SCRIPTS = (
    "data.js",
    "columns.js",
    "text_answers.js",
    "numbers.js",
    "elements.js",
    "colors.js",
    "charts.js",
    "grid.js",
    "heatmap.js",
    "texts.js",
    "questions.js",
    "groups.js",
    "sets.js",
    "others.js",
    "controls.js",
    "runs.js",
    "text_pairs.js",
    "attention.js",
    "about.js",
    "main.js",
)
_PROBABILITY_DECIMALS = 4


def words(payload: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the scripts call texts or pairs."""
    found = PAIRS if any(text is not None for text in _pairs(payload)) else TEXTS
    return {
        **page_words(found),
        "__num_groups__": "data.num_groups",
        "__answer__": "label",
        "__wrong__": "wrong",
        "__searched__": "texts, labels, id",
        "__texts__": "text",
        "__groups_tab__": "",
    }


def _pairs(payload: Mapping[str, Any]) -> Sequence[str | None]:
    pairs: Sequence[str | None] = payload["questions"]["pair"]
    return pairs


def metric(dataset: LabelledTexts, described: str) -> str:
    """Returns the metric as the run is described."""
    return described


def items(dataset: LabelledTexts, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns texts, gold labels and the names of the classes.

    `questions` are columns: `id`, `text` (of a pair the first), `pair` (the second;
    None of single texts) and `answers`, each a list with the gold label in a list.
    """
    labels = settings["labels"]
    gold = [labels[row] for row in gold_classes(dataset, labels)]
    return {
        "passages": [],
        "questions": {
            "id": [item.id for item in dataset.texts],
            "text": [item.text for item in dataset.texts],
            "pair": [item.text_pair for item in dataset.texts],
            "answers": [[[label]] for label in gold],
        },
        "labels": list(labels),
        "num_groups": len(np.unique(dataset.groups())),
    }


def answer_columns(
    dataset: LabelledTexts,
    settings: Mapping[str, Any],
    rows: Sequence[int],
    answers: Sequence[StoredAnswer],
    scores: ItemScores,
) -> dict[str, Any]:
    """Returns some items' answers under one configuration, as JSON values.

    Returns:
        Columns of equal length: `question` (each minus the one before, the first plus
        1), `label` (the class, by its row among `labels`), `probability`, and under
        their names the binary scores (a string of 0 and 1).
    """
    row_of = {name: row for row, name in enumerate(settings["labels"])}
    chosen = [answers[row] for row in rows]
    return {
        "question": row_steps(rows),
        "label": [row_of[answer.text] for answer in chosen],
        "probability": [
            round(math.exp(answer.score or 0.0), _PROBABILITY_DECIMALS)
            for answer in chosen
        ],
        **zeros_and_ones(scores, rows),
    }


def groups(
    dataset: LabelledTexts,
    groups: npt.NDArray[np.int64],
    baseline: ItemScores,
    configurations: ItemScores,
) -> list[dict[str, Any]]:
    """Returns none: texts have no kinds."""
    return []
