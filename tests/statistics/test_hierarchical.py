import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.scores import ACCURACY, GRADED
from zonekeras.errors import InputError
from zonekeras.scores import F1, SPAN_SCORES
from zonekeras.statistics.hierarchical import (
    SeedTotals,
    hierarchical_estimates,
    resampled_means,
    seed_statistics,
)
from zonekeras.statistics.passages import passage_totals


def totals_of(differences, passages):
    """The totals of differences [S, K, Q]."""
    return SeedTotals.join([passage_totals(one, passages) for one in differences])


def intervals(totals, **settings):
    return hierarchical_estimates(totals, **settings).intervals()


def test_totals_are_of_each_seed_passage_and_cell():
    differences = np.arange(2 * 3 * 5, dtype=float).reshape(2, 3, 5)  # [S, K, Q]
    totals = totals_of(differences, np.array([0, 1, 1, 0, 1]))
    assert totals.counts.tolist() == [2, 3]
    assert totals.sums.shape == (2, 2, 3)
    assert totals.sums[1, 0].tolist() == [15 + 18, 20 + 23, 25 + 28]
    np.testing.assert_allclose(totals.effects, differences.mean(axis=2))


def test_seeds_and_passages_are_drawn_independently():
    sums = np.array([[1.0, 20.0], [300.0, 5000.0]])[:, :, None]  # [S, P, 1]
    counts = np.array([1.0, 3.0])
    means = resampled_means(SeedTotals(sums, counts), 30_000, seed=0)[:, 0]
    pairs = list(itertools.product(range(2), repeat=2))
    expected = [
        sums[np.ix_(seeds, passages)].sum() / (2 * counts[list(passages)].sum())
        for seeds in pairs
        for passages in pairs
    ]
    values, occurrences = np.unique(np.round(expected, 6), return_counts=True)
    found, counted = np.unique(np.round(means, 6), return_counts=True)
    assert np.array_equal(found, values)
    assert stats.chisquare(counted, occurrences * 30_000 / 16).pvalue > 0.001


def test_if_only_seeds_differ_it_is_students_interval_over_seeds():
    effects = np.array([3.0, 5.0, 6.0, 10.0, 11.0])
    sums = np.repeat(effects[:, None, None], 13, axis=1)
    found = intervals(SeedTotals(sums, np.ones(13)), num_resamples=40_000)
    expected = stats.t.interval(0.95, 4, effects.mean(), stats.sem(effects))
    np.testing.assert_allclose([found.low[0], found.high[0]], expected, rtol=0.02)


def test_if_only_passages_differ_it_is_students_interval_over_passages():
    effects = np.random.default_rng(0).normal(10, 3, size=31)
    sums = np.repeat(effects[None, :, None], 5, axis=0)
    found = intervals(SeedTotals(sums, np.ones(31)), num_resamples=40_000)
    expected = stats.t.interval(0.95, 30, effects.mean(), stats.sem(effects))
    np.testing.assert_allclose([found.low[0], found.high[0]], expected, rtol=0.02)


def test_nothing_changed_gives_a_point_and_one_passage_nothing():
    none = intervals(SeedTotals(np.zeros((3, 7, 2)), np.ones(7)))
    assert (none.low.tolist(), none.high.tolist()) == ([0, 0], [0, 0])
    one = intervals(SeedTotals(np.ones((3, 1, 2)), np.ones(1)))
    assert np.isnan([one.low, one.high]).all()


@pytest.mark.parametrize("deviations", [(1.0, 1.0, 1.0), (0.3, 0.3, 0.3)])
def test_five_seeds_cover(deviations):
    # Deviations of seeds, passages and what is special to a seed on a passage.
    generator = np.random.default_rng(0)
    shapes = [(5, 1, 400), (1, 61, 400), (5, 61, 400)]
    sums = sum(
        deviation * generator.normal(size=shape)
        for deviation, shape in zip(deviations, shapes, strict=True)
    )
    found = intervals(SeedTotals(sums, np.ones(61)), num_resamples=1000)
    covered = ((found.low <= 0) & (found.high >= 0)).sum()
    # At least 95 %, within Monte-Carlo error.
    assert covered >= stats.binom.ppf(0.001, 400, 0.95)


def test_the_table():
    generator = np.random.default_rng(0)
    differences = 100.0 * generator.integers(-1, 2, size=(3, 4, 53))  # [S, 2 C, Q]
    differences[:, 1] -= 200.0  # an effect that nobody would miss
    totals = totals_of(differences, np.arange(53) // 2)
    table = seed_statistics(totals, SPAN_SCORES, num_resamples=500)
    names = ["effect", "deviation", "low", "high", "p", "q"]
    assert list(table) == [
        f"{score}_{name}" for score in ("exact_match", "f1") for name in names
    ]
    effects = differences.mean(axis=2)  # [S, 2 C]
    np.testing.assert_allclose(table["exact_match_effect"], effects.mean(axis=0)[:2])
    np.testing.assert_allclose(table["f1_effect"], effects.mean(axis=0)[2:])
    np.testing.assert_allclose(table["f1_deviation"], effects[:, 2:].std(0, ddof=1))
    assert (table["exact_match_low"] < table["exact_match_effect"]).all()
    assert (table["exact_match_effect"] < table["exact_match_high"]).all()
    is_inside = (table["exact_match_low"] <= 0) & (table["exact_match_high"] >= 0)
    assert (is_inside == (table["exact_match_p"] >= 0.05)).tolist() == [True, True]
    assert is_inside.tolist() == [True, False]
    expected = stats.false_discovery_control(table["exact_match_p"], method="bh")
    np.testing.assert_allclose(table["exact_match_q"], expected)
    again = seed_statistics(totals, SPAN_SCORES, num_resamples=500)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_the_columns_of_three_scores():
    differences = np.random.default_rng(0).normal(size=(3, 6, 53))  # [S, 3 C, Q]
    totals = totals_of(differences, np.arange(53) // 2)
    table = seed_statistics(totals, [F1, GRADED, ACCURACY], num_resamples=99)
    means = differences.mean(axis=(0, 2))
    for number, name in enumerate(["f1", "graded", "accuracy"]):
        expected = means[2 * number : 2 * number + 2]
        np.testing.assert_allclose(table[f"{name}_effect"], expected, atol=1e-7)


def test_totals_of_other_passages_are_not_joined():
    differences = np.arange(2 * 3 * 5, dtype=float).reshape(2, 3, 5)
    passages = np.array([0, 1, 1, 0, 1])
    others = passage_totals(differences[0], np.array([0, 1, 1, 1, 1]))
    with pytest.raises(InputError, match=r"2 seeds, 1 kinds of shapes, 2 kinds of pas"):
        SeedTotals.join([passage_totals(differences[0], passages), others])


def test_one_seed_is_refused():
    with pytest.raises(InputError, match=r"at least two seeds, .* Received: 1\.$"):
        seed_statistics(SeedTotals(np.zeros((1, 3, 2)), np.ones(3)), SPAN_SCORES)
