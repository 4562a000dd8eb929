r"""Exact match and F1 as the official MLQA script computes them, for seven languages.

Source: Lewis et al., "MLQA: Evaluating Cross-lingual Extractive Question Answering"
(2020) and its evaluation script. It is that of SQuAD v1.1 with three changes: all of
Unicode's punctuation is removed, not ASCII's alone; the articles are those of the
answers' language, or none; and in Chinese each character is a word.

In Arabic the article is removed wherever its two letters stand, also inside a word,
as the script does.

A question without a prediction scores 0.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from zonekeras.metrics.gold import Scores
from zonekeras.metrics.squad import word_f1

LANGUAGES = ("en", "es", "hi", "vi", "de", "ar", "zh")


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


_ARTICLES = {
    "en": _words("a", "an", "the"),
    "es": _words("un", "una", "unos", "unas", "el", "la", "los", "las"),
    "vi": _words("của", "là", "cái", "chiếc", "những"),
    "de": _words(
        *("ein", "eine", "einen", "einem", "eines", "einer"),
        *("der", "die", "das", "den", "dem", "des"),
    ),
    "ar": re.compile("ال"),
}
_PIECES = re.compile("[\u4e00-\u9fa5]|[^\u4e00-\u9fa5]+")


@lru_cache(maxsize=1 << 16)
def normalized_words(text: str, language: str) -> tuple[str, ...]:
    """Returns the words of a text that count.

    Args:
        text: The text.
        language: Its language, one of `LANGUAGES`.

    Example:
        >>> normalized_words("Der Fluß, »die Spree«", "de")
        ('fluß', 'spree')
        >>> normalized_words("战国3。", "zh")
        ('战', '国', '3')
    """
    counted = text.lower().translate(_punctuation())
    if language in _ARTICLES:
        counted = _ARTICLES[language].sub(" ", counted)
    pieces = _PIECES.findall(counted) if language == "zh" else [counted]
    return tuple(word for piece in pieces for word in piece.split())


def score_answer(prediction: str, golds: Sequence[str], language: str) -> Scores:
    """Scores a prediction against the gold answer that suits it best.

    Args:
        prediction: The predicted text.
        golds: The gold answers, at least one.
        language: Their language, one of `LANGUAGES`.

    Returns:
        Exact match and F1, each the best over the gold answers.
    """
    predicted = normalized_words(prediction, language)
    gold_words = [normalized_words(gold, language) for gold in golds]
    return (
        float(predicted in gold_words),
        max(word_f1(predicted, words) for words in gold_words),
    )


@lru_cache(maxsize=1)
def _punctuation() -> dict[int, None]:
    """Returns all punctuation, to be removed; when first needed, as it takes long."""
    found = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)).startswith("P")
    ]
    return dict.fromkeys([*found, *map(ord, string.punctuation)])
