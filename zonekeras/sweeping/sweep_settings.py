"""The settings of a sweep, and which of them decide the answers.

No Keras: a command can check its settings and data before it loads a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from zonekeras.defaults import (
    DOC_STRIDE,
    MAX_ANSWER_LENGTH,
    MAX_QUERY_LENGTH,
    MAX_SEQ_LENGTH,
    N_BEST_SIZE,
    NULL_SCORE_DIFF_THRESHOLD,
    TOKEN_BUDGET,
)
from zonekeras.errors import InputError
from zonekeras.limits import above_limits
from zonekeras.setting_checks import (
    BOOLEAN,
    FINITE,
    Check,
    faults,
    one_of,
    or_none,
    whole_number,
)
from zonekeras.task_table import ALL_METRICS, TASKS
from zonekeras.tasks.registry import check_is_span
from zonekeras.tasks.task import Dataset, Task
from zonekeras.zones import Semantics

_COUNTS = ("controls", "attention_questions")
"""Whole numbers, of which 0 means none."""
_BESIDE_ANSWERS = ("metric", *_COUNTS)
_OF_ALL_TASKS = (
    "semantics",
    "max_seq_length",
    "token_budget",
    "batch_size",
    "fixed_shapes",
)
"""What decides answers whatever the task; the others a task names as its own."""
_ABOVE_0 = whole_number(1, "a whole number above 0")
_FROM_0 = whole_number(0, "a whole number from 0")
_CHECKS: dict[str, Check] = {
    "semantics": one_of(Semantics, " or ".join(Semantics)),
    "metric": one_of(ALL_METRICS),
    "max_seq_length": _ABOVE_0,
    "doc_stride": _ABOVE_0,
    "max_query_length": _ABOVE_0,
    "n_best_size": _ABOVE_0,
    "max_answer_length": _ABOVE_0,
    "token_budget": _ABOVE_0,
    "batch_size": or_none(_ABOVE_0, _ABOVE_0.expected),
    **dict.fromkeys(_COUNTS, _FROM_0),
    "fixed_shapes": BOOLEAN,
    "version_2_with_negative": or_none(BOOLEAN, "True, False or None"),
    "null_score_diff_threshold": FINITE,
}


@dataclass(frozen=True)
class SweepSettings:
    """Settings of a sweep.

    Attributes:
        semantics: What the zone `all` means. `published` also pads every window to
            `max_seq_length` and ranks padding among the best starts and ends, as the
            protocol's runs did.
        max_seq_length: Tokens in a window, special tokens included.
        doc_stride: Tokens from one window of a long passage to the next.
        max_query_length: Tokens of a question; what is longer is cut.
        n_best_size: Start and end positions paired in a window.
        max_answer_length: Tokens of the longest answer.
        version_2_with_negative: Whether a question may have no answer; None = if the
            data says so.
        null_score_diff_threshold: How far the null score must lead for "no answer".
        token_budget: Tokens run at once, padding counted; windows of similar length
            share a batch. More keeps an accelerator busier and takes more memory.
        batch_size: Most windows run at once; None = as many as the budget allows.
        fixed_shapes: Whether all batches have one shape, which suits a TPU, where every
            shape is compiled anew: every window is padded to `max_seq_length`, and a
            batch that is not full is filled up with a window that it has.
        metric: `auto`, or one of the task's: a value of `zonekeras.metrics.Metric` of
            spans, `accuracy` of classes.
        controls: Size-matched controls of each cell (`sweeping.sweep_controls`); 0 =
            none.
        attention_questions: Of how many questions, or texts, to keep where the unmasked
            model attends. With these or controls the attention mass of every zone is
            computed, too (`analysis.attention_masses`).
        labels: The names of the model's classes, which `for_model` fills in and nobody
            can choose; none of spans.
    """

    semantics: Semantics = Semantics.STRICT
    max_seq_length: int = MAX_SEQ_LENGTH
    doc_stride: int = DOC_STRIDE
    max_query_length: int = MAX_QUERY_LENGTH
    n_best_size: int = N_BEST_SIZE
    max_answer_length: int = MAX_ANSWER_LENGTH
    version_2_with_negative: bool | None = None
    null_score_diff_threshold: float = NULL_SCORE_DIFF_THRESHOLD
    token_budget: int = TOKEN_BUDGET
    batch_size: int | None = None
    fixed_shapes: bool = False
    metric: str = "auto"
    controls: int = 0
    attention_questions: int = 0
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SweepSettings:
        """Returns checked settings from keywords.

        Raises:
            InputError: If a name is unknown or a value cannot be used; all at once.
        """
        if found := faults(settings, _CHECKS, SETTING_NAMES) + above_limits(settings):
            raise InputError(
                f"Expected other sweep settings. Received: {'; '.join(found)}."
            )
        chosen = cls(**settings)
        return replace(
            chosen,
            semantics=Semantics(chosen.semantics),
            null_score_diff_threshold=float(chosen.null_score_diff_threshold),
        )

    def for_model(
        self, task: Task[Any, Any], dataset: Dataset, labels: tuple[str, ...]
    ) -> SweepSettings:
        """Returns the settings with what the data and the model decide filled in.

        Args:
            task: The model's task.
            dataset: What is swept.
            labels: The names of the model's classes.

        Raises:
            InputError: As in `for_data`, or if gold labels are not among the model's.
        """
        has_classes = "labels" in task.SETTINGS
        known = replace(self, labels=labels) if has_classes else self
        return known.for_data(task, dataset)

    def for_data(self, task: Task[Any, Any], dataset: Dataset) -> SweepSettings:
        """Returns the settings with what the data decides filled in.

        Raises:
            InputError: If the task does not have them, or the data cannot be scored.
        """
        if self.semantics is Semantics.PUBLISHED:
            check_is_span(
                task.NAME, "semantics='published', what the protocol's code did,"
            )
        self._check_settings_of(task)
        return replace(self, **task.settle(dataset, asdict(self)))

    def _check_settings_of(self, task: Task[Any, Any]) -> None:
        """Refuses what was set and the task does not have."""
        known = {*_OF_ALL_TASKS, *_BESIDE_ANSWERS, *task.SETTINGS}
        default = SweepSettings()
        foreign = [
            name
            for name in asdict(self)
            if name not in known and getattr(self, name) != getattr(default, name)
        ]
        entry = TASKS.get(task.NAME)
        metrics = ("auto", *(entry.metrics if entry else ()))
        is_other = self.metric not in metrics
        if foreign:
            names = [*foreign, *([f"metric={self.metric!r}"] if is_other else [])]
            raise InputError(
                f"Expected settings of the task {task.NAME}. Received: "
                f"{', '.join(names)}, which it does not have. Leave them out."
            )
        if is_other:
            raise InputError(
                f"Expected a metric of the task {task.NAME}: {', '.join(metrics)}. "
                f"Received: metric={self.metric!r}."
            )

    def check_length(self, max_sequence_length: int) -> None:
        """Checks that a model can read the windows.

        Args:
            max_sequence_length: Most tokens that the model can read.

        Raises:
            InputError: If the windows are longer.
        """
        if self.max_seq_length > max_sequence_length:
            raise InputError(
                f"Expected max_seq_length of at most {max_sequence_length}, "
                f"which is what this model can read. Received: {self.max_seq_length}."
            )

    @property
    def pad_to(self) -> int | None:
        """The one length of every window, or None where batches choose."""
        fixed = self.fixed_shapes or self.semantics is Semantics.PUBLISHED
        return self.max_seq_length if fixed else None

    def content(self, task: Task[Any, Any]) -> dict[str, Any]:
        """Returns what decides a task's answers, as JSON values.

        How they are scored, and what else is looked at, does not.
        """
        names = {*_OF_ALL_TASKS, *task.SETTINGS}
        values = {name: value for name, value in asdict(self).items() if name in names}
        if not self.fixed_shapes:
            del values["fixed_shapes"]  # runs have the names that they had before it
        if "labels" in values:
            values["labels"] = list(self.labels)
        return values | {"semantics": str(self.semantics)}

    def beside_content(self) -> dict[str, Any]:
        """Returns the settings that decide no answer, as JSON values."""
        return {name: getattr(self, name) for name in _BESIDE_ANSWERS}


SETTING_NAMES = tuple(
    field.name for field in fields(SweepSettings) if field.name != "labels"
)
"""What can be chosen, in the order of the fields."""
