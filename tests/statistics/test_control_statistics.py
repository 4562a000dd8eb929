import numpy as np
import pytest
from scipy import stats

from tests.scores import span_scores
from zonekeras.scores import EXACT_MATCH, F1
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.control_statistics import control_statistics
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.permutation import permutation_test

NUM_QUESTIONS = 101
PASSAGES = np.arange(NUM_QUESTIONS) // 3


def draw(seed, *shape):
    f1 = np.random.default_rng(seed).random(shape)
    return span_scores((f1 > 0.5).astype(float), f1)


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
        effects = 100 * (drawn.by_score[F1].mean(axis=1) - BASELINE.by_score[F1].mean())
        assert table["f1_control_effect"][row] == pytest.approx(effects.mean())
        beyond = 100 * (CELLS.by_score[F1][row].mean() - drawn.by_score[F1].mean())
        assert table["f1_beyond"][row] == pytest.approx(beyond)
        if len(effects) > 1:
            deviation = stats.tstd(effects)
            assert table["f1_control_deviation"][row] == pytest.approx(deviation)
    assert np.isnan(table["f1_control_deviation"][2])


def test_differences_are_paired_by_question(table):
    paired = [
        100 * (cell - drawn.by_score[EXACT_MATCH].mean(axis=0))
        for cell, drawn in zip(CELLS.by_score[EXACT_MATCH], CONTROLS, strict=True)
    ]
    totals = passage_totals(np.stack(paired), PASSAGES)
    intervals = bootstrap_intervals(totals, num_resamples=500, seed=7)
    p_values = permutation_test(totals, num_resamples=500, seed=7)
    beyond = "exact_match_beyond"
    np.testing.assert_allclose(table[f"{beyond}_low"], intervals.low, atol=1e-6)
    np.testing.assert_allclose(table[f"{beyond}_high"], intervals.high, atol=1e-6)
    np.testing.assert_allclose(table[f"{beyond}_p"], p_values, atol=1e-12)
    expected = benjamini_hochberg(p_values)
    np.testing.assert_allclose(table[f"{beyond}_q"], expected, atol=1e-12)


def test_a_cell_that_is_its_control_has_no_effect_beyond_it():
    one = CELLS.take(np.arange(1))
    same = [one]
    table = control_statistics(BASELINE, one, same, PASSAGES, num_resamples=99)
    beyond = "exact_match_beyond"
    names = [beyond, f"{beyond}_low", f"{beyond}_high", "f1_beyond"]
    assert table[names].iloc[0].tolist() == [0.0] * 4
    assert table["f1_beyond_p"][0] == 1.0
