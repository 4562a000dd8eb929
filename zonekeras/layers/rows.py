"""Choosing tokens of a batch.

Axis letters: `B` batch, `T` tokens, `M` chosen ones.
"""

from __future__ import annotations

from typing import Annotated

from keras import ops

from zonekeras.layers.tensors import Tensor


def take_rows(
    values: Annotated[Tensor, "B T ..."], rows: Annotated[Tensor, "B M"]
) -> Annotated[Tensor, "B M ..."]:
    """Takes tokens out of each example, some several times.

    One gather of whole rows: `keras.ops.take_along_axis` would gather number by number.

    Args:
        values: Of any dtype.
        rows: int32, positions among the T.

    Returns:
        The tokens, of the dtype of `values`.
    """
    batch, length, *tail = ops.shape(values)
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * length, 1)
    return ops.take(ops.reshape(values, (-1, *tail)), rows + first, axis=0)
