import numpy as np
import pytest
from scipy import stats

from zonekeras.statistics import permutation
from zonekeras.statistics.passages import PassageTotals, passage_totals
from zonekeras.statistics.permutation import permutation_test


def totals_of(sums):
    sums = np.asarray(sums, float).T
    return PassageTotals(sums, np.ones(len(sums)))


def test_a_case_by_hand():
    # Of 8 patterns of +-1 +-2 +-3, those with |sum| = 6: 2; with |sum| >= 4: 4.
    totals = totals_of([[1, 2, 3], [-1, 2, 3], [1, 2, -3], [0, 0, 0]])
    assert permutation_test(totals).tolist() == [2 / 8, 4 / 8, 8 / 8, 1.0]


def test_exact_p_values_agree_with_scipy():
    generator = np.random.default_rng(0)
    whole = generator.integers(-3, 3, size=(4, 11)) * 100.0
    fractions = generator.normal(-10, 30, size=(3, 11))
    differences = np.concatenate([whole, fractions])
    totals = passage_totals(differences, np.arange(11))
    expected = [
        stats.permutation_test(
            (row, np.zeros(11)),
            lambda first, second, axis: (first - second).sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
        ).pvalue
        for row in differences
    ]
    np.testing.assert_allclose(permutation_test(totals), expected, rtol=1e-12)


def test_whole_passages_are_flipped():
    # Two passages of ten equal differences each: only 2 of 4 patterns are as large.
    totals = passage_totals(np.full((1, 20), -100.0), np.arange(20) // 10)
    assert permutation_test(totals).tolist() == [0.5]


def test_drawn_patterns_agree_with_all(monkeypatch):
    differences = np.random.default_rng(1).normal(5, 20, size=(5, 14))
    totals = passage_totals(differences, np.arange(14))
    exact = permutation_test(totals)
    monkeypatch.setattr(permutation, "MAX_PASSAGES_ENUMERATED", 0)
    drawn = permutation_test(totals, num_resamples=40_000)
    error = np.sqrt(exact * (1 - exact) / 40_000)
    assert (np.abs(drawn - exact) < 4 * error + 1e-4).all()


def test_drawn_p_values_are_never_zero_and_count_ties():
    totals = totals_of([np.full(1009, 100.0), np.zeros(1009)])
    found = permutation_test(totals, num_resamples=999)
    assert found.tolist() == [1 / 1000, 1.0]


def test_a_tie_of_fractions_counts():
    # 0.1 + 0.2 and 0.3 are the same number of points, whatever float64 says.
    differences = np.array([[0.1, 0.2, -0.3]])
    assert permutation_test(passage_totals(differences, np.arange(3))).tolist() == [1.0]


def test_a_seed_gives_the_same_p_values():
    totals = passage_totals(
        np.random.default_rng(2).normal(size=(3, 101)), np.arange(101)
    )
    first, second = (permutation_test(totals, num_resamples=500) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert (
        permutation_test(totals, num_resamples=500, seed=1).tolist() != first.tolist()
    )


@pytest.mark.parametrize("num_passages", [1, 2, 16, 17])
def test_any_number_of_passages_will_do(num_passages):
    totals = totals_of([np.ones(num_passages)])
    (p_value,) = permutation_test(totals, num_resamples=99)
    least = 2.0 ** (1 - num_passages) if num_passages <= 16 else 1 / 100
    assert p_value == pytest.approx(least)
