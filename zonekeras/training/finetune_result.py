"""What `finetune` returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zonekeras.models.zone_model import ZoneModel
from zonekeras.training.answering import DevAnswers
from zonekeras.training.history import History


@dataclass(frozen=True, eq=False)
class FinetuneResult:
    """A fine-tuned model and its history.

    Attributes:
        model: The model, float32, nothing masked.
        history: A row for every step; empty if the run was finished before and both
            `history.csv` and its last checkpoint were deleted.
        answers: To the dev set, with its scores; None without one.
        directory: The model directory; None if nothing was written.
        was_finished: Whether it was finished before and only read.
    """

    model: ZoneModel
    history: History
    answers: DevAnswers | None
    directory: Path | None = None
    was_finished: bool = False
