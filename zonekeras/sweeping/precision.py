"""What a cheaper number format changes: the same sample answered by both models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zonekeras.models.zone_model import ZoneModel
from zonekeras.scores import F1, Score
from zonekeras.sweeping.plan import Masked
from zonekeras.sweeping.sweep_run import run_sweep
from zonekeras.sweeping.sweep_settings import SweepSettings
from zonekeras.tasks.registry import task_named
from zonekeras.tasks.task import Dataset, Task
from zonekeras.tasks.words import QUESTIONS

_LEAST_SAMPLE, _LARGEST_SAMPLE, _QUESTIONS_FOR_ONE = 12, 32, 20


def sample_size_of(num_questions: int) -> int:
    """Returns how many questions are compared: a twentieth, within 12 to 32.

    So a comparison costs a few percent of the sweep that it is about.
    """
    wanted = num_questions // _QUESTIONS_FOR_ONE
    return min(max(wanted, _LEAST_SAMPLE), _LARGEST_SAMPLE)


@dataclass(frozen=True)
class PrecisionReport:
    """How the answers of two models differ on a sample.

    Attributes:
        precision: The model's number format.
        reference: The other model's.
        num_questions: Questions in the sample.
        num_configurations: Configurations that each is answered under.
        num_different: Answers, of questions x configurations, whose text differs.
        score_difference: Mean score of the sample over all configurations, in points,
            minus the reference's.
        score: Which score: the task's last one that is a mean over its items.
        items: What the questions are called.
    """

    precision: str
    reference: str
    num_questions: int
    num_configurations: int
    num_different: int
    score_difference: float
    score: Score = F1
    items: str = QUESTIONS.items

    @property
    def num_answers(self) -> int:
        """Answers that were compared."""
        return self.num_questions * self.num_configurations

    def summary(self) -> str:
        """Says it in one line."""
        return (
            f"{self.precision}: {self.num_different} of {self.num_answers:,} answers "
            f"({self.num_different / max(self.num_answers, 1):.2%}) differ from "
            f"{self.reference} on a sample of {self.num_questions} {self.items} x "
            f"{self.num_configurations} configurations; mean {self.score.label} "
            f"{self.score_difference:+.2f}"
        )


def compare_precision(
    model: ZoneModel,
    reference: ZoneModel,
    dataset: Dataset,
    *,
    configurations: Iterable[Masked] | None = None,
    answered: Mapping[str, Mapping[str, str]] | None = None,
    sample_size: int | None = None,
    **settings: Any,
) -> PrecisionReport:
    """Answers a sample of a dev set with two models and counts what differs.

    Args:
        model: The model in a cheaper number format.
        reference: The same model in float32.
        dataset: The dev set.
        configurations: As in `run_sweep`.
        answered: The model's answers to all of the dev set under these configurations,
            as `SweepResult.predictions` has them; it sweeps the sample if left out.
        sample_size: Questions in the sample; by `sample_size_of` if left out.
        **settings: Fields of `SweepSettings`.

    Raises:
        InputError: As in `run_sweep`.
    """
    task = task_named(model.task)
    if sample_size is None:
        sample_size = sample_size_of(len(task.item_ids(dataset)))
    sample = sample_items(task, dataset, sample_size)
    chosen = None if configurations is None else list(configurations)
    expected = run_sweep(reference, sample, configurations=chosen, **settings)
    if answered is None:
        found = run_sweep(model, sample, configurations=chosen, **settings)
        answered = found.predictions
    pairs = [
        (answered[name][question], answer)
        for name, answers in expected.predictions.items()
        for question, answer in answers.items()
    ]
    checked = SweepSettings.of(settings).for_model(task, dataset, model.labels)
    scoring = checked.content(task) | {"metric": checked.metric}
    score = [one for one in task.SCORES if one.of_sums is None][-1]
    place = task.SCORES.index(score)
    mean, expected_mean = (
        np.mean([task.score(sample, one[name], scoring)[place] for name in one])
        for one in (
            {name: answered[name] for name in expected.predictions},
            expected.predictions,
        )
    )
    return PrecisionReport(
        precision=model.description.precision,
        reference=reference.description.precision,
        num_questions=len(task.item_ids(sample)),
        num_configurations=len(expected.predictions),
        num_different=sum(answer != other for answer, other in pairs),
        score_difference=100.0 * float(mean - expected_mean),
        score=score,
        items=task.words(sample).items,
    )


def sample_items(task: Task[Any, Any], dataset: Dataset, size: int) -> Any:
    """Returns a data set with some of the items, taken evenly over the file."""
    total = len(task.item_ids(dataset))
    rows = np.linspace(0, total - 1, min(size, total)).round().astype(int)
    return task.take(dataset, rows)
