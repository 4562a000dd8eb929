"""The loss of a reader's logits, its slope and its curvature.

The loss of a window is the mean of the cross-entropies of the answer's first and last
token, in nats. Unlike in training, padding takes no part, so that the loss does not
depend on how far a window is padded.

Axis letters: `B` batch, `T` tokens.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from zonekeras.layers.zone_gates import MASKED_SCORE
from zonekeras.zones import Role


def window_losses(logits: Any, targets: Any, roles: Any) -> Any:
    """Returns each window's loss.

    Args:
        logits: float32 [B, T, 2].
        targets: int32 [B, 2], first and last token of the answer; 0 (CLS) for none.
        roles: int32 [B, T].

    Returns:
        float32 [B].
    """
    logits = _without_padding(logits, roles)
    of_targets = ops.take_along_axis(logits, ops.expand_dims(targets, 1), axis=1)
    return ops.mean(ops.logsumexp(logits, axis=1) - of_targets[:, 0], axis=-1)


def loss_slope(logits: Any, targets: Any, roles: Any) -> Any:
    """Returns the derivative of each window's loss by its logits.

    Args are those of `window_losses`.

    Returns:
        float32 [B, T, 2]: half of softmax minus target.
    """
    shares = ops.softmax(_without_padding(logits, roles), axis=1)
    of_targets = ops.one_hot(targets, ops.shape(logits)[1], dtype=logits.dtype)
    return (shares - ops.swapaxes(of_targets, 1, 2)) / 2


def curvature_probe(logits: Any, signs: Any, roles: Any) -> Any:
    """Returns a random square root of the loss' second derivative by the logits.

    The second derivative is half of diag(p) - p p^T for starts and likewise for ends,
    whatever the targets. A probe u with independent signs has the mean of u u^T there,
    so that the mean of (u^T J)^2 is the curvature along a direction J of the logits.
    Signs vary less than probes of drawn labels, whose rare ones weigh most.

    Args:
        logits: float32 [B, T, 2].
        signs: float32 [B, T, 2], independent, 1 or -1 with equal chances.
        roles: int32 [B, T].

    Returns:
        float32 [B, T, 2].
    """
    roots = ops.sqrt(ops.softmax(_without_padding(logits, roles), axis=1))
    centers = roots * ops.sum(roots * signs, axis=1, keepdims=True)
    return roots * (signs - centers) / math.sqrt(2)


def _without_padding(logits: Any, roles: Any) -> Any:
    is_padding = ops.expand_dims(ops.equal(roles, int(Role.PAD)), -1)  # [B, T, 1]
    return ops.where(is_padding, MASKED_SCORE, logits)
