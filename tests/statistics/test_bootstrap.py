import itertools

import numpy as np
import pytest
from scipy import stats

from zonekeras.statistics.bootstrap import (
    bootstrap_intervals,
    expanded_level,
    resampled_effects,
)
from zonekeras.statistics.passages import PassageTotals, passage_totals


def random_totals(num_passages, num_cells=3, seed=0):
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 8, size=num_passages).astype(float)
    sums = counts[:, None] * generator.normal(1.0, 5.0, size=(num_passages, num_cells))
    return PassageTotals(np.round(8.0 * sums) / 8.0, counts)  # exact sums


def test_resampled_effects_have_the_distribution_of_all_resamples():
    totals = PassageTotals(np.array([[4.0], [1.0], [-6.0]]), np.array([1.0, 2.0, 3.0]))
    effects = resampled_effects(totals, num_resamples=30_000, seed=0)[:, 0]
    expected = [
        totals.sums[list(drawn), 0].sum() / totals.counts[list(drawn)].sum()
        for drawn in itertools.product(range(3), repeat=3)
    ]
    values, counts = np.unique(np.round(expected, 9), return_counts=True)
    found, found_counts = np.unique(np.round(effects, 9), return_counts=True)
    assert np.array_equal(found, values)
    # 27 equally probable resamples; chi-squared at 99.9 %.
    assert stats.chisquare(found_counts, counts * 30_000 / 27).pvalue > 0.001


def test_quantiles_agree_with_scipy():
    totals = random_totals(13)
    effects = resampled_effects(totals, num_resamples=40_000, seed=0)
    for cell in range(3):
        other = stats.bootstrap(
            (totals.sums[:, cell], totals.counts),
            lambda sums, counts, axis: sums.sum(axis=axis) / counts.sum(axis=axis),
            paired=True,
            vectorized=True,
            n_resamples=40_000,
            method="percentile",
            rng=np.random.default_rng(1),
        )
        ends = np.quantile(effects[:, cell], [0.025, 0.975])
        # A quantile's Monte-Carlo error is about 1.3 % of the standard error.
        tolerance = 0.06 * other.standard_error
        np.testing.assert_allclose(ends, other.confidence_interval, atol=tolerance)


def test_for_a_mean_of_normal_numbers_it_is_students_interval():
    values = np.random.default_rng(5).normal(3.0, 10.0, size=(1, 61))
    found = bootstrap_intervals(passage_totals(values, np.arange(61)))
    low, high = stats.t.interval(0.95, 60, values.mean(), stats.sem(values[0]))
    # The t interval is symmetric and a bootstrap interval only nearly so.
    assert found.low[0] == pytest.approx(low, abs=0.1 * (high - low))
    assert found.high[0] == pytest.approx(high, abs=0.1 * (high - low))
    assert found.high[0] - found.low[0] == pytest.approx(high - low, rel=0.05)


def test_the_level_is_hesterbergs():
    # Phi(-sqrt(n / (n - 1)) t); for n = 2, t is 12.706.
    assert expanded_level(0.95, 2) == pytest.approx(
        stats.norm.cdf(-np.sqrt(2) * 12.7062), rel=1e-3, abs=0
    )
    assert expanded_level(0.95, 10) == pytest.approx(0.00856, abs=1e-5)
    assert expanded_level(0.95, 10**6) == pytest.approx(0.025, abs=1e-6)


def test_a_wider_confidence_contains_the_narrower():
    totals = random_totals(29)
    narrow = bootstrap_intervals(totals, num_resamples=2000, confidence=0.5)
    wide = bootstrap_intervals(totals, num_resamples=2000, confidence=0.99)
    assert (wide.low < narrow.low).all()
    assert (narrow.low < totals.effects).all()
    assert (totals.effects < narrow.high).all()
    assert (narrow.high < wide.high).all()


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    totals = random_totals(101)
    first, second = (bootstrap_intervals(totals, num_resamples=500) for _ in range(2))
    assert first.low.tobytes() == second.low.tobytes()
    assert first.high.tobytes() == second.high.tobytes()
    other = bootstrap_intervals(totals, num_resamples=500, seed=1)
    assert (other.low != first.low).all()


def test_a_cell_has_the_same_interval_in_any_company():
    totals = random_totals(101, num_cells=7)
    alone = PassageTotals(totals.sums[:, [3]].copy(), totals.counts)
    together = bootstrap_intervals(totals, num_resamples=500)
    assert bootstrap_intervals(alone, num_resamples=500).low[0] == together.low[3]


def test_nothing_changed_gives_a_point_and_one_passage_nothing():
    none = bootstrap_intervals(PassageTotals(np.zeros((7, 1)), np.ones(7)))
    assert (none.low.tolist(), none.high.tolist()) == ([0.0], [0.0])
    one = bootstrap_intervals(PassageTotals(np.ones((1, 2)), np.array([3.0])))
    assert np.isnan([one.low, one.high]).all()
