r"""Exact match and F1 as the official SQuAD v1.1 script computes them.

Source: Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of
Text" (2016) and its evaluation script. Texts are compared after lower-casing, removal
of ASCII punctuation, then of the words a, an, the (`\b` as Unicode has it), and
splitting at whitespace. Two texts that leave no word match exactly but have F1 0.

A question without a prediction scores 0. Not for unanswerable questions: see
`squad_v2`.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from zonekeras.metrics.gold import Scores

_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


@lru_cache(maxsize=1 << 16)
def normalized_words(text: str) -> tuple[str, ...]:
    """Returns the words of a text that count.

    Example:
        >>> normalized_words("The U.S. Army's  a-team")
        ('us', 'armys', 'ateam')
    """
    without_punctuation = text.lower().translate(_PUNCTUATION)
    return tuple(_ARTICLE.sub(" ", without_punctuation).split())


def word_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Returns the F1 of two bags of words, 0 if they share none."""
    num_same = (Counter(predicted) & Counter(gold)).total()
    if num_same == 0:
        return 0.0
    precision = num_same / len(predicted)
    recall = num_same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def score_answer(prediction: str, golds: Sequence[str]) -> Scores:
    """Scores a prediction against the gold answer that suits it best.

    Args:
        prediction: The predicted text.
        golds: The gold answers, at least one.

    Returns:
        Exact match and F1, each the best over the gold answers.
    """
    predicted = normalized_words(prediction)
    gold_words = [normalized_words(gold) for gold in golds]
    return (
        float(predicted in gold_words),
        max(word_f1(predicted, words) for words in gold_words),
    )


def summarize(scores: Sequence[Scores | None]) -> dict[str, float]:
    """Returns the official script's result, in points.

    Args:
        scores: One per question in file order; `None` where the prediction is missing.
    """
    counted = [score or (0.0, 0.0) for score in scores]
    total = len(counted)
    return {
        "exact_match": 100.0 * sum(exact for exact, _ in counted) / total,
        "f1": 100.0 * sum(f1 for _, f1 in counted) / total,
    }
