"""McNemar's exact test of a binary score: how many answers broke or were repaired.

It takes questions as independent, which questions of one passage are not. It describes
a cell; whether an effect is real is for `permutation` to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class McNemar:
    """The discordant questions of each cell.

    Attributes:
        broken: int64 `[C]`, right in the baseline and wrong in the cell.
        repaired: int64 `[C]`, wrong in the baseline and right in the cell.
        p_values: float64 `[C]`, two-sided; 1 where nothing changed.
    """

    broken: np.ndarray
    repaired: np.ndarray
    p_values: np.ndarray


def mcnemar(differences: np.ndarray) -> McNemar:
    """Counts and tests the answers that changed from right to wrong and back.

    Source: McNemar, "Note on the sampling error of the difference between correlated
    proportions", Psychometrika 12 (1947), in its exact form: of the discordant
    questions, the broken ones are binomial with probability 1/2 if nothing changed.

    Args:
        differences: float `[C, Q]`, a binary score of the cell minus the baseline's.

    Example:
        >>> found = mcnemar(np.array([[-100.0, -100.0, -100.0, 0.0, 100.0]]))
        >>> found.broken.item(), found.repaired.item(), found.p_values.item()
        (3, 1, 0.625)
    """
    broken = (differences < 0).sum(axis=1)
    repaired = (differences > 0).sum(axis=1)
    p_values = [
        float(binomtest(b, b + r).pvalue) if b + r else 1.0
        for b, r in zip(broken.tolist(), repaired.tolist(), strict=True)
    ]
    return McNemar(broken, repaired, np.array(p_values, np.float64))
