import math

import pytest

from zonekeras.errors import InputError
from zonekeras.metrics import evaluate, score_answer, score_questions
from zonekeras.metrics.squad import normalized_words


@pytest.mark.parametrize(
    "text, words",
    [
        ("The Cat  sat.", ("cat", "sat")),
        ("a-b", ("ab",)),
        ("a b", ("b",)),
        ("an_the", ("anthe",)),  # the underscore is punctuation and goes first
        ("“quoted”", ("“quoted”",)),  # only ASCII punctuation goes
        ("x\u00a0y", ("x", "y")),
        ("x\u200by", ("x\u200by",)),
        ("the\u0301", ("\u0301",)),  # \b sees a boundary before a combining mark
        ("İ", ("i\u0307",)),
        ("", ()),
        ("The, a; AN!", ()),
    ],
)
def test_normalized_words(text, words):
    assert normalized_words(text) == words


@pytest.mark.parametrize(
    "prediction, golds, exact, f1",
    [
        ("the Nile", ["Nile"], 1, 1),
        ("White Nile", ["Nile", "the Blue Nile river"], 0, 2 / 3),
        ("x x y", ["x y y z"], 0, 2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4)),
        ("Cairo", ["Nile"], 0, 0),
        ("", ["Nile"], 0, 0),
        ("the", ["a"], 1, 0),  # nothing left of either: equal, but no word in common
        ("x y", ["y x"], 0, 1),
        ("a b c", ["a b", "c d e f"], 0, 2 * (1 / 2) * 1 / (1 / 2 + 1)),
    ],
)
def test_score_answer(prediction, golds, exact, f1):
    assert score_answer(prediction, golds, "squad") == (exact, f1)


def test_evaluate(make_dataset):
    dataset = make_dataset({"1": ["Nile"], "2": ["Nile"], "3": ["x y"], "4": ["z"]})
    predictions = {"1": "the nile", "2": "White Nile", "3": "y", "extra": "z"}
    f1 = [1, 2 / 3, 2 / 3, 0]
    assert evaluate(dataset, predictions, metric="squad") == {
        "exact_match": 25.0,
        "f1": 100 * sum(f1) / 4,
    }
    exact_scores, f1_scores = score_questions(dataset, predictions, "squad")
    assert exact_scores.tolist() == [1, 0, 0, 0]
    assert f1_scores.tolist() == f1
    assert exact_scores.dtype == f1_scores.dtype == "float64"


def test_no_predictions_score_zero(make_dataset):
    dataset = make_dataset({"1": ["x"]})
    assert evaluate(dataset, {}, metric="squad") == {"exact_match": 0.0, "f1": 0.0}


def test_no_gold_answer_is_refused(make_dataset):
    dataset = make_dataset({"1": ["x"], "2": [], "3": [], "4": []})
    predictions = {"1": "x", "3": "", "4": ""}
    expected = (
        r"^expected a gold answer for every question \(metric squad\)\. Received: none "
        r"for question '3' and 1 others; score a file that has answers, or use metric "
        r"squad_v2\.$"
    )
    for function in (evaluate, score_questions):
        with pytest.raises(InputError, match=expected):
            function(dataset, predictions, metric="squad")
    with pytest.raises(InputError, match=r"^expected a gold answer for metric squad\."):
        score_answer("x", [], "squad")
    # Without a prediction for it, the script counts 0 and never looks at the answers.
    assert not math.isnan(evaluate(dataset, {"1": "x"}, metric="squad")["f1"])
