"""Sliding windows over long passages, as in the original BERT script.

Pure NumPy on token counts; no text, no token ids. All questions at once.

A passage that is longer than the room beside the question is read in overlapping
windows. A token in several windows has *maximum context* in the one where `min(tokens
before it, tokens after it) + 0.01 * window length` is largest, the first such window in
a tie; answers may only start there. Within a window these tokens are one stretch: two
windows' scores cross only once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of all questions, by question and then by place.

    Passage tokens are counted from the passage's first. All arrays are int32 [W].

    Attributes:
        question_index: Whose window it is.
        start: Its first passage token.
        length: The number of its passage tokens.
        context_start: First token with maximum context here.
        context_stop: The one after the last such token.
    """

    question_index: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    context_start: npt.NDArray[np.int32]
    context_stop: npt.NDArray[np.int32]


def slide(
    passage_lengths: npt.NDArray[np.integer],
    rooms: npt.NDArray[np.integer],
    doc_stride: int,
) -> Windows:
    """Lays windows over every question's passage.

    A passage without tokens gets one window of length 0 (the original script gives it
    none, and then fails on it). A stride larger than the room leaves nothing out:
    windows are then laid end to end.

    Args:
        passage_lengths: [Q], passage tokens of each question.
        rooms: [Q], how many of them fit beside the question; at least 1.
        doc_stride: Tokens from one window's start to the next one's; at least 1.

    Returns:
        The windows.

    Example:
        >>> windows = slide(np.array([10]), np.array([6]), doc_stride=3)
        >>> windows.start.tolist(), windows.length.tolist()
        ([0, 3, 6], [6, 6, 4])
        >>> windows.context_start.tolist(), windows.context_stop.tolist()
        ([0, 5, 8], [5, 8, 10])
    """
    total = np.asarray(passage_lengths, np.int64)
    room = np.asarray(rooms, np.int64)
    step = np.minimum(room, doc_stride)
    counts = 1 + np.maximum(-(-(total - room) // step), 0)
    question = np.repeat(np.arange(len(total)), counts)
    rank = np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = rank * step[question]
    length = np.minimum(room[question], total[question] - start)
    context_start, context_stop = _maximum_context(question, start, length)
    return Windows(
        question_index=question.astype(np.int32),
        start=start.astype(np.int32),
        length=length.astype(np.int32),
        context_start=context_start.astype(np.int32),
        context_stop=context_stop.astype(np.int32),
    )


def _maximum_context(
    question: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    length: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns where each window's stretch of maximum context starts and stops."""
    later = np.flatnonzero(question[1:] == question[:-1]) + 1
    earlier = later - 1
    # Of equally long windows, the earlier keeps the tokens up to the overlap's middle.
    last_of_earlier = start[earlier] + length[earlier] - 1
    border = (start[later] + last_of_earlier) // 2 + 1
    unequal = np.flatnonzero(length[later] != length[earlier])
    for first in range(0, len(unequal), _ROWS_AT_ONCE):
        rows = unequal[first : first + _ROWS_AT_ONCE]
        border[rows] = _border(
            start[earlier[rows]],
            length[earlier[rows]],
            start[later[rows]],
            length[later[rows]],
        )
    context_start, context_stop = start.copy(), start + length
    context_start[later] = border
    context_stop[earlier] = border
    return context_start, context_stop


def _border(
    start_a: npt.NDArray[np.int64],
    length_a: npt.NDArray[np.int64],
    start_b: npt.NDArray[np.int64],
    length_b: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Returns the first token for which window `b` scores higher than window `a`.

    Computed in the script's own floating-point expression, since its last digit can
    decide a tie.
    """
    stop_a, stop_b = start_a + length_a, start_b + length_b
    overlap = np.maximum(stop_a - start_b, 0)
    token = start_b[:, None] + np.arange(overlap.max(initial=0))
    scores = [
        np.minimum(token - start[:, None], stop[:, None] - 1 - token)
        + 0.01 * length[:, None]
        for start, stop, length in (
            (start_a, stop_a, length_a),
            (start_b, stop_b, length_b),
        )
    ]
    stays_in_a = (scores[1] <= scores[0]) & (token < stop_a[:, None])
    return start_b + stays_in_a.sum(axis=1)
