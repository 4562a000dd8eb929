"""Scores as tests write them down: those of the span reader, and made-up ones."""

from zonekeras.scores import EXACT_MATCH, F1, Score
from zonekeras.statistics.scores import ItemScores, item_differences
from zonekeras.store.tidy import MeanScores

ACCURACY = Score("accuracy", "Acc.", is_binary=True)
GRADED = Score("graded", "Grade", is_binary=False)


def means(exact_match, f1, num_questions):
    """Means of exact match and F1, in percent."""
    by_name = {EXACT_MATCH.name: exact_match, F1.name: f1}
    return MeanScores(by_name, num_questions)


def span_scores(exact_match, f1):
    """Exact match and F1 of single questions, `[..., Q]`."""
    return ItemScores({EXACT_MATCH: exact_match, F1: f1})


def differences_of(score, baseline, cells):
    """The cells' differences in one score."""
    return item_differences(baseline, cells)[score]
