"""Differences added up over the questions of each passage.

Passages, not questions, are resampled. A mean over questions is then a ratio of two
sums over passages, of differences and of question counts, and a resample of it is a
product of weights `[R, P]` with these totals `[P, K]`.

The totals are rounded to multiples of 2^-26 points, so that float64 sums of them are
exact in any order. Results are thus the same to the last bit whatever the matrix
library and its threads, and equal sums compare equal in the permutation test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError

_UNIT = 2.0**-26
"""Exact for 2^53 units: 1.3e8 points, all of a million questions."""


@dataclass(frozen=True)
class PassageTotals:
    """Differences and question counts of each passage.

    Attributes:
        sums: float64 `[P, K]`, sums of differences in points; `K` are the cells.
        counts: float64 `[P]`, questions, all at least 1.
    """

    sums: np.ndarray
    counts: np.ndarray

    @property
    def num_passages(self) -> int:
        """`P`."""
        return len(self.counts)

    @property
    def num_questions(self) -> int:
        """`Q`."""
        return int(self.counts.sum())

    @property
    def effects(self) -> np.ndarray:
        """The mean differences over questions, float64 `[K]`, in points."""
        return self.sums.sum(axis=0) / self.num_questions

    @property
    def linear(self) -> PassageTotals:
        """These totals: a mean is linear already."""
        return self

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Returns the sums of differences in resamples; see `totals.Totals`."""
        return np.asarray(weights @ self.sums)

    def flipped(self, signs: np.ndarray) -> np.ndarray:
        """Returns the sums with some passages' signs flipped; see `totals.Totals`."""
        return np.asarray(signs @ self.sums)

    def take(self, effects: npt.NDArray[np.int64]) -> PassageTotals:
        """Returns some of the effects."""
        return PassageTotals(self.sums[:, effects], self.counts)


def rounded(points: np.ndarray) -> np.ndarray:
    """Rounds points so that sums of them are exact and ties are found."""
    return np.asarray(np.round(points / _UNIT) * _UNIT)


def passage_totals(differences: np.ndarray, passages: np.ndarray) -> PassageTotals:
    """Adds differences up over each passage.

    Args:
        differences: float `[K, Q]`, in points.
        passages: int `[Q]`, the passage of each question; any numbers, in any order.

    Returns:
        The totals, passages in the order of their numbers.

    Raises:
        InputError: If the numbers of questions differ, or are 0.

    Example:
        >>> differences = np.array([[0.0, -100.0, 100.0]])
        >>> totals = passage_totals(differences, np.array([7, 7, 9]))
        >>> totals.sums.tolist(), totals.counts.tolist()
        ([[-100.0], [100.0]], [2.0, 1.0])
    """
    if differences.ndim != 2 or differences.shape[1:] != passages.shape:
        raise InputError(
            "Expected differences [cells, questions] and a passage for each question. "
            f"Received: shapes {differences.shape} and {passages.shape}."
        )
    if not passages.size:
        raise InputError("Expected at least one question. Received: 0.")
    order = np.argsort(passages, kind="stable")
    _, firsts, counts = np.unique(
        passages[order], return_index=True, return_counts=True
    )
    sums = np.add.reduceat(differences[:, order], firsts, axis=1)  # [K, P]
    return PassageTotals(
        sums=np.ascontiguousarray(rounded(sums).T),
        counts=counts.astype(np.float64),
    )
