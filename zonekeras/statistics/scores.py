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
            score and from 0 to 1 for others; leading axes are cells, seeds, …. Columns
            of tables are in the order of the scores.

    Raises:
        InputError: If there is no score or no item, the shapes differ, or a score is
            out of range or NaN.

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
        shapes = {str(score): values.shape for score, values in self.by_score.items()}
        if len(set(shapes.values())) != 1 or 0 in next(iter(shapes.values())):
            received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise InputError(
                "Expected scores of the same items, at least one. Received: "
                f"{received or 'no score'}."
            )
        for score, values in self.by_score.items():
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
        return int(next(iter(self.by_score.values())).shape[-1])

    def take(self, rows: npt.NDArray[np.int64] | int) -> ItemScores:
        """Returns the scores of some rows of the first axis, or of one, `[..., Q]`."""
        return ItemScores(
            {score: values[rows] for score, values in self.by_score.items()}
        )


def item_differences(
    baseline: ItemScores, cells: ItemScores
) -> dict[Score, np.ndarray]:
    """Returns the cells' scores minus the baseline's.

    Args:
        baseline: Scores `[Q]`, or with axes that broadcast against the cells'.
        cells: The same scores `[..., Q]`.

    Returns:
        Score -> float64 `[..., Q]`, in points (-100, 0 or 100 if it is binary).

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
    }


def score_differences(baseline: ItemScores, cells: ItemScores) -> np.ndarray:
    """Returns the differences of all scores, the first one's above the next one's.

    Args:
        baseline: Scores `[Q]`.
        cells: Scores `[C, Q]`.

    Returns:
        float64 `[S C, Q]`, in points, for `S` scores.

    Raises:
        InputError: As in `item_differences`.
    """
    return np.concatenate(list(item_differences(baseline, cells).values()))


def _names(scores: ItemScores) -> str:
    return ", ".join(map(str, scores.scores))


def _first(values: np.ndarray, is_wrong: np.ndarray) -> str:
    return f"{values[is_wrong][0]:g}"
