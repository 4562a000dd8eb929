"""Exact match, F1 and thresholds as the official SQuAD v2.0 script computes them.

Source: Rajpurkar, Jia and Liang, "Know What You Don't Know: Unanswerable Questions
for SQuAD" (2018) and its evaluation script. Differences from v1.1: gold answers that
leave no word are dropped. If none is left, the only right answer is the empty string.
Two texts that leave no word have F1 1.

"Has an answer" means that the file lists one, whatever `is_impossible` says; but an
empty text that an impossible question has is no answer here (`data.squad`), while the
script counts the question with those that have one. A
question without a prediction is left out of all counts (the script stops there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zonekeras.metrics.gold import Scores
from zonekeras.metrics.squad import normalized_words, word_f1

DEFAULT_NULL_THRESHOLD = 1.0
"""The script's `--na-prob-thresh`."""


@dataclass(frozen=True)
class ScoredQuestion:
    """A predicted question: what the aggregate needs of it."""

    id: str
    prediction: str
    has_answer: bool
    exact: float
    f1: float


def score_answer(prediction: str, golds: Sequence[str]) -> Scores:
    """Scores a prediction against the gold answer that suits it best.

    Args:
        prediction: The predicted text; empty for "no answer".
        golds: The gold answers; none if the question is unanswerable.

    Returns:
        Exact match and F1, each the best over the gold answers.
    """
    predicted = normalized_words(prediction)
    gold_words = [words for gold in golds if (words := normalized_words(gold))] or [()]
    return (
        float(predicted in gold_words),
        max(_f1(predicted, words) for words in gold_words),
    )


def summarize(
    questions: Sequence[ScoredQuestion],
    null_odds: Mapping[str, float] | None,
    null_threshold: float,
) -> dict[str, float]:
    """Returns the official script's result, in points.

    Args:
        questions: The predicted questions in file order, at least one.
        null_odds: For each of them (others are ignored), how much "no answer" is
            preferred; `None` if not known.
        null_threshold: An answer whose null odds are above it counts as none.

    Returns:
        The script's keys in its order; the four `best_*` only given null odds.
    """
    odds = null_odds
    if odds is None:
        odds = {question.id: 0.0 for question in questions}
    final = [
        _apply_threshold(item, odds[item.id], null_threshold) for item in questions
    ]
    result = _means(final, "")
    groups = {"HasAns_": True, "NoAns_": False}
    for prefix, has_answer in groups.items():
        group = [item for item in final if item.has_answer is has_answer]
        if group:
            result |= _means(group, prefix)
    if null_odds is not None:
        exact = {item.id: item.exact for item in questions}
        f1 = {item.id: item.f1 for item in questions}
        for name, scores in {"exact": exact, "f1": f1}.items():
            best, threshold = _best_threshold(questions, scores, null_odds)
            result[f"best_{name}"] = best
            result[f"best_{name}_thresh"] = threshold
    return result


def _f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Returns the F1 of two bags of words; two empty ones agree."""
    if predicted and gold:
        return word_f1(predicted, gold)
    return float(predicted == gold)


def _apply_threshold(
    question: ScoredQuestion, null_odds: float, null_threshold: float
) -> ScoredQuestion:
    """Scores a question as "no answer" if its null odds are above the threshold."""
    if null_odds <= null_threshold:
        return question
    score = float(not question.has_answer)
    return ScoredQuestion(
        question.id, question.prediction, question.has_answer, score, score
    )


def _means(questions: Sequence[ScoredQuestion], prefix: str) -> dict[str, float]:
    """Returns the mean scores of a group of questions, in points."""
    total = len(questions)
    return {
        f"{prefix}exact": 100.0 * sum(item.exact for item in questions) / total,
        f"{prefix}f1": 100.0 * sum(item.f1 for item in questions) / total,
        f"{prefix}total": total,
    }


def _best_threshold(
    questions: Sequence[ScoredQuestion],
    scores: Mapping[str, float],
    null_odds: Mapping[str, float],
) -> tuple[float, float]:
    """Returns the best mean over all null thresholds, in points, and its threshold.

    Starts with "no answer" everywhere and accepts one prediction after the other, by
    rising null odds; ties keep the order of `null_odds` and the lower threshold.
    """
    by_id = {question.id: question for question in questions}
    current = best = float(sum(not question.has_answer for question in questions))
    threshold = 0.0
    for key in sorted(null_odds, key=null_odds.__getitem__):
        question = by_id.get(key)
        if question is None:
            continue
        if question.has_answer:
            current += scores[key]
        elif question.prediction:
            current -= 1
        if current > best:
            best, threshold = current, null_odds[key]
    return 100.0 * best / len(questions), threshold
