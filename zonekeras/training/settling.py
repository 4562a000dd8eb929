"""The data of a run, and its settings with what the data decides. No Keras."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from zonekeras.errors import InputError
from zonekeras.task_table import TaskName
from zonekeras.tasks.registry import task_named
from zonekeras.tasks.task import Dataset
from zonekeras.training.training_settings import TrainingSettings
from zonekeras.training.training_task import TrainingTask, training_of


def read_data(
    task: TrainingTask[Any, Any],
    data: Dataset | str | os.PathLike[str],
    *,
    training: bool = False,
) -> Dataset:
    """Returns what was read, or reads a file.

    Args:
        task: The task.
        data: A data set, or its file.
        training: Whether it is to train on.

    Raises:
        InputError: If a file cannot be used, or a data set is another task's.
    """
    if isinstance(data, str | os.PathLike):
        return task.read(data, training=training)
    if not isinstance(data, task.DATASET):
        raise InputError(
            f"Expected a {task.DATASET.__name__} for a model of the task {task.NAME}. "
            f"Received: a {type(data).__name__}. Take the model that it is for."
        )
    return data


def settle(
    settings: TrainingSettings,
    train: Dataset | None,
    dev: Dataset | None = None,
    task: TaskName = TaskName.SPAN,
) -> TrainingSettings:
    """Returns settings with what the data decides filled in.

    Args:
        settings: As they were given.
        train: What to train on, if anything.
        dev: What to answer, if anything. It is scored if all its items have gold
            answers.
        task: Whose data it is.

    Raises:
        InputError: If the task does not have the settings, there is nothing to train
            on, the best weights are asked for without a dev set to score, or its metric
            needs gold answers.
    """
    part = training_of(task)
    settings.check_task(task)
    if train is not None and part.is_empty(train):
        words = task_named(task).words(train)
        raise InputError(
            f"{train.path}: expected {words.items} to train on. Received: none."
        )
    chosen = replace(settings, **part.settle(settings, train, dev))
    if settings.keep == "best" and (dev is None or not part.can_score(dev, chosen)):
        raise InputError(
            "Expected a dev set with gold answers to choose the best weights by. "
            f"Received: keep='best' with {'none' if dev is None else dev.path}."
        )
    return chosen
