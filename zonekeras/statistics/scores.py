"""The scores of single items, and a cell's differences from the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.scores import Score


@dataclass(frozen=True, eq=False)
class ItemScores:
    """What each item (a question, for the span reader) scored.

    Attributes:
        by_score: Score -> float `[..., Q]`, all of the same shape, 0 or 1 for a binary
            score and from 0 to 1 for others; leading axes are cells, seeds, …. Of a
            score that is a function of sums `[..., Q, M]`, what each item counts, from
            0; whole numbers of any type. Columns of tables are in the order of the
            scores.

    Raises:
        InputError: If there is no score or no item, the shapes differ, or a score or
            count is out of range or NaN.

    Example:
        >>> from zonekeras.scores import EXACT_MATCH, F1
        >>> scores = ItemScores(
        ...     {EXACT_MATCH: np.array([1.0, 0.0]), F1: np.array([1.0, 0.5])}
        ... )
        >>> scores.by_score[F1].mean()
        np.float64(0.75)
    """

    by_score: Mapping[Score, np.ndarray]

    def __post_init__(self) -> None:
        """Checks the scores."""
        shapes = {
            str(score): values.shape[: -1 if score.of_sums else None]
            for score, values in self.by_score.items()
        }
        if len(set(shapes.values())) != 1 or 0 in next(iter(shapes.values())):
            received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise InputError(
                "Expected scores of the same items, at least one. Received: "
                f"{received or 'no score'}."
            )
        for score, values in self.by_score.items():
            if score.of_sums is not None:
                _check_counts(score, values)
                continue
            if score.is_binary and not np.isin(values, (0.0, 1.0)).all():
                raise InputError(
                    f"Expected {score.label} as 0 or 1 for every item. Received: "
                    f"{_first(values, ~np.isin(values, (0.0, 1.0)))}."
                )
            is_share = (values >= 0.0) & (values <= 1.0)
            if not is_share.all():
                raise InputError(
                    f"Expected {score.label} from 0 to 1 for every item. Received: "
                    f"{_first(values, ~is_share)}; leave out items without a score."
                )

    @property
    def scores(self) -> tuple[Score, ...]:
        """Which scores these are; the headline first."""
        return tuple(self.by_score)

    @property
    def num_items(self) -> int:
        """`Q`."""
        score, values = next(iter(self.by_score.items()))
        return int(values.shape[-1 if score.of_sums is None else -2])

    def of_items(self, items: npt.NDArray[np.int64]) -> ItemScores:
        """Returns the scores of some items alone."""
        return ItemScores(
            {
                score: values[..., items]
                if score.of_sums is None
                else values[..., items, :]
                for score, values in self.by_score.items()
            }
        )

    def of_all(self, score: Score) -> np.ndarray:
        """Returns a score of all items together, float64 `[...]`, from 0 to 1."""
        values = self.by_score[score]
        if score.of_sums is None:
            return np.asarray(values.mean(axis=-1))
        return score.of_sums(values.sum(axis=-2, dtype=np.float64))

    def take(self, rows: npt.NDArray[np.int64] | int) -> ItemScores:
        """Returns the scores of some rows of the first axis, or of one, `[..., Q]`."""
        return ItemScores(
            {score: values[rows] for score, values in self.by_score.items()}
        )


def compact(values: np.ndarray) -> np.ndarray:
    """Returns whole numbers in the smallest type that holds them; all else as it is.

    An item's counts are mostly 0 and 1, and a sweep has many.
    """
    whole = np.rint(values)
    if not np.array_equal(whole, values) or values.min(initial=0) < 0:
        return values
    return whole.astype(np.min_scalar_type(int(values.max(initial=0))))


def item_differences(
    baseline: ItemScores, cells: ItemScores
) -> dict[Score, np.ndarray]:
    """Returns the cells' scores minus the baseline's, item by item.

    Args:
        baseline: Scores `[Q]`, or with axes that broadcast against the cells'.
        cells: The same scores `[..., Q]`.

    Returns:
        Score -> float64 `[..., Q]`, in points (-100, 0 or 100 if it is binary). Scores
        that are functions of sums are left out: an item has none.

    Raises:
        InputError: If they are not the same scores, or not of the same items.
    """
    if baseline.scores != cells.scores:
        raise InputError(
            "Expected the same scores of the cells as of the baseline. Received: "
            f"{_names(cells)} and {_names(baseline)}."
        )
    if baseline.num_items != cells.num_items:
        raise InputError(
            "Expected the same items in the cells as in the baseline. Received: "
            f"{cells.num_items:,} and {baseline.num_items:,} items."
        )
    return {
        score: 100.0
        * (values.astype(np.float64) - baseline.by_score[score].astype(np.float64))
        for score, values in cells.by_score.items()
        if score.of_sums is None
    }


def mean_effects(baseline: ItemScores, cells: ItemScores) -> dict[Score, np.ndarray]:
    """Returns by how much the cells' scores differ from the baseline's.

    Args:
        baseline: Scores `[Q]`.
        cells: The same scores `[C, Q]`.

    Returns:
        Score -> float64 `[C]`, in points.

    Raises:
        InputError: As in `item_differences`.
    """
    differences = item_differences(baseline, cells)
    return {
        score: differences[score].mean(axis=1)
        if score in differences
        else 100.0 * (cells.of_all(score) - baseline.of_all(score))
        for score in cells.scores
    }


def _check_counts(score: Score, counts: np.ndarray) -> None:
    is_count = (counts >= 0) & (counts < np.inf)
    if not is_count.all():
        raise InputError(
            f"Expected counts from 0 for {score.label} of every item. Received: "
            f"{_first(counts, ~is_count)}."
        )


def _names(scores: ItemScores) -> str:
    return ", ".join(map(str, scores.scores))


def _first(values: np.ndarray, is_wrong: np.ndarray) -> str:
    return f"{values[is_wrong][0]:g}"
