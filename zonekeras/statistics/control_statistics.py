"""Effects beyond those of size-matched controls, question by question.

A cell's question scores are compared with the mean of its controls' scores of the same
question, so that what makes a question hard cancels. Every window is shuffled by
itself, so the luck of a shuffle is independent from passage to passage: resampling
passages covers it, also where there is only one control.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.scores import ItemScores, item_differences


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
    of_cells = item_differences(baseline, cells)  # [C, Q]
    of_controls = [item_differences(baseline, drawn) for drawn in controls]
    beyond = np.concatenate(
        [
            of_cells[score]
            - np.stack([drawn[score].mean(axis=0) for drawn in of_controls])
            for score in of_cells
        ]
    )
    totals = passage_totals(beyond, passages)  # S C
    intervals = bootstrap_intervals(totals, num_resamples=num_resamples, seed=seed)
    p_values = permutation_test(totals, num_resamples=num_resamples, seed=seed)
    columns: dict[str, np.ndarray] = {}
    for number, score in enumerate(of_cells):
        rows = slice(number * len(controls), (number + 1) * len(controls))
        effects = [drawn[score].mean(axis=1) for drawn in of_controls]
        columns[f"{score}_control_effect"] = np.array([one.mean() for one in effects])
        columns[f"{score}_control_deviation"] = np.array(
            [one.std(ddof=1) if len(one) > 1 else np.nan for one in effects]
        )
        columns[f"{score}_beyond"] = beyond[rows].mean(axis=1)
        columns[f"{score}_beyond_low"] = intervals.low[rows]
        columns[f"{score}_beyond_high"] = intervals.high[rows]
        columns[f"{score}_beyond_p"] = p_values[rows]
        columns[f"{score}_beyond_q"] = benjamini_hochberg(p_values[rows])
    return pd.DataFrame(columns)
