"""Effects beyond those of size-matched controls, question by question.

A cell's question scores are compared with the mean of its controls' scores of the same
question, so that what makes a question hard cancels. Where a score is a function of
sums over questions, the cell is compared with each of its controls, and the mean of
these differences counts. Every window is shuffled by itself, so the luck of a shuffle
is independent from passage to passage: resampling passages covers it, also where there
is only one control.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.effects import (
    effects_beyond,
    joined_totals,
    rows_of_scores,
)
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.scores import ItemScores, mean_effects


def control_statistics(
    baseline: ItemScores,
    cells: ItemScores,
    controls: Sequence[ItemScores],
    passages: np.ndarray,
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
) -> pd.DataFrame:
    """Computes what each cell's effect is beyond its controls'.

    Args:
        baseline: Scores with nothing masked, `[Q]`.
        cells: Scores of the cells that have controls, `[C, Q]`. The q-values hold for
            these.
        controls: For each cell the scores of its controls, `[N, Q]` with N >= 1.
        passages: int `[Q]`, the passage of each question.
        num_resamples: Bootstrap resamples, and sign patterns of the permutation test.
        seed: The same seed gives the same table, bit for bit.

    Returns:
        One row for each cell, in order, float64. For each score, such as `f1`:
        `f1_control_effect` (mean effect of its controls, points),
        `f1_control_deviation` (their standard deviation, NaN for a single one),
        `f1_beyond` (the cell's effect minus that mean), `f1_beyond_low`,
        `f1_beyond_high` (its interval), `f1_beyond_p` (permutation test), `f1_beyond_q`
        (Benjamini-Hochberg).

    Raises:
        InputError: If the arrays are not of the same questions.
    """
    found = effects_beyond(baseline, cells, controls, passages)
    totals = joined_totals(found)
    intervals = bootstrap_intervals(totals, num_resamples=num_resamples, seed=seed)
    p_values = permutation_test(totals, num_resamples=num_resamples, seed=seed)
    of_controls = [mean_effects(baseline, drawn) for drawn in controls]
    columns: dict[str, np.ndarray] = {}
    for score, rows in rows_of_scores(found, len(p_values)).items():
        effects = [drawn[score] for drawn in of_controls]
        columns[f"{score}_control_effect"] = np.array([one.mean() for one in effects])
        columns[f"{score}_control_deviation"] = np.array(
            [one.std(ddof=1) if len(one) > 1 else np.nan for one in effects]
        )
        columns[f"{score}_beyond"] = found[score].effects
        columns[f"{score}_beyond_low"] = intervals.low[rows]
        columns[f"{score}_beyond_high"] = intervals.high[rows]
        columns[f"{score}_beyond_p"] = p_values[rows]
        columns[f"{score}_beyond_q"] = benjamini_hochberg(p_values[rows])
    return pd.DataFrame(columns)
