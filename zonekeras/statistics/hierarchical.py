"""Effects over several fine-tuning seeds: both seeds and passages are samples.

Every seed's model answers the same passages, so the two kinds of units are crossed, not
nested: a resample draws seeds and, independently, passages, and each drawn seed is
scored on the same drawn passages. (Drawing passages anew within each seed would average
away what is special about this dev set, as if it were a dev set per seed.)

Five seeds are too few for percentiles, whose interval cannot reach beyond the best and
the worst seed. So the resamples give the standard error, and the interval is
mean +- t x standard error: Student's t with Satterthwaite's degrees of freedom (few
where seeds differ most, many where passages do), and the variance that resampling loses
with few units given back, as (n - 1) / n for each kind.

Coverage of 95 % intervals, measured over simulated effects of seeds and passages: 94 %
to 100 % with 3 to 10 seeds where passages vary too (drawing both counts what is special
to one seed on one passage up to three times, which errs on the safe side); where seeds
vary most, 93 % with 3 seeds and 88 % with 2.

Sources: Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007) (two
crossed factors); Efron and Tibshirani, "An Introduction to the Bootstrap" (1993),
chapter 12 (Student's t with a bootstrap standard error); Satterthwaite, "An approximate
distribution of estimates of variance components", Biometrics Bulletin 2 (1946).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from zonekeras.errors import InputError
from zonekeras.statistics import settings
from zonekeras.statistics.bootstrap import Intervals
from zonekeras.statistics.passages import PassageTotals, passage_totals
from zonekeras.statistics.power import standard_errors
from zonekeras.statistics.resampling import chunk_sizes, draw_weights
from zonekeras.statistics.scores import (
    QuestionScores,
    exact_match_differences,
    f1_differences,
)


@dataclass(frozen=True)
class SeedTotals:
    """Differences of each seed and passage.

    Attributes:
        sums: float64 `[S, P, K]`, sums of differences in points.
        counts: float64 `[P]`, questions, the same for every seed.
    """

    sums: np.ndarray
    counts: np.ndarray

    @property
    def effects(self) -> np.ndarray:
        """Every seed's effects, float64 `[S, K]`, in points."""
        return self.sums.sum(axis=1) / self.counts.sum()

    @property
    def mean(self) -> PassageTotals:
        """The totals of each passage, averaged over the seeds."""
        return PassageTotals(self.sums.mean(axis=0), self.counts)


def seed_totals(differences: np.ndarray, passages: np.ndarray) -> SeedTotals:
    """Adds differences up over each passage, for each seed.

    Args:
        differences: float `[S, K, Q]`, in points.
        passages: int `[Q]`, the passage of each question.

    Raises:
        InputError: If there are fewer than two seeds, or the shapes do not fit.
    """
    if differences.ndim != 3 or len(differences) < 2:
        raise InputError(
            "Expected differences [seeds, cells, questions] of at least two seeds. "
            f"Received: shape {differences.shape}."
        )
    num_seeds, num_cells, _ = differences.shape
    flat = differences.reshape(num_seeds * num_cells, -1)
    totals = passage_totals(flat, passages)
    sums = totals.sums.reshape(-1, num_seeds, num_cells).swapaxes(0, 1)
    return SeedTotals(np.ascontiguousarray(sums), totals.counts)


