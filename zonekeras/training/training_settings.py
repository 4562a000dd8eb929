"""The settings of fine-tuning, and which of them decide the weights.

No Keras: a command can check its settings and data before it loads a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from zonekeras.defaults import (
    CLASS_WEIGHTS,
    DOC_STRIDE,
    EPSILON,
    KEEPS,
    LEARNING_RATE,
    MAX_ANSWER_LENGTH,
    MAX_GRADIENT_NORM,
    MAX_QUERY_LENGTH,
    MAX_SEQ_LENGTH,
    N_BEST_SIZE,
    NULL_SCORE_DIFF_THRESHOLD,
    NUM_TRAIN_EPOCHS,
    PRECISIONS,
    TRAIN_BATCH_SIZE,
    WARMUP_PROPORTION,
    WEIGHT_DECAY,
)
from zonekeras.errors import InputError
from zonekeras.limits import above_limits
from zonekeras.setting_checks import (
    ABOVE_0,
    BOOLEAN,
    FINITE,
    FROM_0,
    SHARE,
    Check,
    faults,
    number,
    one_of,
    or_none,
    whole_number,
)
from zonekeras.task_table import ALL_METRICS, TASKS, TaskName

SETTINGS_OF: Mapping[TaskName, tuple[str, ...]] = {
    TaskName.SPAN: (
        "doc_stride",
        "max_query_length",
        "n_best_size",
        "max_answer_length",
        "version_2_with_negative",
        "null_score_diff_threshold",
    ),
    TaskName.CLASSIFICATION: ("class_weights", "label_smoothing", "focal_gamma"),
}
"""The settings of each task that can be trained that not every task has."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a fine-tuning run; the defaults are the protocol's.

    Attributes:
        num_train_epochs: Passes over the training windows; need not be whole.
        train_batch_size: Windows in a step.
        gradient_accumulation_steps: In how many parts a step's windows are run, to save
            memory; must divide `train_batch_size`. Apart from dropout it changes
            nothing.
        learning_rate: The learning rate at its highest.
        warmup_proportion: Part of the steps in which it rises.
        weight_decay: Decoupled decay; none on biases and normalizations.
        max_gradient_norm: To what norm all gradients together are cut.
        beta_1: AdamW's decay of the mean gradient.
        beta_2: AdamW's decay of the mean squared gradient.
        epsilon: Added to the square root of the latter.
        dropout: Share of units and of attention weights dropped; None = the model's.
        from_scratch: Whether to start from random weights.
        seed: Of the data's order, dropout and fresh weights.
        precision: What a step is computed in; weights are float32 in any case.
        deterministic: Whether two runs give the same weights bit for bit, on one
            machine. Set `TF_ENABLE_ONEDNN_OPTS=0` before TensorFlow is imported, as
            the command does.
        eval_steps: Scores the dev set after every so many steps; 0 = at the end only,
            None = after every epoch.
        checkpoint_steps: Writes a checkpoint after every so many steps; None = every
            five minutes.
        keep: Which weights become the model: the `last`, or the `best` by F1, of a
            classifier by accuracy.
        max_seq_length: Tokens in a window, special tokens included.
        fixed_shapes: Whether all batches have one shape, padded to `max_seq_length`, as
            in the protocol's program and as a TPU needs it. Padding takes part in the
            loss, so the weights differ from those of batches padded only as far as
            needed.
        doc_stride: Tokens from one window of a long passage to the next.
        max_query_length: Tokens of a question; what is longer is cut.
        n_best_size: Start and end positions paired in a window.
        max_answer_length: Tokens of the longest answer.
        version_2_with_negative: Whether a question may have no answer; None = if the
            data says so.
        null_score_diff_threshold: How far the null score must lead for "no answer".
        predict_batch_size: Most windows answered at once; None = as many as a budget
            of tokens holds.
        metric: `auto` or a value of `zonekeras.metrics.Metric`; of classifiers
            `accuracy`.
        class_weights: How classes count in a classifier's loss: `none`, all windows the
            same, or `balanced`, all classes the same.
        label_smoothing: The part of a classifier's target that all classes share.
        focal_gamma: How far a classifier's loss counts windows less that are right
            already; 0 = not at all.
    """

    num_train_epochs: float = NUM_TRAIN_EPOCHS
    train_batch_size: int = TRAIN_BATCH_SIZE
    gradient_accumulation_steps: int = 1
    learning_rate: float = LEARNING_RATE
    warmup_proportion: float = WARMUP_PROPORTION
    weight_decay: float = WEIGHT_DECAY
    max_gradient_norm: float = MAX_GRADIENT_NORM
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = EPSILON
    dropout: float | None = None
    from_scratch: bool = False
    seed: int = 0
    precision: str = "float32"
    deterministic: bool = False
    eval_steps: int | None = None
    checkpoint_steps: int | None = None
    keep: str = "last"
    max_seq_length: int = MAX_SEQ_LENGTH
    fixed_shapes: bool = False
    doc_stride: int = DOC_STRIDE
    max_query_length: int = MAX_QUERY_LENGTH
    n_best_size: int = N_BEST_SIZE
    max_answer_length: int = MAX_ANSWER_LENGTH
    version_2_with_negative: bool | None = None
    null_score_diff_threshold: float = NULL_SCORE_DIFF_THRESHOLD
    predict_batch_size: int | None = None
    metric: str = "auto"
    class_weights: str = "none"
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> TrainingSettings:
        """Returns checked settings from keywords.

        Raises:
            InputError: If a name is unknown or a value cannot be used; all at once.
        """
        if found := _faults(settings):
            raise InputError(
                f"Expected other training settings. Received: {'; '.join(found)}."
            )
        chosen = cls(**settings)
        floats: dict[str, Any] = {
            field.name: float(getattr(chosen, field.name))
            for field in fields(cls)
            if field.type == "float"
        }
        return replace(chosen, **floats)

    def check_task(self, task: TaskName) -> None:
        """Checks that a task has all that was set.

        Raises:
            InputError: If not.
        """
        default = TrainingSettings()
        foreign = [
            name
            for name in _others_settings(task)
            if getattr(self, name) != getattr(default, name)
        ]
        if foreign:
            raise InputError(
                f"Expected settings of the task {task}. Received: "
                f"{', '.join(foreign)}, which it does not have. Leave them out."
            )
        metrics = ("auto", *TASKS[task].metrics)
        if self.metric not in metrics:
            raise InputError(
                f"Expected a metric of the task {task}: {', '.join(metrics)}. "
                f"Received: metric={self.metric!r}."
            )

    def values(self, task: TaskName = TaskName.SPAN) -> dict[str, Any]:
        """Returns the settings that a task has, as JSON values."""
        foreign = _others_settings(task)
        return {
            name: value for name, value in asdict(self).items() if name not in foreign
        }

    def content(self, task: TaskName = TaskName.SPAN) -> dict[str, Any]:
        """Returns what decides the weights and the history, as JSON values.

        Every start may choose anew when checkpoints are written, which of them becomes
        the model, and how many windows are answered at once. It may not choose how
        answers are decoded: the history's scores depend on that, and so do the best
        weights.
        """
        values = self.values(task)
        for name in ("checkpoint_steps", "keep", "predict_batch_size"):
            del values[name]
        return values


_CHECKS: dict[str, Check] = {
    "num_train_epochs": ABOVE_0,
    "train_batch_size": whole_number(1),
    "gradient_accumulation_steps": whole_number(1),
    "learning_rate": ABOVE_0,
    "warmup_proportion": number("a number from 0 to 1", lambda value: 0 <= value <= 1),
    "weight_decay": FROM_0,
    "max_gradient_norm": ABOVE_0,
    "beta_1": SHARE,
    "beta_2": SHARE,
    "epsilon": ABOVE_0,
    "dropout": or_none(SHARE),
    "from_scratch": BOOLEAN,
    "seed": whole_number(0),
    "precision": one_of(PRECISIONS),
    "deterministic": BOOLEAN,
    "eval_steps": or_none(whole_number(0)),
    "checkpoint_steps": or_none(whole_number(1)),
    "keep": one_of(KEEPS),
    "max_seq_length": whole_number(1),
    "fixed_shapes": BOOLEAN,
    "doc_stride": whole_number(1),
    "max_query_length": whole_number(1),
    "n_best_size": whole_number(1),
    "max_answer_length": whole_number(1),
    "version_2_with_negative": or_none(BOOLEAN),
    "null_score_diff_threshold": FINITE,
    "predict_batch_size": or_none(whole_number(1)),
    "metric": one_of(ALL_METRICS),
    "class_weights": one_of(CLASS_WEIGHTS),
    "label_smoothing": SHARE,
    "focal_gamma": FROM_0,
}


def _others_settings(task: TaskName) -> set[str]:
    """Returns the settings that other tasks have and this one has not."""
    names = {name for one in SETTINGS_OF.values() for name in one}
    return names.difference(SETTINGS_OF[task])


def _faults(settings: Mapping[str, Any]) -> list[str]:
    """Says what is wrong with settings; values that are not given are right."""
    found = faults(settings, _CHECKS, _CHECKS) + above_limits(settings)
    if not found:
        chosen = TrainingSettings(**settings)
        size, parts = chosen.train_batch_size, chosen.gradient_accumulation_steps
        if size % parts:
            found.append(
                f"gradient_accumulation_steps={parts} does not divide "
                f"train_batch_size={size}"
            )
    return found
