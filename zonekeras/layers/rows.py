"""Choosing tokens of a batch."""

from __future__ import annotations

from typing import Any

from keras import ops


def take_rows(values: Any, rows: Any) -> Any:
    """Takes tokens out of each example, some several times.

    One gather of whole rows: `keras.ops.take_along_axis` would gather number by number.

    Args:
        values: [B, T, ...].
        rows: int32 [B, M], positions among the T.

    Returns:
        [B, M, ...], of the dtype of `values`.
    """
    batch, length, *tail = ops.shape(values)
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * length, 1)
    return ops.take(ops.reshape(values, (-1, *tail)), rows + first, axis=0)
