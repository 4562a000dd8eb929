"""From logits to spans: n-best decoding of windows, vectorised over the batch.

Computes what the original BERT script computes with a loop over 20 x 20 pairs per
window: of the 20 best starts and the 20 best ends of a window, the best pair whose
start is a passage token with maximum context, whose end is a passage token, and which
is neither backwards nor too long. Ties are broken as there: equal logits rank by
position, equal sums by the start's rank and then by the end's.

The caller may choose one difference. In the script, logits of padding compete for the
20 places. Tokens that `real_tokens` leaves out do not, so that an answer does not
depend on how far a window was padded.

Choosing among a question's windows is in `answers`. Cost: about 20 microseconds per
window of 384 tokens.

Axes: `B` windows, `T` tokens, `K` best starts and ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.defaults import MAX_ANSWER_LENGTH, N_BEST_SIZE

_ROWS_AT_ONCE = 128  # more need memory and save nothing
_LOW_BITS = 32


@dataclass(frozen=True, eq=False)
class WindowAnswers:
    """The best span of each window.

    Attributes:
        start_token: int32 [B], position in the window; -1 where no span is valid.
        end_token: int32 [B], likewise; inclusive.
        score: float64 [B], start logit + end logit; -inf where no span is valid, NaN
            where a real token's logit is not finite.
        null_score: float64 [B], the two logits of CLS, added.
    """

    start_token: npt.NDArray[np.int32]
    end_token: npt.NDArray[np.int32]
    score: npt.NDArray[np.float64]
    null_score: npt.NDArray[np.float64]

    @classmethod
    def empty(cls, num_windows: int) -> WindowAnswers:
        """Returns answers to be filled with `put`; NaN until then."""
        return cls(
            start_token=np.full(num_windows, -1, np.int32),
            end_token=np.full(num_windows, -1, np.int32),
            score=np.full(num_windows, np.nan),
            null_score=np.full(num_windows, np.nan),
        )

    def put(
        self, windows: npt.NDArray[np.integer] | slice, answers: WindowAnswers
    ) -> None:
        """Stores a batch's answers in the places of its windows."""
        self.start_token[windows] = answers.start_token
        self.end_token[windows] = answers.end_token
        self.score[windows] = answers.score
        self.null_score[windows] = answers.null_score


@dataclass(frozen=True, eq=False)
class Pairs:
    """The scored pairs of some windows' best starts and ends.

    Attributes:
        starts: int64 [B, K], positions by falling start logit.
        ends: int64 [B, K], positions by falling end logit.
        scores: float64 [B, K, K], their sums; -inf where a pair is not valid.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]


def decode_windows(
    start_logits: npt.ArrayLike,
    end_logits: npt.ArrayLike,
    start_allowed: npt.ArrayLike,
    end_allowed: npt.ArrayLike,
    real_tokens: npt.ArrayLike,
    *,
    n_best_size: int = N_BEST_SIZE,
    max_answer_length: int = MAX_ANSWER_LENGTH,
) -> WindowAnswers:
    """Finds the best span of each window.

    Args:
        start_logits: Floats [B, T]; compared as float32, added as float64.
        end_logits: Floats [B, T].
        start_allowed: bool [B, T], where an answer may start.
        end_allowed: bool [B, T], where it may end.
        real_tokens: bool [B, T], what is not padding.
        n_best_size: How many starts and ends are paired.
        max_answer_length: The longest answer, in tokens.

    Returns:
        The windows' answers.

    Example:
        >>> mask = np.array([[False, True, True, True]])
        >>> answers = decode_windows(
        ...     [[9.0, 1.0, 3.0, 0.0]], [[9.0, 5.0, 1.0, 2.0]], mask, mask, mask | True)
        >>> answers.start_token, answers.end_token, answers.score, answers.null_score
        (array([1], dtype=int32), array([1], dtype=int32), array([6.]), array([18.]))
    """
    starts = np.asarray(start_logits, np.float32)
    ends = np.asarray(end_logits, np.float32)
    allowed = np.asarray(start_allowed, bool), np.asarray(end_allowed, bool)
    real = np.asarray(real_tokens, bool)
    _check_shapes(starts, ends, *allowed, real)
    answers = WindowAnswers.empty(len(starts))
    for rows in _slices(len(starts)):
        pairs = score_pairs(
            starts[rows],
            ends[rows],
            allowed[0][rows],
            allowed[1][rows],
            real[rows],
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
        )
        answers.put(rows, _best_pairs(pairs, starts[rows], ends[rows], real[rows]))
    return answers


def score_pairs(
    start_logits: npt.NDArray[np.float32],
    end_logits: npt.NDArray[np.float32],
    start_allowed: npt.NDArray[np.bool_],
    end_allowed: npt.NDArray[np.bool_],
    real_tokens: npt.NDArray[np.bool_],
    *,
    n_best_size: int,
    max_answer_length: int,
) -> Pairs:
    """Scores all pairs of the windows' best starts and ends; arguments as above."""
    starts = _top_positions(start_logits, real_tokens, n_best_size)
    ends = _top_positions(end_logits, real_tokens, n_best_size)
    start_scores = _masked_scores(start_logits, start_allowed & real_tokens, starts)
    end_scores = _masked_scores(end_logits, end_allowed & real_tokens, ends)
    num_later = ends[:, None, :] - starts[:, :, None]
    valid = (num_later >= 0) & (num_later < max_answer_length)
    scores = start_scores[:, :, None] + end_scores[:, None, :]
    scores[~valid] = -np.inf
    return Pairs(starts, ends, scores)


