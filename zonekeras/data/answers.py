"""From windows to answers: the best window of each question, its text.

The rules are the original BERT script's. SQuAD 1.1: the best span of all windows, the
first one in a tie; `"empty"` if no window has a valid span. SQuAD 2.0: the null score
is the lowest of the windows'; `""` if it exceeds the best span's score by more than the
threshold, or if there is no valid span.

One difference is deliberate: an answer is cut out of the passage by the tokens'
character offsets. The script instead aligns word pieces with the text again, and where
that fails it returns whole words with their punctuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.data.spans import WindowSpans
from zonekeras.data.squad import Passage
from zonekeras.errors import InputError
from zonekeras.machine import advice_on_not_finite

NO_SPAN_TEXT = "empty"
"""What the original script answers in SQuAD 1.1 if no span is valid."""


@dataclass(frozen=True)
class PredictedAnswer:
    """A question's answer.

    Attributes:
        id: The question's id.
        text: The answer; empty for "unanswerable".
        start: Its first character in the passage; -1 if `text` is not from there.
        end: The one after its last; -1 likewise.
        score: The best span's score, also if the answer is null; -inf without a span.
        null_score: The lowest null score of the question's windows.
        null_odds: `null_score - score`, or `null_score` without a span.
    """

    id: str
    text: str
    start: int
    end: int
    score: float
    null_score: float
    null_odds: float


def select_answers(
    passages: Sequence[Passage],
    question_index: npt.NDArray[np.int32],
    spans: WindowSpans,
    *,
    version_2_with_negative: bool = False,
    null_score_diff_threshold: float = 0.0,
) -> list[PredictedAnswer]:
    """Answers every question.

    Args:
        passages: The passages with their questions, in file order.
        question_index: int32 [W], whose window it is, by the question's row.
        spans: The best spans of all W windows.
        version_2_with_negative: Whether a question may have no answer.
        null_score_diff_threshold: How much higher the null score must be then.

    Returns:
        One answer per question, in file order.

    Raises:
        InputError: If a logit was NaN or infinite.
    """
    questions = [
        (question.id, passage.text)
        for passage in passages
        for question in passage.questions
    ]
    check_finite([identifier for identifier, _ in questions], question_index, spans)
    if not len(question_index):
        return []
    first_windows = np.searchsorted(question_index, np.arange(len(questions)))
    scores = np.maximum.reduceat(spans.score, first_windows)
    null_scores = np.minimum.reduceat(spans.null_score, first_windows)
    found = scores > -np.inf
    null_odds = null_scores - np.where(found, scores, 0.0)
    answered = found
    if version_2_with_negative:
        answered = found & ~(null_odds > null_score_diff_threshold)

    best = _first_best(question_index, spans.score, scores)
    starts = np.where(answered, spans.start[best], -1)
    ends = np.where(answered, spans.end[best], -1)
    without = "" if version_2_with_negative else NO_SPAN_TEXT
    columns = (starts, ends, scores, null_scores, null_odds)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        PredictedAnswer(
            identifier, text[row[0] : row[1]] if row[0] >= 0 else without, *row
        )
        for (identifier, text), row in zip(questions, rows, strict=True)
    ]


def _first_best(
    question_index: npt.NDArray[np.int32],
    window_scores: npt.NDArray[np.floating],
    scores: npt.NDArray[np.floating],
) -> npt.NDArray[np.int64]:
    """Returns each question's first window that has its best score, int64 [Q]."""
    best = np.zeros(len(scores), np.int64)
    ties = np.flatnonzero(window_scores == scores[question_index])[::-1]
    best[question_index[ties]] = ties  # the last assignment is the first window's
    return best


def check_finite(
    ids: Sequence[str], question_index: npt.NDArray[np.int32], spans: WindowSpans
) -> None:
    """Refuses answers that rest on NaN or infinite logits.

    Args:
        ids: The questions' ids, in file order.
        question_index: int32 [W], whose window it is, by the question's row.
        spans: The best spans of the W windows.

    Raises:
        InputError: If one is NaN; the first question is named.
    """
    if len(spans.score) != len(question_index):
        raise ValueError(
            f"expected the answers of all {len(question_index)} windows. Received: "
            f"{len(spans.score)}"
        )
    broken = np.flatnonzero(np.isnan(spans.score))
    if len(broken):
        raise _not_finite(ids[question_index[broken[0]]], len(broken))


def _not_finite(question_id: str, num_windows: int = 1) -> InputError:
    """Says that a model gave no numbers."""
    return InputError(
        f"question {question_id!r}: expected finite logits. Received: NaN or infinity "
        f"in {num_windows} window(s). Check the model's weights, or run it in float32. "
        f"{advice_on_not_finite()}"
    )
