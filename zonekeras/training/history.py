"""The loss and scores of every step of a run, as a table. No Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.scores import F1, SPAN_SCORES, Score

HISTORY_FILE = "history.csv"


@dataclass(frozen=True)
class HistoryRow:
    """A step.

    Attributes:
        step: Its number, from 1.
        epoch: Passes over the data when it was done.
        loss: Mean over its windows, before the update.
        learning_rate: Of this step.
        gradient_norm: Before it was cut.
        scores: The dev set's after it, in points by their names; none where it was
            not scored.
    """

    step: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_scored(self) -> bool:
        """Whether the dev set was answered after it."""
        return bool(self.scores)


COLUMNS = ("step", "epoch", "loss", "learning_rate", "gradient_norm")
"""What every step has; the task's scores follow."""


class History:
    """The rows of a run, in the order of the steps.

    Args:
        array: float64 [steps, columns] of an earlier part of the run.
        scores: The dev set's, in the order of their columns.
        best: The one of these that the best step is chosen by.
    """

    def __init__(
        self,
        array: npt.NDArray[np.float64] | None = None,
        *,
        scores: Sequence[Score] = SPAN_SCORES,
        best: Score = F1,
    ) -> None:
        self._scores = tuple(score.name for score in scores)
        self._best = best.name
        rows = np.empty((0, len(self.columns))) if array is None else array
        self._rows = [self._row(*values) for values in rows.tolist()]

    def _row(self, step: float, *values: float) -> HistoryRow:
        """Returns a row of the array as a step."""
        epoch, loss, learning_rate, gradient_norm, *found = values
        is_scored = not any(map(math.isnan, found))
        scores = dict(zip(self._scores, found, strict=True)) if is_scored else {}
        return HistoryRow(int(step), epoch, loss, learning_rate, gradient_norm, scores)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the table's columns."""
        return (*COLUMNS, *self._scores)

    @classmethod
    def read(
        cls,
        directory: Path,
        *,
        scores: Sequence[Score] = SPAN_SCORES,
        best: Score = F1,
    ) -> History:
        """Reads `history.csv`, which has nine digits of each number.

        Args:
            directory: Where it lies.
            scores: As the class takes them.
            best: Likewise.

        Raises:
            InputError: If it is no such file.
        """
        path = directory / HISTORY_FILE
        try:
            table = pd.read_csv(path, dtype=np.float64)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: expected a table that zonekeras wrote. It cannot be read: "
                f"{error}. Remove it to have it written again."
            ) from error
        empty = cls(scores=scores, best=best)
        if tuple(table.columns) != empty.columns:
            raise InputError(
                f"{path}: expected the columns {', '.join(empty.columns)}. Received: "
                f"{', '.join(table.columns)}. Remove it to have it written again."
            )
        return cls(table.to_numpy(), scores=scores, best=best)

    def __len__(self) -> int:
        """Returns the number of steps."""
        return len(self._rows)

    def __iter__(self) -> Iterator[HistoryRow]:
        """Yields the rows."""
        return iter(self._rows)

    def append(self, row: HistoryRow) -> None:
        """Adds a step."""
        self._rows.append(row)

    @property
    def last(self) -> HistoryRow:
        """The last step."""
        return self._rows[-1]

    def replace_last(self, row: HistoryRow) -> None:
        """Puts a row in place of the last one."""
        self._rows[-1] = row

    def mean_loss(self, num_steps: int) -> float:
        """Returns the mean loss of the last steps, as many as there are."""
        return float(np.mean([row.loss for row in self._rows[-num_steps:]]))

    def best(self) -> HistoryRow | None:
        """Returns the first step with the best score; None if none was scored."""
        scored = [row for row in self._rows if row.is_scored]
        return max(scored, key=lambda row: row.scores[self._best], default=None)

    def array(self) -> npt.NDArray[np.float64]:
        """Returns float64 [steps, columns]."""
        rows = [
            [getattr(row, name) for name in COLUMNS]
            + [row.scores.get(name, math.nan) for name in self._scores]
            for row in self._rows
        ]
        return np.asarray(rows, np.float64).reshape(-1, len(self.columns))

    def table(self) -> pd.DataFrame:
        """Returns the rows as a table, a column for each score."""
        table = pd.DataFrame(self.array(), columns=list(self.columns))
        return table.astype({"step": int})

    def write(self, directory: Path) -> None:
        """Writes `history.csv`, whole."""
        text = self.table().to_csv(
            index=False, float_format="%.9g", lineterminator="\n"
        )
        atomic_write(directory / HISTORY_FILE, text)
