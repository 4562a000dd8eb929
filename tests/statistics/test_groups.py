import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scores import span_scores
from zonekeras.errors import InputError
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.groups import (
    bin_values,
    group_effects,
    question_groups,
    word_overlap,
)
from zonekeras.statistics.passages import passage_totals


def scores(values):
    values = np.array(values, float)
    return span_scores(values, values)


BASELINE = scores([1, 1, 1, 0, 1, 0, 1])
CELLS = scores([[0, 1, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0]])
PASSAGES = np.array([0, 0, 1, 1, 2, 2, 3])
GROUPS = pd.Categorical(
    ["who", "why", "who", "why", "who", None, "where"],
    categories=["why", "where", "who", "how"],
)


def test_effects_by_hand():
    table = group_effects(BASELINE, CELLS, PASSAGES, GROUPS, num_resamples=99)
    assert table["cell"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["group"].tolist() == ["why", "where", "who"] * 2
    assert table["num_questions"].tolist() == [2, 1, 3] * 2
    assert table["num_passages"].tolist() == [2, 1, 3] * 2
    assert table["exact_match_baseline"].tolist() == [50, 100, 100] * 2
    expected = [0, 0, -200 / 3, 0, -100, -100 / 3]
    np.testing.assert_allclose(table["exact_match_effect"], expected, atol=1e-12)
    np.testing.assert_allclose(table["f1_effect"], expected, atol=1e-12)
    assert table["exact_match_low"].isna().tolist() == [False, True, False] * 2


def test_an_interval_is_that_of_the_groups_questions():
    table = group_effects(BASELINE, CELLS, PASSAGES, GROUPS, num_resamples=99, seed=3)
    differences = np.array([[-100.0, -100.0, 0.0], [0.0, 0.0, -100.0]])
    totals = passage_totals(differences, np.array([0, 1, 2]))
    expected = bootstrap_intervals(totals, num_resamples=99, seed=3)
    of_group = table[table["group"] == "who"]
    assert of_group["f1_low"].tolist() == expected.low.tolist()
    assert of_group["f1_high"].tolist() == expected.high.tolist()


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="Received: 1 groups for 7 questions.$"):
        group_effects(BASELINE, CELLS, PASSAGES, pd.Categorical(["a"]))
    with pytest.raises(InputError, match="^Expected at least one question in a group"):
        group_effects(BASELINE, CELLS, PASSAGES, pd.Categorical([None] * 7))


def test_questions_are_grouped_in_four_ways():
    groups = question_groups(
        ["Who saw Ann?", "When?", "Who saw the sea?"],
        [["the old man", "man"], [], ["a big red ship"]],
        ["Bob saw Ann.", "Bob saw Ann.", "It rained all of the day."],
    )
    assert {name: list(group) for name, group in groups.items()} == {
        "question_type": ["who", "when", "who"],
        "answer_length": ["1", "0", "3"],
        "passage_length": ["3", "3", "5"],
        "overlap": ["67", "0", "0"],
    }


def test_texts_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="Received: 1, 2 and 1.$"):
        question_groups(["a"], [[], []], ["b"])
    with pytest.raises(InputError, match="Received: 0, 0 and 0.$"):
        question_groups([], [], [])


def test_overlap_counts_distinct_words():
    assert word_overlap(["a", "a", "b", "c", "d"], ["b", "b", "x", "a"]) == 0.5
    assert word_overlap([], ["b"]) == 0.0


def test_bins_hold_about_equally_many():
    bins = bin_values(list(range(100)))
    assert list(bins.categories) == ["0-24", "25-49", "50-74", "75-99"]
    assert pd.Series(bins).value_counts().tolist() == [25] * 4
    assert bins.ordered


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 7))
def test_every_value_lies_in_its_bin_and_bins_do_not_overlap(values, num_bins):
    bins = bin_values(values, num_bins)
    assert 1 <= len(bins.categories) <= num_bins
    ends = [tuple(map(int, name.split("-"))) for name in bins.categories]
    for value, code in zip(values, bins.codes, strict=True):
        assert ends[code][0] <= value <= ends[code][-1]
    for before, after in zip(ends, ends[1:], strict=False):
        assert before[-1] < after[0]
