"""Effects of cells on each score, as what resampling works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zonekeras.scores import Score
from zonekeras.statistics.count_totals import CountTotals, counts_by_passage
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.scores import ItemScores, item_differences
from zonekeras.statistics.totals import Totals, join_totals


@dataclass(frozen=True, eq=False)
class ScoreEffects:
    """Effects on one score.

    Attributes:
        effects: float64 `[K]`, in points.
        totals: What each passage adds to them.
    """

    effects: np.ndarray
    totals: Totals

    @classmethod
    def of_means(cls, differences: np.ndarray, passages: np.ndarray) -> ScoreEffects:
        """Returns the means of differences `[K, Q]`."""
        totals = passage_totals(differences, passages)
        return cls(differences.mean(axis=1), totals)


def score_effects(
    baseline: ItemScores, cells: ItemScores, passages: np.ndarray
) -> dict[Score, ScoreEffects]:
    """Returns the cells' effects on every score.

    Args:
        baseline: Scores `[Q]`, or `[C, Q]` where each cell has its own.
        cells: The same scores `[C, Q]`.
        passages: int `[Q]`, the passage of each item.

    Raises:
        InputError: If they are not the same scores, or not of the same items.
    """
    differences = item_differences(baseline, cells)
    found = {}
    for score, values in cells.by_score.items():
        if score in differences:
            found[score] = ScoreEffects.of_means(differences[score], passages)
            continue
        before = baseline.by_score[score]
        found[score] = _of_pairs(
            score,
            before if before.ndim == values.ndim else before[None],
            values,
            np.arange(len(values)),
            passages,
        )
    return found


def effects_beyond(
    baseline: ItemScores,
    cells: ItemScores,
    controls: Sequence[ItemScores],
    passages: np.ndarray,
) -> dict[Score, ScoreEffects]:
    """Returns by how much cells' effects differ from the mean of their controls'.

    Of a function of sums it is the mean of the cell's differences from each control.

    Args:
        baseline: Scores with nothing masked, `[Q]`.
        cells: Scores `[C, Q]`.
        controls: For each cell the scores of its controls, `[N, Q]` with N >= 1.
        passages: int `[Q]`, the passage of each item.

    Raises:
        InputError: If they are not the same scores, or not of the same items.
    """
    of_cells = item_differences(baseline, cells)  # [C, Q]
    of_controls = [item_differences(baseline, drawn) for drawn in controls]
    lengths = [len(next(iter(drawn.by_score.values()))) for drawn in controls]
    found = {}
    for score, values in cells.by_score.items():
        if score in of_cells:
            means = np.stack([drawn[score].mean(axis=0) for drawn in of_controls])
            beyond = of_cells[score] - means
            found[score] = ScoreEffects.of_means(beyond, passages)
            continue
        found[score] = _of_pairs(
            score,
            np.concatenate([drawn.by_score[score] for drawn in controls]),
            np.repeat(values, lengths, axis=0),
            np.cumsum([0, *lengths[:-1]]),
            passages,
        )
    return found


def joined_totals(effects: Mapping[Score, ScoreEffects]) -> Totals:
    """Returns the totals of all scores, the first one's before the next one's."""
    return join_totals([one.totals for one in effects.values()])


def rows_of_scores(scores: Iterable[Score], num_rows: int) -> dict[Score, slice]:
    """Returns which rows are each score's, where joined scores have equally many."""
    kinds = list(scores)
    each = num_rows // len(kinds)
    return {
        score: slice(number * each, (number + 1) * each)
        for number, score in enumerate(kinds)
    }


def _of_pairs(
    score: Score,
    before: np.ndarray,
    after: np.ndarray,
    firsts: np.ndarray,
    passages: np.ndarray,
) -> ScoreEffects:
    """Returns effects on a function of sums, of items' counts `[J, Q, M]`."""
    totals = CountTotals(
        score,
        counts_by_passage(before, passages),
        counts_by_passage(after, passages),
        firsts,
        np.unique(passages, return_counts=True)[1].astype(np.float64),
    )
    return ScoreEffects(totals.effects, totals)
