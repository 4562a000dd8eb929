import math

import pytest

from zonekeras.errors import InputError
from zonekeras.metrics import evaluate, score_answer, score_questions


@pytest.mark.parametrize(
    "prediction, golds, exact, f1",
    [
        ("", [], 1, 1),
        ("the", [], 1, 1),  # nothing left of it, as of the empty answer
        ("Nile", [], 0, 0),
        ("", ["Nile"], 0, 0),
        ("", ["the", "Nile"], 0, 0),  # golds that leave nothing are dropped
        ("", ["the"], 1, 1),  # ... and then the right answer is the empty string
        ("White Nile", ["Nile"], 0, 2 / 3),
    ],
)
def test_score_answer(prediction, golds, exact, f1):
    assert score_answer(prediction, golds, "squad_v2") == (exact, f1)


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(
        {"a": ["Nile"], "b": ["x y"], "c": [], "d": [], "e": ["not predicted"]},
        has_impossible=True,
    )


PREDICTIONS = {"a": "Nile", "b": "x", "c": "", "d": "wrong", "extra": "z"}
B_F1 = 2 / 3


def test_evaluate(dataset):
    expected = {
        "exact": 50.0,
        "f1": 100 * (1 + B_F1 + 1 + 0) / 4,
        "total": 4,
        "HasAns_exact": 50.0,
        "HasAns_f1": 100 * (1 + B_F1) / 2,
        "HasAns_total": 2,
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
        "NoAns_total": 2,
    }
    assert list(evaluate(dataset, PREDICTIONS).items()) == list(expected.items())


def test_thresholds(dataset):
    null_odds = {"a": -3.0, "b": 0.5, "c": 0.0, "d": 2.0, "extra": -99.0}
    result = evaluate(dataset, PREDICTIONS, null_odds=null_odds)
    # d is above the official threshold of 1 and so counts as unanswered: right.
    assert (result["exact"], result["NoAns_exact"]) == (75.0, 100.0)
    assert list(result)[-4:] == [
        "best_exact",
        "best_exact_thresh",
        "best_f1",
        "best_f1_thresh",
    ]
    # From 2 right (all unanswered), a makes 3; b adds its F1 alone; d takes 1 away.
    assert (result["best_exact"], result["best_exact_thresh"]) == (75.0, -3.0)
    assert result["best_f1"] == 100 * (3 + B_F1) / 4
    assert result["best_f1_thresh"] == 0.5


def test_null_threshold(dataset):
    null_odds = {"a": -3.0, "b": 0.5, "c": 0.0, "d": 2.0}
    result = evaluate(dataset, PREDICTIONS, null_odds=null_odds, null_threshold=2.0)
    assert result["exact"] == 50.0  # not above the threshold: d stays wrong
    result = evaluate(dataset, PREDICTIONS, null_odds=null_odds, null_threshold=-3.5)
    assert (result["HasAns_f1"], result["NoAns_f1"]) == (0.0, 100.0)


def test_groups_that_are_empty_have_no_keys(make_dataset):
    result = evaluate(make_dataset({"a": []}), {"a": ""}, metric="squad_v2")
    assert list(result) == [
        *["exact", "f1", "total"],
        *["NoAns_exact", "NoAns_f1", "NoAns_total"],
    ]


def test_score_questions_has_nan_where_the_script_leaves_out(dataset):
    exact, f1 = score_questions(dataset, PREDICTIONS)
    assert exact[:4].tolist() == [1, 0, 1, 0]
    assert f1[:4].tolist() == [1, B_F1, 1, 0]
    assert math.isnan(exact[4]) and math.isnan(f1[4])


def test_refusals(dataset):
    with pytest.raises(InputError, match=r"for this file's questions\. Received: 0\.$"):
        evaluate(dataset, {"extra": "z"})
    with pytest.raises(InputError, match=r"none for question 'b' and 2 others\.$"):
        evaluate(dataset, PREDICTIONS, null_odds={"a": 1.0})
    with pytest.raises(
        InputError,
        match=r"^null odds are for metric squad_v2\. Received: metric squad;",
    ):
        evaluate(dataset, {}, null_odds={}, metric="squad")