def seed_statistics(
    baselines: QuestionScores,
    cells: QuestionScores,
    passages: np.ndarray,
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
    confidence: float = settings.CONFIDENCE,
) -> pd.DataFrame:
    """Computes mean, deviation and interval of every cell's effect over seeds.

    Args:
        baselines: Each seed's scores with nothing masked, `[S, Q]`.
        cells: Each seed's scores of the cells, `[S, C, Q]`, from at least two seeds.
        passages: int `[Q]`, the passage of each question.
        num_resamples: How many resamples to draw.
        seed: The same seed gives the same table.
        confidence: Of the intervals.

    Returns:
        One row for each cell, in order. For `em` (exact match) and `f1`, float64, in
        points: `em_effect` (mean over seeds), `em_deviation` (sample standard deviation
        over seeds, ddof 1), `em_low`, `em_high`.

    Raises:
        InputError: If there are fewer than two seeds, or the arrays do not fit.
    """
    one_more = QuestionScores(baselines.exact_match[:, None], baselines.f1[:, None])
    by_score = {
        "em": exact_match_differences(one_more, cells),  # [S, C, Q]
        "f1": f1_differences(one_more, cells),
    }
    totals = seed_totals(np.concatenate([*by_score.values()], axis=1), passages)
    intervals = hierarchical_intervals(
        totals, num_resamples=num_resamples, seed=seed, confidence=confidence
    )
    columns: dict[str, np.ndarray] = {}
    for number, (score, differences) in enumerate(by_score.items()):
        num_cells = differences.shape[1]
        rows = slice(number * num_cells, (number + 1) * num_cells)
        effects = differences.mean(axis=2)  # [S, C]
        columns[f"{score}_effect"] = effects.mean(axis=0)
        columns[f"{score}_deviation"] = effects.std(axis=0, ddof=1)
        columns[f"{score}_low"] = intervals.low[rows]
        columns[f"{score}_high"] = intervals.high[rows]
    return pd.DataFrame(columns)


def hierarchical_intervals(
    totals: SeedTotals,
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
    confidence: float = settings.CONFIDENCE,
) -> Intervals:
    """Computes an interval for every mean effect over seeds and passages.

    Args:
        totals: Differences of each seed and passage, `[S, P, K]`.
        num_resamples: How many resamples to draw.
        seed: The same seed gives the same intervals.
        confidence: How often an interval is to cover, from 0 to 1.

    Returns:
        The intervals; NaN where there is only one passage.
    """
    num_seeds, num_passages = totals.sums.shape[:2]
    if num_passages == 1:
        unknown = np.full(totals.sums.shape[2], np.nan)
        return Intervals(unknown, unknown)
    by_seed = totals.effects.var(axis=0, ddof=1) / num_seeds  # [K]
    by_passage = standard_errors(totals.mean) ** 2
    lost = by_seed / num_seeds + by_passage / num_passages
    variance = by_seed + by_passage
    is_zero = variance == 0.0
    variance, lost = np.where(is_zero, 1.0, variance), np.where(is_zero, 0.0, lost)
    squares = by_seed**2 / (num_seeds - 1) + by_passage**2 / (num_passages - 1)
    freedom = variance**2 / np.where(is_zero, 1.0, squares)
    resampled = resampled_means(totals, num_resamples, seed).std(axis=0)
    errors = resampled * np.sqrt(variance / (variance - lost))
    reach = student_t.ppf((1.0 + confidence) / 2.0, freedom) * errors
    mean = totals.mean.effects
    return Intervals(mean - reach, mean + reach)


def resampled_means(totals: SeedTotals, num_resamples: int, seed: int) -> np.ndarray:
    """Returns the mean effects in each resample, float64 `[R, K]`, in points."""
    generator = np.random.default_rng(seed)
    num_seeds, num_passages, num_cells = totals.sums.shape
    by_passage = totals.sums.swapaxes(0, 1).reshape(num_passages, -1)  # [P, S * K]
    chunks = []
    for num_rows in chunk_sizes(num_resamples, num_passages):
        weights = draw_weights(generator, num_rows, num_passages)  # [r, P]
        seeds = draw_weights(generator, num_rows, num_seeds)  # [r, S]
        sums = (weights @ by_passage).reshape(num_rows, num_seeds, num_cells)
        drawn = np.einsum("rs,rsk->rk", seeds, sums)
        chunks.append(drawn / (num_seeds * (weights @ totals.counts))[:, None])
    return np.concatenate(chunks)
