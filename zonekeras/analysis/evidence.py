"""Evidence for each effect: its interval, its tests and the detectable effect."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from zonekeras.statistics.cells import cell_statistics
from zonekeras.statistics.scores import ItemScores
from zonekeras.zones import BASELINE, parse_configuration


def add_evidence(
    table: pd.DataFrame, scores: ItemScores, groups: npt.NDArray[np.int64]
) -> pd.DataFrame:
    """Adds the statistics of every effect to a sweep's table.

    The q-values hold for all configurations of the sweep together, cells or not, except
    controls, which are a family of their own.

    Args:
        table: A sweep's table, as in `store.tidy`.
        scores: Scores of its rows, `[rows, Q]`.
        groups: int64 `[Q]`, the group of each item; a group is resampled as one.

    Returns:
        The table with, for every score, the columns `_low` and `_high` (95 %
        interval of the effect, points), `_p` (permutation test), `_q` (its false
        discovery rate), `_detectable` (points); and `broken`, `repaired` (questions)
        and `mcnemar_p` of the binary one. NaN for the baseline.
    """
    is_baseline = (table["configuration"] == BASELINE).to_numpy()
    is_control = np.array(
        [bool(parse_configuration(name).control) for name in table["configuration"]]
    )
    baseline = scores.take(np.flatnonzero(is_baseline)[0])
    parts = []
    for family in (~is_baseline & ~is_control, is_control):
        rows = np.flatnonzero(family)
        if len(rows):
            found = cell_statistics(baseline, scores.take(rows), groups)
            parts.append(found.set_index(table.index[rows]))
    if not parts:
        return table
    found = pd.concat(parts).drop(
        columns=[f"{score}_effect" for score in scores.scores]
    )
    return table.join(found.astype("float64"))