def _best_pairs(
    pairs: Pairs,
    start_logits: npt.NDArray[np.float32],
    end_logits: npt.NDArray[np.float32],
    real_tokens: npt.NDArray[np.bool_],
) -> WindowAnswers:
    """Takes each window's best pair, the first one in a tie."""
    count, width, _ = pairs.scores.shape
    rows = np.arange(count)
    flat = pairs.scores.reshape(count, width * width)
    best = flat.argmax(axis=1)
    score = flat[rows, best]
    found = score > -np.inf
    finite = np.isfinite(start_logits) & np.isfinite(end_logits)
    broken = (real_tokens & ~finite).any(axis=1)
    null_score = start_logits[:, 0].astype(np.float64) + end_logits[:, 0]
    return WindowAnswers(
        start_token=np.where(found, pairs.starts[rows, best // width], -1),
        end_token=np.where(found, pairs.ends[rows, best % width], -1),
        score=np.where(broken, np.nan, score),
        null_score=np.where(broken, np.nan, null_score),
    )


def _top_positions(
    logits: npt.NDArray[np.float32], real_tokens: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.int64]:
    """Returns the positions [B, K] of the largest logits, by rank.

    Logit and position are packed into one integer, the logit in the high bits and the
    position, negated, in the low ones. Such keys are all different, so an unstable
    partial sort finds what a stable full sort would, several times faster.
    """
    num_tokens = logits.shape[1]
    count = min(count, num_tokens)
    bits = (logits + np.float32(0.0)).view(np.int32)  # -0.0 becomes 0.0
    ordered = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
    ordered[~real_tokens] = np.iinfo(np.int32).min
    keys = (ordered << _LOW_BITS) | np.arange(num_tokens - 1, -1, -1)
    top = np.partition(keys, num_tokens - count, axis=1)[:, num_tokens - count :]
    top.sort(axis=1)
    return (num_tokens - 1 - (top & ((1 << _LOW_BITS) - 1)))[:, ::-1]


def _masked_scores(
    logits: npt.NDArray[np.float32],
    allowed: npt.NDArray[np.bool_],
    positions: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Returns the logits [B, K] at positions, -inf where not allowed."""
    taken = np.take_along_axis(logits, positions, axis=1).astype(np.float64)
    taken[~np.take_along_axis(allowed, positions, axis=1)] = -np.inf
    return taken


def _slices(count: int) -> Iterator[slice]:
    """Cuts rows into parts whose pairs fit into the cache."""
    for first in range(0, count, _ROWS_AT_ONCE):
        yield slice(first, min(first + _ROWS_AT_ONCE, count))


def _check_shapes(*arrays: npt.NDArray[np.generic]) -> None:
    """Refuses arrays that are not all [B, T]."""
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or not shapes[0][1]:
        raise ValueError(
            "expected logits and masks of one shape [windows, tokens]. Received: "
            f"{', '.join(map(str, shapes))}"
        )
