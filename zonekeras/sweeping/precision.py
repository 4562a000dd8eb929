"""What a cheaper number format changes: the same sample answered by both models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zonekeras.data.squad import SquadDataset
from zonekeras.models.zone_model import ZoneModel
from zonekeras.sweeping.plan import Masked
from zonekeras.sweeping.run import run_sweep

SAMPLE_SIZE = 32
"""Questions in a sample, each answered under every configuration."""


@dataclass(frozen=True)
class PrecisionReport:
    """How the answers of two models differ on a sample.

    Attributes:
        precision: The model's number format.
        reference: The other model's.
        num_questions: Questions in the sample.
        num_configurations: Configurations that each is answered under.
        num_different: Answers, of questions x configurations, whose text differs.
        f1_difference: Mean F1 of the sample over all configurations, in points, minus
            the reference's.
    """

    precision: str
    reference: str
    num_questions: int
    num_configurations: int
    num_different: int
    f1_difference: float

    @property
    def num_answers(self) -> int:
        """Answers that were compared."""
        return self.num_questions * self.num_configurations

    def summary(self) -> str:
        """Says it in one line."""
        return (
            f"{self.precision}: {self.num_different} of {self.num_answers:,} answers "
            f"({self.num_different / max(self.num_answers, 1):.2%}) differ from "
            f"{self.reference} on a sample of {self.num_questions} questions x "
            f"{self.num_configurations} configurations; mean F1 "
            f"{self.f1_difference:+.2f}"
        )


def compare_precision(
    model: ZoneModel,
    reference: ZoneModel,
    dataset: SquadDataset,
    *,
    configurations: Iterable[Masked] | None = None,
    sample_size: int = SAMPLE_SIZE,
    **settings: Any,
) -> PrecisionReport:
    """Sweeps a sample of a dev set with two models and counts what differs.

    Args:
        model: The model in a cheaper number format.
        reference: The same model in float32.
        dataset: The dev set.
        configurations: As in `run_sweep`.
        sample_size: Questions in the sample, taken evenly over the file.
        **settings: Fields of `SweepSettings`.

    Raises:
        InputError: As in `run_sweep`.
    """
    sample = sample_questions(dataset, sample_size)
    chosen = None if configurations is None else list(configurations)
    found, expected = (
        run_sweep(one, sample, configurations=chosen, **settings)
        for one in (model, reference)
    )
    pairs = [
        (answer, expected.predictions[name][question])
        for name, answers in found.predictions.items()
        for question, answer in answers.items()
    ]
    return PrecisionReport(
        precision=model.description.precision,
        reference=reference.description.precision,
        num_questions=sample.num_questions,
        num_configurations=len(found.predictions),
        num_different=sum(answer != other for answer, other in pairs),
        f1_difference=float(found.table["f1"].mean() - expected.table["f1"].mean()),
    )


def sample_questions(dataset: SquadDataset, size: int) -> SquadDataset:
    """Returns a dataset with some of the questions, taken evenly over the file."""
    total = dataset.num_questions
    rows = np.linspace(0, total - 1, min(size, total)).round().astype(int)
    ids = [question.id for question in dataset.questions()]
    kept = {ids[row] for row in rows.tolist()}
    passages = [
        replace(
            passage,
            questions=tuple(item for item in passage.questions if item.id in kept),
        )
        for passage in dataset.passages
    ]
    return replace(dataset, passages=tuple(item for item in passages if item.questions))
