"""The scores by which answers are judged: one vocabulary for all tasks.

A task names its scores in a tuple, its headline first: grids, single figures and the
protocol's table show that one. Functions that compute scores are given the tuple;
functions that read a table find the names in its columns. `task_table` has all of them.

A score is a mean over items of a number from 0 to 1, or a function of sums of counts
over items, such as macro-F1: `docs/architecture.md`, "Scores of a whole set".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One way to judge an answer.

    `str` gives the name, so that f"{score}_effect" is a column.

    Attributes:
        name: Its columns in tables and its key in files begin with it.
        label: What people read in figures, reports and on the terminal.
        is_binary: Whether every item is either right (1) or wrong (0), so that answers
            can be broken and repaired, and McNemar's test applies.
        of_sums: float64 [..., P] -> float64 [...]: the score, from 0 to 1, of sums over
            items of what each item counts; None for a mean over items. A score that is
            not None here is not binary: an item has counts, no score.
    """

    name: str
    label: str
    is_binary: bool
    of_sums: Callable[[FloatArray], FloatArray] | None = None

    def __str__(self) -> str:
        """Returns the name."""
        return self.name


EXACT_MATCH = Score("exact_match", "EM", is_binary=True)
F1 = Score("f1", "F1", is_binary=False)
SPAN_SCORES = (EXACT_MATCH, F1)
"""The scores of the span reader."""


def macro_f1(sums: FloatArray) -> FloatArray:
    """Returns the mean of the classes' F1.

    A class that is neither the gold label nor the answer of any item does not count.

    Args:
        sums: [..., 3 K]: how many items have each class as the gold label, how many as
            the answer, and how many as both.

    Returns:
        [...], from 0 to 1; 0 where there is no item.

    Example:
        >>> import numpy as np
        >>> macro_f1(np.array([2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 1.0, 1.0, 0.0])).item()
        0.6666666666666666
    """
    import numpy as np

    gold, answers, both = np.split(sums, 3, axis=-1)
    either = gold + answers
    counts = either > 0
    f1 = np.divide(2.0 * both, either, out=np.zeros(either.shape), where=counts)
    return np.asarray(f1.sum(axis=-1) / np.maximum(counts.sum(axis=-1), 1))


ACCURACY = Score("accuracy", "accuracy", is_binary=True)
MACRO_F1 = Score("macro_f1", "macro-F1", is_binary=False, of_sums=macro_f1)
CLASSIFICATION_SCORES = (ACCURACY, MACRO_F1)
"""The scores of classification."""
