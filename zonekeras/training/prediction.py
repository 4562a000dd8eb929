"""`predict`: answers a dev set with a model as it is, into a directory.

It does what the protocol's program does when told to predict and not to train.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zonekeras.files.atomic import atomic_write
from zonekeras.files.run_record import write_run_record
from zonekeras.models.zone_model import ZoneModel
from zonekeras.task_table import TaskName
from zonekeras.tasks.task import Dataset
from zonekeras.training.answering import DevAnswers, check_length
from zonekeras.training.output import check_run_dir, open_run_dir
from zonekeras.training.settling import read_data, settle
from zonekeras.training.training_settings import SETTINGS_OF, TrainingSettings
from zonekeras.training.training_task import training_of

SCORES_FILE = "scores.json"

_DECIDING = {
    TaskName.SPAN: ("max_seq_length", *SETTINGS_OF[TaskName.SPAN], "metric"),
    TaskName.CLASSIFICATION: ("max_seq_length", "metric"),
}
"""The settings that play a part where nothing is trained."""


def predict(
    model: ZoneModel,
    dev: Dataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    on_batch: Callable[[int], None] | None = None,
    command: Mapping[str, Any] | None = None,
    **settings: Any,
) -> DevAnswers:
    """Answers a dev set under the model's current mask.

    Writes `predictions.json`, `null_odds.json` where "no answer" is allowed,
    `scores.json` where every question has a gold answer, and `run.json`.

    Args:
        model: The model.
        dev: What to answer, or its file.
        output_dir: Where to; a directory of its own.
        on_batch: Called with the number of windows after each batch.
        command: What `run.json` says about the caller.
        **settings: Fields of `TrainingSettings`; those of training play no part.

    Raises:
        InputError: If a setting, the data, the model or `output_dir` cannot be used.
        OSError: If a file cannot be written.
    """
    chosen = TrainingSettings.of(settings)
    directory = Path(output_dir)
    check_run_dir(directory)
    task = training_of(model.task)
    dataset = read_data(task, dev)
    chosen = settle(chosen, None, dataset, model.task)
    task.check(model, dataset)
    check_length(model, chosen)
    features = task.windows(model, dataset, chosen)
    deciding = {name: asdict(chosen)[name] for name in _DECIDING[model.task]}
    content = _content(model, dataset, deciding)
    record = {
        "model": model.description.source,
        "predict_file": dataset.path,
        "settings": deciding,
        "fingerprints": {
            name: content[name] for name in ("model", "tokenizer", "predict_file")
        },
    }
    with open_run_dir(directory, content):
        write_run_record(directory, record, command)
        answers = task.answer(model, dataset, features, chosen, on_batch)
        answers.write(directory)
        if answers.scores is not None:
            atomic_write(directory / SCORES_FILE, json.dumps(answers.scores) + "\n")
    return answers


def _content(
    model: ZoneModel, dataset: Dataset, deciding: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns all that decides the answers."""
    content: dict[str, Any] = {
        "model": model.fingerprint(),
        "graph": model.network.graph_fingerprint or False,  # as before it was asked for
        "configuration": str(model.configuration),
        "semantics": str(model.semantics),
        "tokenizer": model.tokenizer.fingerprint,
        "train_file": None,
        "predict_file": dataset.fingerprint,
        "settings": deciding,
    }
    if model.labels:  # runs of spans have the names that they had before
        content["labels"] = list(model.labels)
    return content
