"""The protocol of a task's training: what the loop does not share with other tasks.

A module of functions and constants for each task; nothing is inherited. It says what a
window is trained towards (*targets*), what the loss of a window's logits is, how the
dev set is answered and scored on the way, and what the trained model is written as.
Loop, step, order of the data, checkpoints and history know no task.

What can be said of settings and data is said without Keras; what needs a model or
TensorFlow is imported where it is used.

Axes: `W` all windows, `B` windows of a batch, `T` tokens, `K` the head's width.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from zonekeras.scores import Score
from zonekeras.task_table import TaskName
from zonekeras.tasks.task import Dataset, WindowFeatures

if TYPE_CHECKING:
    from zonekeras.models.encoder_config import EncoderConfig
    from zonekeras.models.reader import Reader
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.training.answering import DevAnswers
    from zonekeras.training.training_settings import TrainingSettings

Loss = Callable[[Any, Any], Any]
"""float32 logits and int32 targets of B windows -> each window's loss, float32 [B]."""

OnBatch = Callable[[int], None] | None
"""Called with the number of windows after each batch that is answered."""


class TrainingExamples(Protocol):
    """What is drawn into a step together, such as a window, or an item's windows."""

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """int32 [E]: the longest window of each example, without padding."""

    @property
    def targets(self) -> npt.NDArray[np.int32]:
        """int32 [W, ...]: what all windows are trained towards."""

    def rows(
        self, examples: npt.NDArray[np.int32], length: int
    ) -> dict[str, npt.NDArray[np.int32]]:
        """Returns the windows of some examples, padded to a length.

        Returns:
            `token_ids`, `segment_ids` and `roles`, int32 [B, T], and `targets`.
        """


@dataclass(frozen=True, eq=False)
class WindowExamples:
    """Examples that are a window each.

    Attributes:
        features: The windows.
        targets: int32 [W, ...].
    """

    features: WindowFeatures
    targets: npt.NDArray[np.int32]

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """int32 [W]: tokens of each window."""
        return self.features.lengths

    def rows(
        self, examples: npt.NDArray[np.int32], length: int
    ) -> dict[str, npt.NDArray[np.int32]]:
        """Returns some windows with their targets; see `TrainingExamples`."""
        arrays = self.features.arrays(examples, length)
        return arrays | {"targets": self.targets[examples]}


DatasetT = TypeVar("DatasetT", bound=Dataset)
FeaturesT = TypeVar("FeaturesT", bound=WindowFeatures)


class TrainingTask(Protocol[DatasetT, FeaturesT]):
    """The training of one task.

    Attributes:
        NAME: The task's name.
        DATASET: The class of its data sets.
        SCORES: What the dev set is scored by, in the order of the history's columns.
        BEST: The one of these that the best weights are chosen by.
        TARGET_SHAPE: The shape of a window's targets; None for its padded length.
    """

    NAME: TaskName
    DATASET: type
    SCORES: tuple[Score, ...]
    BEST: Score
    TARGET_SHAPE: tuple[int | None, ...]

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        training: bool = False,
        skip_bad: bool = False,
    ) -> DatasetT:
        """Reads a file.

        Args:
            path: The file.
            training: Whether it is to train on, which may ask more of it.
            skip_bad: Whether to leave out what has a fault instead of refusing it.

        Raises:
            InputError: If it cannot be read or used.
        """

    def is_empty(self, dataset: DatasetT) -> bool:
        """Says whether there is nothing to train on."""

    def settle(
        self, settings: TrainingSettings, train: DatasetT | None, dev: DatasetT | None
    ) -> Mapping[str, Any]:
        """Returns the settings that the data decides.

        Raises:
            InputError: If the data does not go with the settings.
        """

    def can_score(self, dev: DatasetT, settings: TrainingSettings) -> bool:
        """Says whether there are the gold answers that scores need."""

    def complaints(self, dataset: DatasetT) -> list[str]:
        """Says what is wrong with the data but does not stop a run, counted."""

    def check(self, model: ZoneModel, dataset: DatasetT) -> None:
        """Checks that a model can be trained or scored on a data set.

        Raises:
            InputError: If not.
        """

    def windows(
        self, model: ZoneModel, dataset: DatasetT, settings: TrainingSettings
    ) -> FeaturesT:
        """Makes the windows.

        Raises:
            InputError: If a length leaves no room.
        """

    def examples(self, model: ZoneModel, features: FeaturesT) -> TrainingExamples:
        """Returns what is drawn into steps, with what it is trained towards.

        Raises:
            InputError: If the model has no logit for a target.
        """

    def make_loss(
        self, settings: TrainingSettings, targets: npt.NDArray[np.int32]
    ) -> Loss:
        """Returns the loss, in TensorFlow operations.

        Args:
            settings: Those of the run.
            targets: Of all training windows, for what depends on their counts.
        """

    def answer(
        self,
        model: ZoneModel,
        dataset: DatasetT,
        features: FeaturesT,
        settings: TrainingSettings,
        on_batch: OnBatch = None,
    ) -> DevAnswers:
        """Answers and, where it can, scores a data set under the model's mask.

        Raises:
            InputError: If a logit is not finite.
        """

    def build(
        self,
        model: ZoneModel,
        config: EncoderConfig,
        weights: Mapping[str, Any],
        *,
        dtype: str,
        trains: bool = False,
    ) -> Reader:
        """Builds a reader with a model's head and other weights.

        Args:
            model: Whose head it gets.
            config: The encoder's sizes.
            weights: All weights, by the names of `models.weights`.
            dtype: Dtype policy to compute in.
            trains: Whether it is to be trained, so that the head drops out as well.
        """

    def export(
        self, model: ZoneModel, directory: Path, settings: TrainingSettings
    ) -> None:
        """Writes the model directory."""

    def is_exported(self, directory: Path) -> bool:
        """Says whether a model directory has all that `export` writes beside it."""


_MODULES = {
    TaskName.SPAN: "zonekeras.training.span_training",
    TaskName.CLASSIFICATION: "zonekeras.training.classification_training",
}


def training_of(name: TaskName) -> TrainingTask[Any, Any]:
    """Returns the training of a task.

    Example:
        >>> training_of(TaskName.SPAN).BEST.name
        'f1'
    """
    module = importlib.import_module(_MODULES[name])
    return cast("TrainingTask[Any, Any]", module)
