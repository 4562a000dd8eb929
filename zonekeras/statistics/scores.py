"""The scores of single questions, and a cell's differences from the baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonekeras.errors import InputError

SCORES = ("em", "f1")
"""What the names of columns begin with: exact match, F1."""


@dataclass(frozen=True)
class QuestionScores:
    """What each question scored.

    Attributes:
        exact_match: float `[..., Q]`, 0 or 1; leading axes are cells, seeds, ….
        f1: float `[..., Q]`, from 0 to 1, the same shape.

    Raises:
        InputError: If the shapes differ, there is no question, or a score is out of
            range or NaN.

    Example:
        >>> scores = QuestionScores(np.array([1.0, 0.0]), np.array([1.0, 0.5]))
        >>> scores.f1.mean()
        np.float64(0.75)
    """

    exact_match: np.ndarray
    f1: np.ndarray

    def __post_init__(self) -> None:
        """Checks the scores."""
        if self.exact_match.shape != self.f1.shape or not self.f1.size:
            raise InputError(
                "Expected exact match and F1 of the same questions, at least one. "
                f"Received: shapes {self.exact_match.shape} and {self.f1.shape}."
            )
        if not np.isin(self.exact_match, (0.0, 1.0)).all():
            raise InputError(
                "Expected exact match as 0 or 1 for every question. Received: "
                f"{_first(self.exact_match, ~np.isin(self.exact_match, (0.0, 1.0)))}."
            )
        is_share = (self.f1 >= 0.0) & (self.f1 <= 1.0)
        if not is_share.all():
            raise InputError(
                "Expected F1 from 0 to 1 for every question. Received: "
                f"{_first(self.f1, ~is_share)}; leave out questions without a score."
            )


def exact_match_differences(
    baseline: QuestionScores, cells: QuestionScores
) -> np.ndarray:
    """Returns the cells' exact match minus the baseline's.

    Args:
        baseline: Scores `[Q]`, or with axes that broadcast against the cells'.
        cells: Scores `[..., Q]`.

    Returns:
        float64 `[..., Q]`, in points (-100, 0 or 100).

    Raises:
        InputError: If they are not of the same questions.
    """
    return _differences(baseline.exact_match, cells.exact_match)


def f1_differences(baseline: QuestionScores, cells: QuestionScores) -> np.ndarray:
    """Returns the cells' F1 minus the baseline's; see `exact_match_differences`."""
    return _differences(baseline.f1, cells.f1)


def score_differences(baseline: QuestionScores, cells: QuestionScores) -> np.ndarray:
    """Returns the differences of both scores, exact match's above F1's.

    Args:
        baseline: Scores `[Q]`.
        cells: Scores `[C, Q]`.

    Returns:
        float64 `[2 C, Q]`, in points.

    Raises:
        InputError: If they are not of the same questions.
    """
    return np.concatenate(
        [exact_match_differences(baseline, cells), f1_differences(baseline, cells)]
    )


def _differences(baseline: np.ndarray, cells: np.ndarray) -> np.ndarray:
    if baseline.shape[-1] != cells.shape[-1]:
        raise InputError(
            "Expected the same questions in the cells as in the baseline. Received: "
            f"{cells.shape[-1]:,} and {baseline.shape[-1]:,} questions."
        )
    return 100.0 * (cells.astype(np.float64) - baseline.astype(np.float64))


def _first(values: np.ndarray, is_wrong: np.ndarray) -> str:
    return f"{values[is_wrong][0]:g}"
