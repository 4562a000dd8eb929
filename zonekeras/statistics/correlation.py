"""How one number of every cell goes with another, such as attention mass with effect.

The interval resamples cells. Cells of neighbouring layers resemble each other, so that
there are fewer independent ones than it assumes: take it as the least uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import pearsonr, rankdata, spearmanr

from zonekeras.errors import InputError
from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.bootstrap import expanded_level

_LEAST_CELLS = 3


class CorrelationMethod(StrEnum):
    """Which correlation: of the numbers or of their ranks."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"


@dataclass(frozen=True)
class Correlation:
    """A correlation and its interval, from -1 to 1; all NaN if a side is constant."""

    value: float
    low: float
    high: float
    num_cells: int


def correlation(
    first: np.ndarray,
    second: np.ndarray,
    method: CorrelationMethod | str = CorrelationMethod.PEARSON,
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
    confidence: float = settings.CONFIDENCE,
) -> Correlation:
    """Computes the correlation of two numbers over cells.

    The interval is the expanded percentile interval (`bootstrap`); for Spearman every
    resample is ranked anew. Resamples in which a side is constant are left out.

    Args:
        first: float `[C]`, such as the attention mass of each cell's zone.
        second: float `[C]`, such as each cell's effect.
        method: `pearson` or `spearman`.
        num_resamples: How many resamples to draw.
        seed: The same seed gives the same interval.
        confidence: Of the interval.

    Raises:
        InputError: If the lengths differ, there are fewer than three cells, a value is
            not finite, or there is no such method.

    Example:
        >>> found = correlation(np.arange(9.0), np.arange(9.0) ** 3, "spearman")
        >>> round(found.value, 9), found.num_cells
        (1.0, 9)
    """
    kind = _checked(first, second, method)
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return Correlation(np.nan, np.nan, np.nan, len(first))
    is_ranked = kind is CorrelationMethod.SPEARMAN
    value = (spearmanr if is_ranked else pearsonr)(first, second).statistic
    drawn = np.random.default_rng(seed).integers(
        len(first), size=(num_resamples, len(first))
    )
    left, right = first[drawn], second[drawn]  # [R, C]
    if is_ranked:
        left, right = rankdata(left, axis=1), rankdata(right, axis=1)
    varies = (np.ptp(left, axis=1) > 0.0) & (np.ptp(right, axis=1) > 0.0)
    level = expanded_level(confidence, len(first))
    low, high = np.quantile(
        _row_correlations(left[varies], right[varies]), (level, 1.0 - level)
    )
    return Correlation(float(value), float(low), float(high), len(first))


def _row_correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns Pearson's correlation of each row, `[R]`."""
    left = left - left.mean(axis=1, keepdims=True)
    right = right - right.mean(axis=1, keepdims=True)
    products = (left * right).sum(axis=1)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray(np.clip(products / norms, -1.0, 1.0))


def _checked(
    first: np.ndarray, second: np.ndarray, method: CorrelationMethod | str
) -> CorrelationMethod:
    """Returns the method if everything can be correlated."""
    if method not in tuple(CorrelationMethod):
        raise InputError(
            f"Expected a method of {', '.join(CorrelationMethod)}. "
            f"Received: method={method!r}."
        )
    if first.shape != second.shape or first.ndim != 1 or len(first) < _LEAST_CELLS:
        raise InputError(
            f"Expected two numbers of each of at least {_LEAST_CELLS} cells. "
            f"Received: shapes {first.shape} and {second.shape}."
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError(
            "Expected finite numbers to correlate. Received: one that is not; leave "
            "out cells that were not run."
        )
    return CorrelationMethod(method)
