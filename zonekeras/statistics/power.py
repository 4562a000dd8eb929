"""The smallest effect that a dev set could show.

An effect that is not significant may be none, or too small for the data. What the data
could have shown is a multiple of the standard error: with power 0.8 at two-sided level
0.05 and many passages, 1.96 + 0.84 = 2.8 times.

The standard error is estimated from the cell's own differences, over passages. A cell
that shows no effect would have a larger one if it had one, since more answers would
change; there the figure is somewhat too small (an effect of that size was found with
probability 0.7 instead of 0.8 in simulations).

Where a masked zone changes next to nothing, the standard error is 0 or guesswork, so
there is a floor that needs no estimate: the permutation test rejects at 0.05 only if at
least 6 passages changed, all in one direction (2 / 2^6 = 0.031, 2 / 2^5 = 0.0625). The
floor is the effect of breaking one answer each in as many passages as make 6 or more
of them probable enough. In exact match no smaller effect can be found with that power;
F1 is treated alike, as if answers that change lost all of it, and so is a function of
sums, as if it fell by as much as the share of right answers.

The standard error of a function of sums is the jackknife's: how much the effect changes
as each passage is left out (`count_totals`). With equally large passages that is the
same for a mean.

Sources: Bloom, "Minimum Detectable Effects", Evaluation Review 19 (1995) (the
multiple); Cochran, "Sampling Techniques" (1977), chapters 6 and 9A (a ratio's standard
error over clusters); Efron and Tibshirani, "An Introduction to the Bootstrap" (1993),
chapter 11 (the jackknife); Card et al., "With Little Power Comes Great Responsibility",
EMNLP 2020 (power in NLP).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import beta
from scipy.stats import t as student_t

from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.passages import PassageTotals
from zonekeras.statistics.totals import Totals


def standard_errors(totals: Totals) -> np.ndarray:
    """Computes the standard error of every effect, over passages.

    Args:
        totals: What each passage adds to the effects.

    Returns:
        float64 `[K]`, in points; NaN where there is only one passage. With one question
        in each passage it is the standard deviation (ddof 1) over the root of `Q`.
    """
    linear = totals.linear
    num_passages = linear.num_passages
    if num_passages == 1:
        return np.full(linear.sums.shape[1], np.nan)
    residuals = linear.sums - linear.counts[:, None] * linear.effects  # [P, K]
    variances = (residuals**2).sum(axis=0) * num_passages / (num_passages - 1)
    return np.asarray(np.sqrt(variances) / linear.num_questions)


def detectable_effects(
    totals: Totals,
    *,
    alpha: float = settings.ALPHA,
    power: float = settings.POWER,
) -> np.ndarray:
    """Computes the smallest effect of every cell that would probably be significant.

    Args:
        totals: What each passage adds to the effects.
        alpha: Level of the two-sided test, before any correction for many cells.
        power: How probably the effect is found.

    Returns:
        float64 `[K]`, in points, positive; infinite with so few passages that no effect
        could be significant.
    """
    linear = totals.linear
    floor = smallest_effect(linear, alpha=alpha, power=power)
    if math.isinf(floor):
        return np.full(linear.sums.shape[1], floor)
    quantiles = student_t.ppf((1.0 - alpha / 2.0, power), linear.num_passages - 1)
    return np.maximum(quantiles.sum() * standard_errors(linear), floor)


def smallest_effect(
    totals: PassageTotals,
    *,
    alpha: float = settings.ALPHA,
    power: float = settings.POWER,
) -> float:
    """Returns the floor of `detectable_effects`, which the counts alone determine.

    It is the effect at which the number of passages that lost one answer, binomial,
    reaches the least number that can be significant with probability `power`.

    Returns:
        In points; infinite if even all passages are too few.
    """
    least = math.ceil(math.log2(2.0 / alpha))
    num_passages = totals.num_passages
    if num_passages < least:
        return math.inf
    share = float(beta.ppf(power, least, num_passages - least + 1))
    return 100.0 * share * num_passages / totals.num_questions
