"""The loss and scores of every step of a run, as a table. No Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write

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
        exact_match: The dev set's score after it, in points; NaN where there is none.
        f1: Likewise.
    """

    step: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    exact_match: float = math.nan
    f1: float = math.nan

    @property
    def is_scored(self) -> bool:
        """Whether the dev set was answered after it."""
        return not math.isnan(self.f1)


COLUMNS = tuple(field.name for field in fields(HistoryRow))


class History:
    """The rows of a run, in the order of the steps.

    Args:
        array: float64 [steps, columns] of an earlier part of the run.
    """

    def __init__(self, array: npt.NDArray[np.float64] | None = None) -> None:
        rows = np.empty((0, len(COLUMNS))) if array is None else array
        self._rows = [HistoryRow(int(step), *values) for step, *values in rows]

    @classmethod
    def read(cls, directory: Path) -> History:
        """Reads `history.csv`, which has nine digits of each number.

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
        if tuple(table.columns) != COLUMNS:
            raise InputError(
                f"{path}: expected the columns {', '.join(COLUMNS)}. Received: "
                f"{', '.join(table.columns)}. Remove it to have it written again."
            )
        return cls(table.to_numpy())

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
        """Returns the first step with the highest F1; None if none was scored."""
        scored = [row for row in self._rows if row.is_scored]
        return max(scored, key=lambda row: row.f1, default=None)

    def array(self) -> npt.NDArray[np.float64]:
        """Returns float64 [steps, columns]."""
        rows = [astuple(row) for row in self._rows]
        return np.asarray(rows, np.float64).reshape(-1, len(COLUMNS))

    def table(self) -> pd.DataFrame:
        """Returns the rows as a table with the names of `HistoryRow`."""
        table = pd.DataFrame(self.array(), columns=list(COLUMNS))
        return table.astype({"step": int})

    def write(self, directory: Path) -> None:
        """Writes `history.csv`, whole."""
        text = self.table().to_csv(
            index=False, float_format="%.9g", lineterminator="\n"
        )
        atomic_write(directory / HISTORY_FILE, text)
