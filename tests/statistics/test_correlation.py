import numpy as np
import pytest
from scipy import stats

from zonekeras.errors import InputError
from zonekeras.statistics.correlation import correlation


def masses_and_effects(num_cells=41):
    generator = np.random.default_rng(0)
    masses = generator.gamma(2.0, size=num_cells)
    return masses, -(masses**2) + 2.0 * generator.normal(size=num_cells)


def ranked(left, right, axis):
    return stats.pearsonr(
        stats.rankdata(left, axis=axis), stats.rankdata(right, axis=axis), axis=axis
    ).statistic


@pytest.mark.parametrize(
    ("method", "of_pairs", "of_rows"),
    [
        (
            "pearson",
            stats.pearsonr,
            lambda left, right, axis: stats.pearsonr(left, right, axis=axis).statistic,
        ),
        ("spearman", stats.spearmanr, ranked),
    ],
)
def test_values_and_intervals_agree_with_scipy(method, of_pairs, of_rows):
    masses, effects = masses_and_effects()
    found = correlation(masses, effects, method, num_resamples=20_000, confidence=0.9)
    assert found.value == pytest.approx(of_pairs(masses, effects).statistic)
    assert found.num_cells == 41
    # The level of the expanded interval for 41 cells, as a plain interval's confidence.
    level = stats.norm.cdf(-np.sqrt(41 / 40) * stats.t.ppf(0.95, 40))
    other = stats.bootstrap(
        (masses, effects),
        of_rows,
        paired=True,
        n_resamples=20_000,
        confidence_level=1 - 2 * level,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert found.low == pytest.approx(other.low, abs=0.01)
    assert found.high == pytest.approx(other.high, abs=0.01)


def test_ranks_do_not_see_a_monotone_change():
    masses, effects = masses_and_effects()
    first = correlation(masses, effects, "spearman", num_resamples=200)
    assert correlation(np.exp(masses), effects, "spearman", num_resamples=200) == first


def test_a_perfect_line_and_resamples_of_one_cell():
    found = correlation(np.array([1.0, 2.0, 3.0]), np.array([-2.0, -4.0, -6.0]))
    assert found.value == pytest.approx(-1.0)
    assert (found.low, found.high) == (pytest.approx(-1.0), pytest.approx(-1.0))


def test_a_constant_side_has_no_correlation():
    found = correlation(np.zeros(5), np.arange(5.0))
    assert np.isnan([found.value, found.low, found.high]).all()


@pytest.mark.parametrize(
    ("first", "second", "method", "message"),
    [
        ([1, 2, 3], [1, 2], "pearson", r"Received: shapes \(3,\) and \(2,\).$"),
        ([1, 2], [1, 2], "pearson", "at least 3 cells"),
        ([1, 2, np.nan], [1, 2, 3], "pearson", "^Expected finite numbers"),
        ([1, 2, 3], [1, 2, np.inf], "spearman", "leave out cells that were not run.$"),
        (
            [1, 2, 3],
            [1, 2, 3],
            "kendall",
            "^Expected a method of pearson, spearman. Received: method='kendall'.$",
        ),
    ],
)
def test_what_cannot_be_correlated_is_refused(first, second, method, message):
    with pytest.raises(InputError, match=message):
        correlation(np.array(first, float), np.array(second, float), method)
