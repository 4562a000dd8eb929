"""How the effects of two models, or of two groups of seeds, differ.

The difference of two mean effects has up to three sources of error: the seeds of the
first group, those of the second, and the passages. Where both groups answered the same
data, passages are paired: each passage's difference of the two groups' totals counts,
so that the difficulty of a passage cancels. Otherwise each data set adds a part. The
parts' variances are added up, and the degrees of freedom are Welch's and
Satterthwaite's.

A group of one run has no deviation over seeds: the comparison is then about that very
model, not about another one fine-tuned in the same way. An interaction of seed and
passage counts in the variance over seeds and in that over passages, which errs on the
safe side.

Sources: Welch, "The generalization of 'Student's' problem when several different
population variances are involved", Biometrika 34 (1947); `power.standard_errors` for
passages as clusters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zonekeras.errors import InputError
from zonekeras.scores import Score
from zonekeras.statistics.effects import rows_of_scores
from zonekeras.statistics.estimates import Estimates
from zonekeras.statistics.hierarchical import SeedTotals
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.passages import PassageTotals
from zonekeras.statistics.power import standard_errors


def effect_differences(
    first: SeedTotals, second: SeedTotals, *, same_passages: bool
) -> Estimates:
    """Estimates the first group's mean effects minus the second's.

    Args:
        first: Differences of each seed and passage, `[S, P, K]`, `S >= 1`.
        second: Likewise, of the same effects, of its own seeds.
        same_passages: Whether both answered the same passages.

    Returns:
        The differences, points; errors are NaN where there is only one passage.

    Raises:
        InputError: If the effects or the passages do not fit each other.
    """
    if first.sums.shape[2] != second.sums.shape[2]:
        raise InputError(
            "Expected two groups with the same effects. Received: "
            f"{first.sums.shape[2]} and {second.sums.shape[2]}."
        )
    groups = (first, second)
    effects = first.mean.effects - second.mean.effects
    if same_passages:
        if not np.array_equal(first.counts, second.counts):
            raise InputError(
                "Expected two groups with the same passages. Received: "
                f"{len(first.counts)} and {len(second.counts)} passages of other sizes."
            )
        differences = first.mean.sums - second.mean.sums
        totals = [PassageTotals(differences, first.counts)]
    else:
        totals = [group.mean for group in groups]
    if any(item.num_passages == 1 for item in totals):
        unknown = np.full(len(effects), np.nan)
        return Estimates(effects, unknown, unknown)
    variances = [(standard_errors(item) ** 2, item.num_passages - 1) for item in totals]
    for group in groups:
        num_seeds = len(group.sums)
        if num_seeds > 1:
            by_seed = group.effects.var(axis=0, ddof=1) / num_seeds
            variances.append((by_seed, num_seeds - 1))
    return Estimates.with_variances(effects, variances)


def comparison_statistics(
    first: SeedTotals,
    second: SeedTotals,
    scores: Sequence[Score],
    *,
    same_passages: bool,
) -> pd.DataFrame:
    """Computes how every cell's effect differs between two groups of runs.

    Args:
        first: Differences of each seed and passage, `[S, P, len(scores) C]`, the first
            score's before the next one's (`effects.joined_totals`). The q-values
            hold for these cells.
        second: Likewise, with seeds, and maybe passages, of its own.
        scores: The scores, in that order.
        same_passages: Whether both answered the same passages.

    Returns:
        One row for each cell, in order. For each score, such as `f1`, float64:
        `f1_first`, `f1_second` (mean effects), `f1_difference`, `f1_low`, `f1_high`
        (its interval), in points; `f1_p` and `f1_q` (Benjamini-Hochberg).

    Raises:
        InputError: If the effects or the passages do not fit each other.
    """
    found = effect_differences(first, second, same_passages=same_passages)
    intervals = found.intervals()
    values = {
        "first": first.mean.effects,
        "second": second.mean.effects,
        "difference": found.effects,
        "low": intervals.low,
        "high": intervals.high,
        "p": found.p_values(),
    }
    columns: dict[str, np.ndarray] = {}
    for score, rows in rows_of_scores(scores, len(found.effects)).items():
        columns |= {f"{score}_{name}": one[rows] for name, one in values.items()}
        columns[f"{score}_q"] = benjamini_hochberg(columns[f"{score}_p"])
    return pd.DataFrame(columns)
