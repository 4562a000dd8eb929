"""Bootstrap intervals of effects, resampling passages.

An effect on a mean is a mean over questions, and passages have different numbers of
them, so that a resample's effect is a ratio: differences of the drawn passages over
their questions. An effect on a function of sums, such as macro-F1, is that function of
the drawn passages' counts, with the cell's answers less with the baseline's.
The interval is Hesterberg's expanded percentile interval: the quantiles of the
resampled effects at levels slightly outside (1 +- confidence) / 2, such that it
corrects the plain interval for being too narrow with few passages, as Student's t and
the n / (n - 1) of the variance do for a mean. With many passages it is the plain
percentile interval.

How often a 95 % interval covers was measured on outcomes that `simulation` draws,
8,000 for each figure, effects of 0 and -5 points, 20 % of the answers changed: with
1,000 passages 95.1 % (exact match) and 94.7 % (F1), with 240 at least 94.4 % and 94.0,
with 48 at least 93.7 % and 93.2 %. Of macro-F1 over three classes (2,000 for each
figure) it is 95.1 % with 1,000 passages, at least 94.1 % with 240 and 93.0 % with 48.
BCa is not used because it covered less in such simulations, down to 91 % and 88 % with
48 passages and no effect. An interval needs changes to rest on: where fewer than about
10 passages changed it is too short, and where nothing changed it is [0, 0]; `power`
says what could have been seen.

Sources: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13
(percentile interval); Davison and Hinkley, "Bootstrap Methods and their Application"
(1997), section 3.8 (resampling clusters whole); Hesterberg, "What Teachers Should Know
About the Bootstrap", The American Statistician 69 (2015), section on the expanded
percentile interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from scipy.stats import t as student_t

from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.resampling import chunk_sizes, draw_weights
from zonekeras.statistics.totals import Totals


@dataclass(frozen=True)
class Intervals:
    """Intervals of some effects.

    Attributes:
        low: float64 `[K]`, in points.
        high: float64 `[K]`, in points.
    """

    low: np.ndarray
    high: np.ndarray


def bootstrap_intervals(
    totals: Totals,
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
    confidence: float = settings.CONFIDENCE,
) -> Intervals:
    """Computes an interval for every effect from the same resamples.

    Args:
        totals: What each passage adds to the effects.
        num_resamples: How many resamples to draw.
        seed: The same seed gives the same intervals, bit for bit.
        confidence: How often an interval is to cover, from 0 to 1.

    Returns:
        The intervals; NaN where there is only one passage.
    """
    if totals.num_passages == 1:
        unknown = np.full(len(totals.effects), np.nan)
        return Intervals(unknown, unknown)
    level = expanded_level(confidence, totals.num_passages)
    effects = resampled_effects(totals, num_resamples, seed)
    low, high = np.quantile(effects, (level, 1.0 - level), axis=0)
    return Intervals(low, high)


def resampled_effects(totals: Totals, num_resamples: int, seed: int) -> np.ndarray:
    """Returns the effects in each resample, float64 `[R, K]`, in points."""
    generator = np.random.default_rng(seed)
    chunks = []
    for num_rows in chunk_sizes(num_resamples, totals.num_passages):
        weights = draw_weights(generator, num_rows, totals.num_passages)  # [r, P]
        chunks.append(totals.weighted(weights) / (weights @ totals.counts)[:, None])
    return np.concatenate(chunks)


def expanded_level(confidence: float, num_units: int) -> float:
    """Returns the lower quantile level of the expanded percentile interval.

    Source: Hesterberg (2015): Phi(-sqrt(n / (n - 1)) t), where t is the quantile of
    Student's distribution with n - 1 degrees of freedom.

    Args:
        confidence: From 0 to 1.
        num_units: How many units are resampled, at least 2.

    Example:
        >>> round(expanded_level(0.95, 48), 4), round(expanded_level(0.95, 2067), 4)
        (0.021, 0.0249)
    """
    quantile = student_t.ppf((1.0 + confidence) / 2.0, num_units - 1)
    return float(ndtr(-np.sqrt(num_units / (num_units - 1)) * quantile))
