"""The table of tasks: a task is registered here and nowhere else.

A line names a task's scores and metrics, and by dotted names the modules that are
imported when they are first used: so flags can read the table, and packages that do not
import each other find their part of a task. No NumPy, no Keras.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from zonekeras.metrics import Metric
from zonekeras.scores import CLASSIFICATION_SCORES, SPAN_SCORES, Score


class TaskName(StrEnum):
    """A task; its value is the name in flags, files and stores."""

    SPAN = "span"
    CLASSIFICATION = "classification"


@dataclass(frozen=True)
class TaskEntry:
    """What is known of a task without importing it.

    Attributes:
        asks: What it does, as the help of commands says it.
        file: What kind of file it reads, as the help says it.
        module: Its module, which has what the protocol `tasks.task.Task` lists.
        scores: How its answers are scored, the headline first.
        metrics: What the settings may call its way to score; all have `auto` as well.
        settings: The settings of a sweep that decide its answers and that not every
            task has (`sweeping.sweep_settings`).
        model: The class of its models: an encoder with the task's head.
        head: The class of what `zonekeras.json` says of the head; None where there is
            nothing to say.
        architecture: How the names of classes in a Hugging Face `config.json` end that
            have this head.
        page: What the report shows of its items; None where there is no report.
    """

    asks: str
    file: str
    module: str
    scores: tuple[Score, ...]
    metrics: tuple[str, ...]
    settings: tuple[str, ...]
    model: str
    architecture: str
    head: str | None = None
    page: str | None = None


TASKS: Mapping[TaskName, TaskEntry] = {
    TaskName.SPAN: TaskEntry(
        asks="answer questions",
        file="SQuAD-format file",
        module="zonekeras.tasks.span",
        scores=SPAN_SCORES,
        metrics=tuple(map(str, Metric)),
        settings=(
            "doc_stride",
            "max_query_length",
            "n_best_size",
            "max_answer_length",
            "version_2_with_negative",
            "null_score_diff_threshold",
        ),
        model="zonekeras.models.span_reader.SpanReader",
        architecture="ForQuestionAnswering",
        page="zonekeras.reporting.span_page",
    ),
    TaskName.CLASSIFICATION: TaskEntry(
        asks="classify texts or pairs of texts",
        file="one of labelled texts",
        module="zonekeras.tasks.classification",
        scores=CLASSIFICATION_SCORES,
        metrics=("accuracy",),
        settings=("labels",),
        model="zonekeras.models.zone_classifier.ZoneClassifier",
        architecture="ForSequenceClassification",
        head="zonekeras.models.classifier_head.ClassifierHead",
        page="zonekeras.reporting.text_page",
    ),
}

ALL_METRICS = (
    "auto",
    *dict.fromkeys(name for task in TASKS.values() for name in task.metrics),
)
"""Those of all tasks, each once."""

KNOWN_SCORES: tuple[Score, ...] = tuple(
    dict.fromkeys(score for task in TASKS.values() for score in task.scores)
)
"""The scores of all tasks, each once."""


def imported(name: str) -> Any:
    """Returns what a dotted name means, such as a class that `TaskEntry` has.

    Example:
        >>> imported("zonekeras.task_table.TaskName").SPAN
        <TaskName.SPAN: 'span'>
    """
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def score_named(score: Score | str) -> Score:
    """Returns the score that a name means.

    Args:
        score: A name, such as `f1`, or a score, which is returned as it is.

    Returns:
        The known score. For an unknown name, such as one in a foreign file, a score
        whose label is the name.

    Example:
        >>> score_named("exact_match").label, score_named("graded").label
        ('EM', 'graded')
    """
    if isinstance(score, Score):
        return score
    known = {one.name: one for one in KNOWN_SCORES}
    return known.get(score, Score(score, score, is_binary=False))


def names_and_labels() -> dict[str, str]:
    """Returns what a flag may call a score: its label in lower case, and its name.

    Returns:
        Each such word -> the name.

    Example:
        >>> words = names_and_labels()
        >>> words["em"], words["exact_match"], words["macro-f1"]
        ('exact_match', 'exact_match', 'macro_f1')
    """
    return {
        word: score.name
        for score in KNOWN_SCORES
        for word in (score.label.lower(), score.name)
    }
