import numpy as np
import pytest

from tests.scores import macro_f1_counts, macro_f1_of_labels
from zonekeras.scores import (
    EXACT_MATCH,
    F1,
    Score,
    macro_f1,
)
from zonekeras.task_table import KNOWN_SCORES, names_and_labels, score_named


def test_names_and_labels_tell_scores_apart():
    words = names_and_labels()
    assert set(words.values()) == {score.name for score in KNOWN_SCORES}
    assert len({score.name for score in KNOWN_SCORES}) == len(KNOWN_SCORES)
    for score in KNOWN_SCORES:
        assert words[score.name] == words[score.label.lower()] == score.name


def test_a_score_is_written_as_its_name():
    assert f"{EXACT_MATCH}_effect" == "exact_match_effect"


def test_a_name_that_nobody_knows_is_its_own_label():
    assert score_named("f1") is score_named(F1) is F1
    assert score_named("graded") == Score("graded", "graded", is_binary=False)


def test_macro_f1_by_hand():
    # Class 0: gold 2, answered 3, both 2: F1 4/5. Class 1: gold 2, answered 1, both 1:
    # F1 2/3. Class 2: neither gold nor answered.
    sums = np.array([2.0, 2, 0, 3, 1, 0, 2, 1, 0])
    assert macro_f1(sums).item() == pytest.approx((4 / 5 + 2 / 3) / 2)
    # Class 2 is answered once, in place of 0: F1 0, and it counts.
    sums = np.array([[2.0, 2, 0, 2, 1, 1, 1, 1, 0], np.zeros(9)])
    assert macro_f1(sums).tolist() == [pytest.approx((2 / 4 + 2 / 3 + 0) / 3), 0.0]


@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_macro_f1_agrees_with_scikit_learn(num_classes):
    metrics = pytest.importorskip(
        "sklearn.metrics", reason="scikit-learn is the oracle of macro-F1"
    )
    generator = np.random.default_rng(num_classes)
    for num_items in (1, 5, 101):
        gold, answers = generator.integers(num_classes, size=(2, num_items))
        sums = macro_f1_counts(gold, answers, num_classes).sum(axis=0, dtype=float)
        expected = metrics.f1_score(gold, answers, average="macro")
        assert macro_f1(sums).item() == pytest.approx(expected, abs=1e-12)
        by_hand = macro_f1_of_labels(gold.tolist(), answers.tolist())
        assert by_hand == pytest.approx(expected, abs=1e-12)
