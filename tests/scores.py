"""Scores as tests write them down: those of the span reader, and made-up ones."""

import numpy as np

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


def macro_f1_counts(gold, answers, num_classes):
    """What macro-F1 counts of labels [..., Q]: uint8 [..., Q, 3 K]."""
    gold = np.broadcast_to(gold, answers.shape)
    classes = np.arange(num_classes)
    is_gold, is_answer = gold[..., None] == classes, answers[..., None] == classes
    both = is_gold & is_answer
    return np.concatenate([is_gold, is_answer, both], axis=-1).astype(np.uint8)


def macro_f1_of_labels(gold, answers):
    """Macro-F1 of lists of labels, from 0 to 1, from its definition."""
    values = []
    for label in {*gold, *answers}:
        right = sum(pair == (label, label) for pair in zip(gold, answers, strict=True))
        values.append(2 * right / (gold.count(label) + answers.count(label)))
    return sum(values) / len(values)
