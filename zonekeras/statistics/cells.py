"""The statistics of a sweep's cells as one table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.effects import joined_totals, rows_of_scores, score_effects
from zonekeras.statistics.mcnemar import mcnemar
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.power import detectable_effects
from zonekeras.statistics.scores import ItemScores, item_differences


def cell_statistics(
    baseline: ItemScores,
    cells: ItemScores,
    passages: np.ndarray,
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
) -> pd.DataFrame:
    """Computes what is known of every cell's effect.

    All cells and scores share their resamples. 60 cells of 10,570 questions in
    2,067 passages take about two seconds (`benchmarks/cell_statistics.py`).

    Args:
        baseline: Scores with nothing masked, `[Q]`.
        cells: Scores of the cells, `[C, Q]`. The q-values hold for these cells: pass
            all of a sweep's, and nothing else.
        passages: int `[Q]`, the passage of each question.
        num_resamples: Bootstrap resamples, and sign patterns of the permutation test.
        seed: The same seed gives the same table, bit for bit.

    Returns:
        One row for each cell, in order. For each score, such as `f1`, float64:
        `f1_effect`, `f1_low`, `f1_high` (effect and interval, points), `f1_p`
        (permutation test), `f1_q` (Benjamini-Hochberg), `f1_detectable` (points).
        For the first binary score also `broken`, `repaired` (int64, questions) and
        `mcnemar_p`; for further ones these with the score's name in front, as in
        `accuracy_broken`. See the modules of this package for each.

    Raises:
        InputError: If the arrays are not of the same questions.

    Example:
        >>> from zonekeras.scores import EXACT_MATCH
        >>> right, half = np.ones(20), np.tile([1.0, 0.0], 10)
        >>> table = cell_statistics(
        ...     ItemScores({EXACT_MATCH: right}),
        ...     ItemScores({EXACT_MATCH: half[None]}),
        ...     passages=np.arange(20),
        ... )
        >>> table[["exact_match_effect", "broken", "mcnemar_p"]].iloc[0].tolist()
        [-50.0, 10.0, 0.001953125]
    """
    found = score_effects(baseline, cells, passages)
    totals = joined_totals(found)
    intervals = bootstrap_intervals(totals, num_resamples=num_resamples, seed=seed)
    p_values = permutation_test(totals, num_resamples=num_resamples, seed=seed)
    detectable = detectable_effects(totals)
    columns: dict[str, np.ndarray] = {}
    for score, rows in rows_of_scores(found, len(p_values)).items():
        columns[f"{score}_effect"] = found[score].effects
        columns[f"{score}_low"] = intervals.low[rows]
        columns[f"{score}_high"] = intervals.high[rows]
        columns[f"{score}_p"] = p_values[rows]
        columns[f"{score}_q"] = benjamini_hochberg(p_values[rows])
        columns[f"{score}_detectable"] = detectable[rows]
    return pd.DataFrame(columns | _changes(baseline, cells))


def _changes(baseline: ItemScores, cells: ItemScores) -> dict[str, np.ndarray]:
    """Returns the columns of binary scores alone: what broke, what was repaired."""
    columns: dict[str, np.ndarray] = {}
    differences = item_differences(baseline, cells)
    for number, score in enumerate(one for one in cells.scores if one.is_binary):
        prefix = f"{score}_" if number else ""
        changes = mcnemar(differences[score])
        columns[f"{prefix}broken"] = changes.broken
        columns[f"{prefix}repaired"] = changes.repaired
        columns[f"{prefix}mcnemar_p"] = changes.p_values
    return columns
