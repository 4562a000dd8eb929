import numpy as np
import pandas as pd
import pytest

from zonekeras.errors import InputError
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.cells import cell_statistics
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.power import detectable_effects
from zonekeras.statistics.scores import QuestionScores, f1_differences

COLUMNS = {
    **{
        f"{score}_{name}": "float64"
        for score in ("em", "f1")
        for name in ("effect", "low", "high", "p", "q", "detectable")
    },
    "broken": "int64",
    "repaired": "int64",
    "mcnemar_p": "float64",
}


def draw(seed, *shape):
    generator = np.random.default_rng(seed)
    exact_match = (generator.random(shape) < 0.7).astype(float)
    return QuestionScores(exact_match, np.maximum(exact_match, generator.random(shape)))


BASELINE = draw(0, 211)
CELLS = draw(1, 5, 211)
PASSAGES = np.arange(211) // 3


@pytest.fixture(scope="module")
def table():
    return cell_statistics(BASELINE, CELLS, PASSAGES, num_resamples=500, seed=7)


def test_columns_and_types(table):
    assert table.dtypes.astype(str).to_dict() == COLUMNS
    assert len(table) == 5


def test_effects_are_the_difference_of_means(table):
    expected = 100 * (CELLS.exact_match.mean(axis=1) - BASELINE.exact_match.mean())
    np.testing.assert_allclose(table["em_effect"], expected, atol=1e-12)
    expected = 100 * (CELLS.f1.mean(axis=1) - BASELINE.f1.mean())
    np.testing.assert_allclose(table["f1_effect"], expected, atol=1e-12)


def test_the_columns_are_what_the_parts_compute(table):
    totals = passage_totals(f1_differences(BASELINE, CELLS), PASSAGES)
    intervals = bootstrap_intervals(totals, num_resamples=500, seed=7)
    p_values = permutation_test(totals, num_resamples=500, seed=7)
    assert table["f1_low"].tolist() == intervals.low.tolist()
    assert table["f1_high"].tolist() == intervals.high.tolist()
    assert table["f1_p"].tolist() == p_values.tolist()
    assert table["f1_q"].tolist() == benjamini_hochberg(p_values).tolist()
    assert table["f1_detectable"].tolist() == detectable_effects(totals).tolist()


def test_broken_less_repaired_is_the_effect(table):
    net = table["repaired"] - table["broken"]
    np.testing.assert_allclose(table["em_effect"], 100 * net / 211, atol=1e-12)


def test_the_same_seed_gives_the_same_table(table):
    again = cell_statistics(BASELINE, CELLS, PASSAGES, num_resamples=500, seed=7)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_a_cell_that_changes_nothing():
    same = QuestionScores(BASELINE.exact_match[None], BASELINE.f1[None])
    row = cell_statistics(BASELINE, same, PASSAGES, num_resamples=99).iloc[0]
    effects = ["effect", "low", "high"]
    assert [row[f"em_{name}"] for name in effects] == [0, 0, 0]
    assert [row[f"f1_{name}"] for name in effects] == [0, 0, 0]
    assert [row[f"em_{name}"] for name in ("p", "q")] == [1, 1]
    assert [row["broken"], row["repaired"], row["mcnemar_p"]] == [0, 0, 1]
    assert 0 < row["em_detectable"] == row["f1_detectable"] < 100


def test_a_dev_set_of_one_question():
    one = QuestionScores(np.ones(1), np.ones(1))
    none = QuestionScores(np.zeros((2, 1)), np.zeros((2, 1)))
    row = cell_statistics(one, none, np.zeros(1, int)).iloc[1]
    assert row["em_effect"] == -100
    assert np.isnan(row["em_low"])
    assert (row["em_p"], row["em_detectable"]) == (1.0, np.inf)


def test_passages_of_other_questions_are_refused():
    with pytest.raises(InputError, match=r"shapes \(10, 211\) and \(3,\).$"):
        cell_statistics(BASELINE, CELLS, np.arange(3))
