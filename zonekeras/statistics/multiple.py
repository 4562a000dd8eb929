"""Many cells, one question: which effects survive a correction for all of them?"""

from __future__ import annotations

import numpy as np
from scipy.stats import false_discovery_control


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Adjusts p-values so that a threshold bounds the false discovery rate.

    Of the cells with a q-value up to 0.05, at most 5 % are expected to have no effect.
    That is proven for independent tests and for positively dependent ones. The cells of
    one sweep share the baseline's answers, so they depend on each other positively, but
    not in every way that the proof asks for.

    Sources: Benjamini and Hochberg, "Controlling the False Discovery Rate", JRSS B 57
    (1995); Benjamini and Yekutieli, Annals of Statistics 29 (2001), for dependence.

    Args:
        p_values: float `[C]`, of all cells that were tested, from 0 to 1; NaN for one
            that could not be, which does not count.

    Returns:
        q-values, float64 `[C]`; NaN where the p-value is.

    Example:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
        [0.04, 0.0533, 0.0533, 0.5]
    """
    q_values = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        q_values[known] = false_discovery_control(p_values[known], method="bh")
    return q_values
