"""What signatures do about ids that the model does not have (TensorFlow only).

A server joins the rows of several clients into one call, and on a CPU one token id
without a row in the embedding makes the whole call fail. So the signatures clip ids
into their ranges, and a row that had an id outside gets NaN; the other rows keep their
numbers. Sequences longer than the model's positions are still refused: length is a
shape, which all rows of a call share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from zonekeras.models.encoder_config import EncoderConfig


def clip_ids(
    inputs: Mapping[str, Any], config: EncoderConfig
) -> tuple[dict[str, Any], Any]:
    """Clips ids into the ranges that a model has.

    Args:
        inputs: int32 [B, T] `token_ids`, `segment_ids` and `roles`.
        config: The model's encoder. If it has no segments, every segment id is allowed.

    Returns:
        The inputs, and bool [B], whether a row had an id outside.
    """
    clipped = {
        name: tf.clip_by_value(inputs[name], 0, limit - 1)
        for name, limit in config.id_limits.items()
    }
    is_bad = tf.reduce_any(
        [tf.reduce_any(ids != inputs[name], axis=1) for name, ids in clipped.items()],
        axis=0,
    )
    return {**inputs, **clipped}, is_bad


def fill_rows(outputs: Mapping[str, Any], is_bad: Any) -> dict[str, Any]:
    """Puts NaN into rows.

    Args:
        outputs: float32 [B, ...].
        is_bad: bool [B], into which.
    """
    nan = tf.constant(float("nan"))
    return {
        name: tf.where(
            tf.reshape(is_bad, [-1, *[1] * (values.shape.rank - 1)]), nan, values
        )
        for name, values in outputs.items()
    }
