"""Exact match and F1 of the Delta Reading Comprehension Dataset (DRCD).

Source: Shao et al., "DRCD: a Chinese Machine Reading Comprehension Dataset" (2018).
There is no script; its makers say how theirs differs from that of SQuAD v1.1
(github.com/DRCKnowledgeTeam/DRCD, issue 6): eight full-width punctuation marks are
removed besides, and F1 compares bags of characters of the normalized texts. A space
between words is such a character.

Since characters are compared, F1 says something for every script without spaces.
A question without a prediction scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from zonekeras.metrics.gold import Scores
from zonekeras.metrics.squad import normalized_words, word_f1

_FULL_WIDTH = dict.fromkeys(map(ord, "《》？，。、；："))


@lru_cache(maxsize=1 << 16)
def normalized_text(text: str) -> str:
    """Returns what counts of a text, its words joined by single spaces.

    Example:
        >>> normalized_text("《戰國》 the  Game。")
        '戰國 game'
    """
    return " ".join(normalized_words(text.translate(_FULL_WIDTH)))


def score_answer(prediction: str, golds: Sequence[str]) -> Scores:
    """Scores a prediction against the gold answer that suits it best.

    Args:
        prediction: The predicted text.
        golds: The gold answers, at least one.

    Returns:
        Exact match and F1, each the best over the gold answers.
    """
    predicted = normalized_text(prediction)
    texts = [normalized_text(gold) for gold in golds]
    return float(predicted in texts), max(word_f1(predicted, text) for text in texts)
