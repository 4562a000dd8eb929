"""Training of the task `classification`: towards the gold class of a text or a pair.

No Keras at import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from zonekeras.data.labelled_texts import LabelledTexts, gold_classes
from zonekeras.data.text_features import TextFeatures
from zonekeras.errors import InputError
from zonekeras.scores import ACCURACY, CLASSIFICATION_SCORES, Score
from zonekeras.task_table import TaskName
from zonekeras.tasks import classification
from zonekeras.training.training_task import Loss, OnBatch, WindowExamples

if TYPE_CHECKING:
    from zonekeras.models.classifier_head import ClassifierHead
    from zonekeras.models.encoder_config import EncoderConfig
    from zonekeras.models.zone_classifier import ZoneClassifier
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.training.answering import DevAnswers
    from zonekeras.training.training_settings import TrainingSettings

NAME: TaskName = TaskName.CLASSIFICATION
DATASET: type = LabelledTexts
SCORES: tuple[Score, ...] = CLASSIFICATION_SCORES
BEST: Score = ACCURACY
TARGET_SHAPE: tuple[int | None, ...] = ()


def read(
    path: str | os.PathLike[str], *, training: bool = False, skip_bad: bool = False
) -> LabelledTexts:
    """Reads labelled texts; those to train on are no different."""
    return classification.read(path, skip_bad=skip_bad)


def complaints(dataset: LabelledTexts) -> list[str]:
    """Says how many lines were left out."""
    return classification.complaints(dataset)


def is_empty(dataset: LabelledTexts) -> bool:
    """Says whether there is no text."""
    return not dataset.texts


def settle(
    settings: TrainingSettings, train: LabelledTexts | None, dev: LabelledTexts | None
) -> dict[str, Any]:
    """Returns the metric.

    Raises:
        InputError: If one file has pairs and the other single texts.
    """
    if train is not None and dev is not None and train.has_pairs != dev.has_pairs:
        kinds = ("single texts", "pairs of texts")
        raise InputError(
            f"Expected {kinds[train.has_pairs]} in {dev.path}, as in {train.path}. "
            f"Received: {kinds[dev.has_pairs]}. Give files of one kind."
        )
    return {"metric": "accuracy"}


def can_score(dev: LabelledTexts, settings: TrainingSettings) -> bool:
    """Says yes: every text that was read has a gold label."""
    return True


def check(model: ZoneModel, dataset: LabelledTexts) -> None:
    """Checks that the model has a class for every gold label.

    Raises:
        InputError: If not.
    """
    gold_classes(dataset, model.labels)


def windows(
    model: ZoneModel, dataset: LabelledTexts, settings: TrainingSettings
) -> TextFeatures:
    """Makes a window of each text or pair."""
    return classification.features(dataset, model.tokenizer, vars(settings))


def examples(model: ZoneModel, features: TextFeatures) -> WindowExamples:
    """Returns windows with the number of their gold class."""
    classes = gold_classes(features.dataset, model.labels)
    return WindowExamples(features, classes.astype(np.int32))


def make_loss(settings: TrainingSettings, targets: npt.NDArray[np.int32]) -> Loss:
    """Returns the cross-entropy, or what the settings make of it."""
    from zonekeras.training.losses import balanced_weights, class_loss

    is_balanced = settings.class_weights == "balanced"
    return class_loss(
        balanced_weights(targets) if is_balanced else None,
        settings.label_smoothing,
        settings.focal_gamma,
    )


def answer(
    model: ZoneModel,
    dataset: LabelledTexts,
    features: TextFeatures,
    settings: TrainingSettings,
    on_batch: OnBatch = None,
) -> DevAnswers:
    """Answers with the class of the largest logit; see `item_answers`."""
    from zonekeras.training.item_answers import answer_items

    return answer_items(classification, model, dataset, features, settings, on_batch)


def build(
    model: ZoneModel,
    config: EncoderConfig,
    weights: Mapping[str, Any],
    *,
    dtype: str,
    trains: bool = False,
) -> ZoneClassifier:
    """Builds a classifier; in training its head drops as much as the encoder does."""
    from zonekeras.models.weights import build_classifier

    head = cast("ClassifierHead | None", model.description.head)
    if head is None:
        raise ValueError("expected a classifier. Received: a model without its head")
    dropout = config.dropout if trains else 0.0
    return build_classifier(config, head, weights, dtype=dtype, head_dropout=dropout)


def export(model: ZoneModel, directory: Path, settings: TrainingSettings) -> None:
    """Writes the model without a SavedModel, which classifiers do not have."""
    model.save(directory)


def is_exported(directory: Path) -> bool:
    """Says yes: there is nothing beside the model."""
    return True
