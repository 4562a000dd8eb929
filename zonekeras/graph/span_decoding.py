"""From logits to the best span of each window, in a graph; see `data.decoding`.

Axes: `B` windows, `T` tokens, `K` best starts and ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

_NO_SCORE = float("-inf")


class WindowAnswers(NamedTuple):
    """The best span of each window.

    Attributes:
        start_token: int32 [B], position in the window; -1 where no span is valid.
        end_token: int32 [B], likewise; inclusive.
        score: float64 [B], start logit + end logit; -inf where no span is valid.
        null_score: float64 [B], the two logits of CLS, added.
        is_broken: bool [B], whether a real token's logit is not finite.
    """

    start_token: Any
    end_token: Any
    score: Any
    null_score: Any
    is_broken: Any


def decode_windows(
    start_logits: Any,
    end_logits: Any,
    start_allowed: Any,
    end_allowed: Any,
    real_tokens: Any,
    *,
    n_best_size: int,
    max_answer_length: int,
) -> WindowAnswers:
    """Finds the best span of each window.

    Ties are broken as in `data.decoding`, since `top_k` puts the lower index first.

    Args:
        start_logits: float32 [B, T].
        end_logits: float32 [B, T].
        start_allowed: bool [B, T], where an answer may start.
        end_allowed: bool [B, T], where it may end.
        real_tokens: bool [B, T], what is not padding.
        n_best_size: How many starts and ends are paired.
        max_answer_length: The longest answer, in tokens.
    """
    width = tf.minimum(n_best_size, tf.shape(start_logits)[1])
    starts, start_scores = _best(start_logits, start_allowed, real_tokens, width)
    ends, end_scores = _best(end_logits, end_allowed, real_tokens, width)
    num_later = ends[:, None, :] - starts[:, :, None]
    scores = tf.where(
        (num_later >= 0) & (num_later < max_answer_length),
        start_scores[:, :, None] + end_scores[:, None, :],
        tf.constant(_NO_SCORE, tf.float64),
    )
    best = tf.math.top_k(tf.reshape(scores, [-1, width * width]), k=1)
    score, place = best.values[:, 0], best.indices[:, 0]
    found = score > _NO_SCORE
    start = tf.gather(starts, place // width, axis=1, batch_dims=1)
    end = tf.gather(ends, place % width, axis=1, batch_dims=1)
    finite = tf.math.is_finite(start_logits) & tf.math.is_finite(end_logits)
    return WindowAnswers(
        start_token=tf.where(found, start, -1),
        end_token=tf.where(found, end, -1),
        score=score,
        null_score=_double(start_logits[:, 0]) + _double(end_logits[:, 0]),
        is_broken=tf.reduce_any(real_tokens & ~finite, axis=1),
    )


def _best(logits: Any, allowed: Any, real: Any, width: Any) -> tuple[Any, Any]:
    """Returns the places of the largest logits, int32 [B, K], and their scores."""
    ranked = tf.where(real, logits, _NO_SCORE)
    top = tf.math.top_k(ranked, k=width)
    is_allowed = tf.gather(allowed & real, top.indices, axis=1, batch_dims=1)
    scores = tf.where(
        is_allowed, _double(top.values), tf.constant(_NO_SCORE, tf.float64)
    )
    return top.indices, scores


def _double(values: Any) -> Any:
    return tf.cast(values, tf.float64)
