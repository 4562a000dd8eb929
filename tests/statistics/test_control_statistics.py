import numpy as np
import pytest
from scipy import stats

from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.control_statistics import control_statistics
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.scores import QuestionScores

NUM_QUESTIONS = 101
PASSAGES = np.arange(NUM_QUESTIONS) // 3


def draw(seed, *shape):
    f1 = np.random.default_rng(seed).random(shape)
    return QuestionScores((f1 > 0.5).astype(float), f1)


BASELINE = draw(0, NUM_QUESTIONS)
CELLS = draw(1, 3, NUM_QUESTIONS)
CONTROLS = [draw(2, 2, NUM_QUESTIONS), draw(3, 5, NUM_QUESTIONS)]
CONTROLS += [draw(4, 1, NUM_QUESTIONS)]


@pytest.fixture(scope="module")
def table():
    return control_statistics(
        BASELINE, CELLS, CONTROLS, PASSAGES, num_resamples=500, seed=7
    )


def test_effects_are_differences_of_means(table):
    for row, drawn in enumerate(CONTROLS):
        effects = 100 * (drawn.f1.mean(axis=1) - BASELINE.f1.mean())
        assert table["f1_control_effect"][row] == pytest.approx(effects.mean())
        beyond = 100 * (CELLS.f1[row].mean() - drawn.f1.mean())
        assert table["f1_beyond"][row] == pytest.approx(beyond)
        if len(effects) > 1:
            deviation = stats.tstd(effects)
            assert table["f1_control_deviation"][row] == pytest.approx(deviation)
    assert np.isnan(table["f1_control_deviation"][2])


def test_differences_are_paired_by_question(table):
    paired = [
        100 * (cell - drawn.exact_match.mean(axis=0))
        for cell, drawn in zip(CELLS.exact_match, CONTROLS, strict=True)
    ]
    totals = passage_totals(np.stack(paired), PASSAGES)
    intervals = bootstrap_intervals(totals, num_resamples=500, seed=7)
    p_values = permutation_test(totals, num_resamples=500, seed=7)
    np.testing.assert_allclose(table["em_beyond_low"], intervals.low, atol=1e-6)
    np.testing.assert_allclose(table["em_beyond_high"], intervals.high, atol=1e-6)
    np.testing.assert_allclose(table["em_beyond_p"], p_values, atol=1e-12)
    expected = benjamini_hochberg(p_values)
    np.testing.assert_allclose(table["em_beyond_q"], expected, atol=1e-12)


def test_a_cell_that_is_its_control_has_no_effect_beyond_it():
    same = [QuestionScores(CELLS.exact_match[:1], CELLS.f1[:1])]
    one = QuestionScores(CELLS.exact_match[:1], CELLS.f1[:1])
    table = control_statistics(BASELINE, one, same, PASSAGES, num_resamples=99)
    names = ["em_beyond", "em_beyond_low", "em_beyond_high", "f1_beyond"]
    assert table[names].iloc[0].tolist() == [0.0] * 4
    assert table["f1_beyond_p"][0] == 1.0
