import numpy as np
import pandas as pd
import pytest

from tests.scores import ACCURACY, GRADED, differences_of, span_scores
from zonekeras.errors import InputError
from zonekeras.scores import EXACT_MATCH, F1
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.cells import cell_statistics
from zonekeras.statistics.multiple import benjamini_hochberg
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.power import detectable_effects
from zonekeras.statistics.scores import ItemScores

COLUMNS = {
    **{
        f"{score}_{name}": "float64"
        for score in ("exact_match", "f1")
        for name in ("effect", "low", "high", "p", "q", "detectable")
    },
    "broken": "int64",
    "repaired": "int64",
    "mcnemar_p": "float64",
}


def draw(seed, *shape):
    generator = np.random.default_rng(seed)
    exact_match = (generator.random(shape) < 0.7).astype(float)
    return span_scores(exact_match, np.maximum(exact_match, generator.random(shape)))


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
    for score, cells in CELLS.by_score.items():
        expected = 100 * (cells.mean(axis=1) - BASELINE.by_score[score].mean())
        np.testing.assert_allclose(table[f"{score}_effect"], expected, atol=1e-12)


def test_the_columns_are_what_the_parts_compute(table):
    totals = passage_totals(differences_of(F1, BASELINE, CELLS), PASSAGES)
    intervals = bootstrap_intervals(totals, num_resamples=500, seed=7)
    p_values = permutation_test(totals, num_resamples=500, seed=7)
    assert table["f1_low"].tolist() == intervals.low.tolist()
    assert table["f1_high"].tolist() == intervals.high.tolist()
    assert table["f1_p"].tolist() == p_values.tolist()
    assert table["f1_q"].tolist() == benjamini_hochberg(p_values).tolist()
    assert table["f1_detectable"].tolist() == detectable_effects(totals).tolist()


def test_broken_less_repaired_is_the_effect(table):
    net = table["repaired"] - table["broken"]
    np.testing.assert_allclose(table["exact_match_effect"], 100 * net / 211, atol=1e-12)


def test_the_same_seed_gives_the_same_table(table):
    again = cell_statistics(BASELINE, CELLS, PASSAGES, num_resamples=500, seed=7)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_a_cell_that_changes_nothing():
    same = span_scores(*(values[None] for values in BASELINE.by_score.values()))
    row = cell_statistics(BASELINE, same, PASSAGES, num_resamples=99).iloc[0]
    effects = ["effect", "low", "high"]
    assert [row[f"exact_match_{name}"] for name in effects] == [0, 0, 0]
    assert [row[f"f1_{name}"] for name in effects] == [0, 0, 0]
    assert [row[f"exact_match_{name}"] for name in ("p", "q")] == [1, 1]
    assert [row["broken"], row["repaired"], row["mcnemar_p"]] == [0, 0, 1]
    assert 0 < row["exact_match_detectable"] == row["f1_detectable"] < 100


def test_a_dev_set_of_one_question():
    one = span_scores(np.ones(1), np.ones(1))
    none = span_scores(np.zeros((2, 1)), np.zeros((2, 1)))
    row = cell_statistics(one, none, np.zeros(1, int)).iloc[1]
    assert row["exact_match_effect"] == -100
    assert np.isnan(row["exact_match_low"])
    assert (row["exact_match_p"], row["exact_match_detectable"]) == (1.0, np.inf)


def test_passages_of_other_questions_are_refused():
    with pytest.raises(InputError, match=r"shapes \(5, 211\) and \(3,\).$"):
        cell_statistics(BASELINE, CELLS, np.arange(3))


def with_made_up(scores):
    """The same numbers as other scores; each kind is there, and two are binary."""
    right, share = scores.by_score.values()
    return ItemScores(
        {GRADED: share, ACCURACY: right, EXACT_MATCH: 1.0 - right, F1: right}
    )


def test_any_scores_have_the_same_statistics(table):
    found = cell_statistics(
        with_made_up(BASELINE),
        with_made_up(CELLS),
        PASSAGES,
        num_resamples=500,
        seed=7,
    )
    names = ["effect", "low", "high", "p", "q", "detectable"]
    for ours, theirs in (("graded", "f1"), ("accuracy", "exact_match")):
        np.testing.assert_array_equal(
            found[[f"{ours}_{name}" for name in names]],
            table[[f"{theirs}_{name}" for name in names]],
        )
    assert list(found)[:24] == [
        f"{score}_{name}"
        for score in ("graded", "accuracy", "exact_match", "f1")
        for name in names
    ]


def test_answers_break_under_binary_scores_alone(table):
    made_up = with_made_up(BASELINE), with_made_up(CELLS)
    found = cell_statistics(*made_up, PASSAGES, num_resamples=99)
    counts = ["broken", "repaired", "mcnemar_p"]
    assert list(found)[24:] == counts + [f"exact_match_{name}" for name in counts]
    np.testing.assert_array_equal(found[counts], table[counts])
    # Right and wrong are swapped in the second binary score.
    assert found["exact_match_broken"].tolist() == table["repaired"].tolist()
    share = [ItemScores({GRADED: one.by_score[GRADED]}) for one in made_up]
    without = cell_statistics(*share, PASSAGES, num_resamples=99)
    assert not set(counts) & set(without)
