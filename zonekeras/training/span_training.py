"""Training of the task `span`: towards the first and the last token of the answer.

A window is trained towards two tokens; one that lacks the answer towards CLS. No Keras
at import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zonekeras.data.features import Features
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.metrics import choose_metric
from zonekeras.scores import F1, SPAN_SCORES, Score
from zonekeras.task_table import TaskName
from zonekeras.tasks import span
from zonekeras.training.training_task import Loss, OnBatch, WindowExamples

if TYPE_CHECKING:
    from zonekeras.models.encoder_config import EncoderConfig
    from zonekeras.models.span_reader import SpanReader
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.training.answering import DevAnswers
    from zonekeras.training.training_settings import TrainingSettings

NAME: TaskName = TaskName.SPAN
DATASET: type = SquadDataset
SCORES: tuple[Score, ...] = SPAN_SCORES
BEST: Score = F1
TARGET_SHAPE: tuple[int | None, ...] = (2,)


def read(
    path: str | os.PathLike[str], *, training: bool = False, skip_bad: bool = False
) -> SquadDataset:
    """Reads a SQuAD-format file; in one to train on, answers stand at their place."""
    return read_squad(os.fspath(path), training=training, skip_bad=skip_bad)


def is_empty(dataset: SquadDataset) -> bool:
    """Says whether there is no question."""
    return not dataset.num_questions


def settle(
    settings: TrainingSettings, train: SquadDataset | None, dev: SquadDataset | None
) -> dict[str, Any]:
    """Returns the metric, and whether a question may have no answer.

    Raises:
        InputError: If the metric needs gold answers that are not there.
    """
    data = [dataset for dataset in (train, dev) if dataset is not None]
    metric = settings.metric if dev is None else choose_metric(dev, settings.metric)
    negative = settings.version_2_with_negative
    if negative is None:
        negative = any(dataset.has_impossible for dataset in data)
    return {"metric": str(metric), "version_2_with_negative": negative}


def can_score(dev: SquadDataset, settings: TrainingSettings) -> bool:
    """Says whether every question has a gold answer, or may have none."""
    return span.can_score(dev, settings.metric)


def complaints(dataset: SquadDataset) -> list[str]:
    """Says how many questions were left out."""
    if not dataset.num_skipped:
        return []
    return [f"{dataset.path}: {dataset.left_out()}"]


def check(model: ZoneModel, dataset: SquadDataset) -> None:
    """Checks nothing: a reader can be trained on any question."""


def windows(
    model: ZoneModel, dataset: SquadDataset, settings: TrainingSettings
) -> Features:
    """Cuts passages into windows; see `answering.make_windows`."""
    from zonekeras.training.answering import make_windows

    return make_windows(model, dataset, settings)


def examples(model: ZoneModel, features: Features) -> WindowExamples:
    """Returns windows with the answer's first and last token; 0 (CLS) for none."""
    return WindowExamples(features, features.training_targets())


def make_loss(settings: TrainingSettings, targets: npt.NDArray[np.int32]) -> Loss:
    """Returns the mean of start and end cross-entropy."""
    from zonekeras.training.losses import span_loss

    return span_loss


def answer(
    model: ZoneModel,
    dataset: SquadDataset,
    features: Features,
    settings: TrainingSettings,
    on_batch: OnBatch = None,
) -> DevAnswers:
    """Answers with the best spans; see `answering.answer_dataset`."""
    from zonekeras.training.answering import answer_dataset

    return answer_dataset(model, dataset, features, settings, on_batch)


def build(
    model: ZoneModel,
    config: EncoderConfig,
    weights: Mapping[str, Any],
    *,
    dtype: str,
    trains: bool = False,
) -> SpanReader:
    """Builds a span reader, whose head has no dropout in training either."""
    from zonekeras.models.weights import build_reader

    return build_reader(config, weights, dtype=dtype)


def export(model: ZoneModel, directory: Path, settings: TrainingSettings) -> None:
    """Writes the model with a SavedModel that answers as the run's settings say."""
    from zonekeras.graph.options import AnswerOptions, ExportOptions

    answers = AnswerOptions.of(vars(settings))
    model.export(directory, ExportOptions.for_tokenizer(model.tokenizer, answers))


def is_exported(directory: Path) -> bool:
    """Says whether the SavedModel is there."""
    from zonekeras.models.model_directory import SAVED_MODEL_VERSION

    return (directory / SAVED_MODEL_VERSION).exists()
