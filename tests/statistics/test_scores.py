import numpy as np
import pytest

from zonekeras.errors import InputError
from zonekeras.statistics.scores import (
    QuestionScores,
    exact_match_differences,
    f1_differences,
)

BASELINE = QuestionScores(np.array([1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.25]))


def test_differences_are_cell_minus_baseline_in_points():
    cells = QuestionScores(
        np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]),
        np.array([[1.0, 0.5, 1.0], [1.0, 1.0, 0.0]]),
    )
    exact_match = exact_match_differences(BASELINE, cells)
    assert exact_match.tolist() == [[0.0, -100.0, 100.0], [0.0, 0.0, 0.0]]
    assert f1_differences(BASELINE, cells).tolist() == [
        [0.0, -50.0, 75.0],
        [0.0, 0.0, -25.0],
    ]
    assert exact_match.dtype == np.float64


def test_other_questions_are_refused():
    cells = QuestionScores(np.zeros((2, 5)), np.zeros((2, 5)))
    with pytest.raises(
        InputError,
        match="^Expected the same questions in the cells as in the baseline. "
        "Received: 5 and 3 questions.$",
    ):
        f1_differences(BASELINE, cells)


@pytest.mark.parametrize(
    ("exact_match", "f1", "message"),
    [
        ([1.0], [1.0, 0.0], r"Received: shapes \(1,\) and \(2,\).$"),
        ([], [], r"at least one. Received: shapes \(0,\) and \(0,\).$"),
        ([1.0, 0.5], [1.0, 0.5], "^Expected exact match as 0 or 1.*Received: 0.5.$"),
        ([1.0, np.nan], [1.0, 0.5], "Received: nan.$"),
        ([1.0, 0.0], [1.0, 50.0], "^Expected F1 from 0 to 1.*Received: 50; leave out"),
        ([1.0, 0.0], [1.0, np.nan], "Received: nan; leave out questions without"),
    ],
)
def test_scores_that_are_none_are_refused(exact_match, f1, message):
    with pytest.raises(InputError, match=message):
        QuestionScores(np.array(exact_match), np.array(f1))
