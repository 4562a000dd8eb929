import math

import numpy as np
import pytest
from scipy import stats

from tests.scores import differences_of
from zonekeras.scores import EXACT_MATCH
from zonekeras.statistics.passages import PassageTotals, passage_totals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.power import (
    detectable_effects,
    smallest_effect,
    standard_errors,
)
from zonekeras.statistics.simulation import simulate_outcomes


def test_one_question_a_passage_gives_the_usual_standard_error():
    values = np.random.default_rng(0).normal(size=(3, 101))
    totals = passage_totals(values, np.arange(101))
    np.testing.assert_allclose(
        standard_errors(totals), stats.sem(values, axis=1), rtol=1e-6
    )


def test_repeated_questions_add_nothing():
    values = np.random.default_rng(0).normal(size=(3, 101))
    totals = passage_totals(np.repeat(values, 7, axis=1), np.repeat(np.arange(101), 7))
    np.testing.assert_allclose(
        standard_errors(totals), stats.sem(values, axis=1), rtol=1e-6
    )


def test_the_ratios_standard_error_by_hand():
    # Effect 2 / 4; residuals 3 - 0.5, -1 - 1, 0 - 0.5: 6.25 + 4 + 0.25 = 10.5.
    totals = PassageTotals(np.array([[3.0], [-1.0], [0.0]]), np.array([1.0, 2.0, 1.0]))
    assert standard_errors(totals).item() == pytest.approx(math.sqrt(10.5 * 3 / 2) / 4)


def test_the_detectable_effect_is_2_8_standard_errors_of_many_passages():
    values = 100.0 * np.random.default_rng(0).choice([-1, 0, 1], size=(1, 20_011))
    totals = passage_totals(values, np.arange(20_011))
    ratio = detectable_effects(totals) / standard_errors(totals)
    np.testing.assert_allclose(ratio, 1.959964 + 0.841621, rtol=1e-4)


def test_without_changes_it_is_the_least_that_the_test_can_find():
    totals = PassageTotals(np.zeros((2067, 2)), np.full(2067, 5.0))
    floor = smallest_effect(totals)
    assert detectable_effects(totals).tolist() == [floor, floor]
    # At that effect, 6 or more of the passages lost an answer with probability 0.8.
    share = floor / 100 * 5
    assert stats.binom.sf(5, 2067, share) == pytest.approx(0.8)
    # Of Poisson counts, 6 or more have probability 0.8 at mean 7.906.
    assert share * 2067 == pytest.approx(7.906, rel=0.001)


def test_a_stricter_level_needs_more_passages():
    totals = PassageTotals(np.zeros((7, 1)), np.ones(7))
    assert math.isfinite(smallest_effect(totals, alpha=0.05))
    assert math.isinf(smallest_effect(totals, alpha=0.01))  # 2 / 2^7 = 0.0156


@pytest.mark.parametrize("num_passages", [1, 2, 5])
def test_too_few_passages_show_nothing(num_passages):
    totals = PassageTotals(np.ones((num_passages, 2)), np.ones(num_passages))
    assert detectable_effects(totals).tolist() == [math.inf, math.inf]


def outcome_totals(effect, num_cells):
    outcomes = simulate_outcomes(
        num_cells=num_cells, num_passages=240, changed=0.2, effect=effect, seed=3
    )
    differences = differences_of(EXACT_MATCH, outcomes.baselines, outcomes.cells)
    return passage_totals(differences, outcomes.passages)


def test_an_effect_of_the_detectable_size_is_found_with_that_power():
    effect = 0.0
    for _ in range(4):  # an effect adds to the standard error that it has to exceed
        effect = -float(np.median(detectable_effects(outcome_totals(effect, 200))))
    p_values = permutation_test(outcome_totals(effect, 1000), num_resamples=1000)
    # Three points are 2.4 Monte-Carlo errors; exact match is discrete besides.
    assert (p_values <= 0.05).mean() == pytest.approx(0.8, abs=0.03)
