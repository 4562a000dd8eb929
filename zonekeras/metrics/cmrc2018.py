r"""Exact match and F1 as the official CMRC 2018 script computes them.

Source: Cui et al., "A Span-Extraction Dataset for Chinese Machine Reading
Comprehension" (2019) and its evaluation script (v5, SQuAD-style data). Texts are
lower-cased, stripped, and freed of a list of mostly full-width punctuation. F1
compares segments, each a Han character or an English token, and counts the longest
run of segments that both texts have, not a bag.

Differences from the script:

* It splits what stands between Han characters with `nltk.word_tokenize`, which first
  looks for sentences with a model that must be downloaded. Here that step is left out
  (`preserve_line=True`): a full stop that ends a sentence inside such a stretch stays
  with its word unless it also ends the stretch.
* It is written for Python 2, whose `lower` maps one character to one.
* It strips ids before it looks them up; here ids are compared as they are.
* It prints AVERAGE, F1 and EM as strings of three decimals; here they are numbers.

A question without a prediction scores 0 and is counted under SKIP.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from zonekeras.metrics.gold import Scores

_PUNCTUATION = dict.fromkeys(
    map(ord, "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
)
_STRETCH = re.compile("[\u4e00-\u9fa5]|[^\u4e00-\u9fa5]+")
_HAN = re.compile("[\u4e00-\u9fa5]")


@lru_cache(maxsize=1 << 16)
def without_punctuation(text: str) -> str:
    """Returns the text as exact match compares it.

    Whitespace next to removed punctuation stays: the script strips first.
    """
    return text.lower().strip().translate(_PUNCTUATION)


@lru_cache(maxsize=1 << 16)
def segments(text: str) -> tuple[str, ...]:
    """Returns the segments that F1 compares.

    Example:
        >>> segments("《战国无双3》 and Z")
        ('战', '国', '无', '双', '3', 'and', 'z')
    """
    found: list[str] = []
    for stretch in _STRETCH.findall(without_punctuation(text)):
        if _HAN.match(stretch):
            found.append(stretch)
        else:
            found.extend(_english_tokens(stretch))
    return tuple(found)


def longest_common_run(first: Sequence[str], second: Sequence[str]) -> int:
    """Returns the length of the longest run of segments that both have.

    Example:
        >>> longest_common_run("abcd", "xbcy")
        2
    """
    places: dict[str, list[int]] = {}
    for place, segment in enumerate(second):
        places.setdefault(segment, []).append(place)
    longest = 0
    runs: dict[int, int] = {}  # where a run ends in `second` -> its length
    for segment in first:
        runs = {place: runs.get(place - 1, 0) + 1 for place in places.get(segment, ())}
        longest = max(longest, *runs.values(), 0)
    return longest


def score_answer(prediction: str, golds: Sequence[str]) -> Scores:
    """Scores a prediction against the gold answer that suits it best.

    Args:
        prediction: The predicted text.
        golds: The gold answers, at least one.

    Returns:
        Exact match and F1, each the best over the gold answers.
    """
    predicted = without_punctuation(prediction)
    return (
        float(any(predicted == without_punctuation(gold) for gold in golds)),
        max(_f1(segments(prediction), segments(gold)) for gold in golds),
    )


def summarize(scores: Sequence[Scores | None]) -> dict[str, float]:
    """Returns the official script's result, in points.

    Args:
        scores: One per question in file order; `None` where the prediction is missing.
    """
    predicted = [score for score in scores if score is not None]
    total = len(scores)
    f1 = 100.0 * sum(f1 for _, f1 in predicted) / total
    exact = 100.0 * sum(exact for exact, _ in predicted) / total
    return {
        "AVERAGE": (exact + f1) * 0.5,
        "F1": f1,
        "EM": exact,
        "TOTAL": total,
        "SKIP": total - len(predicted),
    }


def is_han(texts: Sequence[str]) -> bool:
    """Says whether more than half of the letters of some texts are Han characters."""
    num_han = sum(len(_HAN.findall(text)) for text in texts if not text.isascii())
    num_letters = sum(sum(map(str.isalpha, text)) for text in texts)
    return 2 * num_han > num_letters


@lru_cache(maxsize=1 << 16)
def _english_tokens(stretch: str) -> list[str]:
    """Splits what stands between Han characters."""
    # Imported here: it takes a second or more, and most commands never need it.
    from nltk.tokenize import word_tokenize  # type: ignore[import-untyped]

    tokens: list[str] = word_tokenize(stretch, preserve_line=True)
    return tokens


def _f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Returns the F1 of the longest common run, 0 if there is none."""
    length = longest_common_run(predicted, gold)
    if length == 0:
        return 0.0
    precision = length / len(predicted)
    recall = length / len(gold)
    return (2 * precision * recall) / (precision + recall)
