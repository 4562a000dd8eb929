import numpy as np
import pytest

from tests.scores import GRADED, differences_of, span_scores
from zonekeras.errors import InputError
from zonekeras.scores import EXACT_MATCH, F1
from zonekeras.statistics.scores import ItemScores

BASELINE = span_scores(np.array([1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.25]))


def test_differences_are_cell_minus_baseline_in_points():
    cells = span_scores(
        np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]),
        np.array([[1.0, 0.5, 1.0], [1.0, 1.0, 0.0]]),
    )
    exact_match = differences_of(EXACT_MATCH, BASELINE, cells)
    assert exact_match.tolist() == [[0.0, -100.0, 100.0], [0.0, 0.0, 0.0]]
    assert differences_of(F1, BASELINE, cells).tolist() == [
        [0.0, -50.0, 75.0],
        [0.0, 0.0, -25.0],
    ]
    assert exact_match.dtype == np.float64


def test_other_items_are_refused():
    cells = span_scores(np.zeros((2, 5)), np.zeros((2, 5)))
    with pytest.raises(
        InputError,
        match="^Expected the same items in the cells as in the baseline. "
        "Received: 5 and 3 items.$",
    ):
        differences_of(F1, BASELINE, cells)


def test_other_scores_are_refused():
    cells = ItemScores({F1: np.zeros((2, 3)), GRADED: np.zeros((2, 3))})
    with pytest.raises(
        InputError,
        match="^Expected the same scores of the cells as of the baseline. "
        "Received: f1, graded and exact_match, f1.$",
    ):
        differences_of(F1, BASELINE, cells)


@pytest.mark.parametrize(
    ("exact_match", "f1", "message"),
    [
        ([1.0], [1.0, 0.0], r"Received: exact_match \(1,\), f1 \(2,\).$"),
        ([], [], r"at least one. Received: exact_match \(0,\), f1 \(0,\).$"),
        ([1.0, 0.5], [1.0, 0.5], "^Expected EM as 0 or 1.*Received: 0.5.$"),
        ([1.0, np.nan], [1.0, 0.5], "Received: nan.$"),
        ([1.0, 0.0], [1.0, 50.0], "^Expected F1 from 0 to 1.*Received: 50; leave out"),
        ([1.0, 0.0], [1.0, np.nan], "Received: nan; leave out items without"),
    ],
)
def test_scores_that_are_none_are_refused(exact_match, f1, message):
    with pytest.raises(InputError, match=message):
        span_scores(np.array(exact_match), np.array(f1))


def test_no_score_at_all_is_refused():
    with pytest.raises(InputError, match="at least one. Received: no score.$"):
        ItemScores({})


def test_some_rows_keep_their_scores():
    scores = ItemScores({GRADED: np.arange(6).reshape(3, 2) / 7, F1: np.zeros((3, 2))})
    part = scores.take(np.array([2, 0]))
    assert part.scores == (GRADED, F1)
    assert part.by_score[GRADED].tolist() == [[4 / 7, 5 / 7], [0, 1 / 7]]
    assert (scores.num_items, scores.take(1).by_score[GRADED].shape) == (2, (2,))
