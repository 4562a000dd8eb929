"""What a step minimizes: losses of single windows. TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_SMALLEST_REST = 1e-7
"""What is taken for `1 - p` where it is less."""


def span_loss(logits: Any, targets: Any) -> Any:
    """Returns each window's loss: the mean of start and end cross-entropy.

    Args:
        logits: float32 [B, T, 2]. Padding takes part, as in BERT's script.
        targets: int32 [B, 2], first and last token of the answer; 0 (CLS) for none.

    Returns:
        float32 [B].
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=targets,
        logits=tf.transpose(logits, [0, 2, 1]),  # [B, 2, T]
    )
    return tf.reduce_mean(losses, axis=-1)


def class_loss(
    class_weights: npt.NDArray[np.float32] | None = None,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> Callable[[Any, Any], Any]:
    """Returns the loss of windows that are each of one class.

    With `p` the softmax of a window's logits, `y` its class and `q` the smoothed
    target (`1 - s + s / K` at `y`, `s / K` elsewhere):

        - weight[y] · sum over k of q[k] · (1 - p[k]) ** gamma · log p[k]

    Without options that is the cross-entropy, and with `gamma` alone the focal loss.

    Args:
        class_weights: float32 [K or more], a factor for the windows of each class.
        label_smoothing: `s`, the part of the target that all classes share.
        focal_gamma: `gamma`: how far windows that are right already count less.

    Returns:
        float32 logits [B, K] and int32 targets [B] -> float32 [B].

    Source: focal loss (arXiv:1708.02002), label smoothing (arXiv:1512.00567).
    """

    def loss(logits: Any, targets: Any) -> Any:
        if not label_smoothing and not focal_gamma:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        else:
            log_shares = tf.nn.log_softmax(logits)  # [B, K]
            num_classes = tf.shape(logits)[1]
            share = label_smoothing / tf.cast(num_classes, tf.float32)
            smooth = tf.one_hot(targets, num_classes) * (1.0 - label_smoothing) + share
            terms = smooth * log_shares
            if focal_gamma:
                # Not 1 - exp, which loses all digits; and no power of 0, whose
                # gradient need not be finite.
                rest = tf.maximum(-tf.math.expm1(log_shares), _SMALLEST_REST)
                terms *= tf.pow(rest, focal_gamma)
            losses = -tf.reduce_sum(terms, axis=1)
        if class_weights is not None:
            losses *= tf.gather(tf.constant(class_weights, tf.float32), targets)
        return losses

    return loss


def balanced_weights(targets: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Returns weights by which all classes have the same sum; their mean is 1.

    Args:
        targets: int32 [W], the class of each window.

    Returns:
        float32 [K], K one more than the largest; W / (classes that occur · windows of
        the class), and 0 of classes that do not occur.

    Example:
        >>> balanced_weights(np.array([0, 0, 0, 0, 2, 2], np.int32)).tolist()
        [0.75, 0.0, 1.5]
    """
    counts = np.bincount(targets)
    occurs = counts > 0
    weights = np.zeros(len(counts), np.float32)
    weights[occurs] = len(targets) / (occurs.sum() * counts[occurs])
    return weights
